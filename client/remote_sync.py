"""Calls of the sync engine: the feed, nodes by their id, and changes that say what their author had seen.

A change that was sent is never sent again by itself: where its answer is lost, UnreachableError leaves open whether it
came to pass, and the engine asks.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

from client.errors import ApiError
from client.protocol import ChangeRequest, ChildRequest, File, SyncAnswer, Version, VersionPage
from client.remote_calls import Calls

_END_OF_TIME = 2**53
_FIND_TRIES = 3


class SyncCalls(Calls):
    """Calls of the sync engine."""

    def sync(self, cursor: str | None, *, wait_s: int) -> SyncAnswer:
        """Return a page of what changed behind a cursor; with nothing new, wait up to `wait_s` (at most 60) for it.

        None asks for the first page of all there is.

        Raises:
            ApiError: with `cursor_reset` if the server was put back to an earlier state, or the cursor is too old.
            StoppedError: the wait was ended here.
        """
        query = {} if cursor is None else {"cursor": cursor}
        path = f"/api/v1/sync?{urlencode({**query, 'wait': wait_s})}"
        return self._channel.call("GET", path, SyncAnswer, poll_s=wait_s)

    def newest_cursor(self) -> str:
        """Return the cursor behind which there is nothing yet."""
        return self._channel.call("GET", f"/api/v1/sync?lastSyncTimestamp={_END_OF_TIME}", SyncAnswer).cursor

    def find_by_id(self, file_id: str) -> File | None:
        """Return a live node, or None."""
        return self._find(f"/api/v1/files/{file_id}")

    def find_child(self, parent_id: str, name: str) -> File | None:
        """Return the live node of that name in a folder, or None.

        The contract finds by id or by path; a folder that moves in between is asked for again.
        """
        for _ in range(_FIND_TRIES):
            parent = self.find_by_id(parent_id)
            if parent is None:
                break
            path = f"{parent.path.rstrip('/')}/{name}"
            child = self._find(f"/api/v1/files?{urlencode({'path': path})}")
            if child is not None and child.parent_id == parent.file_id:
                return child
            now = self.find_by_id(parent_id)
            if now is not None and now.path == parent.path:
                return None
        return None

    def _find(self, path: str) -> File | None:
        try:
            file = self._channel.call("GET", path, File)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise
        return None if file.deleted else file

    def make_child(self, parent_id: str, name: str) -> File:
        """Make a folder; raise ConflictError `name_taken` with `current` if the name is in use."""
        body = ChildRequest(parent_id, name)
        return self._channel.call("POST", "/api/v1/folders", File, body=body, once=True)

    def patch(self, file_id: str, change: ChangeRequest) -> File:
        """Rename, move, set mtime or executable bit; raise ConflictError if the node changed since."""
        return self._channel.call("PATCH", f"/api/v1/files/{file_id}", File, body=change, once=True)

    def delete_node(
        self,
        file_id: str,
        *,
        base_version: str | None = None,
        if_seq: int | None = None,
        if_below_seq: int | None = None,
    ) -> None:
        """Move to the trash what is as it was seen; what is there already, or unknown, is fine.

        Raises:
            ConflictError: it, or something below it, is newer; `current` is what it is now.
        """
        seen = {"base_version": base_version, "if_seq": if_seq, "if_below_seq": if_below_seq}
        query = urlencode({name: value for name, value in seen.items() if value is not None})
        try:
            self._channel.send("DELETE", f"/api/v1/files/{file_id}?{query}")
        except ApiError as error:
            if error.code != "not_found":
                raise

    def versions_of(self, file_id: str) -> Iterator[Version]:
        """Yield the versions of a file, the newest first, a page at a time."""
        yield from self.pages(f"/api/v1/files/{file_id}/versions", VersionPage)
