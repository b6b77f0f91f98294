"""The check of a store names each thing that is wrong, and nothing on a store that is well."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.base import ChunkId, ChunkState
from storage.disk import LocalDisk
from storage.errors import StorageError
from storage.store import INDEX_NAME
from storage.verify import Finding, Problem, verify_store
from tests.simdisk import SimDisk
from tests.storage.makers import id_of, noise, opened, put

FILE, ROW, TEXT = noise(1), noise(2, 1000), noise(3, 100_000).hex().encode()


def check(folder: Path, *, content: bool = True) -> list[Finding]:
    return list(verify_store(folder, disk=LocalDisk(), content=content))


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A closed store with a chunk in a file, one in a row, and one that is compressed."""
    async with opened(tmp_path / "store", LocalDisk()) as store:
        for data in (FILE, ROW, TEXT):
            await put(store, "u", data)
    return tmp_path / "store"


def path_of(folder: Path, data: bytes) -> Path:
    (path,) = (folder / "chunks").rglob(f"{id_of(data).hex()}*")
    return path


def change_index(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / INDEX_NAME)
    with connection:
        connection.execute(statement, values)
    connection.close()


def remove_file(folder: Path) -> None:
    path_of(folder, FILE).unlink()


def remove_row(folder: Path) -> None:
    change_index(folder, "DELETE FROM small")


def lengthen_file(folder: Path) -> None:
    with path_of(folder, FILE).open("ab") as file:
        file.write(b"x")


def truncate_file(folder: Path) -> None:
    os.truncate(path_of(folder, TEXT), 70_000)


def shorten_row(folder: Path) -> None:
    change_index(folder, "UPDATE small SET data = substr(data, 2)")


def flip_bit(data: bytes) -> bytes:
    return data[:500] + bytes([data[500] ^ 1]) + data[501:]


def flip_file(folder: Path) -> None:
    path = path_of(folder, FILE)
    path.write_bytes(flip_bit(path.read_bytes()))


def flip_compressed(folder: Path) -> None:
    path = path_of(folder, TEXT)
    path.write_bytes(flip_bit(path.read_bytes()))


def flip_row(folder: Path) -> None:
    change_index(folder, "UPDATE small SET data = ?", flip_bit(ROW))


def add_file(folder: Path) -> None:
    name = id_of(b"stray").hex()
    (folder / "chunks" / name[0] / name[1] / name).write_bytes(b"stray")


def add_other_form(folder: Path) -> None:
    path = path_of(folder, FILE)
    path.with_name(path.name + ".zst").write_bytes(b"")


def add_strange_name(folder: Path) -> None:
    (folder / "chunks" / "a" / "b" / "notes.txt").write_bytes(b"")


def mark_damaged(folder: Path) -> None:
    change_index(folder, "UPDATE chunks SET state = ? WHERE id = ?", ChunkState.DAMAGED, id_of(FILE))


SHALLOW: list[tuple[Callable[[Path], None], Problem, bytes | None]] = [
    (remove_file, Problem.MISSING, FILE),
    (remove_row, Problem.MISSING, ROW),
    (lengthen_file, Problem.SIZE, FILE),
    (truncate_file, Problem.SIZE, TEXT),
    (shorten_row, Problem.SIZE, ROW),
    (mark_damaged, Problem.DAMAGED, FILE),
    (add_file, Problem.STRAY, b"stray"),
    (add_other_form, Problem.STRAY, FILE),
    (add_strange_name, Problem.STRAY, None),
]
DEEP: list[tuple[Callable[[Path], None], Problem, bytes | None]] = [
    (flip_file, Problem.CONTENT, FILE),
    (flip_compressed, Problem.CONTENT, TEXT),
    (flip_row, Problem.CONTENT, ROW),
]


def ids(findings: list[Finding]) -> list[tuple[Problem, ChunkId | None]]:
    return [(finding.problem, finding.chunk_id) for finding in findings]


@pytest.mark.parametrize("content", [False, True])
async def test_nothing_is_wrong_with_a_store_that_is_well(folder: Path, content: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert check(folder, content=content) == []


@pytest.mark.parametrize("content", [False, True])
@pytest.mark.parametrize(("harm", "problem", "data"), SHALLOW)
async def test_harm_is_found_without_reading_content(
    folder: Path,
    harm: Callable[[Path], None],
    problem: Problem,
    data: bytes | None,
    content: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    harm(folder)

    assert ids(check(folder, content=content)) == [(problem, None if data is None else id_of(data))]


@pytest.mark.parametrize(("harm", "problem", "data"), DEEP)
async def test_a_flipped_bit_is_found_by_reading_content(
    folder: Path, harm: Callable[[Path], None], problem: Problem, data: bytes
) -> None:
    harm(folder)

    assert check(folder, content=False) == []
    assert ids(check(folder)) == [(problem, id_of(data))]


async def test_an_index_that_is_malformed_is_found(folder: Path) -> None:
    path = folder / INDEX_NAME
    content = path.read_bytes()
    key_of_index = content.rindex(id_of(ROW))  # the page of the table comes first
    path.write_bytes(content[:key_of_index] + b"\0" + content[key_of_index + 1 :])

    assert Problem.INDEX in [finding.problem for finding in check(folder)]


async def test_chunks_that_are_being_removed_are_not_missed(folder: Path) -> None:
    change_index(folder, "UPDATE chunks SET state = ? WHERE id = ?", ChunkState.REMOVING, id_of(FILE))
    remove_file(folder)

    assert check(folder) == []


async def test_a_store_at_work_is_checked_without_false_alarm(tmp_path: Path) -> None:
    async with opened(tmp_path / "store", LocalDisk()) as store:
        await put(store, "u", FILE)
        await store.barrier(["u"])
        await put(store, "u", noise(9))

        assert check(tmp_path / "store") == []


class WatchedDisk(SimDisk):
    """A disk that lets someone look just before each commit."""

    look: Callable[[], None] = staticmethod(lambda: None)

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        self.look()
        super().commit(connection, path)


async def test_files_of_a_running_barrier_are_no_strays(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    disk = WatchedDisk(tmp_path)
    LocalDisk().make_folder(folder)
    async with opened(folder, disk) as store:
        await put(store, "u", FILE)
        seen: list[list[Finding]] = []
        disk.look = lambda: seen.append(list(verify_store(folder, disk=disk, content=True)))

        await store.barrier(["u"])

        disk.look = lambda: None
    assert seen == [[]]


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_folder_that_is_no_store_cannot_be_checked(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StorageError):
        check(tmp_path)
    (tmp_path / INDEX_NAME).write_bytes(content)
    with pytest.raises(StorageError):
        check(tmp_path)
