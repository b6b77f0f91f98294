"""Calls the programs that both sides share: curl as the client, sync for the disk, and the search for a free port."""

import http.client
import socket
import subprocess
import time
from pathlib import Path

_START_TIMEOUT_S = 20


class NotStartedError(Exception):
    """A server ended, or did not answer, instead of starting."""


def curl(*arguments: str, config: str = "") -> None:
    """Run curl, which shows nothing but errors; `config` goes to its standard input (for `--config -`)."""
    subprocess.run(
        ["curl", "--no-progress-meter", "--fail", *arguments],
        input=config.encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def sync(path: Path) -> None:
    """Make durable what was written to the file system of `path`."""
    subprocess.run(["sync", "--file-system", path], check=True)


def free_port() -> int:
    """Give a TCP port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Ask for `path` every millisecond until the answer is no 5xx.

    Raises:
        NotStartedError: the process ended, or 20 s passed; it shows the last line of the server's `log`.
    """
    limit = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < limit and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_TIMEOUT_S)
        try:
            connection.request("GET", path)
            if connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR:
                return
        except (ConnectionError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.001)
    last = log.read_text("utf-8", "replace").strip().rpartition("\n")[2]
    raise NotStartedError(f"a server did not start, its log ends: {last}")
