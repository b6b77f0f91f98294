"""The file of the master key: what it holds is the key, the whole key, and for its owner alone."""

from pathlib import Path

import pytest

from app.config import Encryption
from app.master_key import find_master, make_master, read_master, where_beside
from storage.disk import LocalDisk
from storage.errors import KeyFileError

DISK = LocalDisk()


def test_key_that_was_made_reads_back_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key"
    made = make_master(path, "", DISK)

    assert path.stat().st_mode & 0o777 == 0o600
    assert find_master(Encryption(key_file=str(path)), DISK) == made
    assert find_master(Encryption(), DISK) is None
    with pytest.raises(KeyFileError, match="already"):
        make_master(path, "", DISK)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="open to others"):
        read_master(path, "", DISK)


def test_key_under_a_passphrase_opens_with_that_one_alone(tmp_path: Path) -> None:
    path, passphrase, other = tmp_path / "key", tmp_path / "passphrase", tmp_path / "other"
    passphrase.write_text("correct horse\n")
    other.write_text("battery staple\n")
    made = make_master(path, str(passphrase), DISK)

    assert made.secret.hex() not in path.read_text()
    assert read_master(path, str(passphrase), DISK) == made
    for wrong, said in (("", "under a passphrase"), (str(other), "is not that"), (str(tmp_path / "no"), "cannot be")):
        with pytest.raises(KeyFileError, match=said):
            read_master(path, wrong, DISK)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no master key"),
        ("cairn master key 1\nabcd\n", "damaged"),
        (f"cairn master key 1\n{'00' * 32}\n", "damaged"),
        (f"cairn master key 2\n{'01' * 32}\n", "no master key"),
        ('cairn master key 1, under a passphrase\n{"salt": "00"}\n', "damaged"),
    ],
    ids=["empty", "short", "zero", "newer", "half"],
)
def test_file_that_holds_no_master_key_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    (tmp_path / "passphrase").write_text("x")

    with pytest.raises(KeyFileError, match=said):
        read_master(path, str(tmp_path / "passphrase"), DISK)


def test_key_that_lies_beside_the_data_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    inside, outside = data / "key", tmp_path / "key"
    for path in (inside, outside):
        make_master(path, "", DISK)

    assert "in the data folder" in where_beside(Encryption(key_file=str(inside)), data)
    assert "on the same volume" in where_beside(Encryption(key_file=str(outside)), data)
    assert where_beside(Encryption(key_file="/proc/version"), data) == ""
    assert "passphrase lies in" in where_beside(Encryption(str(outside), str(inside)), data)
