"""Builds the Dockerfile and runs the image with the program `build-image`, which needs root and no container daemon."""

import http.client
import os
import shutil
import subprocess
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.server import ADMIN, NO_RESERVE, PASSWORD, free_port

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
OBJECT_SERVER = "docker.io/pgsty/silo:RELEASE.2026-09-03T13-18-01Z"
TAG = "localhost/cairn-tested"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
_PLACES = (os.environ.get("PATH", ""), str(ROOT.parent / "shared" / "tools"))


def find_builder() -> Path | None:
    """Return the program, from CAIRN_BUILD_IMAGE, PATH, or a folder of tools beside the checkout."""
    found = os.environ.get("CAIRN_BUILD_IMAGE") or shutil.which("build-image", path=os.pathsep.join(_PLACES))
    return Path(found) if found else None


class Image:
    """An image in the builder's store."""

    def __init__(self, builder: Path, tag: str, built: str) -> None:
        """Name an image that was built; `built` is what the builder said of it."""
        self.tag, self.built, self._builder = tag, built, builder

    @classmethod
    def build(cls, builder: Path, *options: str | Path, tag: str = TAG) -> "Image":
        """Build the Dockerfile of the checkout, or the one that the options name, and run nothing but `true`."""
        command = [builder, "-t", tag, *options, "--shell", "--", "true"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return cls(builder, tag, done.stderr)

    def as_user(self, user: str, folder: Path, *lines: str) -> "Image":
        """Return the same image for another user, as `docker run --user` has it, with further lines."""
        name = user.replace(":", "-")
        file = folder / f"{name}.Dockerfile"
        file.write_text("\n".join([f"FROM {self.tag}", f"USER {user}", *lines, ""]))
        return self.build(self._builder, "-f", file, "-C", folder, tag=f"{self.tag}-{name}")

    def command(self, *options: str | Path) -> list[str | Path]:
        """Return the command that runs the image with a root file system that is read-only."""
        return [self._builder, "--no-build", "-t", self.tag, "--read-only", *options]

    def run(self, *options: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the image to its end."""
        return subprocess.run(
            self.command(*options), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )

    def said(self, *options: str | Path) -> list[str]:
        """Run the image to its end, and return the lines that it wrote to standard error."""
        written = self.run("--timeout", "60", *options).stderr.splitlines()
        return [line for line in written if not line.startswith("build-image: ")]


class Container:
    """A server in a container, on a port of this machine. `start` may be called again: port and data stay."""

    def __init__(self, image: Image, data: Path, environment: Mapping[str, str] | None = None) -> None:
        """Prepare a container with its volume at `data`; nothing runs yet."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._image, self._data = image, data
        self._log = data.parent / f"{data.name}.log"
        self._environment = {
            "CAIRN_SERVER__PORT": str(self.port),
            "CAIRN_ADMIN_USER": ADMIN,
            "CAIRN_ADMIN_PASSWORD": PASSWORD,
            **NO_RESERVE,
            **(environment or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the container and wait until the server says that it is ready."""
        given = [part for name, value in self._environment.items() for part in ("--env", f"{name}={value}")]
        options = ["--net", "host", "--volume", f"{self._data}:/data", "--timeout", "250", *given]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._image.command(*options), cwd=ROOT, stdout=log, stderr=log)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"the container did not start:\n{self._log.read_text()}")
            time.sleep(0.02)  # between two questions to a process that tells its state in no other way

    def processes(self) -> list[int]:
        """Return the numbers that this machine has for the container's processes, its first one first."""
        assert self._process is not None, "the container does not run"
        below = [child for child in _children(self._process.pid) if _name(child) == "unshare"]
        found = [child for parent in below for child in _children(parent) if _name(child) == "tini"]
        return found + [child for parent in found for child in _children(parent)]

    def end(self, signal: int) -> int:
        """Send a signal to the first process, as `docker stop` and `docker kill` do, and return the exit code."""
        assert self._process is not None, "the container does not run"
        os.kill(self.processes()[0], signal)
        code = self._process.wait(STOP_TIMEOUT_S)
        self._process = None
        return code

    def close(self) -> None:
        """End the container if it runs, whatever its state."""
        if self._process is not None:
            self._process.terminate()  # the builder takes all with it
            self._process.wait(STOP_TIMEOUT_S)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:  # it ended meanwhile
        return []


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""
