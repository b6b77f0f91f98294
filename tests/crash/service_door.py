"""The way to the services of a server in this process, whose disk may be a simulated one."""

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

from app.application import Cairn
from app.auth.identity import Actor
from app.errors import AppError
from app.manifest import Chunk, Manifest
from app.services import targets
from app.services.commits import Hashes
from app.services.tree import Change
from app.services.uploads import Declared, UploadAnswer
from app.services.views import View
from storage.base import ChunkId, WireEncoding
from storage.errors import BadSignatureError, StorageError
from storage.signing import Grant, Operation
from tests.crash.content import frame, sha256
from tests.crash.doors import Opened, OpenedUpload, Progress, RefusedError, Seen, UnansweredError, Wish

T = TypeVar("T")

PAGE = 10_000


class ServiceDoor:
    """An actor whose row is in the database."""

    def __init__(self, cairn: Cairn, actor: Actor) -> None:
        self._services = cairn.services
        self._store = cairn.store
        self._actor = actor

    async def request(self, wishes: Sequence[Wish], *, bundle: bool) -> Opened:
        declared = [_declared(wish) for wish in wishes]
        answers = [
            _granted(answer)
            for answer in await _told(self._services.uploads.request_many(self._actor, declared, bundle=bundle))
        ]
        return Opened([_opened(answer) for answer in answers], answers[0].bundle_url)

    async def progress(self, upload_id: str) -> Progress:
        progress = await _told(self._services.uploads.progress(self._actor, upload_id, 0))
        missing = {chunk.index: chunk.url for chunk in progress.missing}
        file = None if progress.file is None else _seen(progress.file)
        return Progress(file, OpenedUpload(upload_id, missing), progress.bundle_url)

    async def put_chunk(self, url: str, data: bytes) -> None:
        grant = self._grant(Operation.PUT_CHUNK, url)
        await _told(self._services.receive.admit_chunk(grant))
        await _told(self._services.receive.take_chunk(grant, [data], WireEncoding.IDENTITY))

    async def put_bundle(self, url: str, chunks: Sequence[bytes]) -> None:
        grant = self._grant(Operation.PUT_BUNDLE, url)
        declared = await _told(self._services.receive.admit_bundle(grant))
        body = _pieces(b"".join(map(frame, chunks)))
        with self._services.bodies.lease("") as lease:
            taken = await _told(self._services.receive.take_bundle(grant, declared, body, lease))
        assert taken.bad_frame is None, taken

    async def commit(self, upload_ids: Sequence[str]) -> list[Seen]:
        if len(upload_ids) == 1:
            return [_seen(await _told(self._services.commits.commit(self._actor, upload_ids[0], Hashes())))]
        results = await _told(self._services.commits.commit_many(self._actor, upload_ids))
        return [_seen(_granted(result)) for result in results]

    async def give_up(self, upload_id: str) -> None:
        await _told(self._services.uploads.give_up(self._actor, upload_id))

    async def put_whole(self, path: str, data: bytes) -> Seen:
        wish = targets.Wish(mtime_ms=0, content_type="application/octet-stream", path=path)
        declared = Declared(wish, len(data), Manifest(b""), append=True)
        with self._services.bodies.lease("") as lease:
            receive = self._services.receive
            taking = receive.take_stream(self._actor, declared, _pieces(data), lease, is_coming=True)
            return _seen(await _told(taking))

    async def make_folder(self, path: str) -> Seen:
        return _seen(await _told(self._services.tree.make_folder_at(self._actor, path, parents=False)))

    async def move(self, file_id: str, *, parent_id: str, name: str) -> Seen:
        change = Change(name=name, parent_id=parent_id)
        return _seen(await _told(self._services.tree.change(self._actor, file_id, change)))

    async def find(self, path: str) -> Seen:
        return _seen(await _told(self._services.tree.get_path(self._actor, path)))

    async def children(self, folder_id: str) -> list[Seen]:
        page, end = await _told(
            self._services.tree.children(self._actor, folder_id, sort="name", order="asc", after=None, limit=PAGE)
        )
        assert end is None
        return [_seen(view) for view in page]

    async def read(self, file_id: str) -> bytes:
        content = await _told(self._services.downloads.content(self._actor, file_id, None, download=False))
        return b"".join([await _told(self._store.read(chunk_id)) for chunk_id in content.manifest.ids()])

    def takes(self, url: str) -> bool:
        """Tell whether a URL for a chunk is one that this server signed."""
        try:
            self._grant(Operation.PUT_CHUNK, url)
        except BadSignatureError:
            return False
        return True

    def _grant(self, operation: Operation, url: str) -> Grant:
        path, _, query = url.partition("?")
        return self._services.urls.verify(operation, path.rpartition("/")[2], query)


async def _told(call: Coroutine[Any, Any, T]) -> T:
    """Return what a call gives, and tell a refusal from a disk that failed."""
    try:
        return await call
    except AppError as error:
        raise RefusedError(error.code, error) from error
    except (StorageError, OSError) as error:
        raise UnansweredError(repr(error)) from error


def _granted(answer: T | AppError) -> T:
    if isinstance(answer, AppError):
        raise RefusedError(answer.code, answer)
    return answer


def _declared(wish: Wish) -> Declared:
    manifest = Manifest.of(Chunk(ChunkId(sha256(chunk)), len(chunk)) for chunk in wish.content.chunks())
    asked = targets.Wish(
        mtime_ms=0,
        content_type="application/octet-stream",
        path=wish.path,
        file_id=wish.file_id,
        base_version=wish.base_version,
        parents=wish.parents,
    )
    return Declared(asked, wish.content.size, manifest)


def _opened(answer: UploadAnswer) -> OpenedUpload:
    return OpenedUpload(answer.upload_id, {chunk.index: chunk.url for chunk in answer.chunks if chunk.needed})


def _seen(view: View) -> Seen:
    node = view.listed.node
    return Seen(view.file_id, view.parent_id, node.name, view.version_id, node.seq, view.listed.size)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 16_384):
        yield data[at : at + 16_384]
