"""Whether what is on the disk is still what somebody saw there, and hashing it where a Stat cannot tell."""

import hashlib
from collections.abc import Iterator

from client.sync.model import Kind, LocalEntry, Path, Stat
from client.sync.seams.files import Fs, FsError, Traits

PIECE = 1024 * 1024
"""How many bytes are read at a time."""


def is_same(now: Stat | None, seen: Stat, traits: Traits, *, renamed: bool = False) -> bool:
    """Tell whether an entry is in the state in which it was seen.

    Of a folder only its identity counts. A rename or a second link gives a file another ctime: with `renamed` ctime is
    passed over. It is also where the disk has none (0).
    """
    if now is None or now.kind is not seen.kind or (traits.stable_inodes and now.inode != seen.inode):
        return False
    if now.kind is Kind.FOLDER:
        return True
    times = renamed or now.ctime_ns == seen.ctime_ns or 0 in {now.ctime_ns, seen.ctime_ns}
    return times and (now.size, now.mtime_ns) == (seen.size, seen.mtime_ns)


def is_at(fs: Fs, path: Path, entry: LocalEntry, traits: Traits) -> bool:
    """Tell whether `path` holds what the planner saw; raise FsError.

    A row that is not sure may hide an edit that left size and times as they were (git's racy rule): it counts only if
    the content still has the hash of the row.
    """
    if not is_same(fs.look(path), entry.stat, traits):
        return False
    if entry.sure or entry.sha256 is None or entry.is_folder:
        return True
    return sha256_of(fs, path) == entry.sha256


def look_after(fs: Fs, path: Path) -> Stat | None:
    """Look at what has just been moved to a path; None too if that fails: it is there all the same."""
    try:
        return fs.look(path)
    except FsError:
        return None


def read_pieces(fs: Fs, path: Path) -> Iterator[bytes]:
    """Yield the content of a plain file; raise FsError."""
    reading = fs.open(path)
    try:
        offset = 0
        while piece := reading.read(PIECE, offset):
            yield piece
            offset += len(piece)
    finally:
        reading.close()


def sha256_of(fs: Fs, path: Path) -> str:
    """Return the SHA-256 of a plain file as 64 hex digits; raise FsError."""
    digest = hashlib.sha256()
    for piece in read_pieces(fs, path):
        digest.update(piece)
    return digest.hexdigest()


def torn_state(fs: Fs, path: Path, stat: Stat, sha256: str) -> tuple[Stat, str] | None:
    """Return state and hash of a file that was put here before an unclean stop, and lost its content in it.

    That is one whose mtime is the one that it was given, whose content is not, and which is empty or all zero bytes:
    a power cut does that where the name was durable before the bytes. It is fetched again, and never uploaded
    (section 7 of the design). Anything else with another content is an edit: None. Raise FsError.
    """
    now = fs.look(path)
    if now is None or now.kind is not Kind.FILE or now.mtime_ns != stat.mtime_ns:
        return None
    digest = hashlib.sha256()
    for piece in read_pieces(fs, path):
        if piece.count(0) != len(piece):
            return None
        digest.update(piece)
    found = digest.hexdigest()
    return None if found == sha256 else (now, found)
