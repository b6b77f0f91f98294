"""Wrong engines: each must be caught, or the simulation proves nothing (sync-engine.md, 16 F).

Where what is wrong is how a part reads the world, the world's answer is changed on its way to the part: that stays
right however the part is written.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from unittest.mock import patch

import msgspec

from client.protocol import BatchAnswer, SyncAnswer, UploadAnswer, UploadRequest
from client.remote import Remote
from client.sync.apply import placing
from client.sync.apply.displaced import Label
from client.sync.apply.placing import Placer
from client.sync.loop import echoes
from client.sync.loop.engine import Engine
from client.sync.model import Path, Stat
from client.sync.observe import hashing
from client.sync.seams.files import FsError, Hint, Listed, Trouble
from client.sync.send.source import Sources
from client.sync.trees import feed
from client.sync.trees.state import State
from tests.sim.fs import SimFs, SimWriting
from tests.sim.schedule import Scheduler

SLOW_S = 5.0
Wrong = Callable[[], AbstractContextManager[object]]


@contextmanager
def _skip_the_base() -> Iterator[None]:
    """Every upload replaces what is there."""
    with _requests(lambda _, request: msgspec.structs.replace(request, base_version=None, on_conflict="replace")):
        yield


@contextmanager
def _look_up_the_base_late() -> Iterator[None]:
    """The base is what is at the server when the upload begins, not what the content grew from."""

    def late(net: Remote, request: UploadRequest) -> UploadRequest:
        if request.file_id is None or request.base_version is None:
            return request
        now = net.find_by_id(request.file_id)
        return request if now is None else msgspec.structs.replace(request, base_version=now.version_id)

    with _requests(late):
        yield


@contextmanager
def _requests(change: Callable[[Remote, UploadRequest], UploadRequest]) -> Iterator[None]:
    """Change what uploads ask for."""
    one, many = Remote.request_upload, Remote.request_batch

    def request_upload(net: Remote, request: UploadRequest) -> UploadAnswer:
        return one(net, change(net, request))

    def request_batch(net: Remote, files: list[UploadRequest]) -> BatchAnswer:
        return many(net, [change(net, request) for request in files])

    with patch.object(Remote, "request_upload", request_upload), patch.object(Remote, "request_batch", request_batch):
        yield


@contextmanager
def _drop_the_exchange_check() -> Iterator[None]:
    """What came out of an exchange is thrown away unseen."""

    def look_at(placer: Placer, _: object, label: Label) -> object:
        placer.fs.remove(label.path)
        return placing._Kept()  # noqa: SLF001 -- what the real one answers when nothing was to be kept

    with patch.object(Placer, "_look_at", look_at):
        yield


@contextmanager
def _treat_unreadable_as_absent() -> Iterator[None]:
    """What may not be read is taken for not there."""
    list_, look = SimFs.list, SimFs.look

    def list_all(fs: SimFs, path: Path) -> list[Listed]:
        try:
            return list_(fs, path)
        except FsError as error:
            if error.trouble is Trouble.UNREADABLE:
                return []
            raise

    def look_at(fs: SimFs, path: Path) -> Stat | None:
        try:
            return look(fs, path)
        except FsError as error:
            if error.trouble is Trouble.UNREADABLE:
                return None
            raise

    with patch.object(SimFs, "list", list_all), patch.object(SimFs, "look", look_at):
        yield


@contextmanager
def _commit_the_row_before_fsync() -> Iterator[None]:
    """Nothing is made durable before the database says that it is."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(SimWriting, "sync", lambda _: None))
        patches.enter_context(patch.object(SimFs, "sync_all", lambda _: None))
        patches.enter_context(patch.object(SimFs, "sync_folders", _sync_nothing))
        yield


def _sync_nothing(_: SimFs, paths: Iterable[Path]) -> None:
    del paths


@contextmanager
def _ignore_overflow() -> Iterator[None]:
    """Lost events are not noticed."""
    hint = Engine.hint

    def deaf(engine: Engine, told: Hint) -> None:
        if told.path is not None:
            hint(engine, told)

    with patch.object(Engine, "hint", deaf):
        yield


@contextmanager
def _delete_recursively() -> Iterator[None]:
    """A folder goes with whatever is in it."""
    remove = SimFs.remove_folder

    def remove_all(fs: SimFs, path: Path) -> None:
        scheduler: Scheduler = fs.switch.__self__  # type: ignore[attr-defined] # the bound method of a scheduler
        scheduler.sleep(SLOW_S)  # a disk may be slow, and people are quick
        with contextlib.suppress(FsError):
            for below, inode in reversed(list(fs.walk(path, fs.folder(path)))):
                content = bytes(inode.data) if not inode.names else None
                fs.user_remove(below)
                if fs.on_change is not None and content is not None:
                    fs.on_change(below, content, None)
        remove(fs, path)

    with patch.object(SimFs, "remove_folder", remove_all):
        yield


@contextmanager
def _trust_racy_rows() -> Iterator[None]:
    """Every hash is for ever."""

    def sure(*_: object) -> bool:
        return True

    with patch.object(hashing, "is_sure", sure), patch.object(Sources, "is_sure", sure):
        yield


@contextmanager
def _apply_a_page_without_the_cursor() -> Iterator[None]:
    """The cursor is stored by itself, and a page that comes then may be lost."""
    apply = feed.apply_page
    count = [0]

    def torn(state: State, answer: SyncAnswer) -> None:
        count[0] += 1
        if answer.changes and count[0] % 7 == 0:  # as a crash between two transactions leaves it
            answer = msgspec.structs.replace(answer, changes=[])
        apply(state, answer)

    with patch.object(feed, "apply_page", torn):
        yield


@contextmanager
def _forget_attempts() -> Iterator[None]:
    """Nothing is noted before it is sent, and nobody is asked after a lost answer."""
    with patch.object(echoes, "settle", lambda state, key, *_: state.drop_attempts([key])):
        yield


MUTANTS: dict[str, Wrong] = {
    "skip the base": _skip_the_base,
    "look up the base late": _look_up_the_base_late,
    "drop the exchange check": _drop_the_exchange_check,
    "treat EACCES as absent": _treat_unreadable_as_absent,
    "commit the row before fsync": _commit_the_row_before_fsync,
    "ignore overflow": _ignore_overflow,
    "delete recursively": _delete_recursively,
    "trust racy rows": _trust_racy_rows,
    "apply a page without the cursor": _apply_a_page_without_the_cursor,
    "forget attempts": _forget_attempts,
}


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Let the engine be wrong in one way while entered."""
    with MUTANTS[name]():
        yield
