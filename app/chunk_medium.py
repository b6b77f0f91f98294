"""Which medium keeps the chunks, as the settings say; an object server of ours runs as long as it is used."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.config import S3, SettingsError, Storage
from storage.disk import Disk
from storage.local import LocalMedium
from storage.s3.bucket import Bucket
from storage.store import OpenMedium


@contextlib.contextmanager
def chunk_medium(settings: Storage, folder: Path, disk: Disk) -> Iterator[OpenMedium]:
    """Yield what opens the medium, for as long as that is needed. Blocks while an object server starts and stops.

    Args:
        settings: of the store.
        folder: for an object server of ours.
        disk: the seam for file operations.

    Raises:
        SettingsError: what it needs is not set, or a file with a secret cannot be read.
        BadStoreError: the object server does not start.
    """
    if settings.backend == "local":
        yield LocalMedium.open
        return
    # The SDK under these takes memory that a local store has better use for.
    from storage.s3.bundled import object_server  # noqa: PLC0415
    from storage.s3.medium import S3Medium  # noqa: PLC0415

    if settings.backend == "s3" or settings.s3.endpoint:
        yield partial(S3Medium.open, bucket=_bucket_of(settings.s3))
        return
    with object_server(settings.backend, folder, disk) as (server, bucket):
        yield partial(S3Medium.open, bucket=bucket, settle=server.settle)


def _bucket_of(s3: S3) -> Bucket:
    secret_key = _secret_of(s3)
    if not s3.endpoint or not s3.access_key or not secret_key:
        raise SettingsError(
            'storage.backend = "s3" needs storage.s3.endpoint, access_key, and secret_key or secret_key_file.'
        )
    return Bucket(
        endpoint=s3.endpoint,
        name=s3.bucket,
        access_key=s3.access_key,
        secret_key=secret_key,
        region=s3.region,
        prefix=s3.prefix,
        path_style=s3.path_style,
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
