"""Which media keep the chunks, as settings and index say; an object server of ours runs as long as it is used."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from app.config import S3, SettingsError, Storage
from storage import layout, moves
from storage.base import Backend
from storage.disk import Disk
from storage.errors import BadStoreError
from storage.local import LocalMedium
from storage.media import Media
from storage.medium import Medium
from storage.moves import Move
from storage.outpost import Receiving
from storage.s3.bucket import Bucket
from storage.store import INDEX_NAME, OpenMedium

LOCAL = "local"

logger = logging.getLogger(__name__)


class Sides:
    """Opens one side of a move after the other: the files of a folder, and a bucket of one kind."""

    def __init__(self, settings: Storage, folder: Path, disk: Disk, origin: str = "") -> None:
        """Open nothing yet.

        Args:
            settings: of the store.
            folder: for an object server of ours.
            disk: the seam for file operations.
            origin: of the pages that may reach a bucket themselves; empty for none.
        """
        self._settings = settings
        self._origin = origin
        self._folder = folder
        self._disk = disk
        self._exits = contextlib.ExitStack()

    def open(self, kind: str, root: Path, *, is_beside: bool) -> Medium:
        """Return the medium of a kind, as settings name them. Blocks while an object server starts.

        Args:
            kind: which one.
            root: the folder of the store.
            is_beside: the store has, or had, chunks elsewhere as well.

        Raises:
            SettingsError: what it needs is not set, or a file with a secret cannot be read.
            BadStoreError: the object server does not start, or holds what is not ours.
        """
        if kind == LOCAL:
            return (LocalMedium.beside if is_beside else LocalMedium.open)(root, self._disk)
        # The SDK under these takes memory that a local store has better use for.
        from storage.s3.bundled import object_server  # noqa: PLC0415
        from storage.s3.medium import S3Medium  # noqa: PLC0415

        if kind == "s3" or self._settings.s3.endpoint:
            bucket = _bucket_of(self._settings.s3, self._origin)
            return S3Medium.open(root, self._disk, bucket=bucket, is_beside=is_beside)
        server, bucket = self._exits.enter_context(object_server(kind, self._folder, self._disk))
        return S3Medium.open(root, self._disk, bucket=bucket, settle=server.settle, is_beside=is_beside)

    def close(self) -> None:
        """Stop object servers of ours. Blocks."""
        self._exits.close()


@contextlib.contextmanager
def chunk_medium(settings: Storage, folder: Path, disk: Disk, origin: str = "") -> Iterator[OpenMedium]:
    """Yield what opens the medium or both media, for as long as that is needed; raises then as `Sides.open` does.

    Args:
        settings: of the store.
        folder: for an object server of ours.
        disk: the seam for file operations.
        origin: as for `Sides`.
    """
    with contextlib.closing(Sides(settings, folder, disk, origin)) as sides:
        yield lambda root, disk: _open(sides, settings, root, disk)


def _open(sides: Sides, settings: Storage, root: Path, disk: Disk) -> Medium:
    """Return where the chunks lie: if they ever moved, the index knows better than the settings."""
    move = moves.read_from(root / INDEX_NAME)
    if move is None:
        return sides.open(settings.backend, root, is_beside=False)
    settle_layout(root, disk, move)
    main = kind_of(settings, move, move.target)
    if not move.is_both:
        if main != settings.backend:
            logger.warning('chunks were moved: set storage.backend = "%s"', main)
        return sides.open(main, root, is_beside=True)
    with contextlib.ExitStack() as opened:
        old = sides.open(kind_of(settings, move, move.source), root, is_beside=True)
        opened.callback(old.close)
        both = Media(sides.open(main, root, is_beside=True), old)
        opened.pop_all()
        return both


def medium_beside(settings: Storage, root: Path, disk: Disk) -> Receiving:
    """Return the medium of a store that another process of this machine has open, and that does not move. Blocks.

    Raises:
        BadStoreError: chunks are on their way, or with an object server that serves the other process alone.
        SettingsError: as `Sides.open` raises it.
    """
    found = layout.read_layout(root, disk)
    if found == layout.LAYOUT:
        return LocalMedium(root, disk)
    if found == layout.BOTH:
        raise BadStoreError("chunks are on their way to another store: processes of their own wait until that is done")
    if not settings.s3.endpoint:
        raise BadStoreError("chunks lie with an object server that runs beside the main process, for that one alone")
    from storage.s3.medium import S3Medium  # noqa: PLC0415 - as above

    bucket = replace(_bucket_of(settings.s3, ""), public_endpoint="")  # the main process alone lets clients at it
    is_beside = moves.read_from(root / INDEX_NAME) is not None
    return S3Medium.open(root, disk, bucket=bucket, is_beside=is_beside)


def kind_of(settings: Storage, move: Move, backend: Backend) -> str:
    """Return the kind of one side of a move: of a bucket, what the settings name if they name one."""
    if backend is Backend.LOCAL:
        return LOCAL
    return settings.backend if settings.backend != LOCAL else move.bucket


def settle_layout(root: Path, disk: Disk, move: Move) -> None:
    """Let the folder say where chunks lie, should a stop have come before that was written."""
    say: Callable[[Path, Disk], None] = layout.say_both
    if not move.is_both:
        say = layout.say_files if move.target is Backend.LOCAL else layout.say_bucket
    say(root, disk)


def _bucket_of(s3: S3, origin: str) -> Bucket:
    secret_key = _secret_of(s3)
    if not s3.endpoint or not s3.access_key or not secret_key:
        raise SettingsError(
            "A store in a bucket needs storage.s3.endpoint, access_key, and secret_key or secret_key_file."
        )
    return Bucket(
        endpoint=s3.endpoint,
        name=s3.bucket,
        access_key=s3.access_key,
        secret_key=secret_key,
        region=s3.region,
        prefix=s3.prefix,
        path_style=s3.path_style,
        public_endpoint=s3.public_endpoint.rstrip("/"),
        origin=origin,
        connect_timeout_s=s3.connect_timeout_s,
        read_timeout_s=s3.read_timeout_s,
    )


def _secret_of(s3: S3) -> str:
    if not s3.secret_key_file:
        return s3.secret_key
    try:
        return Path(s3.secret_key_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"storage.s3.secret_key_file: {s3.secret_key_file} cannot be read.") from error
