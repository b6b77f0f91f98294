"""The way up from a node of the feed, through mounts too: where it shows, whether it is alive, what the reader has."""

from dataclasses import dataclass

from app.db.transaction import Snapshot
from app.ids import encode_id
from app.repositories import feed, jobs
from app.repositories.feed import Place, Step
from app.repositories.jobs import JobKind
from app.services.cursor import Cursor
from app.services.feed_view import Reader, SeenSpace


@dataclass(eq=False, slots=True)
class Folder:
    """A folder on the way up from a node of the page.

    Attributes:
        space: where its way up ends; None if that is not in this feed.
        name: as it shows: of a mounted root that of the mount.
        seq: of the last change of it, or of its mount.
        above: None for the root of the view, and where the way ends outside it.
        is_dead: it, or one above it, is in the trash or purged.
        is_restored: it was restored, or one above it was, and what is below is not yet all back in the feed.
        unknown: of it and those above it, the ones that the reader has from no earlier page, the topmost first.
    """

    id: int
    wire_id: str
    space: SeenSpace | None
    name: str
    path: str
    seq: int
    above: "Folder | None" = None
    is_dead: bool = False
    is_restored: bool = False
    unknown: "tuple[Folder, ...]" = ()


class Ways:
    """The folders above the nodes of a page, each looked up once."""

    def __init__(self, tx: Snapshot, reader: Reader, cursor: Cursor) -> None:
        """Take who reads, and what they have read by now."""
        self._tx = tx
        self._reader = reader
        self._cursor = cursor
        self._restored = jobs.nodes_of(tx, JobKind.REVEAL)
        self._folders: dict[int, Folder] = {}

    def folder(self, folder_id: int) -> Folder:
        """Return a folder, dead or alive; the root of a space that the reader sees is its mount as well."""
        found = self._folders.get(folder_id)
        if found is not None:
            return found
        steps, at, above = [], folder_id, None
        while True:
            steps.append(feed.step(self._tx, at))
            parent_id = steps[-1].parent_id
            if parent_id is None:
                root = steps.pop()
                above = self._folders[root.id] = self._root(root)
                break
            above = self._folders.get(parent_id)
            if above is not None:
                break
            at = parent_id
        for step in reversed(steps):
            above = self._folders[step.id] = self._make(above, step, step.name, above.space)
        return self._folders[folder_id]

    def _root(self, step: Step) -> Folder:
        seen = self._reader.visible.get(step.space_id)
        in_feed = self._reader.spaces.get(step.space_id)
        if seen is None or seen.mount is None:
            root = Folder(step.id, encode_id(step.id, step.tag), in_feed, "", "/", step.seq)
            if in_feed is not None and not self._has(step.place, in_feed.shown_seq):
                root.unknown = (root,)
            return root
        if seen.mount.parent_id is None:
            raise AssertionError(f"mount {seen.mount.id} is in no folder")
        root = self._make(self.folder(seen.mount.parent_id), step, seen.mount.name, in_feed)
        root.seq = max(root.seq, seen.mount.seq)
        # The two have one id on the wire: only who has come by both has it in its place.
        if root.unknown[-1:] != (root,) and not self._has(seen.mount.place, self._reader.mounts_shown(seen)):
            root.unknown = (*root.unknown, root)
        return root

    def _make(self, above: Folder, step: Step, name: str, space: SeenSpace | None) -> Folder:
        """Return the folder `step` by the name that it shows by, in `space` if that is in this feed."""
        folder = Folder(
            id=step.id,
            wire_id=encode_id(step.id, step.tag),
            space=space,
            name=name,
            path=path_below(above, name),
            seq=step.seq,
            above=above,
            is_dead=step.dead_seq > 0 or above.is_dead,
            is_restored=above.is_restored or step.id in self._restored,
        )
        if space is not None:
            folder.unknown = above.unknown
            # What a restored folder holds keeps its old place until it is revealed: the reader may have passed it there
            # while it was dead. So may what lies in another space than its row says, until a walk has carried it over.
            is_out_of_place = above.is_restored or step.space_id != space.id
            if is_out_of_place or not self._has(step.place, space.shown_seq):
                folder.unknown = (*folder.unknown, folder)
        return folder

    def _has(self, place: Place, shown_seq: int) -> bool:
        """Tell whether the reader has come by a place in the rows of what came into view at a seq."""
        return place <= self._cursor.place(shown_seq)


def path_below(folder: Folder, name: str) -> str:
    """Return the path of what has this name in a folder."""
    return f"/{name}" if folder.path == "/" else f"{folder.path}/{name}"
