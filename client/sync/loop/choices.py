"""What a person decides, carried over into the trees: selective sync, held deletes."""

from collections.abc import Collection, Mapping
from dataclasses import replace as with_less

from msgspec.structs import replace

from client.sync.model import SyncedNode
from client.sync.seams.files import Fs, FsError
from client.sync.settings import Settings
from client.sync.trees.state import State


def select(state: State, fs: Fs, excluded: list[str], busy: Collection[str | int]) -> None:
    """Leave out these folders at the server, and take in all others; durable before anything follows from it.

    What was on its way out of a folder that is taken in again is forgotten as agreed on, so that it comes back: its
    absence, which may not have been noted before an end, would look like a delete by the user.

    Args:
        busy: the nodes and entries at which something is under way.
    """
    wanted, now = set(excluded), set(state.excluded())
    if wanted == now:
        return
    with state.transaction():
        for node_id in sorted(wanted ^ now):
            state.set_excluded(node_id, excluded=node_id in wanted)
        for node_id in sorted(now - wanted):
            for each in (node_id, *(node.id for node in state.rows_below(node_id))):
                base = state.synced(each)
                if base is not None and (base.lid in busy or not _is_here(state, fs, base)):
                    state.drop_synced(each)
    state.mark_differences()


def _is_here(state: State, fs: Fs, base: SyncedNode) -> bool:
    """Tell whether something stands where the entry of a node was seen last; not, where that cannot be told."""
    try:
        return fs.look(state.path_of(base.lid)) is not None
    except (KeyError, FsError):
        return False


def bring_back(state: State) -> None:
    """Refuse held deletes: what is gone on one side is forgotten as agreed on, so that it comes back from the other."""
    with state.transaction():
        for node_id in sorted(state.dirty.ids):
            base = state.synced(node_id)
            if base is None:
                continue
            gone_here, gone_there = state.local(base.lid) is None, state.remote(node_id) is None
            if gone_here != gone_there:
                state.drop_synced(node_id)


def counted_down(settings: Settings, passed: Mapping[tuple[str, str], int]) -> Settings:
    """Return the settings with what was confirmed less by what has come to pass of it, by reason and side."""
    left = [with_less(each, files=each.files - passed.get((each.reason, each.side), 0)) for each in settings.confirmed]
    return replace(settings, may_delete=[each for each in left if each.files > 0] or None)


def carried_out(settings: Settings) -> Settings:
    """Return the settings without decisions that were carried out."""
    return replace(settings, may_delete=None, bring_back=False)
