"""Keeps the C library from holding a heap for every thread."""

import ctypes

_M_ARENA_MAX = -8  # malloc.h of glibc
ARENAS = 2


def share_arenas() -> None:
    """Let all threads share two heaps of glibc; call before threads start, elsewhere it does nothing.

    By default each of some twenty threads keeps a heap of its own, and what one has freed none of the others uses:
    20 to 30 MiB more in memory after a large upload.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
