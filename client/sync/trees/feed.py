"""Takes the feed's pages over into the remote tree, each in one transaction with its cursor.

The server is not trusted: a node whose name, kind or numbers cannot be is refused with all below it, and told of; what
is no tree is a FeedError. Deletes wait until nothing more is to come, since a node that left a deleted folder may stand
on a later page. Spec: sync engine, sections 2, 3 and 11.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from client.names import shown
from client.protocol import Change, File, SyncAnswer
from client.sync.model import Kind, Problem, RemoteNode
from client.sync.trees.doubt import BOUND, DEEPEST, TOO_DEEP, refusal
from client.sync.trees.record import node_of
from client.sync.trees.state import State

CURSOR = "cursor"
SEQ = "cursor_seq"
COMPLETE = "feed_complete"
LISTING = "feed_listing"

_DOOM = (
    "INSERT INTO doomed VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, reason = excluded.reason"
)
_HEIGHT = """
    WITH RECURSIVE below(id, height) AS (
      SELECT ?, 0 UNION ALL
      SELECT r.id, below.height + 1 FROM below JOIN remote AS r ON r.parent_id = below.id
       WHERE r.kind = 'folder' AND below.height <= ?)
    SELECT max(height) FROM below
"""
_SPARE = "DELETE FROM doomed WHERE id = ?"
_ONLY_FROM_ANSWERS = "SELECT id FROM remote WHERE seq > ? AND seq <= ?"
_DOOMED = "SELECT id, seq, reason FROM doomed ORDER BY id"
_EXPECT = "INSERT INTO unseen SELECT id FROM remote WHERE true ON CONFLICT (id) DO NOTHING"
_IS_UNSEEN = "SELECT 1 FROM unseen WHERE id = ?"
_SEEN = "DELETE FROM unseen WHERE id = ?"
_UNSEEN = "SELECT id FROM unseen ORDER BY id"
_IS_REFUSED = "SELECT 1 FROM refused WHERE id = ?"
_REFUSE = """
    INSERT INTO refused VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, path = excluded.path, reason = excluded.reason
"""
_TAKE_IN = "DELETE FROM refused WHERE id = ?"
_REFUSED_ARE_GONE = """
    DELETE FROM refused WHERE id IN (
      WITH RECURSIVE below(id) AS (SELECT ? UNION SELECT f.id FROM refused AS f JOIN below ON f.parent_id = below.id)
      SELECT id FROM below)
"""
_REFUSED = "SELECT path, reason FROM refused ORDER BY id"
_HOMES = "SELECT id FROM remote WHERE parent_id IS NULL LIMIT 2"

# Rows with a seq beyond the feed's came with answers to this device's calls: the feed will show what goes with them.
_NAMESAKES = "SELECT count(*) FROM remote WHERE parent_id = ? AND name = ? AND seq <= ?"
_ANY_NAMESAKES = """
    SELECT name FROM remote WHERE parent_id IS NOT NULL AND seq <= ?
     GROUP BY parent_id, name HAVING count(*) > 1 LIMIT 1
"""
_ANY_ASTRAY = """
    WITH RECURSIVE reached(id) AS (
      SELECT id FROM remote WHERE parent_id IS NULL OR seq > ?
      UNION SELECT r.id FROM reached JOIN remote AS r ON r.parent_id = reached.id)
    SELECT id FROM remote WHERE id NOT IN (SELECT id FROM reached) LIMIT 1
"""
_HAS_ROWS = {
    "refused": "SELECT 1 FROM refused LIMIT 1",
    "doomed": "SELECT 1 FROM doomed LIMIT 1",
    "unseen": "SELECT 1 FROM unseen LIMIT 1",
    "left_view": "SELECT 1 FROM left_view LIMIT 1",
}


class FeedError(Exception):
    """The feed shows what cannot be a tree. Nothing of the page was taken; the tree is to be taken anew."""


def apply_page(state: State, answer: SyncAnswer) -> bool:
    """Take a page over; return whether it brought something new. Applying one again changes nothing.

    The page is the last of a round if `has_more` is false: then what was deleted goes, with all below it, and the
    meta value `feed_complete` is "1". At the end of a listing from the beginning all differences are marked.

    Raises:
        FeedError: the page is not closed, or what it makes is no tree; nothing was written.
        StateError: the state cannot be written.
    """
    if not 0 <= answer.seq < BOUND:
        raise FeedError(f"The feed says that it stands at {answer.seq}.")
    with state.transaction():
        page = _Page(state, answer.seq)
        page.take(answer.changes)
        if not answer.has_more:
            page.finish()
        state.set_meta(CURSOR, answer.cursor)
        state.set_meta(SEQ, str(answer.seq))
        state.set_meta(COMPLETE, "0" if answer.has_more else "1")
    return page.has_news


def begin_again(state: State) -> None:
    """Prepare to take the tree anew, from the first page: the server takes this device's cursor no more.

    What both sides agreed on is forgotten, so that nothing is deleted on either side because of it: what is not listed
    again is then only here, and new. The rows stay until then, for the hashes of versions that are still the same.
    """
    with state.transaction():
        for key in (CURSOR, SEQ, COMPLETE):
            state.set_meta(key, None)
        state.set_meta(LISTING, "1")
        for statement in ("DELETE FROM doomed", "DELETE FROM refused", "DELETE FROM unseen", _EXPECT):
            state.db.run(statement)
        state.clear_synced()


def find_root(state: State, remote_path: str) -> str | None:
    """Return the folder at an absolute path at the server, `/` for the home; None if there is none."""
    home = state.db.row(_HOMES)
    if home is None:
        return None
    at: str = home[0]
    for name in filter(None, remote_path.split("/")):
        node = state.remote_child(at, name)
        if node is None or node.kind is not Kind.FOLDER:
            return None
        at = node.id
    return at


def problems(state: State) -> list[Problem]:
    """Return what the feed showed and this device does not take, by path at the server."""
    return [
        Problem(path, "name", f"The server shows this, but {reason}: it is left alone.")
        for path, reason in state.db.rows(_REFUSED)
    ]


class _Page:
    """One page on its way into the tree."""

    def __init__(self, state: State, seq: int) -> None:
        self._state = state
        self._seq = seq
        self._is_listing = state.meta(LISTING) == "1"
        self._is_alone = state.meta(COMPLETE) == "1"  # no other page came before it in this round
        self._any_refused = self._has_rows("refused")
        self._any_doomed = self._has_rows("doomed")
        self._any_unseen = self._has_rows("unseen")
        self._any_left = self._has_rows("left_view")
        self.has_news = False
        """Whether the page shows more than was known, or has come further."""
        self._taken: dict[str, RemoteNode] = {}
        self._moved: list[str] = []
        self._regranted: list[RemoteNode] = []
        self._depths: dict[str, int] = {}
        self._carried: list[str] = []

    def _has_rows(self, table: str) -> bool:
        """Tell whether a table has rows that changes of the page could touch: most often it has none."""
        return self._state.db.row(_HAS_ROWS[table]) is not None

    def take(self, changes: Sequence[Change]) -> None:
        """Take the changes over, but deletes are noted only; check that the page is closed."""
        self.has_news = bool(changes) and self._seq > self._state.fed_seq
        for change in changes:
            if change.type == "delete":
                self._doom(change)
            elif reason := self._refusal(change.file):
                self._refuse(change.file, reason)
            else:
                self._upsert(change.file)
        for node in self._taken.values():
            self._check_closed(node)
        for folder in self._regranted:
            self._state.set_writable_below(folder.id, writable=folder.writable)
        self._doom_unshown()

    def _doom_unshown(self) -> None:
        """Note as deleted what only answers to this device's calls have shown, and what is gone again by now.

        The feed shows no node that was made and deleted behind the reader's cursor; every other that has changed there,
        it does.
        """
        before = self._state.fed_seq
        if self._is_listing or self._state.meta(CURSOR) is None:
            return
        for (node_id,) in self._state.db.rows(_ONLY_FROM_ANSWERS, (before, self._seq)):
            if node_id not in self._taken:
                self._state.db.run(_DOOM, (node_id, self._seq, "deleted"))

    def finish(self) -> None:
        """Let go what was deleted, and check that what is left is a tree."""
        for node_id, seq, reason in self._state.db.rows(_DOOMED):
            self._delete(node_id, seq, reason)
        self._state.db.run("DELETE FROM doomed")
        if self._is_listing:
            for (node_id,) in self._state.db.rows(_UNSEEN):
                self._state.drop_remote(node_id)
            self._state.db.run("DELETE FROM unseen")
            self._state.set_meta(LISTING, None)
        if self._is_alone:
            self._check_moved()
        else:
            self._check_all()
        self._check_carried()
        if self._is_listing:
            self._state.mark_differences()

    def _refusal(self, file: File) -> str | None:
        db = self._state.db
        reason = refusal(file)
        reason = reason or self._depth_refusal(file)
        if reason is not None or not self._any_refused:
            return reason
        if file.parent_id is not None and db.row(_IS_REFUSED, (file.parent_id,)) is not None:
            reason = "the folder that it is in has no place here"
        if reason is None and db.run(_TAKE_IN, (file.file_id,)) and file.kind == "folder":
            # What is below it was refused too, and the feed will not show it again.
            raise FeedError(f"The folder {shown(file.path)} can be taken now.")
        return reason

    def _depth_refusal(self, file: File) -> str | None:
        """Return why a node lies too deep. Of rings, which may be there between two pages, `finish` judges."""
        before = self._state.remote(file.file_id)
        is_there = before is not None and before.parent_id == file.parent_id and not self._is_listing
        if file.parent_id is None or is_there:
            return None
        depth = self._depth(file.parent_id)
        if before is not None and before.parent_id != file.parent_id and file.kind == "folder":
            self._depths.clear()
            self._carried.append(file.file_id)
        return TOO_DEEP if depth is not None and depth + (file.kind == "folder") > DEEPEST else None

    def _depth(self, folder_id: str) -> int | None:
        """Return in how many folders of the home what is in a folder lies; None where the way home has no end."""
        way: list[str] = []
        at: str | None = folder_id
        while at is not None and at not in self._depths:
            folder = self._state.remote(at)
            if folder is None or folder.parent_id is None:
                self._depths[at] = 0
                break
            if len(way) > 2 * DEEPEST:
                return None
            way.append(at)
            at = folder.parent_id
        depth = 0 if at is None else self._depths[at]
        for each in reversed(way):
            depth += 1
            self._depths[each] = depth
        return depth

    def _check_carried(self) -> None:
        """Check that what came along with folders that have moved lies no deeper than anything can."""
        self._depths.clear()
        for folder_id in self._carried:
            depth = self._depth(folder_id)
            row = self._state.db.row(_HEIGHT, (folder_id, DEEPEST))
            if depth is not None and row is not None and depth + row[0] > DEEPEST:
                raise FeedError(f"The feed shows what is below {folder_id} deeper than {DEEPEST} folders.")

    def _refuse(self, file: File, reason: str) -> None:
        parent = None if file.parent_id is None else shown(file.parent_id)
        self._any_refused = True
        self._state.db.run(_REFUSE, (shown(file.file_id), parent, shown(file.path), reason))

    def _doom(self, change: Change) -> None:
        if not 0 <= change.seq < BOUND:
            raise FeedError(f"The feed shows a delete at {change.seq}.")
        node_id = shown(change.file.file_id)
        self._state.db.run(_REFUSED_ARE_GONE, (node_id,))
        if self._state.remote(node_id) is not None:
            self._any_doomed = self.has_news = True
            self._state.db.run(_DOOM, (node_id, change.seq, change.reason or "deleted"))

    def _upsert(self, file: File) -> None:
        node, before = node_of(file), self._state.remote(file.file_id)
        if node.parent_id is None:
            node = replace(node, name="")
        self._taken[node.id] = node
        if before is not None and not self._is_unseen(node.id):
            if node.seq < before.seq:
                return
            if node.kind is not before.kind:
                raise FeedError(f"The feed shows {node.id} as a {node.kind.value}, which it was not.")
        if before is not None and node.sha256 is None and node.version_id == before.version_id:
            node = replace(node, sha256=before.sha256)
        if before is None and self._any_left:
            self._state.set_left([node.id], left=False)
        if before is None or (node.parent_id, node.name) != (before.parent_id, before.name):
            self._moved.append(node.id)
        if before is not None and node.writable != before.writable and node.kind is Kind.FOLDER:
            self._regranted.append(node)  # another role in a shared folder: the feed shows that folder alone
        if node != before:
            self.has_news |= before is None or node.seq > before.seq
            self._state.put_remote(node)
        self._note_seen(node.id)

    def _note_seen(self, node_id: str) -> None:
        if self._any_doomed:
            self._state.db.run(_SPARE, (node_id,))
        if self._any_unseen:
            self.has_news |= self._state.db.run(_SEEN, (node_id,)) > 0

    def _is_unseen(self, node_id: str) -> bool:
        return self._any_unseen and self._is_listing and self._state.db.row(_IS_UNSEEN, (node_id,)) is not None

    def _check_closed(self, node: RemoteNode) -> None:
        if node.parent_id is None:
            return
        parent = self._state.remote(node.parent_id)
        if parent is None or parent.kind is not Kind.FOLDER or self._is_unseen(parent.id):
            raise FeedError(f"The feed shows {node.id} in a folder that it has not shown.")

    def _delete(self, node_id: str, seq: int, reason: str) -> None:
        node = self._state.remote(node_id)
        has_left = reason == "access"
        if node is None or (node.seq > seq and not has_left):  # it came back by what this device itself did since
            return
        gone = self._state.drop_remote(node_id)
        if has_left:
            self._state.set_left([each for each in gone if self._state.synced(each) is not None], left=True)

    def _check_all(self) -> None:
        db = self._state.db
        if len(db.rows(_HOMES)) > 1:
            raise FeedError("The feed shows two homes.")
        if (row := db.row(_ANY_NAMESAKES, (self._seq,))) is not None:
            raise FeedError(f"The feed shows two nodes at one place: {row[0]!r}.")
        if (row := db.row(_ANY_ASTRAY, (self._seq,))) is not None:
            raise FeedError(f"The feed shows {row[0]} in no folder of the home.")

    def _check_moved(self) -> None:
        """Check what this page gave a place: cheap however large the tree is."""
        sound: set[str] = set()
        for node_id in self._moved:
            node = self._state.remote(node_id)
            if node is None or node.seq > self._seq:
                continue
            place = (node.parent_id, node.name, self._seq)
            if node.parent_id is None or self._state.db.row(_NAMESAKES, place) != (1,):
                raise FeedError(f"The feed shows two nodes at one place: {node.name!r}.")
            self._check_way_home(node, sound)

    def _check_way_home(self, node: RemoteNode, sound: set[str]) -> None:
        way = {node.id}
        at = node
        while at.parent_id is not None and at.parent_id not in sound:
            above = self._state.remote(at.parent_id)
            if above is None or above.kind is not Kind.FOLDER or above.id in way:
                raise FeedError(f"The feed shows {node.id} in no folder of the home.")
            way.add(above.id)
            if above.seq > self._seq:
                break
            at = above
        sound |= way
