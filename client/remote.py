"""The server as the client sees it: one method for each call of the contract."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import urlencode

from client.bundle import contents_in, most_bytes_of
from client.channel import Channel
from client.errors import ApiError, ClientError, ConflictError
from client.install import Installation
from client.introduction import Introduction
from client.protocol import (
    AppendRequest,
    BatchAnswer,
    BatchRequest,
    BundledFile,
    ChangeRequest,
    ChunkRef,
    CommitAnswer,
    CommitHash,
    CommitOutcome,
    CommitRequest,
    CommitResults,
    CopyRequest,
    DirectWay,
    DownloadBundleRequest,
    File,
    FolderRequest,
    Manifest,
    Page,
    StorageAnswer,
    UploadAnswer,
    UploadRequest,
    UploadState,
)
from client.remote_account import AccountCalls
from client.remote_past import PastCalls
from client.remote_sync import SyncCalls
from client.transport import Body

SEARCH_SIZE = 1_000
_PLAIN = {"Accept-Encoding": "identity"}


class Remote(AccountCalls, PastCalls, SyncCalls):
    """A server at an address, as one device. Every method may be called from many threads at once."""

    def __init__(
        self, server: str, token: str | None = None, *, patience_s: float | None = None, authority: str = ""
    ) -> None:
        """Talk to the server at the URL `server`, which may hold a sub-path; nothing is sent yet.

        Args:
            token: of this device.
            patience_s: how long a call is tried again; None as a command that a person waits for wants it.
            authority: alone may vouch for the server, as PEM; empty leaves that to those whom this machine trusts.
        """
        super().__init__(Channel(server, token, patience_s=patience_s, authority=authority))

    def introduce(self, installation: Installation) -> None:
        """Show with the first call from now on which installation this is: for what keeps a folder in step."""
        self._channel.first = Introduction(installation, self.show_install).make

    def close(self) -> None:
        """Close the connections that are kept."""
        self._channel.close()

    def stop(self) -> None:
        """Let every call that waits or is made from now on end with StoppedError; long polls end at once."""
        self._channel.stop()

    def end_polls(self) -> None:
        """Let `sync` calls that wait for something new end with StoppedError, and nothing else."""
        self._channel.end_polls()

    def abort(self) -> None:
        """Stop, and break off what is under way: whether that came to pass is then open."""
        self._channel.abort()

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
        yield from self.pages(f"/api/v1/folders/{folder_id}/children", Page)

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

    def get_storage(self) -> StorageAnswer:
        """Return what takes how much room."""
        return self._channel.call("GET", "/api/v1/storage", StorageAnswer)

    def search(self, text: str, *, folder: File | None = None, content_type: str | None = None) -> Iterator[File]:
        """Yield what has `text` in its name, the newest first, below a folder and of a content type where asked for."""
        query = {"q": text, "in": None if folder is None else folder.file_id, "type": content_type}
        given = {name: value for name, value in query.items() if value is not None}
        yield from self.pages("/api/v1/search", Page, limit=SEARCH_SIZE, **given)

    # Upload

    def request_upload(self, request: UploadRequest) -> UploadAnswer:
        """Open an upload of one file."""
        return self._channel.call("POST", "/api/v1/uploadRequest", UploadAnswer, body=request, about=request.path or "")

    def request_batch(self, files: list[UploadRequest]) -> BatchAnswer:
        """Open uploads of up to 1,000 files whose bytes will come in a bundle; some may be refused singly."""
        answer = self._channel.call("POST", "/api/v1/uploadRequest", BatchAnswer, body=BatchRequest(files))
        if len(answer.uploads) != len(files):
            raise ClientError("The server answered for another number of files than it was asked about.")
        return answer

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

    def put_content(self, url: str, body: Body, direct: DirectWay | None = None) -> None:
        """Send a chunk or a bundle to its signed URL, or a chunk past the server if that works.

        Raises:
            UrlExpiredError: ask for a fresh URL.
            ApiError: with `chunk_mismatch` if the bytes are not those declared; nothing of that chunk is kept.
        """
        if direct is None or not self._channel.try_direct("PUT", direct.url, direct.headers, body=body):
            self._channel.use("PUT", url, body=body)

    def commit(self, upload_id: str, sha256: str | None = None) -> File:
        """Make an upload the current version; raise ApiError with `missing_chunks` if bytes are missing.

        Again gives the same version. `sha256` is that of the whole content.
        """
        body = None if sha256 is None else CommitHash(sha256)
        try:
            return self._channel.call("POST", f"/api/v1/uploads/{upload_id}/commit", CommitAnswer, body=body).file
        except ApiError as error:
            if error.code == "missing_chunks":
                self._channel.avoid_direct()
            raise

    def commit_batch(self, upload_ids: list[str]) -> list[CommitOutcome]:
        """Commit many uploads at once; each has its own outcome, in order."""
        body = CommitRequest(upload_ids)
        results = self._channel.call("POST", "/api/v1/uploads/commit", CommitResults, body=body).results
        if len(results) != len(upload_ids):
            raise ClientError("The server answered for another number of uploads than it was asked about.")
        if any(result.code == "missing_chunks" for result in results):
            self._channel.avoid_direct()
        return results

    def give_up(self, upload_ids: Iterable[str]) -> None:
        """Close uploads that will not be finished; those already gone are fine."""
        for upload_id in upload_ids:
            with suppress(ApiError, ConflictError):
                self._channel.send("DELETE", f"/api/v1/uploads/{upload_id}")

    # Download

    def get_manifest(self, file: File, start: int = 0) -> Manifest:
        """Return up to 4,096 chunks of the version that `file` shows, from index `start` on."""
        return self.manifest_of(file.file_id, file.version_id or "", start, about=file.path)

    def manifest_of(self, file_id: str, version_id: str, start: int = 0, *, about: str = "") -> Manifest:
        """Return up to 4,096 chunks of a version, with URLs, from index `start` on."""
        query = urlencode({"file_id": file_id, "version_id": version_id, "from": start})
        return self._channel.call("GET", f"/api/v1/download?{query}", Manifest, about=about)

    def read_chunk(self, url: str, into: memoryview, direct: DirectWay | None = None) -> None:
        """Fill `into` with a chunk from its signed URL, or past the server; the caller checks the hash.

        May raise UrlExpiredError.
        """
        if direct is not None and self._channel.try_direct("GET", direct.url, {**direct.headers, **_PLAIN}, into=into):
            return
        if self._channel.use("GET", url, headers=_PLAIN, into=into).size != len(into):
            raise ClientError("The server sent a chunk of another length than it announced.")

    def read_content(self, file: File, into: memoryview) -> None:
        """Fill `into` with the whole content of the version that `file` shows; the caller checks the hash."""
        self.content_of(file.file_id, file.version_id or "", into, about=file.path)

    def content_of(self, file_id: str, version_id: str, into: memoryview, *, about: str = "") -> None:
        """Fill `into` with the whole content of a version; the caller checks the hash."""
        path = f"/api/v1/files/{file_id}/content?{urlencode({'version_id': version_id})}"
        if self._channel.send("GET", path, headers=_PLAIN, into=into, about=about).size != len(into):
            raise ClientError(f"{about or file_id}: the server sent another length than it announced.")

    def contents_of(self, files: Sequence[tuple[str, str, int]]) -> list[bytes | None]:
        """Return the whole contents of many small versions, given by file id, version id and size, with one call.

        None where the server does not give one: asked for by itself, it says why. The caller checks the hashes. Up to
        1,000 files of FETCHED_FILE bytes, BATCH_BYTES in all, are given; a server that is older than this call raises
        ApiError `not_found`.
        """
        body = DownloadBundleRequest([BundledFile(file_id, version_id) for file_id, version_id, _ in files])
        sizes = [size for _, _, size in files]
        most = most_bytes_of(sizes)
        answer = self._channel.send("POST", "/api/v1/downloadBundle", body=body, headers=_PLAIN, most=most)
        return contents_in(answer.body, sizes)
