"""A sealed form comes back whole or not at all, and another program with the same keys reads it (vectors)."""

import json
from pathlib import Path

import pytest

from storage.base import Encoding
from storage.disk import LocalDisk
from storage.errors import BadStoreError, ChunkMismatchError, KeyFileError
from storage.sealing import (
    HEADER,
    Cipher,
    DataKey,
    best_cipher,
    derived,
    key_number_of,
    open_chunk,
    padded,
    seal_chunk,
)
from storage.vault import VAULT_NAME, MasterKey, Vault
from tests.storage.makers import id_of

VECTORS = json.loads((Path(__file__).parent / "vectors" / "sealing.json").read_text("utf-8"))
TEXT = b"what nobody else may read " * 5
NAME = bytes(range(32))


@pytest.fixture(params=Cipher, ids=lambda cipher: cipher.name)
def key(request: pytest.FixtureRequest) -> DataKey:
    return DataKey(7, request.param, bytes(range(100, 132)))


@pytest.mark.parametrize("vector", VECTORS["chunks"], ids=lambda vector: vector["what"])
def test_published_vectors_are_sealed_and_opened_to_the_byte(vector: dict[str, str | int]) -> None:
    raw = {name: bytes.fromhex(value) for name, value in vector.items() if name != "what" and isinstance(value, str)}
    key = DataKey(int(vector["key_number"]), Cipher(int(vector["cipher"])), raw["data_key"])

    assert derived(raw["data_key"], "cairn-names-v1") == raw["name_key"]
    assert derived(raw["data_key"], "cairn-object-v1", raw["salt"]) == raw["object_key"]
    assert key.name_of(id_of(raw["plain"])) == raw["name"]
    assert key.header == raw["header"]
    assert key.seal_with(raw["salt"], raw["nonce"], [raw["inside"]], raw["name"]) == raw["sealed"]
    opened = open_chunk(key, raw["name"], raw["header"] + raw["sealed"], alone=True)
    assert (opened.size, opened.encoding, opened.stored) == (len(raw["plain"]), Encoding.RAW, raw["plain"])


def test_vectors_of_a_master_key_give_its_check_value_and_what_it_wrapped() -> None:
    vector = VECTORS["master"]
    master = MasterKey(bytes.fromhex(vector["secret"]))

    assert master.check == vector["check"]
    assert master.unwrap(bytes.fromhex(vector["wrapped"]), vector["use"]).hex() == vector["data_key"]


def test_object_of_which_any_byte_was_changed_does_not_open(key: DataKey) -> None:
    sealed = seal_chunk(key, NAME, len(TEXT), Encoding.RAW, [TEXT], alone=True)
    assert open_chunk(key, NAME, sealed, alone=True).stored == TEXT

    for at in range(len(sealed)):
        for flipped in (1, 128):
            changed = bytearray(sealed)
            changed[at] ^= flipped
            with pytest.raises(ChunkMismatchError):
                open_chunk(key, NAME, changed, alone=True)


def test_object_that_was_cut_or_lengthened_anywhere_does_not_open(key: DataKey) -> None:
    sealed = seal_chunk(key, NAME, len(TEXT), Encoding.RAW, [TEXT], alone=True)

    for size in range(len(sealed)):
        with pytest.raises(ChunkMismatchError):
            open_chunk(key, NAME, sealed[:size], alone=True)
    with pytest.raises(ChunkMismatchError):
        open_chunk(key, NAME, sealed + b"\0", alone=True)


def test_form_opens_in_its_own_place_alone(key: DataKey) -> None:
    other = DataKey(8, key.cipher, key.secret)
    for alone in (True, False):
        sealed = seal_chunk(key, NAME, len(TEXT), Encoding.RAW, [TEXT], alone=alone)
        for wrong_key, name in ((key, bytes(32)), (other, NAME)):
            with pytest.raises(ChunkMismatchError):
                open_chunk(wrong_key, name, sealed, alone=alone)


def test_same_bytes_never_look_the_same_and_many_lengths_look_alike(key: DataKey) -> None:
    sealed = [seal_chunk(key, NAME, 1, Encoding.RAW, [bytes(size)], alone=True) for size in range(100_000, 100_200)]

    assert len({form[HEADER.size :] for form in sealed}) == len(sealed)
    assert len({len(form) for form in sealed}) <= 2
    assert {key_number_of(form) for form in sealed} == {7}


def test_padding_adds_an_eighth_at_most_and_never_takes_away() -> None:
    for size in (*range(3_000), 65_537, 1 << 20, (1 << 20) + 1, 8_388_709):
        assert size <= padded(size) <= size * 1.12 + 1
    assert len({padded(size) for size in range(1 << 20, 1 << 21)}) <= 33


def test_processor_without_aes_gets_the_other_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    for told, cipher in (
        ("flags\t\t: fpu aes sse", Cipher.AES_256_GCM),
        ("Features\t: fp asimd crc32", Cipher.CHACHA20_POLY1305),
        ("", Cipher.AES_256_GCM),
    ):
        monkeypatch.setattr(Path, "read_text", lambda *_, told=told: told)
        assert best_cipher() is cipher


def test_vault_opens_with_its_own_master_key_alone_and_notices_every_change(tmp_path: Path) -> None:
    master, disk = MasterKey(b"m" * 32), LocalDisk()
    Vault(tmp_path, disk, master).turn_on()
    path = tmp_path / VAULT_NAME
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert Vault(tmp_path, disk, master).current == 1

    for wrong in (None, MasterKey(b"n" * 32)):
        with pytest.raises(KeyFileError, match=master.check):
            Vault(tmp_path, disk, wrong)
    told = json.loads(text)
    for name, value in (("current", None), ("settled", True), ("keys", []), ("secrets", {"x": "00"})):
        path.write_text(json.dumps({**told, name: value}))
        with pytest.raises((BadStoreError, KeyFileError)):
            Vault(tmp_path, disk, master)
    for damaged in (text[:-2], "", "[]", json.dumps({**told, "form": 2})):
        path.write_text(damaged)
        with pytest.raises(BadStoreError):
            Vault(tmp_path, disk, master)


def test_master_key_is_replaced_in_one_step_and_nothing_is_encrypted_anew(tmp_path: Path) -> None:
    old, new, disk = MasterKey(b"m" * 32), MasterKey(b"n" * 32), LocalDisk()
    vault = Vault(tmp_path, disk, old)
    vault.turn_on()
    vault.keep_secret("columns", b"kept")
    chunk_id = id_of(TEXT)
    sealing = vault.seal(chunk_id, len(TEXT), Encoding.RAW, [TEXT], alone=True)
    assert sealing is not None

    vault.rewrap(new)

    again = Vault(tmp_path, disk, new)
    assert again.unsealed(sealing[0], sealing[1], alone=True).stored == TEXT
    assert again.secret("columns") == b"kept"
    with pytest.raises(KeyFileError, match="another master key"):
        Vault(tmp_path, disk, old)
