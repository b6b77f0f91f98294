"""Makes what is uploaded: new random bytes each time, so that no server knows any of them already."""

import os
from pathlib import Path

MIB = 2**20
FILES_PER_FOLDER = 100


def write_random(path: Path, size: int) -> None:
    """Write a file of `size` random bytes, which is a multiple of 1 MiB."""
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))


def touch_memory(path: Path, size: int) -> None:
    """Fill `size` bytes of page cache and give them back, so that what comes next finds memory that is in use already.

    A virtual machine gets memory from its host at the first touch, which was seen to cost up to four times the writing
    itself. Whoever writes to new pages would pay for that, and whoever comes after a deletion would not.
    """
    with path.open("wb", buffering=0) as file:
        for _ in range(size // MIB):
            file.write(bytes(MIB))
    path.unlink()


def write_tree(folder: Path, *, files: int, size: int) -> None:
    """Write `files` files of `size` random bytes each into new folders of a hundred below `folder`."""
    for number in range(files):
        place = folder / f"{number // FILES_PER_FOLDER:04}"
        if number % FILES_PER_FOLDER == 0:
            place.mkdir(parents=True)
        (place / f"{number:06}.bin").write_bytes(os.urandom(size))


def write_flat(folder: Path, *, files: int) -> None:
    """Write `files` small files, no two alike, into one new folder."""
    folder.mkdir()
    for number in range(files):
        (folder / f"photo {number:06}.jpg").write_bytes(os.urandom(64))
