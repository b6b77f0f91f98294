"""Processes that are started again whenever they end, until the test is over."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tests.device import unmeasured
from tests.server import RunningServer

STOP_TIMEOUT_S = 60.0


class Program(Protocol):
    """Something that runs as one process, again and again."""

    name: str

    def start(self) -> "subprocess.Popen[bytes] | None":
        """Start it; None if it ended before it was ready."""


class ServerProgram:
    """`cairn serve`."""

    name = "server"

    def __init__(self, server: RunningServer) -> None:
        self.server = server

    def start(self) -> "subprocess.Popen[bytes] | None":
        with suppress(AssertionError):  # it was killed before it was ready
            self.server.start()
        return self.server.process


class DaemonProgram:
    """`cairn sync DIR` on one device."""

    def __init__(self, name: str, home: Path, folder: Path, prefix: Sequence[str] = ()) -> None:
        """Keep `folder` in step; `prefix` is a command that runs the daemon in surroundings of its own."""
        self.name = name
        self.log = home.parent / f"{name}.log"
        self._command = [*prefix, sys.executable, "-m", "client", "sync", str(folder), "--quiet"]
        self._environment = {**unmeasured(os.environ), "CAIRN_HOME": str(home)}

    def start(self) -> "subprocess.Popen[bytes] | None":
        with self.log.open("ab") as log:
            return subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)


class Kept:
    """One program that a thread keeps running.

    Attributes:
        kills: how often it was killed.
        odd: exit codes with which it ended though nobody had ended it.
    """

    def __init__(self, program: Program, chance: random.Random, pause_s: float) -> None:
        """Wait up to `pause_s` before it is started again."""
        self.name = program.name
        self.kills = self.starts = 0
        self.odd: list[int] = []
        self._program = program
        self._chance = chance
        self._pause_s = pause_s
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=program.name)

    def begin(self) -> None:
        """Start it, and keep it running."""
        self._thread.start()

    def kill(self) -> bool:
        """End it as a crash does, whatever it is doing; return whether it ran."""
        with self._lock:
            process = self._running()
            if process is None:
                return False
            self._killed = True
            self.kills += 1
            process.kill()
        return True

    def freeze(self) -> bool:
        """Let it do nothing until `thaw`; return whether it ran."""
        return self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> int | None:
        """End it as its user does, and return its exit code."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        self._thread.join(STOP_TIMEOUT_S)
        if self._thread.is_alive():
            self.kill()
            self._thread.join()
        return None if self._process is None else self._process.returncode

    def _signal(self, number: int) -> bool:
        with self._lock:
            process = self._running()
            if process is not None:
                process.send_signal(number)
        return process is not None

    def _running(self) -> "subprocess.Popen[bytes] | None":
        process = self._starting()
        return process if process is not None and process.returncode is None else None

    def _starting(self) -> "subprocess.Popen[bytes] | None":
        if isinstance(self._program, ServerProgram):
            return self._program.server.process  # it may be killed while it is still getting ready
        return self._process

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._killed = False
            process = self._program.start()
            self.starts += 1
            with self._lock:
                self._process = process
            if process is None:
                continue
            if self._stopping.is_set():
                process.send_signal(signal.SIGTERM)
            code = process.wait()
            if not self._killed and not self._stopping.is_set():
                self.odd.append(code)
            self._stopping.wait(self._chance.uniform(0, self._pause_s))


class Killer:
    """Sends SIGKILL to a random one of some processes again and again, and may freeze one for a while."""

    def __init__(
        self,
        kept: Mapping[str, Kept],
        chance: random.Random,
        *,
        between_s: tuple[float, float],
        freeze_s: float = 0.0,
    ) -> None:
        """Kill one each `between_s` seconds; with `freeze_s` stop a daemon for so long now and then instead."""
        self.freezes = 0
        self._kept = list(kept.values())
        self._chance = chance
        self._between_s = between_s
        self._freeze_s = freeze_s

    def work(self, until: threading.Event) -> None:
        """Go on until the event is set."""
        frozen: tuple[Kept, float] | None = None
        while not until.wait(self._chance.uniform(*self._between_s)):
            victim = self._chance.choice(self._kept)
            if frozen is not None and time.monotonic() > frozen[1]:
                frozen[0].thaw()
                frozen = None
            if self._freeze_s and frozen is None and victim.name != "server":
                if victim.freeze():
                    self.freezes += 1
                    frozen = victim, time.monotonic() + self._freeze_s
            elif frozen is None or victim is not frozen[0]:
                victim.kill()
        if frozen is not None:
            frozen[0].thaw()
