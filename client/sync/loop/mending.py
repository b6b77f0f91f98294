"""After an unclean stop: what the power cut tore of what was put here lately is fetched again, never sent (section 7).

Files are durable before the rows that name them, so that this finds nothing unless a disk said so too early.
"""

import logging

from msgspec.structs import replace

from client.sync.apply.checks import torn_state
from client.sync.apply.trash import move_to_trash
from client.sync.loop.tools import World
from client.sync.model import LocalEntry, Stat
from client.sync.seams.files import FsError, Trouble
from client.sync.trees.state import State

logger = logging.getLogger(__name__)


def mend_torn(state: State, world: World) -> None:
    """Read what the last run put here at its end, and have fetched again what is torn.

    It comes before the first look at the folder, which would take what is torn for an edit. What cannot be read now is
    looked at by the next start.

    Raises:
        FsError: the root is gone.
        StateError: the state could not be written.
    """
    lids = state.applied()
    if not lids:
        return
    seen = []
    for lid in lids:
        try:
            _mend(state, world, lid)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                raise
            logger.warning("what was put at %s cannot be read: %s", "/".join(error.path), error)
        else:
            seen.append(lid)
    with state.transaction():
        state.forget_applied(seen)


def _mend(state: State, world: World, lid: int) -> None:
    entry, base = state.local(lid), state.synced_at(lid)
    if entry is None or entry.sha256 is None or (base is not None and base.sha256 != entry.sha256):
        return
    path = state.path_of(lid)
    torn = torn_state(world.fs, path, entry.stat, entry.sha256)
    if torn is None:
        return
    logger.warning("%s lost its content when the machine stopped: it is fetched again", "/".join(path))
    if base is None:  # without a base nothing that is gone is deleted elsewhere
        day = world.clock.local_time("%Y-%m-%d")
        move_to_trash(world.fs, path, day, world.chance)
        state.drop_local(lid)
    else:
        _count_as_old(state, entry, torn)


def _count_as_old(state: State, entry: LocalEntry, torn: tuple[Stat, str]) -> None:
    """Let what is torn count as a version that both sides agreed on before the one that is at the server now."""
    stat, sha256 = torn
    with state.transaction():
        state.put_local(replace(entry, stat=stat, sha256=sha256, sure=True))
        base = state.synced_at(entry.lid)
        if base is not None:
            state.put_synced(replace(base, version_id=None, sha256=sha256))
