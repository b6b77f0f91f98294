"""Changes at the server whose answer may be lost: noted durably before they go out, cleared with the answer."""

from typing import Literal

import msgspec

from client.sync.model import Stat


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change at the server, enough to ask later whether it came to pass, and to record it if it did.

    `id` is the node that changes, None for one that is made. `parent_id` and `name` are the place at the server that
    is aimed at; `local_parent` and `local_name` the place of the entry here when it was noted, `stat` and `sha256` its
    state that was sent.
    """

    what: Literal["upload", "make", "move", "set"]
    lid: int
    local_parent: int
    local_name: str
    id: str | None = None
    upload_id: str | None = None
    parent_id: str | None = None
    name: str | None = None
    sha256: str | None = None
    stat: Stat | None = None
