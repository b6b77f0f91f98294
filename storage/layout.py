"""What the folder of a store says of where its chunks lie, for a start that is told something else.

`layout` says "files", or names the store for its bucket, or, while chunks move from one to the other, says both. A
store whose chunks have ever been in both keeps its name for a bucket in a file of its own.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from storage.disk import Disk, replace_file
from storage.errors import StoreUnavailableError

LAYOUT_NAME = "layout"
LAYOUT = b"cairn chunks 1\n"
BOTH = b"cairn chunks in files and a bucket 1\n"
CLAIM_NAME = "bucket"
BUCKET_LINE = "cairn chunks in a bucket 1"
MARKED = b"marked\n"


def read_layout(root: Path, disk: Disk) -> bytes:
    """Return what the folder says, nothing where it is new."""
    return _read(root / LAYOUT_NAME, disk)


def read_claim(root: Path, disk: Disk) -> tuple[Path, bytes]:
    """Return in which file the store's name for a bucket stands or is to stand, and what is in it."""
    apart = root / CLAIM_NAME
    if found := _read(apart, disk):
        return apart, found
    layout = read_layout(root, disk)
    return (apart, b"") if layout in {LAYOUT, BOTH} else (root / LAYOUT_NAME, layout)


def say_both(root: Path, disk: Disk) -> None:
    """Say durably that chunks lie in files and in a bucket: nobody may take one for all."""
    path, claim = read_claim(root, disk)
    if claim and path.name == LAYOUT_NAME:
        replace_file(disk, root / CLAIM_NAME, claim)
    _say(root, disk, BOTH)


def say_files(root: Path, disk: Disk) -> None:
    """Say durably that all chunks lie in files."""
    _say(root, disk, LAYOUT)


def say_bucket(root: Path, disk: Disk) -> None:
    """Say durably that all chunks lie in the bucket."""
    _say(root, disk, read_claim(root, disk)[1])


def unmark(root: Path, disk: Disk) -> None:
    """Note durably that no bucket has to bear this store's name: the one that did was emptied."""
    path, claim = read_claim(root, disk)
    name = claim.decode("ascii").splitlines()[:2]
    if path.name == CLAIM_NAME and name:
        replace_file(disk, path, "".join(f"{line}\n" for line in name).encode())


def mark(root: Path, disk: Disk) -> None:
    """Note durably that the bucket has to bear this store's name again, once chunks go there anew."""
    path, claim = read_claim(root, disk)
    if path.name == CLAIM_NAME and len(claim.splitlines()) == 2:  # noqa: PLR2004 - the third says so
        replace_file(disk, path, claim + MARKED)


def _say(root: Path, disk: Disk, text: bytes) -> None:
    if read_layout(root, disk) != text:
        replace_file(disk, root / LAYOUT_NAME, text)


def _read(path: Path, disk: Disk) -> bytes:
    try:
        return disk.read(path)
    except FileNotFoundError:
        return b""


@contextlib.contextmanager
def relied_on(root: Path, *, alone: bool) -> Iterator[None]:
    """Hold on to where chunks lie for the time of a block: many processes may, or one alone that is to change it.

    Raises:
        StoreUnavailableError: others count on it, or somebody is changing it.
    """
    descriptor = os.open(root / "layout.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailableError(
                "Processes of their own serve chunks from where they lie: stop those with --role chunks, then begin."
                if alone
                else "The chunks are just beginning to move."
            ) from None
        yield
    finally:
        os.close(descriptor)
