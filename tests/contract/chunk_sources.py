"""The inputs that tests/contract/golden/chunker.json describes, made again byte for byte."""

import sys
from array import array


def make(kind: str, size: int, seed: int) -> bytes:
    """Return `size` bytes of a source: `zeros`, `xorshift32`, or `text`, which is that with few different bytes."""
    if kind == "zeros":
        return bytes(size)
    words = array("I")
    state = seed
    for _ in range((size + 3) // 4):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        words.append(state)
    if sys.byteorder == "big":
        words.byteswap()
    data = words.tobytes()[:size]
    return data.translate(bytes(97 + value % 8 for value in range(256))) if kind == "text" else data
