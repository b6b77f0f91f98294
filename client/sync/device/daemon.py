"""The process that keeps a root in step: the real seams joined to an engine, signals, and the door for commands."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TypeVar

from msgspec.structs import replace

from client.errors import LocalFileError
from client.home import Login
from client.install import Installation
from client.remote import Remote
from client.sync.device import salvaging
from client.sync.device.control import Control, Reply, Request
from client.sync.device.disk import DiskFs
from client.sync.device.inotify import start_watch
from client.sync.device.logs import log_to_stderr
from client.sync.device.roots import Root
from client.sync.device.system_clock import SystemChance, SystemClock
from client.sync.device.threads import ThreadExecutor
from client.sync.loop.engine import Engine
from client.sync.loop.reporting import Reporter
from client.sync.screen import summary
from client.sync.seams.files import FsError, Hint
from client.sync.settings import Settings
from client.sync.status import encode
from client.sync.trees.state import StateError
from client.telling import tell

T = TypeVar("T")

PATIENCE_S = 2.0  # with a server that does not answer, before the engine itself decides when to try again
ANSWER_S = 30.0  # for the engine's thread to tell its status
LOOK_S = 0.2  # between looks whether that thread has ended
GRACE_S = 3.0  # for calls under way when it is to stop, before they are broken off


def run(root: Root, login: Login, installation: Installation, *, once: bool, quiet: bool) -> int:
    """Keep a root in step until stopped, or with `once` until it is; return the exit code.

    Raises:
        LocalFileError: another process does so already, or the folder or its state cannot be used.
    """
    log_to_stderr()
    with root.hold():
        try:
            return _Daemon(root, login, installation, once=once, quiet=quiet).run()
        except (StateError, FsError) as error:
            raise LocalFileError(str(error)) from error


class _Daemon:
    def __init__(self, root: Root, login: Login, installation: Installation, *, once: bool, quiet: bool) -> None:
        self._root = root
        self._quiet = quiet
        self._saved_number = 0
        self._once = once
        self._executor = ThreadExecutor()
        self._remote = Remote(login.server, login.token, patience_s=PATIENCE_S, authority=login.authority)
        self._remote.introduce(installation)
        settings = root.settings
        fs = DiskFs(settings.root)
        self._state = salvaging.open_state(root.database)
        self._engine = Engine(
            state=self._state,
            fs=fs,
            watch=start_watch(settings.root, self._hint),
            net=self._remote,
            clock=SystemClock(),
            chance=SystemChance(),
            executor=self._executor,
            settings=settings,
            once=once,
            save_settings=self._save,
            new_lock=threading.Lock,
        )
        self._reporter = Reporter(self._engine)
        self._over = threading.Event()
        self._grace = threading.Timer(GRACE_S, self._remote.abort)
        self._grace.daemon = True

    def run(self) -> int:
        """Turn until the engine has ended."""
        try:
            with _signals(self._stop_soon), Control(self._root.state, self._answer):
                self._engine.start()
                while self._engine.turn():
                    if self._engine.is_stopping:
                        self._end_calls()
                self._over.set()
            self._tell()
            return self._engine.exit_code
        finally:
            self._over.set()
            self._end_calls()
            self._executor.stop()
            self._grace.cancel()
            self._remote.close()
            self._state.close()

    def _hint(self, hint: Hint) -> None:
        self._executor.post(lambda: self._engine.hint(hint))

    def _save(self, settings: Settings) -> None:
        """Keep that a decision was carried out, unless a command has just decided anew."""
        known = max(settings.number, self._saved_number)  # a save of ours makes the next number too

        def carried(now: Settings) -> Settings:
            if now.number != known:
                return now
            self._saved_number = now.number + 1
            return replace(
                now,
                may_delete=settings.may_delete,
                bring_back=settings.bring_back,
                fetch_decayed=settings.fetch_decayed,
            )

        self._root.change(carried)

    def _stop_soon(self) -> None:
        """Stop from a signal: what runs is broken off where that loses nothing."""
        self._executor.post(self._engine.stop)
        self._end_calls()

    def _end_calls(self) -> None:
        """End what waits at the server; what is under way there has a moment to end by itself."""
        self._remote.stop()
        with suppress(RuntimeError):  # it runs already
            self._grace.start()

    def _tell(self) -> None:
        """Keep the last status for commands that ask later, and say how the run went."""
        status = self._reporter.status()
        self._root.write("last.json", encode(status))
        if not self._quiet:
            for problem in status.problems:
                where = f"{problem.path}: " if problem.path else ""
                tell(f"{where}{problem.message}")
        if self._once and not self._quiet:
            sys.stdout.write(f"{summary(status, agrees=self._engine.has_agreed)}\n")

    def _answer(self, request: Request) -> Reply:
        match request.do:
            case "status":
                return Reply(status=self._in_engine(self._reporter.status))
            case "reload":
                settings = self._root.settings
                self._in_engine(lambda: self._engine.set_settings(settings))
                return Reply()
            case "stop":
                self._stop_soon()
                return Reply()
        return Reply(done=False, message=f"This version does not know {request.do!r}.")

    def _in_engine(self, call: Callable[[], T]) -> T:
        """Have a call made in the engine's thread, and return what it gives."""
        future: Future[T] = Future()

        def made() -> None:
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 -- told to the thread that asked
                future.set_exception(error)

        self._executor.post(made)
        until_s = time.monotonic() + ANSWER_S
        while not self._over.is_set() and time.monotonic() < until_s:
            with suppress(TimeoutError):
                return future.result(LOOK_S)
        raise LocalFileError("The process that keeps this folder in step is ending, or busy.")


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Stop on SIGTERM and SIGINT; as before at the end."""

    def handle(_number: int, _frame: object) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
