"""A device for tests: the real command line in a process of its own, with a home of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.server import ADMIN, PASSWORD, RunningServer


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and what it wrote."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        """Return its standard output as JSON."""
        return json.loads(self.out)


class Device:
    """One machine of a person."""

    def __init__(self, home: Path) -> None:
        """Use `home` for its state."""
        self.home = home
        self._environment = {**os.environ, "CAIRN_HOME": str(home)}

    def run(self, *arguments: str | Path, stdin: str = "") -> Result:
        """Run a command to its end."""
        done = subprocess.run(
            self._command(arguments),
            input=stdin.encode(),
            env=self._environment_of(arguments),
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Result(done.returncode, done.stdout, done.stderr.decode())

    def ok(self, *arguments: str | Path, stdin: str = "") -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments, stdin=stdin)
        assert result.code == 0, f"{arguments} ended with {result.code}: {result.err}"
        return result

    def begin(self, *arguments: str | Path, stderr: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
        """Begin a command and leave it running; its standard error may go to an open file or terminal."""
        return subprocess.Popen(
            self._command(arguments), env=self._environment_of(arguments), stdout=subprocess.PIPE, stderr=stderr
        )

    def login(self, server: RunningServer, user: str = ADMIN, password: str = PASSWORD) -> "Device":
        """Log in at a server."""
        self.ok("login", server.url, "--user", user, "--password-stdin", stdin=f"{password}\n")
        return self

    def _environment_of(self, arguments: tuple[str | Path, ...]) -> dict[str, str]:
        return self._environment if "--data" in arguments else unmeasured(self._environment)

    @staticmethod
    def _command(arguments: tuple[str | Path, ...]) -> list[str]:
        return [sys.executable, "-m", "client", *map(str, arguments)]


def unmeasured(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what makes a process count for the coverage of the server.

    A device runs none of the server's code, and each command of it would begin more slowly by half.
    """
    return {name: value for name, value in environment.items() if not name.startswith("COVERAGE_PROCESS_")}
