"""Disks to try: the folder of the tests, and one of each kind that root may mount."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.disk.pair import Pair


def mounted(folder: Path, *arguments: str) -> Iterator[Path]:
    """Mount something on a new folder for as long as a test runs; skip if it cannot be."""
    folder.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no mount here: {done.stderr.decode(errors='replace').partition(chr(10))[0]}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    yield from mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=1m", "tmpfs")


@pytest.fixture
def folding_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 whose folder takes names as one that differ in case or form."""
    image = tmp_path / "image"
    if shutil.which("mkfs.ext4") is None or shutil.which("chattr") is None:
        pytest.skip("no tools of ext4 here")
    with image.open("wb") as file:
        file.truncate(16 << 20)
    made = subprocess.run(
        ["mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding=utf8", str(image)], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("this mkfs.ext4 knows no case folding")
    for folder in mounted(tmp_path / "folding", "-o", "loop", str(image)):
        root = folder / "root"
        root.mkdir()
        if subprocess.run(["chattr", "+F", str(root)], capture_output=True, check=False).returncode != 0:
            pytest.skip("this kernel knows no case folding")
        yield root


@pytest.fixture(params=["here", "tmpfs", "folding"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    """A real disk and the simulated one of its kind."""
    if request.param == "here":
        folder = tmp_path / "here"
        folder.mkdir()
    else:
        folder = request.getfixturevalue("small_disk" if request.param == "tmpfs" else "folding_disk")
    pair = Pair(folder)
    yield pair
    pair.real.close()
