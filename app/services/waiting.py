"""Open uploads as their user finds them again, whose own record of them may be lost."""

from dataclasses import dataclass

import msgspec

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.ids import number_after
from app.repositories import uploads
from app.services.open_uploads import wire_id
from app.services.targets import Wish


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open upload: what was asked for, and what is promised to it, in bytes."""

    upload_id: str
    wish: Wish
    size: int | None
    reserved: int
    expires_ms: int


def waiting_uploads(tx: Snapshot, actor: Actor, *, after: str | None, limit: int) -> list[Waiting]:
    """Return up to `limit` of the uploads that `own_upload` gives and that are open, the oldest first.

    Args:
        after: the id of the upload behind which to begin.

    Raises:
        InvalidRequestError: `after` is no id.
    """
    number = number_after(after)
    opened_by = None if actor.scope.is_whole else actor.id
    return [
        Waiting(
            wire_id(upload),
            msgspec.json.decode(upload.request, type=Wish),
            upload.size,
            upload.reserved,
            upload.expires_ms,
        )
        for upload in uploads.page_of_user(tx, actor.user_id, opened_by, after=number, limit=limit)
    ]
