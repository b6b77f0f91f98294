"""Tokens of sync-collection (RFC 6578): a cursor of the feed, and the folder that it was given for."""

from typing import Final

from app.auth.identity import Actor, Reach
from app.db.transaction import Snapshot
from app.errors import CursorResetError, InvalidRequestError
from app.repositories import feed
from app.services.cursor import Cursor

SCHEME: Final = "data:,"
"""What a token begins with: it must be a URI, and this one leads nowhere."""


def token_of(folder_id: str, cursor: Cursor) -> str:
    """Return a token. It is good for this folder alone: who was told of another one knows nothing of this."""
    return f"{SCHEME}{folder_id}.{cursor.encode()}"


def cursor_in(token: str, folder_id: str) -> Cursor:
    """Return the cursor in a token that was given for a folder.

    Raises:
        CursorResetError: it was given for another one, or is none.
    """
    named, _, text = token.removeprefix(SCHEME).partition(".")
    if not token.startswith(SCHEME) or named != folder_id:
        raise CursorResetError("This token was not given for this folder: list it anew.")
    try:
        return Cursor.decode(text)
    except InvalidRequestError as error:
        raise CursorResetError("This is no token of this server: list the folder anew.") from error


def cursor_now(tx: Snapshot, actor: Actor) -> Cursor | None:
    """Return the cursor of who knows everything as it is now; None for a credential that has no feed."""
    if actor.scope.root_id is not None or actor.scope.reach is Reach.DROP:
        return None
    head = feed.head(tx)
    return Cursor.at(head, 0, head.seq, head.mark)
