"""A machine of a person with one synced folder, used through the real commands.

Most commands run in this process, which is many times faster; `process` and `daemon` are processes of their own.
"""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from client.cli.main import main
from client.home import Home, Login
from client.sync.device.roots import Root, Roots
from tests.device import Device, Result
from tests.server import RunningServer

PATIENCE_S = 150.0  # a file that never rested is looked at less and less often, and machines can be slow
_REQUESTS = re.compile(r'^cairn_requests_total\{method="(\w+)",route="([^"]+)",status="\w+"\} (\S+)$', re.MULTILINE)
Tree = dict[str, bytes | None]


class Machine:
    """A home, a folder, and a login."""

    def __init__(self, base: Path, login: Login, remote: str) -> None:
        """Nothing is synced yet; `remote` is the folder at the server that `sync` stands for."""
        self.home = base / "home"
        self.folder = base / "folder"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.remote = remote
        self.login = login
        self.device = Device(self.home)
        self.keep(login)

    def keep(self, login: Login) -> None:
        """Log in."""
        Home(self.home).keep_login(login)

    @property
    def root(self) -> Root:
        """The root, once `once` or `daemon` has made it."""
        (root,) = Roots(self.home).list()
        return root

    # Commands

    def run(self, *arguments: str | Path) -> Result:
        """Run a command in this process."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", write_through=True), io.StringIO()
        before = os.environ.get("CAIRN_HOME")
        os.environ["CAIRN_HOME"] = str(self.home)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main([str(each) for each in arguments])
        finally:
            if before is None:
                del os.environ["CAIRN_HOME"]
            else:
                os.environ["CAIRN_HOME"] = before
        out.seek(0)
        return Result(code, out.buffer.read(), err.getvalue())

    def ok(self, *arguments: str | Path) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments)
        assert result.code == 0, f"{arguments} ended with {result.code}: {result.err}{result.out.decode()}"
        return result

    def sync(self, expect: int | None = 0) -> Result:
        """Run `sync --once`; it must end with the code `expect`, if one is given."""
        result = self.run("sync", self.folder, "--remote", self.remote, "--once")
        if expect is not None:
            assert result.code == expect, f"sync ended with {result.code}: {result.err}{result.out.decode()}"
        return result

    def status(self) -> Any:
        """Return what `status --json` prints."""
        return self.ok("status", self.folder, "--json").json

    def here(self, action: str, *arguments: str | Path) -> Result:
        """Run a command about the folder: `held`, `select`, …, which must succeed."""
        return self.ok(action, self.folder, *arguments)

    def process(self, *arguments: str | Path) -> Result:
        """Run `sync` in a process of its own."""
        return self.device.run("sync", self.folder, *arguments)

    @contextmanager
    def daemon(self) -> "Iterator[Daemon]":
        """Keep the folder in step by a process until the end of the block."""
        with (self.home / "daemon.log").open("ab") as log:
            process = self.device.begin("sync", self.folder, "--remote", self.remote, stderr=log.fileno())
        daemon = Daemon(self, process)
        try:
            yield daemon
        finally:
            daemon.end()

    # The folder

    def write(self, path: str, content: bytes | str = b"") -> Path:
        """Write a file, with the folders above it."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def read(self, path: str) -> bytes:
        """Return the content of a file here."""
        return (self.folder / path).read_bytes()

    def tree(self) -> Tree:
        """Return all that is here by path, folders as None, without what is Cairn's."""
        found: Tree = {}
        for folder, folders, files in os.walk(self.folder):
            inside = Path(folder).relative_to(self.folder)
            if inside == Path():
                folders[:] = [each for each in folders if each != ".cairn"]
            found.update({str(inside / each): None for each in folders})
            found.update({str(inside / each): (Path(folder) / each).read_bytes() for each in files})
        return found

    def names(self) -> list[str]:
        """Return all paths here, sorted."""
        return sorted(self.tree())

    def empty(self, *, private: bool = False) -> None:
        """Remove all that is in the folder; with `private` what is Cairn's as well."""
        for entry in self.folder.iterdir():
            if entry.name == ".cairn" and not private:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


class Daemon:
    """A `sync` that stays."""

    def __init__(self, machine: Machine, process: "subprocess.Popen[bytes]") -> None:
        """Watch the process."""
        self.machine = machine
        self.process = process

    @property
    def said(self) -> str:
        """What it and those before it wrote to standard error."""
        return (self.machine.home / "daemon.log").read_text()

    def status(self) -> Any:
        """Return the status as the process tells it; None while it has not begun to listen."""
        result = self.machine.run("status", self.machine.folder, "--json")
        return result.json if result.code == 0 else None

    def until(self, holds: Callable[[Any], object]) -> Any:
        """Wait until something holds of the status, and return that status."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            status = self.status()
            if status is not None and status["state"] != "stopped" and holds(status):
                return status
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {status}\n{self.said}"
            time.sleep(0.05)  # between two questions to a process

    def in_step(self) -> Any:
        """Wait until both sides agree."""
        return self.until(lambda status: status["state"] == "in_step")

    def ends(self) -> int:
        """Wait for the end and return its code."""
        return self.process.wait(PATIENCE_S)

    def end(self) -> None:
        """Stop it as a person does, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(PATIENCE_S) == 0, self.said
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until something in the world holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)  # between two looks at what another process does


def codes(status: Any) -> set[tuple[str, str]]:
    """Return path and reason of all that is in the way."""
    return {(each["path"], each["reason"]) for each in status["blocked"]}


def parse(out: bytes) -> Any:
    """Return JSON."""
    return json.loads(out)


def requests(server: RunningServer) -> Counter[str]:
    """Return how many requests the server has answered, by method and route."""
    with urlopen(f"{server.url}/metrics") as answer:  # noqa: S310 -- our own server
        text = answer.read().decode()
    counts: Counter[str] = Counter()
    for method, route, number in _REQUESTS.findall(text):
        counts[f"{method} {route}"] += int(float(number))
    return counts


def server_command(server: RunningServer, *arguments: str) -> None:
    """Run a command of the server's own on its data folder."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = main([*arguments, "--data", str(server.data)])
    assert code == 0, arguments
