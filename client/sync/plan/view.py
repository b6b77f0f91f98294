"""What the planner sees of the trees: what is in view, which places correspond, and what stands where.

The answers of one plan are kept, since the trees stand still while it is made.
"""

from collections.abc import Sequence
from enum import Enum
from functools import cached_property

from client.sync import names
from client.sync.known import Known
from client.sync.model import PARKED_LID, ROOT_LID, LocalEntry, Path, RemoteNode, SyncedNode
from client.sync.trees.protocol import Trees

Place = tuple[int, str]
"""A folder here and a name in it."""


class Standing(Enum):
    """Whether a node belongs to what this root holds."""

    IN = "in"
    GONE = "gone"
    """Deleted at the server."""

    OUTSIDE = "outside"
    """Alive, but not below the node that the root stands for, or not to be seen by this account any more."""

    EXCLUDED = "excluded"
    """Left out by selective sync, or below something that is."""

    UNKNOWN = "unknown"
    """Its folder has not been told of yet: nothing may follow from that."""


_NOWHERE: Path = ("?",)


class View:
    """Questions to the three trees, with what is known beside them."""

    def __init__(self, trees: Trees, known: Known) -> None:
        """Look at trees that stand still from now on."""
        self.trees = trees
        self.known = known
        self._nodes: dict[str, RemoteNode | None] = {}
        self._entries: dict[int, LocalEntry | None] = {}
        self._rows: dict[str, SyncedNode | None] = {}
        self._ties: dict[int, SyncedNode | None] = {}
        self._standings: dict[str, Standing] = {trees.root_id: Standing.IN}
        self._paths: dict[int, Path | None] = {ROOT_LID: ()}
        self._ignored: dict[int, bool] = {ROOT_LID: False, PARKED_LID: False}
        self._names: dict[str, dict[str, str]] = {}
        self._places: dict[int, dict[str, LocalEntry]] = {}

    # Rows

    def node(self, node_id: str) -> RemoteNode | None:
        """Return a remote row, in view or not."""
        if node_id not in self._nodes:
            self._nodes[node_id] = self.trees.remote(node_id)
        return self._nodes[node_id]

    def entry(self, lid: int) -> LocalEntry | None:
        """Return a local row."""
        if lid not in self._entries:
            self._entries[lid] = self.trees.local(lid)
        return self._entries[lid]

    def base(self, node_id: str) -> SyncedNode | None:
        """Return the synced row of a node."""
        if node_id not in self._rows:
            self._rows[node_id] = self.trees.synced(node_id)
        return self._rows[node_id]

    def tie(self, lid: int) -> SyncedNode | None:
        """Return the synced row of an entry."""
        if lid not in self._ties:
            self._ties[lid] = self.trees.synced_at(lid)
        return self._ties[lid]

    # In view?

    def standing(self, node_id: str) -> Standing:
        """Tell whether a node is in view."""
        way: dict[str, str] = {}  # each node with its folder: as many as the server likes, so nothing recurses
        at = node_id
        while at not in self._standings:
            found = self._standing_alone(at)
            if isinstance(found, Standing):
                self._standings[at] = found
            elif at in way:
                self._standings[at] = Standing.UNKNOWN
            else:
                way[at] = found
                at = found
        for each in reversed(way):
            above = self._standings[way[each]]
            is_excluded = above is Standing.IN and self.trees.is_excluded(each)
            self._standings[each] = Standing.EXCLUDED if is_excluded else above
        return self._standings[node_id]

    def _standing_alone(self, node_id: str) -> Standing | str:
        """Return where a node stands, or the folder on which that depends."""
        node = self.node(node_id)
        if node is None:
            return Standing.OUTSIDE if self.trees.has_left(node_id) else Standing.GONE
        if node_id in self.known.leaving:
            return Standing.GONE
        if node.parent_id is None:
            return Standing.OUTSIDE
        if node.parent_id != self.trees.root_id and self.node(node.parent_id) is None:
            return Standing.UNKNOWN
        return node.parent_id

    def live_children(self, node_id: str) -> list[RemoteNode]:
        """Return what a folder at the server holds, without what is about to leave."""
        return [child for child in self.trees.remote_children(node_id) if child.id not in self.known.leaving]

    def live_child(self, parent_id: str, name: str) -> RemoteNode | None:
        """Return what has a name at the server, even if it is about to leave: the name is not free before it has."""
        return self.trees.remote_child(parent_id, name)

    def child_shown_as(self, parent_id: str, name: str, here: str) -> RemoteNode | None:
        """Return what has a name at the server, or else what this disk shows by one that it takes for `here`."""
        found = self.live_child(parent_id, name)
        if found is not None or self.is_plain:
            return found
        traits = self.known.traits
        shown = ((child, self.name_here(child)) for child in self.trees.remote_children(parent_id))
        wanted = names.key(here, traits)
        return next((child for child, own in shown if names.key(own, traits) == wanted), None)

    # Corresponding folders

    def lid_of(self, node_id: str) -> int | None:
        """Return the folder here that stands for a folder at the server, if there is one."""
        if node_id == self.trees.root_id:
            return ROOT_LID
        base = self.base(node_id)
        if base is None:
            return None
        entry = self.entry(base.lid)
        return base.lid if entry is not None and entry.is_folder else None

    def id_of(self, lid: int) -> str | None:
        """Return the folder at the server that a folder here stands for, if it is in view."""
        if lid == ROOT_LID:
            return self.trees.root_id
        base = self.tie(lid)
        return base.id if base is not None and self.standing(base.id) is Standing.IN else None

    def home(self, node: RemoteNode) -> Place | None:
        """Return where a node in view belongs here; None while its folder is not here."""
        if node.parent_id is None:
            return None
        parent = self.lid_of(node.parent_id)
        return None if parent is None else (parent, self.name_here(node))

    # Names

    @cached_property
    def is_plain(self) -> bool:
        """Whether this disk takes names as they are."""
        traits = self.known.traits
        return traits.tells_spellings and not traits.windows_names

    def name_here(self, node: RemoteNode) -> str:
        """Return the name of a node on this disk."""
        pair = (node.id, node.name)
        if self.is_plain:
            own = names.local_names([pair], self.known.traits)[node.id]
            if own == node.name:
                return own
        parent_id = node.parent_id or ""
        if parent_id not in self._names:
            siblings = [(child.id, child.name) for child in self.trees.remote_children(parent_id)]
            self._names[parent_id] = names.local_names(siblings, self.known.traits)
        return self._names[parent_id].get(node.id, node.name)

    def is_same_name(self, one: str, other: str) -> bool:
        """Tell whether two names here are one at the server: as found on disk, or in another Unicode form."""
        if one == other:
            return True
        if one.isascii() and other.isascii():
            return False
        sent = names.server_name(one)
        return sent is not None and sent == names.server_name(other)

    def _key(self, name: str) -> str:
        return names.key(names.server_name(name) or name, self.known.traits)

    def stands_at(self, place: Place) -> LocalEntry | None:
        """Return what has a name here, or one that this disk or the server cannot tell from it."""
        parent, name = place
        exact = self.trees.local_child(parent, name)
        if exact is not None or (self.is_plain and name.isascii()):
            return exact
        return self._eldest(place)

    def stands_for(self, entry: LocalEntry) -> bool:
        """Tell whether an entry is what its name stands for here: not while an older row has that name too.

        Where this disk takes several spellings for one name, one of both is gone, and that was not seen yet.
        """
        if self.known.traits.tells_spellings:
            return True
        eldest = self._eldest((entry.parent, entry.name))
        return eldest is None or eldest.lid == entry.lid

    def _eldest(self, place: Place) -> LocalEntry | None:
        parent, name = place
        if parent not in self._places:
            found: dict[str, LocalEntry] = {}
            for child in self.trees.local_children(parent):
                found.setdefault(self._key(child.name), child)
            self._places[parent] = found
        return self._places[parent].get(self._key(name))

    def copies_of(self, entry: LocalEntry) -> list[LocalEntry]:
        """Return the conflict copies of a file that stand beside it."""
        stem = names.conflict_stem(entry.name) or entry.name
        beside = self.trees.local_children(entry.parent)
        return [child for child in beside if child.lid != entry.lid and names.conflict_stem(child.name) == stem]

    # What may be planned

    def is_certain(self, lid: int) -> bool:
        """Tell whether an entry is known as it is on disk."""
        return lid == ROOT_LID or self.known.is_certain(lid)

    def is_busy(self, *keys: str | int | None) -> bool:
        """Tell whether an operation is under way that touches one of these nodes and entries."""
        return bool(self.known.busy) and any(key in self.known.busy for key in keys)

    def is_parked(self, lid: int) -> bool:
        """Tell whether a folder here is, or lies in, one that waits out of its place."""
        while lid != ROOT_LID:
            if lid == PARKED_LID:
                return True
            entry = self.entry(lid)
            if entry is None:
                return False
            lid = entry.parent
        return False

    def path(self, place: Place) -> Path:
        """Return the path of a place, also of one in a folder that is not here any more."""
        return (*self._path_of(place[0]), place[1])

    def is_placed(self, place: Place) -> bool:
        """Tell whether it is known where a place is: not if its folder is neither here nor was in step."""
        return place[0] == PARKED_LID or self._find_path(place[0]) is not None

    def _path_of(self, lid: int) -> Path:
        return self._find_path(lid) or (() if lid == ROOT_LID else _NOWHERE)

    def _find_path(self, lid: int) -> Path | None:
        way: dict[int, str] = {}
        at = lid
        while at not in self._paths:
            above = self._above(at)
            if above is None or above[0] in way:
                self._paths[at] = None
            else:
                way[at] = above[1]
                at = above[0]
        path = self._paths[at]
        for each, name in reversed(way.items()):
            path = None if path is None else (*path, name)
            self._paths[each] = path
        return path

    def _above(self, lid: int) -> Place | None:
        """Return where a folder is, or was when it was in step."""
        entry = self.entry(lid)
        if entry is not None:
            return entry.parent, entry.name
        base = self.tie(lid)
        return None if base is None else self.place_then(base)

    def place_then(self, base: SyncedNode) -> Place:
        """Return where something was when it was in step.

        If its folder is neither here nor in step any more, that is what by now stands for the folder of its node.
        """
        parent = base.local_parent
        if parent in {ROOT_LID, PARKED_LID} or self.entry(parent) is not None or self.tie(parent) is not None:
            return parent, base.local_name
        if base.parent_id == self.trees.root_id:
            return ROOT_LID, base.local_name
        above = self.base(base.parent_id)
        return parent if above is None else above.lid, base.local_name

    def is_ignored(self, place: Place, *, is_folder: bool) -> bool:
        """Tell whether the rules leave a place out, or a folder above it."""
        parent, name = place
        if parent == PARKED_LID:
            return False
        return self._is_folder_ignored(parent) or self.known.is_ignored((*self._path_of(parent), name), is_folder)

    def _is_folder_ignored(self, lid: int) -> bool:
        way: dict[int, Place] = {}
        at = lid
        while at not in self._ignored:
            above = self._above(at)
            if above is None or above[0] in way or above[0] == PARKED_LID:
                self._ignored[at] = False
            else:
                way[at] = above
                at = above[0]
        is_ignored = self._ignored[at]
        for each, (parent, name) in reversed(way.items()):
            is_ignored = is_ignored or self.known.is_ignored((*self._path_of(parent), name), True)  # noqa: FBT003 - folders
            self._ignored[each] = is_ignored
        return is_ignored

    def is_in_ignored(self, node: RemoteNode) -> bool:
        """Tell whether a folder above a node is not here since the rules leave it out."""
        seen = {node.id}
        parent = None if node.parent_id is None else self.node(node.parent_id)
        while parent is not None and self.base(parent.id) is None and parent.id not in seen:
            home = self.home(parent)
            if home is not None:
                return self.is_ignored(home, is_folder=True)
            seen.add(parent.id)
            parent = None if parent.parent_id is None else self.node(parent.parent_id)
        return False

    def is_entry_ignored(self, entry: LocalEntry) -> bool:
        """Tell whether the rules leave an entry out."""
        if entry.is_folder and entry.parent != PARKED_LID:
            return self._is_folder_ignored(entry.lid)
        return self.is_ignored((entry.parent, entry.name), is_folder=entry.is_folder)

    # Changes against the base

    def is_moved_here(self, base: SyncedNode, entry: LocalEntry) -> bool:
        """Tell whether a person renamed or moved an entry; to be parked is no move."""
        if entry.parent == PARKED_LID:
            return False
        return (entry.parent, entry.name) != (base.local_parent, base.local_name)

    def is_moved_there(self, base: SyncedNode, node: RemoteNode) -> bool:
        """Tell whether a node was renamed or moved at the server."""
        return (node.parent_id, node.name) != (base.parent_id, base.name)

    def is_same_time(self, one_ms: int | None, other_ms: int | None) -> bool:
        """Tell whether two times of change are one on this disk, which may round them; None is any time."""
        if one_ms is None or other_ms is None:
            return True
        return one_ms == other_ms or abs(one_ms - other_ms) * 1_000_000 < self.known.traits.step_ns

    def local_children(self, lid: int) -> Sequence[LocalEntry]:
        """Return what a folder here holds."""
        return self.trees.local_children(lid)
