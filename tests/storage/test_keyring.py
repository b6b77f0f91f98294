"""Key files: made once, rotated in time, refused when anything about them is wrong."""

import contextlib
from pathlib import Path

import pytest

from storage.disk import LocalDisk
from storage.errors import KeyFileError
from storage.keyring import KEY_SIZE, LONGEST_LIFETIME_S, ROTATE_AFTER_S, SKEW_S, Keyring
from tests.simdisk import SimDisk

NOW_S = 1_800_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
def keyring(folder: Path) -> Keyring:
    return Keyring.create(folder, disk=LocalDisk(), now_s=NOW_S)


def key_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.key"))


def test_a_new_folder_gets_one_random_key_for_the_owner_alone(keyring: Keyring, folder: Path) -> None:
    (path,) = key_files(folder)

    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.read_bytes() == keyring.current.secret
    assert len(set(keyring.current.secret)) > 8


def test_creating_again_keeps_the_key(keyring: Keyring, folder: Path) -> None:
    again = Keyring.create(folder, disk=LocalDisk(), now_s=NOW_S + 5)

    assert again.current == keyring.current


def test_keys_for_different_purposes_or_servers_differ(keyring: Keyring) -> None:
    key = keyring.current

    derived = {key.derive("a"), key.derive("b"), key.derive("a", b"salt"), key.secret}

    assert len(derived) == 4
    assert {len(value) for value in derived} == {KEY_SIZE}


def test_a_secret_is_not_in_the_repr(keyring: Keyring) -> None:
    assert repr(keyring.current.secret) not in repr(keyring.current)


@pytest.mark.parametrize("content", [b"", b"short", bytes(KEY_SIZE), b"x" * (KEY_SIZE + 1)])
def test_a_key_that_is_not_32_random_bytes_stops_the_start(keyring: Keyring, folder: Path, content: bytes) -> None:
    key_files(folder)[0].write_bytes(content)

    with pytest.raises(KeyFileError, match="random bytes"):
        Keyring(folder, disk=LocalDisk())


def test_one_bad_key_among_good_ones_stops_the_start(keyring: Keyring, folder: Path) -> None:
    keyring.rotate(NOW_S + 1)
    key_files(folder)[0].write_bytes(b"")

    with pytest.raises(KeyFileError):
        Keyring(folder, disk=LocalDisk())


def test_a_missing_key_or_folder_stops_the_start(keyring: Keyring, folder: Path) -> None:
    key_files(folder)[0].unlink()

    with pytest.raises(KeyFileError, match="no key"):
        Keyring(folder, disk=LocalDisk())
    with pytest.raises(KeyFileError, match="cannot be read"):
        Keyring(folder / "absent", disk=LocalDisk())


def test_lost_keys_of_a_folder_in_use_are_not_made_anew(keyring: Keyring, folder: Path) -> None:
    keyring.keep_clock_mark(NOW_S)
    key_files(folder)[0].unlink()

    with pytest.raises(KeyFileError, match="no key"):
        Keyring.create(folder, disk=LocalDisk(), now_s=NOW_S)


@pytest.mark.parametrize("call", range(12))
@pytest.mark.parametrize("seed", range(5))
def test_a_power_cut_while_the_first_key_is_made_is_made_good_by_the_next_start(
    tmp_path: Path, call: int, seed: int
) -> None:
    disk = SimDisk(tmp_path)
    disk.cut_power_at(call)
    with contextlib.suppress(OSError):
        Keyring.create(tmp_path / "keys", disk=disk, now_s=NOW_S)
    found = disk.crash(seed)

    keyring = Keyring.create(tmp_path / "keys", disk=found, now_s=NOW_S)

    assert len(keyring.current.secret) == KEY_SIZE


def test_a_key_that_is_a_folder_stops_the_start(keyring: Keyring, folder: Path) -> None:
    (folder / "1800000009.AAAAAAAAAAA.key").mkdir(mode=0o700)

    with pytest.raises(KeyFileError):
        Keyring(folder, disk=LocalDisk())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_stops_the_start(keyring: Keyring, folder: Path, mode: int) -> None:
    key_files(folder)[0].chmod(mode)

    with pytest.raises(KeyFileError, match="open to others"):
        Keyring(folder, disk=LocalDisk())


def test_a_key_file_with_a_strange_name_stops_the_start(keyring: Keyring, folder: Path) -> None:
    (folder / "mine.key").write_bytes(b"x" * KEY_SIZE)

    with pytest.raises(KeyFileError, match="not named"):
        Keyring(folder, disk=LocalDisk())


def test_an_unknown_key_is_not_found(keyring: Keyring) -> None:
    assert keyring.find("AAAAAAAAAAA") is None
    assert keyring.find("") is None


def test_a_key_is_replaced_when_it_is_old_and_leaves_when_no_signature_can_live(keyring: Keyring) -> None:
    first = keyring.current
    keyring.tend(NOW_S + ROTATE_AFTER_S - 1)
    assert keyring.current == first

    rotated_s = NOW_S + ROTATE_AFTER_S
    keyring.tend(rotated_s)
    second = keyring.current
    keyring.tend(rotated_s + LONGEST_LIFETIME_S + SKEW_S)
    still_found = keyring.find(first.key_id)
    keyring.tend(rotated_s + LONGEST_LIFETIME_S + SKEW_S + 1)

    assert second != first
    assert still_found == first
    assert keyring.find(first.key_id) is None
    assert keyring.current == second


def test_a_key_made_while_the_clock_is_behind_is_still_the_newest(keyring: Keyring) -> None:
    first = keyring.current

    keyring.rotate(NOW_S - 86_400)

    assert keyring.current.created_s == first.created_s + 1


def test_voiding_leaves_one_key(keyring: Keyring, folder: Path) -> None:
    keyring.rotate(NOW_S + 1)
    keyring.rotate(NOW_S + 2, void_old=True)

    assert [path.read_bytes() for path in key_files(folder)] == [keyring.current.secret]


def test_the_clock_mark_is_kept_and_a_broken_one_stops_the_start(keyring: Keyring, folder: Path) -> None:
    before = keyring.clock_mark_s()
    keyring.keep_clock_mark(NOW_S + 7)
    after = keyring.clock_mark_s()
    (folder / "clock").write_bytes(b"soon")

    assert (before, after) == (0, NOW_S + 7)
    with pytest.raises(KeyFileError):
        keyring.clock_mark_s()


@pytest.mark.parametrize("seed", range(20))
def test_a_key_that_was_made_survives_a_power_cut(tmp_path: Path, seed: int) -> None:
    disk = SimDisk(tmp_path)
    keyring = Keyring.create(tmp_path / "keys", disk=disk, now_s=NOW_S)
    keyring.rotate(NOW_S + 1)
    keyring.keep_clock_mark(NOW_S)

    found = Keyring(tmp_path / "keys", disk=disk.crash(seed))

    assert found.current == keyring.current
    assert found.clock_mark_s() == NOW_S


@pytest.mark.parametrize("seed", range(20))
def test_a_key_that_was_voided_stays_away_after_a_power_cut(tmp_path: Path, seed: int) -> None:
    disk = SimDisk(tmp_path)
    keyring = Keyring.create(tmp_path / "keys", disk=disk, now_s=NOW_S)
    first = keyring.current
    keyring.rotate(NOW_S + 1, void_old=True)

    found = Keyring(tmp_path / "keys", disk=disk.crash(seed))

    assert found.find(first.key_id) is None
