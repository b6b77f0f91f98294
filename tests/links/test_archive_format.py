"""Zips beyond the old limits, made by the pure functions and read by Python and by the tools that are here."""

import io
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.services.archive_format import Entry, end_of

HOLE = 1024 * 1024
LARGE = 4 * 2**30 + 12_345


def write(path: Path, entries: list[Entry], *, crc_of: dict[bytes, int]) -> None:
    """Write a zip whose contents are zero bytes, as holes."""
    with path.open("wb") as file:
        begins = []
        for entry in entries:
            begins.append(file.tell())
            file.write(entry.header())
            file.seek(entry.size, io.SEEK_CUR)
            if entry.has_content:
                file.write(entry.descriptor(crc_of[entry.name]))
            assert file.tell() == begins[-1] + entry.whole_size
        central_at = file.tell()
        for entry, at in zip(entries, begins, strict=True):
            record = entry.central(at, crc_of.get(entry.name, 0))
            assert len(record) == entry.central_size(at)
            file.write(record)
        file.write(end_of(len(entries), central_at, file.tell() - central_at))


def crc_of_zeros(size: int) -> int:
    """Return the CRC-32 of so many zero bytes."""
    crc, rest = 0, size
    while rest:
        crc, rest = zlib.crc32(bytes(min(rest, HOLE)), crc), rest - min(rest, HOLE)
    return crc


def test_more_than_65535_entries_are_all_found(tmp_path: Path) -> None:
    entries = [Entry(b"d/%d" % number, 0, 1_700_000_000_000) for number in range(70_000)]

    write(tmp_path / "many.zip", entries, crc_of={})

    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert [entry.filename.encode() for entry in archive.infolist()] == [entry.name for entry in entries]


def test_a_file_of_more_than_4_gib_and_what_comes_behind_it_are_found(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    entries = [Entry(b"large", LARGE, 0), Entry(b"behind", 3, 0), Entry(b"folder/", 0, 0, is_folder=True)]
    write(path, entries, crc_of={b"large": crc_of_zeros(LARGE), b"behind": zlib.crc32(bytes(3))})

    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        with archive.open("behind") as behind:
            assert behind.read() == bytes(3)
    assert sizes == {"large": LARGE, "behind": 3, "folder/": 0}
    if shutil.which("unzip"):
        listed = subprocess.run(["unzip", "-l", str(path)], capture_output=True, text=True, check=True).stdout
        assert str(LARGE) in listed


@pytest.mark.soak
def test_every_byte_of_a_file_of_more_than_4_gib_is_checked(tmp_path: Path) -> None:
    write(tmp_path / "large.zip", [Entry(b"large", LARGE, 0)], crc_of={b"large": crc_of_zeros(LARGE)})

    with zipfile.ZipFile(tmp_path / "large.zip") as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("mtime_ms", [-(2**53), -1, 0, 1_700_000_000_123, 2**53])
def test_any_time_can_stand_in_a_zip(tmp_path: Path, mtime_ms: int) -> None:
    write(tmp_path / "t.zip", [Entry(b"t", 0, mtime_ms)], crc_of={})

    with zipfile.ZipFile(tmp_path / "t.zip") as archive:
        assert archive.infolist()[0].date_time >= (1980, 1, 1, 0, 0, 0)


EXTRACTORS = {
    "unzip": ["unzip", "-q", "{zip}", "-d", "{to}"],
    "bsdtar": ["bsdtar", "-xf", "{zip}", "-C", "{to}"],
    "7z": ["7z", "x", "-y", "-o{to}", "{zip}"],
    "python": ["python3", "-m", "zipfile", "-e", "{zip}", "{to}"],
}


@pytest.mark.parametrize("tool", EXTRACTORS)
def test_tools_extract_what_was_put_in(tmp_path: Path, tool: str) -> None:
    if shutil.which(EXTRACTORS[tool][0]) is None:
        pytest.skip(f"there is no {tool} here")
    entries = [
        Entry(b"d/", 0, 1_700_000_000_000, is_folder=True),
        Entry("d/näme".encode(), 300_000, 1_700_000_000_000, executable=True),
        Entry(b"d/none", 0, 1_700_000_000_000),
    ]
    write(tmp_path / "a.zip", entries, crc_of={"d/näme".encode(): crc_of_zeros(300_000)})
    (tmp_path / "to").mkdir()

    command = [part.format(zip=tmp_path / "a.zip", to=tmp_path / "to") for part in EXTRACTORS[tool]]
    subprocess.run(command, check=True, capture_output=True)

    assert {path.relative_to(tmp_path / "to").as_posix() for path in walk(tmp_path / "to")} == {"d", "d/näme", "d/none"}
    assert (tmp_path / "to/d/näme").read_bytes() == bytes(300_000)
    if tool in ("unzip", "bsdtar"):
        assert (tmp_path / "to/d/näme").stat().st_mode & 0o777 == 0o755
        assert (tmp_path / "to/d/näme").stat().st_mtime == 1_700_000_000


def walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        yield path
        if path.is_dir():
            yield from walk(path)
