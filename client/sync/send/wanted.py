"""Chunks that the server lost and this device holds: read, checked, and given back (durability.md, section 6)."""

import hashlib

from client.chunker import LARGEST_CHUNK
from client.errors import ClientError
from client.protocol import Wanted
from client.sync.loop.throttle import Throttle
from client.sync.model import Path, Stat
from client.sync.seams.files import Fs, FsError
from client.sync.seams.net import Net


def supply(fs: Fs, net: Net, throttle: Throttle, wanted: Wanted, path: Path, expected: Stat) -> bool:
    """Give the server a chunk of a synced file; return whether it took it.

    Args:
        fs: the root.
        net: the server, which makes no version of it and changes no node.
        throttle: a repair is content like any other.
        wanted: the version must be that of the file's synced row.
        path: where the file is.
        expected: its state when it was in step; in any other nothing is sent.
    """
    if wanted.offset < 0 or not 0 < wanted.size <= LARGEST_CHUNK:
        return False
    try:
        content = _read(fs, path, expected, wanted)
        if content is None or len(content) != wanted.size or hashlib.sha256(content).hexdigest() != wanted.sha256:
            return False
        throttle.take(len(content), up=True)
        net.put_content(wanted.url, content)
    except (FsError, ClientError):
        return False  # it is asked for again as long as it is wanted
    return True


def _read(fs: Fs, path: Path, expected: Stat, wanted: Wanted) -> bytes | None:
    reading = fs.open(path)
    try:
        if reading.stat() != expected:
            return None
        return reading.read(wanted.size, wanted.offset)
    finally:
        reading.close()
