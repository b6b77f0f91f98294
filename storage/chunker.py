"""Content-defined cuts for streams that the server cuts itself, in the same places as every client cuts files."""

from typing import Final

from pyfastcdc import FastCDC

from storage.base import Buffer

SMALLEST_CHUNK = 256 * 1024
"""No chunk but the last of a stream is smaller, in bytes; a stream up to this size is one chunk."""
AVERAGE_CHUNK = 1024 * 1024
LARGEST_CUT = 4 * 1024 * 1024

_NORMALIZATION: Final = 1  # FastCDC 2020, 3.4: with the sizes and the gear table it is part of the wire contract
_ENOUGH = 2 * LARGEST_CUT  # bytes to gather before cutting: what is left each time is moved to the front once


class StreamChunker:
    """Cuts a stream that arrives in pieces of any size; the cuts depend on the content alone, not on the pieces.

    Holds up to 8 MiB and one piece in memory. Not for several threads at once.
    """

    def __init__(self) -> None:
        """Begin a stream."""
        self._fastcdc = FastCDC(
            AVERAGE_CHUNK, min_size=SMALLEST_CHUNK, max_size=LARGEST_CUT, normalized_chunking=_NORMALIZATION, seed=0
        )
        self._held = bytearray()

    def feed(self, piece: Buffer) -> list[bytes]:
        """Take the next bytes of the stream; return the chunks that are certain by now, often none."""
        self._held += piece
        # A cut looks at most `LARGEST_CUT` bytes ahead, so with that many at hand no later byte can move it.
        return self._cut(LARGEST_CUT) if len(self._held) >= _ENOUGH else []

    def finish(self) -> list[bytes]:
        """Return the rest of the stream as chunks; none if nothing is left."""
        return self._cut(1)

    def _cut(self, least: int) -> list[bytes]:
        """Take chunks off the front while at least `least` bytes are held."""
        chunks = []
        start = 0
        with memoryview(self._held) as held:
            while len(held) - start >= least:
                with held[start:] as rest:
                    length = next(self._fastcdc.cut_buf(rest)).length
                    chunks.append(bytes(rest[:length]))
                start += length
        del self._held[:start]
        return chunks
