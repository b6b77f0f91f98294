"""A real server for tests: `cairn serve` in a process of its own, on a free port, with a data folder of its own."""

import contextlib
import http.client
import itertools
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

ADMIN = "ada"
PASSWORD = "violet-harbour-kettle-42"
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 30.0
NO_RESERVE = {"CAIRN_LIMITS__FREE_DISK_BYTES": "0", "CAIRN_LIMITS__FREE_DISK_PERCENT": "0"}
"""An environment in which it does not matter how full this machine's disk is."""


def _no_store(_: Path) -> dict[str, str]:
    return {}


STORE: Callable[[Path], dict[str, str]] = _no_store
"""The environment that names the object server for a data folder, where a run of tests has one below all servers."""


class RunningServer:
    """A server process. `start` may be called again after `stop` or `kill`: port and data stay."""

    def __init__(
        self, data: Path, environment: Mapping[str, str] | None = None, *, module: str = "client", role: str = "all"
    ) -> None:
        """Prepare a server on the data folder `data`, which need not exist; nothing runs yet.

        Args:
            environment: laid over the one of the tests.
            module: to run; it takes the arguments of `cairn`.
            role: of the process.
        """
        self._role = role
        self.data = data
        self.module = module
        self.port = free_port()
        self._tls = data / "tls" / "server.pem"
        self.log = data.parent / f"{data.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CAIRN_")},
            "CAIRN_ADMIN_USER": ADMIN,
            "CAIRN_ADMIN_PASSWORD": PASSWORD,
            **STORE(data),
            **(environment or {}),
        }

    @property
    def url(self) -> str:
        """Where it is: with TLS once `cairn tls init` was run on its folder."""
        return f"{'https' if self._tls.exists() else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> "RunningServer":
        """Start the process and wait until it says that it is ready."""
        command = [sys.executable, "-m", self.module, "serve", "--data", str(self.data), "--port", str(self.port)]
        command += [] if self._role == "all" else ["--role", self._role]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.02)  # between two questions to a process that tells its state in no other way
        return self

    def stop(self) -> None:
        """End the server as an operator does, and check that it ends well and in time."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_TIMEOUT_S)
        self.process = None
        assert code == 0, f"the server ended with {code}:\n{self.log.read_text()}"

    def kill(self) -> None:
        """End the server as a crash does."""
        process = self._running()
        process.kill()
        process.wait()
        self.process = None

    def close(self) -> None:
        """End the server if it runs, whatever its state."""
        if self.process is not None:
            self.kill()

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self.process is not None, "the server does not run"
        return self.process

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        if self._tls.exists():
            context = ssl.create_default_context(cafile=self._tls.with_name("ca.crt"))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


_ports = itertools.cycle(random.SystemRandom().sample(range(15_000, 30_000), 15_000))


def free_port() -> int:
    """Return a port that nobody listens on, and that the system gives to nobody who asks for any.

    So it stays free until a server has begun to listen, and while one is down. A port that the system chose would be
    its to choose again at once, for a test beside this one.
    """
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
