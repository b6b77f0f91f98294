"""The data folder's own promises to the next start: its folders are there, and an unclean stop is known for one."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import main
from app.data_folder import DataFolder, DataFolderError
from storage.disk import LocalDisk
from tests.crash.powered import powered, sign_up
from tests.simdisk import Mode, SimDisk

SEEDS = range(12)


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
def disk(request: pytest.FixtureRequest, folder: Path) -> SimDisk:
    """A disk without anything; the lock wants a real folder."""
    (folder / "far" / "data" / "guard").mkdir(parents=True)
    return SimDisk(folder, request.param)


@pytest.fixture
def data(folder: Path, disk: SimDisk) -> DataFolder:
    return DataFolder(folder / "far" / "data", disk)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_folder_that_was_made_is_there_after_a_power_cut(data: DataFolder, disk: SimDisk, seed: int) -> None:
    with data:
        pass

    found = disk.crash(seed)

    assert found.list_(data.root) == ["guard", "snapshots"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_that_was_cut_off_is_not_taken_for_a_clean_one(
    folder: Path, data: DataFolder, disk: SimDisk, seed: int
) -> None:
    data.metadata.write_bytes(b"in use")  # a new folder is clean by nature
    with data:
        data.begin()
        data.end()
    with data:
        assert data.begin()

    with DataFolder(data.root, disk.crash(seed)) as found:
        data.metadata.write_bytes(b"in use")
        assert not found.begin()


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["missing", "empty"])
async def test_a_folder_whose_metadata_is_gone_is_not_taken_for_a_new_one(
    tmp_path: Path, lose: Callable[[Path], object]
) -> None:
    async with powered(tmp_path, LocalDisk()) as cairn:
        await sign_up(cairn)
    lose(tmp_path / "data" / "metadata.db")

    with pytest.raises(DataFolderError, match="put it back first"):
        async with powered(tmp_path, LocalDisk()):
            pass

    assert not (tmp_path / "data" / "metadata.db-wal").exists()


@pytest.mark.parametrize(
    ("code", "why"),
    [(errno.EACCES, f"user {os.geteuid()} may not write in it"), (errno.EROFS, "Read-only file system")],
)
def test_a_folder_that_cannot_be_written_is_refused_with_one_sentence(
    data: DataFolder, disk: SimDisk, code: int, why: str
) -> None:
    disk.fail("make_folder", 0, code)

    with pytest.raises(DataFolderError) as refused, data:
        pass

    assert str(refused.value) == f"The data folder {data.root} cannot be used: {why}."


def test_a_database_that_is_none_is_refused_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "metadata.db").write_bytes(b"no database\n" * 1000)

    assert main(["serve", "--data", str(tmp_path), "--port", "0"]) == 1

    assert capsys.readouterr().err == f"cairn: A database in {tmp_path} cannot be used: file is not a database.\n"
