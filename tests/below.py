"""Puts an object server below every server of a test run: those in this process, and those that it starts."""

import contextlib
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest.mock import patch

from storage.disk import Disk
from storage.layout import LAYOUT_NAME
from storage.store import OpenMedium
from storage.verify import Finding, verify_store
from tests import server as processes
from tests.storage.servers import S3Server, part


@contextlib.contextmanager
def below_all_servers(server: S3Server) -> Iterator[None]:
    """Let each data folder have a part of the bucket, the same one whenever it is opened."""
    import app.foundation  # noqa: PLC0415 - most runs have no use for it
    import app.services.fsck  # noqa: PLC0415
    from storage.s3.medium import S3Medium  # noqa: PLC0415

    def open_part(root: Path, disk: Disk, *, name: str) -> S3Medium:
        of_whom = root.parent / "below"
        if not of_whom.exists() or of_whom.read_text() != name:  # a copy of a prepared folder, whose store is empty
            (root / LAYOUT_NAME).unlink(missing_ok=True)
            of_whom.write_text(name)
        return S3Medium.open(root, disk, bucket=part(server.bucket, name))

    @contextlib.contextmanager
    def chunk_medium(_: object, folder: Path, *__: object) -> Iterator[OpenMedium]:
        yield partial(open_part, name=_name_of(folder.parent))

    def environment(data: Path) -> dict[str, str]:
        bucket = part(server.bucket, _name_of(data))
        settings = {
            "ENDPOINT": bucket.endpoint,
            "BUCKET": bucket.name,
            "PREFIX": bucket.prefix,
            "ACCESS_KEY": bucket.access_key,
            "SECRET_KEY": bucket.secret_key,
        }
        return {"CAIRN_STORAGE__BACKEND": "s3", **{f"CAIRN_STORAGE__S3__{name}": settings[name] for name in settings}}

    def verify(folder: Path, *, disk: Disk, content: bool, open_medium: object) -> Iterator[Finding]:
        medium = partial(open_part, name=_name_of(folder.parent))
        return verify_store(folder, disk=disk, content=content, open_medium=medium)

    with (
        patch.object(app.foundation, "chunk_medium", chunk_medium),
        patch.object(app.services.fsck, "verify_store", verify),
        patch.object(processes, "STORE", environment),
    ):
        yield


def _name_of(folder: Path) -> str:
    return hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
