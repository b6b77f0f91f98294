"""Forms of a chunk's bytes: zstd where it pays, and decoders that a hostile body cannot blow up."""

import threading
import zlib
from collections.abc import Sequence

import zstandard

from storage.base import Buffer, ChunkId, Encoding, WireEncoding, hash_of
from storage.errors import ChunkMismatchError

WINDOW_MAX = 8 * 1024 * 1024
"""Largest window in bytes that a zstd frame may ask of the decoder."""

_SAMPLE = 4096
_TRY_WHOLE = 4 * _SAMPLE
_LEAST = 64  # below this many bytes a frame's own header eats the gain
_SAVES_TENTHS = 9  # stored form kept where it is at most 9/10 of the plain one

_MAGIC_SIZE = 4
_BLOCK_HEADER = 3
_CHECKSUM = 4
_RLE = 1
_RESERVED = 3


class Compressor:
    """Tries zstd on chunks; has a context for each thread, since making one costs more than a small chunk."""

    def __init__(self, level: int) -> None:
        """Use zstd at `level`."""
        self._level = level
        self._local = threading.local()

    def compress(self, pieces: Sequence[Buffer], size: int) -> bytes | None:
        """Return one zstd frame of `pieces`, `size` bytes in all, or None where it saves less than a tenth.

        Bodies over 16 KiB are tried on three samples first: photos, videos and archives cost three small calls.
        """
        if size < _LEAST:
            return None
        context = self._context()
        if size > _TRY_WHOLE:
            samples = _samples(pieces)
            if not _saves(sum(len(context.compress(sample)) for sample in samples), sum(map(len, samples))):
                return None
        if len(pieces) == 1:
            frame = context.compress(pieces[0])
        else:
            work = context.compressobj(size=size)
            frame = b"".join([*map(work.compress, pieces), work.flush()])
        return frame if _saves(len(frame), size) else None

    def _context(self) -> zstandard.ZstdCompressor:
        context: zstandard.ZstdCompressor | None = getattr(self._local, "context", None)
        if context is None:
            context = self._local.context = zstandard.ZstdCompressor(level=self._level)
        return context


def plain_form(pieces: Sequence[Buffer], size: int, encoding: WireEncoding) -> Sequence[Buffer]:
    """Return the plain bytes of a body that should decode to `size` bytes; reads at most `size` + 1 of them.

    Raises:
        ChunkMismatchError: it is not one whole frame of that encoding, or of another size.
    """
    if encoding is WireEncoding.IDENTITY:
        plain = pieces
    elif encoding is WireEncoding.ZSTD:
        plain = [unzstd(b"".join(pieces), size)]
    else:
        plain = _gunzip(pieces, size)
    if (length := sum(map(len, plain))) != size:
        raise ChunkMismatchError(f"the chunk should have {size} bytes, not {length}{'+' * (length > size)}")
    return plain


def stored_form(
    pieces: Sequence[Buffer], plain: Sequence[Buffer], size: int, encoding: WireEncoding, compressor: Compressor
) -> tuple[Encoding, Sequence[Buffer]]:
    """Return how to keep a chunk: a zstd frame that the sender made or that we make, where it pays, else plain."""
    if encoding is WireEncoding.ZSTD and _saves(sum(map(len, pieces)), size):
        return Encoding.ZSTD, pieces
    frame = compressor.compress(plain, size)
    return (Encoding.RAW, plain) if frame is None else (Encoding.ZSTD, [frame])


def unzstd(data: Buffer, size: int) -> bytes:
    """Return what one zstd frame holds, at most `size` + 1 bytes of it.

    Raises:
        ChunkMismatchError: it is not one whole frame and nothing else, or its window is over 8 MiB.
    """
    try:
        if _frame_end(data) != len(data):
            raise ChunkMismatchError("the body is not one whole zstd frame")
        with zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(data) as reader:
            return reader.read(size + 1)
    except zstandard.ZstdError as error:
        raise ChunkMismatchError(f"the body is no zstd frame: {error}") from error


def restored(data: bytes, encoding: Encoding, chunk_id: ChunkId, size: int) -> bytes:
    """Return the plain bytes of a stored form after a check against length and hash.

    Raises:
        ChunkMismatchError: they are not what the index says.
    """
    plain = unzstd(data, size) if encoding is Encoding.ZSTD else data
    if len(plain) != size or hash_of([plain]) != chunk_id:
        raise ChunkMismatchError("the stored bytes are not those of the chunk")
    return plain


def _frame_end(data: Buffer) -> int:
    """Return where the first zstd frame of `data` ends by walking its blocks (RFC 8878, 3.1.1), -1 if it does not."""
    position = zstandard.frame_header_size(data)
    has_checksum = zstandard.get_frame_parameters(data).has_checksum
    last = False
    while not last:
        header = int.from_bytes(data[position : position + _BLOCK_HEADER], "little")
        if position + _BLOCK_HEADER > len(data) or (kind := header >> 1 & 3) == _RESERVED:
            return -1
        last = bool(header & 1)
        position += _BLOCK_HEADER + (1 if kind == _RLE else header >> 3)
    return position + (_CHECKSUM if has_checksum else 0)


def _gunzip(pieces: Sequence[Buffer], size: int) -> list[bytes]:
    """Return the content of one gzip member, at most `size` + 1 bytes of it."""
    work = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    plain: list[bytes] = []
    left = size + 1
    try:
        for piece in pieces:
            if work.eof and len(piece):
                raise ChunkMismatchError("there are bytes after the gzip member")
            if left:
                part = work.decompress(piece, left)
                plain.append(part)
                left -= len(part)
    except zlib.error as error:
        raise ChunkMismatchError(f"the body is no gzip member: {error}") from error
    if left and (not work.eof or work.unused_data):
        raise ChunkMismatchError("the body is not one whole gzip member")
    return plain


def _samples(pieces: Sequence[Buffer]) -> list[Buffer]:
    """Return three samples: from the front, the middle and the end, each within one piece as it was received."""
    chosen = (memoryview(pieces[0]), memoryview(pieces[len(pieces) // 2]), memoryview(pieces[-1]))
    front, middle, end = chosen
    start = max(0, (len(middle) - _SAMPLE) // 2)
    return [front[:_SAMPLE], middle[start : start + _SAMPLE], end[-_SAMPLE:]]


def _saves(stored: int, plain: int) -> bool:
    return stored * 10 <= plain * _SAVES_TENTHS
