"""The data keys of one store, wrapped by the master key in a file of its folder, and which of them is in use.

What is stored from now on is sealed with the key that is `current`, or plain if there is none. Chunks that lie there in
another form stay readable with the keys that are kept, until `storage.resealing` has brought them into this one.
"""

import hmac
import json
import secrets
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage import codec
from storage.base import MAX_CHUNK, Blob, Buffer, ChunkId, Encoding, Form, Seal, hash_of
from storage.disk import Disk, replace_file
from storage.errors import BadStoreError, ChunkMismatchError, KeyFileError
from storage.sealing import (
    KEY_SIZE,
    NONCE_SIZE,
    Cipher,
    DataKey,
    Opened,
    best_cipher,
    derived,
    key_number_of,
    open_chunk,
    seal_chunk,
)

VAULT_NAME = "sealing.json"
_FORM = 1
_CHECK_SIZE = 6


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key that wraps all others. It is kept outside the store, and nothing can be read without it."""

    secret: bytes = field(repr=False)

    @property
    def check(self) -> str:
        """Digits that tell two keys apart and nothing else of them, for people to compare."""
        digits = derived(self.secret, "cairn-check-v1")[:_CHECK_SIZE].hex()
        return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))

    def wrap(self, secret: bytes, what: str) -> bytes:
        """Return a secret sealed with this key for one use."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        return nonce + AESGCM(derived(self.secret, "cairn-wrap-v1")).encrypt(nonce, secret, what.encode())

    def unwrap(self, wrapped: bytes, what: str) -> bytes:
        """Return what was wrapped.

        Raises:
            KeyFileError: not with this key, or not for this use.
        """
        try:
            aead = AESGCM(derived(self.secret, "cairn-wrap-v1"))
            return aead.decrypt(wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:], what.encode())
        except (InvalidTag, ValueError) as error:
            raise KeyFileError(f"{what} cannot be opened with the master key {self.check}.") from error

    def mac(self, text: bytes) -> str:
        """Return what proves that a text was written with this key."""
        return hmac.digest(derived(self.secret, "cairn-vault-v1"), text, "sha256").hex()


@dataclass(frozen=True, slots=True)
class _State:
    """What the file says.

    Attributes:
        current: the number of the key with which to seal; None to store plain.
        last: the highest number that was ever given.
        is_settled: nothing lies in another form than the current one.
        is_clean: nothing of a form that was left is in the index's file any more.
        secrets: further secrets of the server, by name.
    """

    keys: Mapping[int, DataKey] = field(default_factory=dict)
    current: int | None = None
    last: int = 0
    is_settled: bool = True
    is_clean: bool = True
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Vault:
    """Seals and opens; may be used from many threads at once. What changes it, is to be called one at a time."""

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        master: MasterKey | None,
        *,
        is_followed: bool = False,
        is_shut: bool = False,
    ) -> None:
        """Read the file of a store's folder; where there is none, everything is plain.

        Args:
            folder: of the store.
            disk: the seam to the operating system.
            master: opens the file.
            is_followed: another process changes it meanwhile.
            is_shut: nothing is to be opened, and names and sizes alone looked at.

        Raises:
            KeyFileError: the store is sealed, and the master key is missing or another one.
            BadStoreError: the file is of a newer program, or damaged.
        """
        self.path = folder / VAULT_NAME
        self._disk = disk
        self.master = master
        self._is_followed = is_followed
        self._lock = threading.RLock()
        self._seen: tuple[int, int] | None = None
        self._state = _State() if is_shut else self._read()

    @property
    def current(self) -> int | None:
        """The number of the key with which to seal now; None to store plain."""
        return self._state.current

    @property
    def is_settled(self) -> bool:
        """Whether nothing lies in another form than the current one."""
        return self._state.is_settled

    @property
    def is_clean(self) -> bool:
        """Whether the index's file is free of what lay in it in another form."""
        return self._state.is_clean

    @property
    def numbers(self) -> list[int]:
        """The keys that are kept."""
        return sorted(self._state.keys)

    @property
    def last(self) -> int:
        """The highest number that a key was ever given; 0 if there never was one."""
        return self._state.last

    @property
    def cipher(self) -> Cipher | None:
        """What the current key is used with."""
        current = self._state.current
        return None if current is None else self._state.keys[current].cipher

    # Chunks

    def seal(
        self, chunk_id: ChunkId, size: int, encoding: Encoding, stored: Sequence[Buffer], *, alone: bool
    ) -> tuple[Seal, bytes] | None:
        """Return the sealed form of a chunk, and how it is sealed; None if chunks are stored plain now."""
        if self._is_followed:
            self.refresh()
        state = self._state
        if state.current is None:
            return None
        key = state.keys[state.current]
        name = key.name_of(chunk_id)
        return Seal(key.number, name), seal_chunk(key, name, size, encoding, stored, alone=alone)

    def unsealed(self, seal: Seal, data: Buffer, *, alone: bool) -> Opened:
        """Return what a sealed form holds.

        Raises:
            ChunkMismatchError: it is not what was sealed there, or its key is not known.
        """
        return open_chunk(self._key(seal.key_number), seal.name, data, alone=alone)

    def restored(
        self, data: bytes, encoding: Encoding, chunk_id: ChunkId, size: int, seal: Seal | None, *, alone: bool
    ) -> bytes:
        """Return the plain bytes of a stored form, sealed or not, after a check against length and hash.

        Raises:
            ChunkMismatchError: they are not what the index says.
        """
        return codec.restored(self._bare(data, encoding, size, seal, alone=alone), encoding, chunk_id, size)

    def resealed(
        self, data: bytes, encoding: Encoding, chunk_id: ChunkId, size: int, seal: Seal | None, *, alone: bool
    ) -> tuple[Seal | None, bytes]:
        """Return a checked stored form in the form in which chunks are stored now; raises as `restored` does."""
        bare = self._bare(data, encoding, size, seal, alone=alone)
        codec.restored(bare, encoding, chunk_id, size)
        return self.seal(chunk_id, size, encoding, [bare], alone=alone) or (None, bare)

    def _bare(self, data: bytes, encoding: Encoding, size: int, seal: Seal | None, *, alone: bool) -> bytes:
        """Return a stored form without its seal, if it has one, which must hold what the index says."""
        if seal is None:
            return data
        opened = self.unsealed(seal, data, alone=alone)
        if (opened.size, opened.encoding) != (size, encoding):
            raise ChunkMismatchError("the sealed bytes are not those of the chunk")
        return opened.stored

    def identified(self, blob: Blob, data: bytes) -> tuple[ChunkId, int, Encoding, Seal | None]:
        """Return which chunk an object holds, its plain size and encoding, and how it is sealed; all checked.

        Raises:
            ChunkMismatchError: it holds none that can be told.
        """
        if blob.form is not Form.SEALED:
            chunk_id, encoding = ChunkId(blob.hash), Encoding.ZSTD if blob.form is Form.ZSTD else Encoding.RAW
            size = len(codec.unzstd(data, MAX_CHUNK)) if encoding is Encoding.ZSTD else len(data)
            codec.restored(data, encoding, chunk_id, size)
            return chunk_id, size, encoding, None
        number = key_number_of(data)
        if number is None:
            raise ChunkMismatchError("this is no sealed chunk")
        seal = Seal(number, blob.hash)
        opened = self.unsealed(seal, data, alone=True)
        plain = codec.unzstd(opened.stored, opened.size) if opened.encoding is Encoding.ZSTD else opened.stored
        chunk_id = hash_of([plain])
        if len(plain) != opened.size or self._key(number).name_of(chunk_id) != blob.hash:
            raise ChunkMismatchError("the sealed bytes are not those of their name")
        return chunk_id, opened.size, opened.encoding, seal

    def sealed_table(self, key_number: int, table: bytes, size: int) -> bytes:
        """Return the table of a pack sealed, filled up with `size` zeros."""
        return self._key(key_number).seal([table, bytes(size)], b"table of a pack")

    def _key(self, number: int) -> DataKey:
        if number not in self._state.keys:
            self.refresh()  # the process that has the store may have made it
        try:
            return self._state.keys[number]
        except KeyError:
            raise ChunkMismatchError(f"it is sealed with the data key {number}, which is not here") from None

    # Further secrets

    def secret(self, name: str) -> bytes | None:
        """Return a secret that was put here."""
        return self._state.secrets.get(name)

    def keep_secret(self, name: str, value: bytes | None) -> None:
        """Keep a secret durably, or forget it; only while there are keys."""
        with self._lock:
            others = {known: kept for known, kept in self._state.secrets.items() if known != name}
            self._write(replace(self._state, secrets=others if value is None else {**others, name: value}))

    # Changes, each durable when it returns

    def turn_on(self) -> None:
        """Seal with a new data key from now on.

        Raises:
            KeyFileError: there is no master key.
        """
        if self.master is None:
            raise KeyFileError("There is no master key: name its file with encryption.key_file.")
        with self._lock:
            state = self._state
            key = DataKey(state.last + 1, best_cipher(), secrets.token_bytes(KEY_SIZE))
            keys = {**state.keys, key.number: key}
            self._write(
                replace(state, keys=keys, current=key.number, last=key.number, is_settled=False, is_clean=False)
            )

    def turn_off(self) -> None:
        """Store plain from now on."""
        with self._lock:
            self._write(replace(self._state, current=None, is_settled=False))

    def settle(self, target: int | None, used: Collection[int]) -> None:
        """Note that nothing but what is damaged lies in another form than `target`; keep the `used` keys."""
        with self._lock:
            state = self._state
            if state.current == target:
                kept = {number: key for number, key in state.keys.items() if number in used or number == target}
                self._write(replace(state, keys=kept, is_settled=True))

    def note_clean(self) -> None:
        """Note that the index's file is free of what lay in it in another form."""
        with self._lock:
            self._write(replace(self._state, is_clean=True))

    def rewrap(self, master: MasterKey) -> None:
        """Wrap all keys with another master key, the only one with which they can be read from now on."""
        with self._lock:
            before, self.master = self.master, master
            try:
                self._write(self._state)
            except BaseException:
                self.master = before
                raise

    # The file

    def refresh(self) -> None:
        """Read the file again if another process has changed it."""
        with self._lock:
            if self._stamp() != self._seen:
                self._state = self._read()

    def _stamp(self) -> tuple[int, int] | None:
        try:
            state = self._disk.stat(self.path)
        except FileNotFoundError:
            return None
        return state.size, state.changed_ns

    def _read(self) -> _State:
        stamp = self._stamp()
        if stamp is None:
            self._seen = None
            return _State()
        try:
            told = json.loads(self._disk.read(self.path))
            mac = told.pop("mac")
            if told["form"] != _FORM:
                raise BadStoreError(f"{self.path} is of a newer program.")
            state = self._unwrapped(told, mac)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadStoreError(f"{self.path} is damaged: put it back from a backup.") from error
        self._seen = stamp
        return state

    def _unwrapped(self, told: dict[str, Any], mac: str) -> _State:
        if not told["keys"] and told["current"] is None:
            return _State(last=told["last"], is_settled=told["settled"], is_clean=told["clean"])
        if self.master is None:
            raise KeyFileError(
                "The store is encrypted and there is no master key: name its file with encryption.key_file"
                f" (check value {told['check']})."
            )
        if self.master.check != told["check"]:
            raise KeyFileError(
                f"The store is encrypted with another master key: its check value is {told['check']},"
                f" that of the key at hand {self.master.check}."
            )
        if not hmac.compare_digest(self.master.mac(_canonical(told)), mac):
            raise BadStoreError(f"{self.path} was changed: put it back from a backup.")
        keys = {}
        for number, cipher, wrapped in told["keys"]:
            what = f"data key {number} of cipher {cipher}"
            keys[number] = DataKey(number, Cipher(cipher), self.master.unwrap(bytes.fromhex(wrapped), what))
        kept = {
            name: self.master.unwrap(bytes.fromhex(wrapped), f"secret {name}")
            for name, wrapped in told["secrets"].items()
        }
        return _State(keys, told["current"], told["last"], told["settled"], told["clean"], kept)

    def _write(self, state: _State) -> None:
        master = self.master
        told: dict[str, Any] = {
            "form": _FORM,
            "current": state.current,
            "last": state.last,
            "settled": state.is_settled,
            "clean": state.is_clean,
            "check": "" if master is None else master.check,
            "keys": [],
            "secrets": {},
        }
        if master is not None:
            told["keys"] = [
                (
                    key.number,
                    int(key.cipher),
                    master.wrap(key.secret, f"data key {key.number} of cipher {key.cipher}").hex(),
                )
                for key in state.keys.values()
            ]
            told["secrets"] = {
                name: master.wrap(value, f"secret {name}").hex() for name, value in state.secrets.items()
            }
        mac = "" if master is None else master.mac(_canonical(told))
        with self._lock:
            replace_file(self._disk, self.path, json.dumps({**told, "mac": mac}).encode())
            self._state, self._seen = state, self._stamp()


def _canonical(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
