"""A device as the feed's rules want it: it keeps a tree, and plans deletes only when nothing more is to come."""

from typing import Literal

import msgspec

from app.application import Cairn
from app.auth.identity import Actor
from app.services.feed_page import Change
from app.services.feed_view import Asked
from app.wire_sync import ChangeReply, SyncReply
from client.protocol import File


class SeenFile(File, frozen=True, kw_only=True):
    """A File with what its reader may do, which the client does not ask yet."""

    permissions: list[str]


class SeenChange(msgspec.Struct, frozen=True):
    """A change of a page."""

    type: Literal["upsert", "delete"]
    file: SeenFile
    reason: str | None = None


class SeenPage(msgspec.Struct, frozen=True):
    """A page as this device needs it."""

    changes: list[SeenChange]
    cursor: str
    has_more: bool


async def read_page(cairn: Cairn, actor: Actor, *, wait_s: float = 0.0, **asked: object) -> SeenPage:
    """Return a page as a client reads it."""

    def show(change: Change) -> ChangeReply:
        return ChangeReply.of(change, cairn.services.epoch)

    with cairn.services.answers.lease("") as lease:
        page = await cairn.services.feed.poll(
            actor, msgspec.convert(asked, Asked), wait_s=wait_s, is_gone=lambda: False, show=show, lease=lease
        )
    return msgspec.json.decode(msgspec.json.encode(SyncReply.of(page)), type=SeenPage)


class Reader:
    """A device that follows one feed."""

    def __init__(self, cairn: Cairn, actor: Actor, limit: int) -> None:
        self.cairn = cairn
        self._actor = actor
        self._limit = limit
        self.cursor: str | None = None
        self.files: dict[str, SeenFile] = {}
        self.has_more = True
        self.pages = 0
        self._doomed: set[str] = set()

    async def turn(self) -> SeenPage:
        """Read a page and apply it."""
        page = await read_page(self.cairn, self._actor, cursor=self.cursor, limit=self._limit)
        self.pages += 1
        self.apply(page)
        return page

    async def catch_up(self) -> None:
        """Read until there is nothing more."""
        while (await self.turn()).has_more:
            pass

    def apply(self, page: SeenPage) -> None:
        """Take a page over, and hold it to what a page promises."""
        ids = [change.file.file_id for change in page.changes]
        assert len(set(ids)) == len(ids), "a node stands twice in a page"
        for change in page.changes:
            file = change.file
            if change.type == "delete":
                assert self.cursor is not None, "a first page told of something gone"
                self._doomed.add(file.file_id)
                continue
            assert file.parent_id is None or file.parent_id in self.files, f"{file.path} came before its folder"
            self._doomed.discard(file.file_id)
            self.files[file.file_id] = file
        self.cursor, self.has_more = page.cursor, page.has_more
        if not page.has_more:
            self._delete()

    def _delete(self) -> None:
        """Drop what was deleted with all below it, as the tree is now."""
        gone = {file_id for file_id in self.files if self._is_doomed(file_id)}
        for file_id in gone:
            del self.files[file_id]
        self._doomed.clear()

    def _is_doomed(self, file_id: str) -> bool:
        at: str | None = file_id
        while at is not None:
            if at in self._doomed:
                return True
            at = self.files[at].parent_id
        return False
