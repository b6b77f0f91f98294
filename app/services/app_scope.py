"""What an app password was limited to, as it is asked for, kept and shown."""

from typing import Literal

import msgspec

from app.auth.identity import EVERYTHING, Reach, Scope
from app.ids import decode_id


class AppScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an app password may at most: read alone, one folder, WebDAV alone, or all that its user may."""

    reach: Literal["all", "read"] = "all"
    folder_id: str | None = None
    webdav_only: bool = False


def scope_of(kept: bytes | None) -> Scope:
    """Return the scope that a row keeps."""
    if kept is None:
        return EVERYTHING
    scope = msgspec.json.decode(kept, type=AppScope)
    root_id = None if scope.folder_id is None else decode_id(scope.folder_id)[0]
    return Scope(Reach(scope.reach), root_id, scope.webdav_only)


def shown(kept: bytes | None) -> AppScope:
    """Return the scope that a row keeps, as its user is shown it."""
    return AppScope() if kept is None else msgspec.json.decode(kept, type=AppScope)
