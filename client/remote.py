"""The server as the client sees it: one method for each call of the contract."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from client.channel import Channel
from client.errors import ApiError, ClientError, ConflictError
from client.protocol import (
    AppendRequest,
    BatchAnswer,
    BatchRequest,
    ChangeRequest,
    ChunkRef,
    CommitAnswer,
    CommitOutcome,
    CommitRequest,
    CommitResults,
    CopyRequest,
    File,
    FolderRequest,
    LabelRequest,
    Link,
    LinkChange,
    LinkPage,
    LinkRequest,
    LoginAnswer,
    LoginRequest,
    Manifest,
    NewLink,
    Page,
    StorageAnswer,
    SyncAnswer,
    TrashItem,
    TrashPage,
    UploadAnswer,
    UploadRequest,
    UploadState,
    Version,
    VersionPage,
)
from client.protocol_account import (
    AppPassword,
    AppPasswordRequest,
    CodeRequest,
    Enrolment,
    PasswordRequest,
    ProofRequest,
    RecoveryCodes,
)
from client.protocol_past import (
    AppScope,
    Device,
    DevicePage,
    Job,
    JobAccepted,
    KeptPage,
    PastFile,
    PastPage,
    Plan,
    PlanEntry,
    RewindRequest,
    UndoRequest,
)
from client.protocol_shares import Member, MemberPage, RoleName, RoleRequest, ShareRequest
from client.transport import Body

Item = TypeVar("Item")

PAGE_SIZE = 10_000
SEARCH_SIZE = 1_000
_END_OF_TIME = 2**53
_PLAIN = {"Accept-Encoding": "identity"}


class _Listing(Protocol[Item]):
    """A page of a listing; `next` is null on the last."""

    @property
    def items(self) -> list[Item]:
        """What is on the page."""

    @property
    def next(self) -> str | None:
        """Where the next page begins."""


class Remote:
    """A server at an address, as one device. Every method may be called from many threads at once."""

    def __init__(self, server: str, token: str | None = None) -> None:
        """Talk to the server at the URL `server`, which may hold a sub-path; nothing is sent yet."""
        self._channel = Channel(server, token)
        self.server = self._channel.server

    def close(self) -> None:
        """Close the connections that are kept."""
        self._channel.close()

    def stop(self) -> None:
        """Let every call that waits or is made from now on end with StoppedError."""
        self._channel.stop()

    # Accounts

    def login(self, username: str, password: str, device_name: str, totp: str | None = None) -> LoginAnswer:
        """Make this a device of the account; raise NotLoggedInError if name or password is wrong.

        Args:
            totp: a code of the second factor; where it is wanted, the error's code is `totp_required`.
        """
        body = LoginRequest(username, password, device_name, totp)
        return self._channel.call("POST", "/api/v1/login", LoginAnswer, body=body, again=False)

    def logout(self) -> None:
        """End this device's token."""
        self._channel.send("POST", "/api/v1/logout")

    def prove(self, password: str, totp: str | None) -> None:
        """Show the password again, which some calls want within the last ten minutes."""
        self._channel.send("POST", "/api/v1/reauth", body=ProofRequest(password, totp), again=False)

    def change_password(self, current: str, new: str, totp: str | None, *, end_devices: bool) -> None:
        """Change the account's password; other sessions end, with `end_devices` all other devices too."""
        body = PasswordRequest(current, new, totp, end_devices)
        self._channel.send("POST", "/api/v1/password", body=body, again=False)

    def revoke_device(self, device_id: str) -> None:
        """End a device, session or app password."""
        self._channel.send("DELETE", f"/api/v1/devices/{_quoted(device_id)}", about=device_id)

    def make_app_password(self, name: str, scope: AppScope) -> AppPassword:
        """Make a password for an app, shown this once."""
        body = AppPasswordRequest(name, scope)
        return self._channel.call("POST", "/api/v1/app-passwords", AppPassword, body=body, again=False)

    def begin_totp(self) -> Enrolment:
        """Begin a second factor; it counts once `confirm_totp` was shown a code."""
        return self._channel.call("POST", "/api/v1/totp", Enrolment, again=False)

    def confirm_totp(self, code: str) -> list[str]:
        """Turn the second factor on; return the recovery codes, shown this once."""
        path = "/api/v1/totp/confirm"
        return self._channel.call("POST", path, RecoveryCodes, body=CodeRequest(code), again=False).recovery_codes

    def end_totp(self, code: str) -> None:
        """Turn the second factor off with a code of it or a recovery code."""
        self._channel.send("POST", "/api/v1/totp/disable", body=CodeRequest(code), again=False)

    # Tree

    def get_file(self, path: str) -> File:
        """Return the file or folder at an absolute path; raise ApiError with `not_found` if there is none."""
        return self._channel.call("GET", f"/api/v1/files?{urlencode({'path': path})}", File, about=path)

    def find_file(self, path: str) -> File | None:
        """Return the file or folder at an absolute path, or None."""
        try:
            return self.get_file(path)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def list_children(self, folder_id: str) -> Iterator[File]:
        """Yield what a folder holds, folders first, then by name, a page at a time."""
        yield from self._pages(f"/api/v1/folders/{folder_id}/children", Page)

    def make_folder(self, path: str, *, parents: bool) -> File:
        """Make a folder; raise ConflictError if the name is taken, by a folder too."""
        return self._channel.call("POST", "/api/v1/folders", File, body=FolderRequest(path, parents), about=path)

    def change(self, file: File, change: ChangeRequest) -> File:
        """Rename, move, or set what PATCH can set; raise ConflictError if the node changed since."""
        return self._channel.call("PATCH", f"/api/v1/files/{file.file_id}", File, body=change, about=file.path)

    def copy(self, file: File, parent: File, name: str) -> File:
        """Copy a file, or a folder with all below it; raise ConflictError if the name is taken."""
        body = CopyRequest(parent.file_id, name)
        return self._channel.call("POST", f"/api/v1/files/{file.file_id}/copy", File, body=body, about=file.path)

    def delete(self, file: File) -> None:
        """Move to the trash, with all below it; raise ConflictError if the node changed since."""
        self._channel.send("DELETE", f"/api/v1/files/{file.file_id}?if_seq={file.seq}", about=file.path)

    def list_trash(self) -> Iterator[TrashItem]:
        """Yield what the trash holds, the latest first, a page at a time."""
        yield from self._pages("/api/v1/trash", TrashPage)

    def restore(self, trash_id: str) -> File:
        """Bring an entry of the trash back; its path may be another than before."""
        return self._channel.call("POST", f"/api/v1/trash/{_quoted(trash_id)}/restore", File, about=trash_id)

    def purge(self, trash_id: str) -> None:
        """Remove an entry of the trash for good."""
        self._channel.send("DELETE", f"/api/v1/trash/{_quoted(trash_id)}", about=trash_id)

    def list_versions(self, file: File) -> Iterator[Version]:
        """Yield the versions of a file, the newest first, a page at a time."""
        yield from self._pages(f"/api/v1/files/{file.file_id}/versions", VersionPage, about=file.path)

    def restore_version(self, file: File, version_id: str) -> File:
        """Make one of a file's versions its content again, as a new version."""
        path = f"/api/v1/files/{file.file_id}/versions/{_quoted(version_id)}/restore"
        return self._channel.call("POST", path, File, about=file.path)

    # Shares

    def share(self, file_id: str, username: str, role: RoleName, *, about: str) -> Member:
        """Share a folder with a user, or change what a member may do; return once they see it."""
        body = ShareRequest(username, role)
        return self._channel.call("POST", f"/api/v1/files/{file_id}/members", Member, body=body, about=about)

    def list_members(self, file_id: str, *, about: str) -> Iterator[Member]:
        """Yield who sees a folder, the owner first."""
        yield from self._channel.call("GET", f"/api/v1/files/{file_id}/members", MemberPage, about=about).items

    def set_role(self, file_id: str, username: str, role: RoleName, *, about: str) -> Member:
        """Change what a member may do."""
        path = f"/api/v1/files/{file_id}/members/{_quoted(username)}"
        return self._channel.call("PATCH", path, Member, body=RoleRequest(role), about=about)

    def end_membership(self, file_id: str, username: str, *, about: str) -> None:
        """Take a folder out of a member's view."""
        self._channel.send("DELETE", f"/api/v1/files/{file_id}/members/{_quoted(username)}", about=about)

    # Links

    def make_link(self, request: LinkRequest, *, about: str) -> NewLink:
        """Make a link; its URL, told this once, is absolute."""
        made = self._channel.call("POST", "/api/v1/links", NewLink, body=request, about=about, again=False)
        return msgspec.structs.replace(made, url=self.server + made.url) if made.url.startswith("/") else made

    def list_links(self, file: File | None) -> Iterator[Link]:
        """Yield links on a node, or all that this account may manage, the oldest first."""
        about = "" if file is None else file.path
        narrowed = {} if file is None else {"file_id": file.file_id}
        yield from self._pages("/api/v1/links", LinkPage, about=about, limit=PAGE_SIZE, **narrowed)

    def pause_link(self, link_id: str, *, paused: bool) -> Link:
        """Let a link rest, or go on."""
        body = LinkChange(paused)
        return self._channel.call("PATCH", f"/api/v1/links/{_quoted(link_id)}", Link, body=body, about=link_id)

    def end_link(self, link_id: str) -> None:
        """End a link for good."""
        self._channel.send("DELETE", f"/api/v1/links/{_quoted(link_id)}", about=link_id)

    def label_version(self, file: File, version_id: str, label: str | None) -> None:
        """Label a version, which keeps it from being thinned out, or with None take its label away."""
        path = f"/api/v1/files/{file.file_id}/versions/{_quoted(version_id)}"
        self._channel.send("PATCH", path, body=LabelRequest(label), about=file.path)

    def get_storage(self) -> StorageAnswer:
        """Return what takes how much room."""
        return self._channel.call("GET", "/api/v1/storage", StorageAnswer)

    def search(self, text: str, *, folder: File | None = None, content_type: str | None = None) -> Iterator[File]:
        """Yield what has `text` in its name, the newest first, below a folder and of a content type where asked for."""
        query = {"q": text, "in": None if folder is None else folder.file_id, "type": content_type}
        given = {name: value for name, value in query.items() if value is not None}
        yield from self._pages("/api/v1/search", Page, limit=SEARCH_SIZE, **given)

    # Any moment back

    def list_children_at(self, folder_id: str, time_ms: int) -> Iterator[PastFile]:
        """Yield what a folder held at a time, folders first, then by name, a page at a time."""
        yield from self._pages(f"/api/v1/folders/{folder_id}/at", PastPage, time_ms=str(time_ms))

    def rewind(self, folder: File, time_ms: int, *, dry_run: bool) -> Plan | str:
        """Put a folder back as it was; return the job's id, or of a dry run the plan."""
        path, body = f"/api/v1/folders/{folder.file_id}/rewind", RewindRequest(time_ms, dry_run)
        if dry_run:
            return self._channel.call("POST", path, Plan, body=body, about=folder.path)
        return self._channel.call("POST", path, JobAccepted, body=body, about=folder.path, again=False).job_id

    def undo(self, request: UndoRequest) -> Plan | str:
        """Take back what one actor did; return as `rewind` does."""
        if request.dry_run:
            return self._channel.call("POST", "/api/v1/undo", Plan, body=request)
        return self._channel.call("POST", "/api/v1/undo", JobAccepted, body=request, again=False).job_id

    def get_job(self, job_id: str) -> Job:
        """Return how far a job is."""
        return self._channel.call("GET", f"/api/v1/jobs/{_quoted(job_id)}", Job)

    def list_kept(self, job_id: str) -> Iterator[PlanEntry]:
        """Yield what a job left as it is, a page at a time."""
        yield from self._pages(f"/api/v1/jobs/{_quoted(job_id)}/kept", KeptPage)

    def list_devices(self) -> Iterator[Device]:
        """Yield the devices of the account, a page at a time."""
        yield from self._pages("/api/v1/devices", DevicePage)

    # Feed

    def sync(self, cursor: str, *, wait_s: int) -> SyncAnswer:
        """Return a page of what changed behind a cursor; with nothing new, wait up to `wait_s` (at most 60) for it.

        Raises:
            ApiError: with `cursor_reset` if the server was put back to an earlier state, or the cursor is too old.
        """
        query = urlencode({"cursor": cursor, "wait": wait_s})
        return self._channel.call("GET", f"/api/v1/sync?{query}", SyncAnswer)

    def newest_cursor(self) -> str:
        """Return the cursor behind which there is nothing yet."""
        return self._channel.call("GET", f"/api/v1/sync?lastSyncTimestamp={_END_OF_TIME}", SyncAnswer).cursor

    # Upload

    def request_upload(self, request: UploadRequest) -> UploadAnswer:
        """Open an upload of one file."""
        return self._channel.call("POST", "/api/v1/uploadRequest", UploadAnswer, body=request, about=request.path)

    def request_batch(self, files: list[UploadRequest]) -> BatchAnswer:
        """Open uploads of up to 1,000 files whose bytes will come in a bundle; some may be refused singly."""
        return self._channel.call("POST", "/api/v1/uploadRequest", BatchAnswer, body=BatchRequest(files))

    def append_chunks(self, upload_id: str, start: int, chunks: list[ChunkRef]) -> UploadAnswer:
        """Declare more chunks of an upload, from index `start` on. Telling the same again is harmless."""
        body = AppendRequest(start, chunks)
        return self._channel.call("POST", f"/api/v1/uploads/{upload_id}/chunks", UploadAnswer, body=body)

    def get_upload(self, upload_id: str, start: int = 0) -> UploadState:
        """Return what an upload still misses from index `start` on, with fresh URLs."""
        return self._channel.call("GET", f"/api/v1/uploads/{upload_id}?from={start}", UploadState)

    def find_upload(self, upload_id: str) -> UploadState | None:
        """Return the state of an upload, or None if the server knows none (any more)."""
        try:
            return self.get_upload(upload_id)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def put_content(self, url: str, body: Body) -> None:
        """Send a chunk or a bundle to its signed URL.

        Raises:
            UrlExpiredError: ask for a fresh URL.
            ApiError: with `chunk_mismatch` if the bytes are not those declared; nothing of that chunk is kept.
        """
        self._channel.use("PUT", url, body=body)

    def commit(self, upload_id: str) -> File:
        """Make an upload the current version; raise ApiError with `missing_chunks` if bytes are missing."""
        return self._channel.call("POST", f"/api/v1/uploads/{upload_id}/commit", CommitAnswer).file

    def commit_batch(self, upload_ids: list[str]) -> list[CommitOutcome]:
        """Commit many uploads at once; each has its own outcome, in order."""
        body = CommitRequest(upload_ids)
        return self._channel.call("POST", "/api/v1/uploads/commit", CommitResults, body=body).results

    def give_up(self, upload_ids: Iterable[str]) -> None:
        """Close uploads that will not be finished; those already gone are fine."""
        for upload_id in upload_ids:
            with suppress(ApiError, ConflictError):
                self._channel.send("DELETE", f"/api/v1/uploads/{upload_id}")

    # Download

    def get_manifest(self, file: File, start: int = 0) -> Manifest:
        """Return up to 4,096 chunks of the version that `file` shows, from index `start` on."""
        query = urlencode({"file_id": file.file_id, "version_id": file.version_id or "", "from": start})
        return self._channel.call("GET", f"/api/v1/download?{query}", Manifest, about=file.path)

    def read_chunk(self, url: str, into: memoryview) -> None:
        """Fill `into` with a chunk from its signed URL; the caller checks the hash. May raise UrlExpiredError."""
        if self._channel.use("GET", url, headers=_PLAIN, into=into).size != len(into):
            raise ClientError("The server sent a chunk of another length than it announced.")

    def read_content(self, file: File, into: memoryview) -> None:
        """Fill `into` with the whole content of the version that `file` shows; the caller checks the hash."""
        path = f"/api/v1/files/{file.file_id}/content?{urlencode({'version_id': file.version_id or ''})}"
        if self._channel.send("GET", path, headers=_PLAIN, into=into, about=file.path).size != len(into):
            raise ClientError(f"{file.path}: the server sent another length than it announced.")

    def _pages(
        self, path: str, kind: type[_Listing[Item]], *, about: str = "", limit: int = PAGE_SIZE, **query: str
    ) -> Iterator[Item]:
        query["limit"] = str(limit)
        while True:
            page = self._channel.call("GET", f"{path}?{urlencode(query)}", kind, about=about)
            yield from page.items
            if page.next is None:
                return
            query["after"] = page.next


def _quoted(text: str) -> str:
    """Return what a person typed as one segment of a path."""
    return quote(text, safe="")
