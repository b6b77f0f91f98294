import stat
from pathlib import Path

import pytest

from app.auth.sealing import KEY_SIZE, Sealer
from storage.disk import LocalDisk
from storage.errors import KeyFileError

PLACE = ("users", "totp_secret", 7)


def test_what_was_sealed_opens_at_its_own_place_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    sealed = Sealer.open(path, LocalDisk()).seal(b"secret", *PLACE)
    again = Sealer.open(path, LocalDisk())

    assert b"secret" not in sealed
    assert again.unseal(sealed, *PLACE) == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for place in (("user", "totp_secret", 7), ("users", "totp", 7), ("users", "totp_secret", 8)):
        with pytest.raises(KeyFileError):
            again.unseal(sealed, *place)


def test_a_changed_byte_or_another_key_opens_nothing() -> None:
    sealer = Sealer(b"k" * KEY_SIZE)
    sealed = sealer.seal(b"secret", *PLACE)

    for at in range(len(sealed)):
        with pytest.raises(KeyFileError):
            sealer.unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], *PLACE)
    for wrong in (b"", sealed[:-1]):
        with pytest.raises(KeyFileError):
            sealer.unseal(wrong, *PLACE)
    with pytest.raises(KeyFileError):
        Sealer(b"l" * KEY_SIZE).unseal(sealed, *PLACE)


@pytest.mark.parametrize("key", [b"", b"short", bytes(KEY_SIZE)])
def test_a_key_that_is_no_full_random_one_stops_the_start(tmp_path: Path, key: bytes) -> None:
    (tmp_path / "key").write_bytes(key)

    with pytest.raises(KeyFileError):
        Sealer.open(tmp_path / "key", LocalDisk())
