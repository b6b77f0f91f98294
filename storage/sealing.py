"""Sealed chunks: how one is encrypted under a data key, and how it comes back whole or not at all (decision 0046).

A sealed form is a salt, a nonce, and an AEAD's ciphertext with its tag. What is encrypted is a small head (plain size,
stored size, encoding), the stored form, and zeros up to a length that many chunks share. The key is made for this form
alone from data key and salt. A form that is an object by itself has a header before it, which says by which key it was
sealed; small chunks have none, so that nobody sees in a pack where one ends. The header is associated data in both
cases, and so is the chunk's keyed name: no form opens in the place of another.
"""

import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from hmac import digest
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.base import MAX_CHUNK, Buffer, ChunkId, Encoding
from storage.errors import ChunkMismatchError

KEY_SIZE = 32
SALT_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16
MAGIC = b"cairnobj"
VERSION = 1
HEADER = struct.Struct(">8sBBI")  # magic, version, cipher, number of the data key
_HEAD = struct.Struct(">IIB")  # plain size, stored size, encoding
ROW_EXTRA = SALT_SIZE + NONCE_SIZE + _HEAD.size + TAG_SIZE
"""Bytes by which a form that is no object by itself is longer when sealed."""
_LONGEST = HEADER.size + SALT_SIZE + NONCE_SIZE + _HEAD.size + 2 * MAX_CHUNK + TAG_SIZE


class Cipher(IntEnum):
    """What a data key is used with. The numbers are in headers and never change."""

    AES_256_GCM = 1
    CHACHA20_POLY1305 = 2


@dataclass(frozen=True, slots=True)
class Opened:
    """What a sealed form holds: a chunk's stored form, not yet decoded."""

    size: int
    encoding: Encoding
    stored: bytes


@dataclass(frozen=True)
class DataKey:
    """A key under which chunks are sealed; `secret` is never used itself."""

    number: int
    cipher: Cipher
    secret: bytes = field(repr=False)

    @cached_property
    def _name_key(self) -> bytes:
        return derived(self.secret, "cairn-names-v1")

    @cached_property
    def header(self) -> bytes:
        """What stands before each object that is sealed with this key."""
        return HEADER.pack(MAGIC, VERSION, self.cipher, self.number)

    def name_of(self, chunk_id: ChunkId) -> bytes:
        """Return the name of a chunk that tells its id to nobody without this key."""
        return digest(self._name_key, chunk_id, "sha256")

    def seal(self, pieces: Sequence[Buffer], bound: bytes) -> bytes:
        """Return some bytes encrypted and bound to a place; no two calls use one key."""
        salt, nonce = secrets.token_bytes(SALT_SIZE), secrets.token_bytes(NONCE_SIZE)
        return self.seal_with(salt, nonce, pieces, bound)

    def seal_with(self, salt: bytes, nonce: bytes, pieces: Sequence[Buffer], bound: bytes) -> bytes:
        """Seal with what is else made at random, for test vectors alone."""
        return salt + nonce + self._aead(salt).encrypt(nonce, b"".join(pieces), self.header + bound)

    def open_(self, data: Buffer, bound: bytes) -> bytes:
        """Return what was sealed with this key for this place.

        Raises:
            ChunkMismatchError: it was not, or it was changed.
        """
        view = memoryview(data)
        salt, nonce = bytes(view[:SALT_SIZE]), bytes(view[SALT_SIZE : SALT_SIZE + NONCE_SIZE])
        try:
            return self._aead(salt).decrypt(nonce, view[SALT_SIZE + NONCE_SIZE :], self.header + bound)
        except (InvalidTag, ValueError) as error:
            raise ChunkMismatchError("the sealed bytes are not what was stored") from error

    def _aead(self, salt: bytes) -> AESGCM | ChaCha20Poly1305:
        key = derived(self.secret, "cairn-object-v1", salt)
        return AESGCM(key) if self.cipher is Cipher.AES_256_GCM else ChaCha20Poly1305(key)


def seal_chunk(
    key: DataKey, name: bytes, size: int, encoding: Encoding, stored: Sequence[Buffer], *, alone: bool
) -> bytes:
    """Return the sealed form of a chunk.

    Args:
        key: of the store.
        name: `key.name_of` of its id.
        size: plain size in bytes.
        encoding: of `stored`, its stored form.
        alone: it becomes an object by itself, and not a row or a part of a pack.
    """
    stored_size = sum(map(len, stored))
    head = _HEAD.pack(size, stored_size, encoding)
    if not alone:
        return key.seal([head, *stored], name)
    bare = len(key.header) + SALT_SIZE + NONCE_SIZE + _HEAD.size + stored_size + TAG_SIZE
    return key.header + key.seal([head, *stored, bytes(padded(bare) - bare)], name)


def open_chunk(key: DataKey, name: bytes, data: Buffer, *, alone: bool) -> Opened:
    """Return what a sealed form holds; raises as `DataKey.open_` does."""
    view = memoryview(data)
    if alone:
        if len(view) > padded(_LONGEST) or bytes(view[: HEADER.size]) != key.header:
            raise ChunkMismatchError("the sealed bytes do not begin with the header of their key")
        view = view[HEADER.size :]
    plain = key.open_(view, name)
    if len(plain) < _HEAD.size:
        raise ChunkMismatchError("the sealed bytes hold no chunk")
    size, stored_size, encoding = _HEAD.unpack_from(plain)
    end = _HEAD.size + stored_size
    if len(plain) < end:
        raise ChunkMismatchError("the sealed bytes are shorter than they say")
    try:
        return Opened(size, Encoding(encoding), plain[_HEAD.size : end])
    except ValueError as error:
        raise ChunkMismatchError("the sealed bytes are of a newer program") from error


def key_number_of(data: Buffer) -> int | None:
    """Return with which key an object says that it was sealed; None if it is no sealed one."""
    if len(data) < HEADER.size:
        return None
    magic, version, _, number = HEADER.unpack_from(data)
    return int(number) if (magic, version) == (MAGIC, VERSION) else None


def padded(size: int) -> int:
    """Return the next length that Padmé allows: one of few, and at most 12 % above `size`.

    From "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (Nikitin and others, 2019).
    """
    if size < 2:  # noqa: PLR2004 - has no logarithm worth the name
        return size
    exponent = size.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (size + mask) & ~mask


def derived(secret: bytes, purpose: str, salt: bytes = b"") -> bytes:
    """Return 32 bytes by HKDF-SHA256 (RFC 5869) for one purpose."""
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=salt, info=purpose.encode()).derive(secret)


def best_cipher() -> Cipher:
    """Return AES-256-GCM where the processor has instructions for AES, or does not tell."""
    try:
        told = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return Cipher.AES_256_GCM
    flags = [line.split() for line in told.splitlines() if line.startswith(("flags", "Features"))]
    return Cipher.AES_256_GCM if not flags or "aes" in flags[0] else Cipher.CHACHA20_POLY1305
