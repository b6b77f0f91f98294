"""Forms of a chunk: hostile bodies are refused within bounds, and zstd is kept only where it pays."""

import gzip
import tracemalloc
import zlib

import pytest
import zstandard

from storage.base import Encoding, WireEncoding
from storage.codec import Compressor, plain_form, restored, stored_form, unzstd
from storage.errors import ChunkMismatchError
from tests.storage.makers import id_of, noise

TEXT = b"the quick brown fox jumps over the lazy dog. " * 2000
MIB = 1024 * 1024


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3).compress(data)


def in_pieces(data: bytes, size: int = 1000) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (WireEncoding.IDENTITY, TEXT),
        (WireEncoding.ZSTD, zstd(TEXT)),
        (WireEncoding.ZSTD, zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(TEXT)),
        (WireEncoding.GZIP, gzip.compress(TEXT)),
    ],
)
def test_a_body_decodes_whatever_its_pieces(encoding: WireEncoding, body: bytes) -> None:
    for size in (7, 4096, len(body)):
        assert b"".join(plain_form(in_pieces(body, size), len(TEXT), encoding)) == TEXT


@pytest.mark.parametrize("encoding", [WireEncoding.ZSTD, WireEncoding.GZIP])
@pytest.mark.parametrize("wrong", [-1, 1, -len(TEXT) + 1, 5 * MIB])
def test_a_body_of_another_length_is_refused(encoding: WireEncoding, wrong: int) -> None:
    body = zstd(TEXT) if encoding is WireEncoding.ZSTD else gzip.compress(TEXT)

    with pytest.raises(ChunkMismatchError):
        plain_form([body], len(TEXT) + wrong, encoding)


def rle_bomb(blocks: int) -> bytes:
    """Return a frame of zeros, 128 KiB from each 4 bytes."""
    header = b"\x28\xb5\x2f\xfd\x00\x58"  # no content size, window of 2 MiB
    body = b"".join((1 << 1 | 128 * 1024 << 3).to_bytes(3, "little") + b"\0" for _ in range(blocks))
    return header + body + (1).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (WireEncoding.ZSTD, zstd(bytes(256 * MIB))),
        (WireEncoding.ZSTD, rle_bomb(4000)),
        (WireEncoding.GZIP, gzip.compress(bytes(128 * MIB))),
    ],
    ids=["zstd", "zstd run lengths", "gzip"],
)
def test_a_bomb_is_refused_in_little_memory(encoding: WireEncoding, body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ChunkMismatchError):
            plain_form([body], 8 * MIB, encoding)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 32 * MIB


FRAME = zstd(TEXT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no frame at all",
        FRAME[:-1],
        FRAME[: len(FRAME) // 2],
        FRAME[:6],
        FRAME + b"x",
        FRAME + FRAME,
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + FRAME,
        zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)[:-4] + b"\0\0\0\0",
        b"\x28\xb5\x2f\xfd\x00\x58" + (1 | 3 << 1 | 8 << 3).to_bytes(3, "little") + b"\0" * 8,
    ],
    ids=["empty", "text", "cut", "half", "header", "tail", "two", "skippable first", "checksum", "reserved"],
)
def test_what_is_not_one_whole_zstd_frame_is_refused(body: bytes) -> None:
    with pytest.raises(ChunkMismatchError):
        plain_form([body], len(TEXT), WireEncoding.ZSTD)


def test_a_window_over_8_mib_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=24, compression_level=1)
    work = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = work.compress(TEXT) + work.flush()

    with pytest.raises(ChunkMismatchError):
        plain_form([body], len(TEXT), WireEncoding.ZSTD)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(TEXT)[:-1],
        gzip.compress(TEXT) + b"x",
        gzip.compress(TEXT) + gzip.compress(b"more"),
        gzip.compress(TEXT)[:-8] + bytes(8),
        zlib.compress(TEXT),
    ],
    ids=["empty", "text", "cut", "tail", "two", "checksum", "zlib"],
)
@pytest.mark.parametrize("size", [100, 1 << 20])
def test_what_is_not_one_whole_gzip_member_is_refused(body: bytes, size: int) -> None:
    with pytest.raises(ChunkMismatchError):
        plain_form(in_pieces(body, size), len(TEXT), WireEncoding.GZIP)


@pytest.mark.parametrize("size", [100, 4096, 70_000, MIB])
def test_text_is_kept_compressed_and_comes_back(size: int) -> None:
    plain = (TEXT * 20)[:size]

    form, stored = stored_form(in_pieces(plain), in_pieces(plain), size, WireEncoding.IDENTITY, Compressor(1))

    data = b"".join(stored)
    assert form is Encoding.ZSTD
    assert len(data) <= size * 0.9
    assert restored(data, form, id_of(plain), size) == plain


@pytest.mark.parametrize("size", [1, 63, 100, 4096, 70_000, MIB])
def test_noise_is_kept_as_it_came(size: int) -> None:
    pieces = in_pieces(noise(1, size), 65_536)

    form, stored = stored_form(pieces, pieces, size, WireEncoding.IDENTITY, Compressor(1))

    assert form is Encoding.RAW
    assert stored is pieces


def test_what_saves_less_than_a_tenth_is_kept_plain() -> None:
    plain = noise(1, 60_000) + bytes(5_000)

    assert Compressor(1).compress([plain], len(plain)) is None


def test_a_frame_of_the_sender_is_kept_where_it_pays() -> None:
    body = in_pieces(zstd(TEXT))

    form, stored = stored_form(body, [TEXT], len(TEXT), WireEncoding.ZSTD, Compressor(1))

    assert form is Encoding.ZSTD
    assert stored is body


def test_a_frame_of_the_sender_that_saves_nothing_is_kept_plain() -> None:
    plain = noise(1)

    form, stored = stored_form([zstd(plain)], [plain], len(plain), WireEncoding.ZSTD, Compressor(1))

    assert (form, stored) == (Encoding.RAW, [plain])


def test_bytes_that_are_not_the_chunk_are_never_restored() -> None:
    frame = zstd(TEXT)

    with pytest.raises(ChunkMismatchError):
        restored(frame, Encoding.ZSTD, id_of(b"other"), len(TEXT))
    with pytest.raises(ChunkMismatchError):
        restored(TEXT[:-1], Encoding.RAW, id_of(TEXT), len(TEXT))


def test_no_more_is_decoded_than_one_byte_over_the_size() -> None:
    assert unzstd(zstd(TEXT), 10) == TEXT[:11]
