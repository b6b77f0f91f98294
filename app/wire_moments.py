"""JSON bodies of any moment back: folders as they were, rewind and undo."""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Struct

from app.ids import encode_id
from app.services.moments import ViewThen
from app.services.takebacks import Whose
from app.services.takebacks_shown import Action, Preview, Shown, action_of
from app.wire import File, Name, Request, WireId

Moment = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class RewindRequest(Request, frozen=True):
    """Body of POST /api/v1/folders/{id}/rewind."""

    time_ms: Moment
    dry_run: bool = False


class UndoRequest(Request, frozen=True):
    """Body of POST /api/v1/undo: one of `device_id`, `link_id` and `username` says whose changes."""

    from_ms: Moment
    to_ms: Moment
    device_id: WireId | None = None
    link_id: WireId | None = None
    username: Name | None = None
    dry_run: bool = False

    def whose(self) -> Whose:
        """Return whose changes are meant."""
        return Whose(self.device_id, self.link_id, self.username)


class PastFile(File, frozen=True, kw_only=True):
    """A file or folder as it was, with the rights of now.

    `version_id`, `size`, `sha256` and `content_type` are those of the version whose content can be had: `content` says
    whether that is the one of then (`kept`), the one made nearest in time, where retention took it (`nearest`), or none
    any more (`gone`). Of a folder `content` is null, and `size` is 0: what was below it is not added up.
    """

    content: Literal["kept", "nearest", "gone"] | None

    @classmethod
    def of_past(cls, view: ViewThen, epoch: str) -> Self:
        """Show `view`."""
        child, shown = view.child, view.shown
        version_id = None if shown is None else encode_id(shown.id, shown.tag)
        return cls(
            file_id=encode_id(child.id, child.tag),
            space_id=view.space_id,
            parent_id=view.parent_id,
            name=child.name,
            path=view.path,
            kind="folder" if shown is None else "file",
            size=0 if shown is None else shown.size,
            content_type=None if shown is None else shown.content_type,
            executable=child.executable,
            mtime_ms=child.mtime_ms,
            version_id=version_id,
            sha256=None if shown is None or shown.sha256 is None else shown.sha256.hex(),
            seq=child.from_seq,
            etag=version_id or f"{child.from_seq:x}z{epoch[:8]}",
            created_ms=child.created_ms,
            modified_ms=child.modified_ms,
            modified_by=child.username,
            deleted=False,
            permissions=list(view.rights),
            content=None if shown is None else _content(view),
        )


class ActivityReply(Struct, frozen=True):
    """Changes at and below a folder: of each day of 24 hours from `from_ms` on, the oldest first.

    Only the latest changes of the server are looked at; what was before those counts as none.
    """

    changes: list[int]


class PastPage(Struct, frozen=True):
    """A page of a folder as it was; `next` is what `after` takes, null at the end."""

    items: list[PastFile]
    next: str | None


class PlanEntry(Struct, frozen=True):
    """What is done to a node, or why it is left alone.

    `path` is where it is now; of what is deleted, where it was. `name` is the one that it gets.
    """

    file_id: str
    path: str
    name: str
    action: Action
    reason: str | None

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """Show `shown`."""
        action = action_of(shown)
        reason = shown.entry.outcome.name.lower() if action == "keep" else None
        return cls(shown.file_id, shown.path, shown.entry.name, action, reason)

    @classmethod
    def of_kept(cls, shown: Shown) -> Self:
        """Show what a job that is over left alone; it was stopped before its turn where nothing says why."""
        reason = shown.entry.outcome.name.lower() if shown.entry.outcome else "stopped"
        return cls(shown.file_id, shown.path, shown.entry.name, "keep", reason)


class PlanReply(Struct, frozen=True):
    """Answer to a dry run: how many nodes are put back and left alone, and the first of them all."""

    changes: int
    kept: int
    items: list[PlanEntry]

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Show `preview`."""
        return cls(preview.changes, preview.kept, [PlanEntry.of(shown) for shown in preview.entries])


class KeptPage(Struct, frozen=True):
    """A page of what a job left alone; `next` is what `after` takes, null at the end."""

    items: list[PlanEntry]
    next: str | None


def _content(view: ViewThen) -> Literal["kept", "nearest", "gone"]:
    if view.child.is_kept:
        return "kept"
    return "gone" if view.is_gone else "nearest"
