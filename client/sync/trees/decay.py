"""Files whose bytes changed here though nobody wrote to them: noted durably, so that none is sent by accident."""

from collections.abc import Set as AbstractSet

import msgspec
from msgspec.structs import replace

from client.sync.model import LocalEntry
from client.sync.trees.state import State

UNREADABLE = "0" * 64
"""Stands for the hash of bytes that the disk no longer gives."""

_KEY = "decayed:"
_NOTED = "SELECT key, value FROM meta WHERE key >= 'decayed:' AND key < 'decayed;' ORDER BY key"


class Decay(msgspec.Struct, frozen=True):
    """What a file was (`sha256`, which its row goes on to say) and what it is now (`found`), at this size and time."""

    sha256: str
    found: str
    size: int
    mtime_ns: int

    def fits(self, entry: LocalEntry) -> bool:
        """Tell whether nobody has written to the file since: a rename, or other rights, change neither of the two."""
        return (entry.stat.size, entry.stat.mtime_ns) == (self.size, self.mtime_ns)


def decays(state: State) -> dict[int, Decay]:
    """Return what is noted, by lid."""
    rows = state.db.rows(_NOTED)
    return {int(key.removeprefix(_KEY)): msgspec.json.decode(value, type=Decay) for key, value in rows}


def decay_of(state: State, lid: int) -> Decay | None:
    """Return what is noted of an entry."""
    value = state.meta(f"{_KEY}{lid}")
    return None if value is None else msgspec.json.decode(value, type=Decay)


def note_decay(state: State, entry: LocalEntry, found: str) -> None:
    """Note that a file in the state of its row holds other bytes than the row says; durable on return."""
    decay = Decay(entry.sha256 or "", found, entry.stat.size, entry.stat.mtime_ns)
    state.set_meta(f"{_KEY}{entry.lid}", msgspec.json.encode(decay).decode())


def forget_decay(state: State, lid: int) -> None:
    """Forget it: the file is whole again, or another one."""
    state.set_meta(f"{_KEY}{lid}", None)


def hash_of_read(state: State, entry: LocalEntry, sha256: str) -> str:
    """Return what the row of a file that was read is to say.

    That is what was read; but of a file that was renamed, or given other rights, since it was found to have decayed, it
    is still what it was before: it has no edit that could be sent. What was mended meanwhile is not decayed any more.
    """
    decay = decay_of(state, entry.lid)
    if decay is None:
        return sha256
    if decay.fits(entry) and sha256 == decay.found:
        return decay.sha256
    forget_decay(state, entry.lid)
    return sha256


def settle(state: State, busy: AbstractSet[str | int]) -> list[LocalEntry]:
    """Forget what is mended, edited or gone, take a newer version where there is one; return what must be read first.

    Those are files of which only the Stat is known to have changed: before a plan may say that they were edited. What
    is `busy` is left as it is.
    """
    unread = []
    for lid, decay in decays(state).items():
        entry = state.local(lid)
        if lid in busy:
            continue
        if entry is None or not decay.fits(entry) or entry.sha256 not in {None, decay.sha256}:
            forget_decay(state, lid)
        elif entry.sha256 is None:
            unread.append(entry)
        elif _is_newer_there(state, lid):
            _count_as_old(state, entry, decay)
    return unread


def give_up(state: State) -> None:
    """Let the server's version come in the place of each decayed file, as far as nothing else is to be done there."""
    for lid, decay in decays(state).items():
        entry, base = state.local(lid), state.synced_at(lid)
        is_level = base is not None and base.sha256 == decay.sha256 and state.remote(base.id) is not None
        if entry is not None and is_level and decay.fits(entry) and entry.sha256 == decay.sha256:
            _count_as_old(state, entry, decay)


def _is_newer_there(state: State, lid: int) -> bool:
    base = state.synced_at(lid)
    node = None if base is None else state.remote(base.id)
    return base is not None and node is not None and node.version_id != base.version_id


def _count_as_old(state: State, entry: LocalEntry, decay: Decay) -> None:
    """Let the bytes that are here count as a version that both sides agreed on before the one at the server now.

    What follows is an ordinary replacement, and what it takes away is known by its hash: no edit is seen in it.
    """
    base = state.synced_at(entry.lid)
    if base is None or base.sha256 != decay.sha256:
        return
    with state.transaction():
        state.put_local(replace(entry, sha256=decay.found))
        state.put_synced(replace(base, version_id=None, sha256=decay.found))
        forget_decay(state, entry.lid)
