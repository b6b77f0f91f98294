"""What becomes of a folder that is gone on one side: whether all in it may go, or something must stay."""

from collections.abc import Iterable
from enum import IntEnum

from client.sync.model import Kind, LocalEntry, RemoteNode, SyncedNode
from client.sync.plan.rings import Tied, is_to_come_home
from client.sync.plan.view import Standing, View


class Fate(IntEnum):
    """From the weakest to the strongest: of a folder it is that of the strongest child."""

    GOES = 0
    """Nothing has changed since it was in step: its author had seen all of it."""

    STAYS = 1
    """Only things that are not synced are left in it: it stays on this device."""

    WAITS = 2
    """Something has to move out first, or to be looked at."""

    KEPT = 3
    """Something in it is new or changed."""


class Fates:
    """Fates of nodes that are gone here, and of entries that are gone there. Each is found once."""

    def __init__(self, view: View) -> None:
        """Judge what a view shows."""
        self._view = view
        self._there: dict[str, Fate] = {}
        self._here: dict[int, Fate] = {}
        self._moved: dict[int, bool] = {}
        self._holds_unsynced: dict[int, bool] = {}

    # Gone here: what becomes of the node there

    def there(self, node: RemoteNode) -> Fate:
        """Return the fate of a live node whose entry here is gone."""
        below: dict[
            str, list[str]
        ] = {}  # folders by depth; nothing recurses: folders can be as deep as the server likes
        todo = [node]
        for each in todo:
            if each.id in self._there or each.id in below:
                continue
            fate = self._judge_node(each)
            if fate is not None:
                self._there[each.id] = fate
                continue
            children = self._view.live_children(each.id)
            below[each.id] = [child.id for child in children]
            todo += children
        for folder, ids in reversed(below.items()):
            self._there[folder] = strongest(self._there.get(each, Fate.WAITS) for each in ids)
        return self._there[node.id]

    def _judge_node(self, node: RemoteNode) -> Fate | None:
        """Return the fate of a node, or None for a folder whose fate is that of what is in it."""
        view, base = self._view, self._view.base(node.id)
        if base is None or view.standing(node.id) is not Standing.IN or is_changed_there(base, node, view):
            return Fate.KEPT
        entry = view.entry(base.lid)
        if entry is not None:
            is_to_stay = view.is_entry_ignored(entry) or is_to_come_home(view, Tied(node, entry, base))
            return Fate.KEPT if is_to_stay else Fate.WAITS
        place = view.place_then(base)
        if not view.is_placed(place) or view.is_ignored(place, is_folder=node.kind is Kind.FOLDER):
            return Fate.KEPT
        if not node.writable:
            return Fate.KEPT
        if not view.is_certain(base.lid) or view.is_busy(node.id, base.lid):
            return Fate.WAITS
        return Fate.GOES if node.kind is Kind.FILE else None

    def files_below(self, node: RemoteNode) -> int:
        """Return how many files a delete of a node would take."""
        todo, seen, files = [node], {node.id}, 0
        while todo:
            each = todo.pop()
            if each.kind is Kind.FILE:
                files += 1
                continue
            children = [child for child in self._view.live_children(each.id) if child.id not in seen]
            seen.update(child.id for child in children)
            todo += children
        return files

    # Gone there: what becomes of the entry here

    def here(self, entry: LocalEntry) -> Fate:
        """Return the fate of an entry whose node is gone, or of one that lies in a folder whose node is."""
        below: dict[int, list[int]] = {}
        todo = [entry]
        for each in todo:
            if each.lid in self._here or each.lid in below:
                continue
            fate = self._judge_entry(each)
            if fate is not None:
                self._here[each.lid] = fate
                continue
            children = self._view.local_children(each.lid)
            below[each.lid] = [child.lid for child in children]
            todo += children
        for folder, lids in reversed(below.items()):
            least = Fate.STAYS if self._view.known.holds_others(folder) else Fate.GOES
            self._here[folder] = max(strongest(self._here.get(each, Fate.WAITS) for each in lids), least)
        return self._here[entry.lid]

    def _judge_entry(self, entry: LocalEntry) -> Fate | None:
        """Return the fate of an entry, or None for a folder whose fate is that of what is in it."""
        view, base = self._view, self._view.tie(entry.lid)
        if view.is_entry_ignored(entry):
            return Fate.STAYS
        if not view.is_certain(entry.lid) or view.is_busy(entry.lid, base.id if base is not None else None):
            return Fate.WAITS
        if base is None:
            return self._judge_new(entry)
        standing = view.standing(base.id)
        if standing in {Standing.GONE, Standing.OUTSIDE}:
            return self._judge_tied(entry, base)
        if standing is not Standing.IN:
            return Fate.WAITS
        return self._judge_live(entry, base)

    def _judge_new(self, entry: LocalEntry) -> Fate:
        if not entry.is_folder:
            return Fate.KEPT
        return Fate.STAYS if self.holds_only_unsynced(entry) else Fate.KEPT

    def _judge_live(self, entry: LocalEntry, base: SyncedNode) -> Fate:
        """Judge what is alive at the server: it was moved into a dead folder here, or is still to be moved out."""
        node = self._view.node(base.id)
        is_newcomer = node is not None and not self._view.is_moved_there(base, node)
        return Fate.KEPT if is_newcomer and self._view.is_moved_here(base, entry) else Fate.WAITS

    def _judge_tied(self, entry: LocalEntry, base: SyncedNode) -> Fate | None:
        if self.is_moved_with(entry):
            return Fate.KEPT
        if entry.is_folder:
            return None
        return judge_content(entry, base, keeps_bits=self._view.known.traits.keeps_bits)

    def is_moved_with(self, entry: LocalEntry) -> bool:
        """Tell whether an entry was moved here, or a folder above it whose node is gone as well: a move is an edit."""
        way: list[int] = []
        at: LocalEntry | None = entry
        found: bool | None = None
        while found is None:
            found = False if at is None else self._moved.get(at.lid)
            if at is not None and found is None:
                way.append(at.lid)
                found = self._is_moved(at)
                at = self._view.entry(at.parent)
        self._moved.update(dict.fromkeys(way, found))
        return found

    def _is_moved(self, entry: LocalEntry) -> bool | None:
        """Tell whether an entry was moved with or without its folder; None: not without it."""
        base = self._view.tie(entry.lid)
        if base is None or self._view.standing(base.id) is not Standing.GONE:
            return False
        return self._view.is_moved_here(base, entry) or None

    def holds_only_unsynced(self, folder: LocalEntry) -> bool:
        """Tell whether a folder without a synced row holds something, but nothing that could be synced.

        So is what is left of a folder deleted at the server, before a restart and after. It is not made there until
        there is something to put into it. A new folder that is empty is made.
        """
        todo = [folder]
        seen: list[int] = []
        while todo:
            each = todo.pop()
            if self._holds_unsynced.get(each.lid):
                continue
            folders = None if each.lid in self._holds_unsynced else self._unsynced_folders(each)
            if folders is None:
                self._note_synced_below(folder, each)
                return False
            seen.append(each.lid)
            todo += folders
        self._holds_unsynced.update(dict.fromkeys(seen, True))
        return True

    def _unsynced_folders(self, folder: LocalEntry) -> list[LocalEntry] | None:
        """Return the folders on which it hangs whether one holds only what is not synced; None if it does not."""
        children = self._view.local_children(folder.lid)
        if not children and not self._view.known.holds_others(folder.lid):
            return None
        synced = [child for child in children if not self._view.is_entry_ignored(child)]
        if any(not child.is_folder or self._view.tie(child.lid) is not None for child in synced):
            return None
        return synced

    def _note_synced_below(self, top: LocalEntry, folder: LocalEntry) -> None:
        at: LocalEntry | None = folder
        while at is not None and at.lid != top.lid:
            self._holds_unsynced[at.lid] = False
            at = self._view.entry(at.parent)
        self._holds_unsynced[top.lid] = False


def judge_content(entry: LocalEntry, base: SyncedNode, *, keeps_bits: bool) -> Fate:
    """Return the fate of a file by its content; the time of change alone is no edit."""
    if entry.is_folder or (keeps_bits and entry.stat.executable != base.executable):
        return Fate.KEPT
    if entry.sha256 is None and base.sha256 is not None:
        return Fate.WAITS
    return Fate.GOES if entry.sha256 == base.sha256 and base.sha256 is not None else Fate.KEPT


def is_changed_there(base: SyncedNode, node: RemoteNode, view: View) -> bool:
    """Tell whether a node is not what it was when it was in step."""
    if node.kind is not base.kind or view.is_moved_there(base, node):
        return True
    return node.version_id != base.version_id or node.executable != base.executable


def strongest(fates: Iterable[Fate]) -> Fate:
    """Return the fate of a folder by those of its children."""
    return max(fates, default=Fate.GOES)
