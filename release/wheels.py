"""Asks the package index which wheel a machine takes of each package of the server: `python -m release.wheels`.

Run after each change of the lock. What comes is kept in `wheels.txt`, as `sha256sum` writes it, so that a test can tell
without the index that a server installs on both kinds of processor: the lock alone has hashes, and no names of files.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from release.locks import read_lock

TABLE = Path(__file__).with_name("wheels.txt")
PROCESSORS = ("x86_64", "aarch64")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
GLIBC = (5, 12, 17, 24, 26, 27, 28)
"""Of glibc 2.5 to 2.28: what Debian 10 had, and every system since."""


def platforms(processor: str) -> list[str]:
    """Return the names of Linux systems, newest first, whose wheels a processor takes with glibc 2.28."""
    old = [f"manylinux{year}_{processor}" for year in (2014, 2010, 1)]
    return [f"manylinux_2_{minor}_{processor}" for minor in reversed(GLIBC)] + old


def read_table() -> dict[str, str]:
    """Return the names of the wheels by their SHA-256."""
    rows = (line.partition("  ") for line in TABLE.read_text("utf-8").splitlines())
    return {digest: name for digest, _, name in rows}


def _ask(processor: str, python: str) -> Iterator[tuple[str, str]]:
    """Give SHA-256 and name of each wheel that one kind of machine takes; it ends here if there is none."""
    wanted = [f"{pin.name}=={pin.version}" for pin in read_lock().values()]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python, "--report", "-"]
    command += [part for name in platforms(processor) for part in ("--platform", name)]
    with tempfile.TemporaryDirectory() as nowhere:
        done = subprocess.run([*command, "--target", nowhere, *wanted], stdout=subprocess.PIPE, check=True)
    for package in json.loads(done.stdout)["install"]:
        found = package["download_info"]
        yield found["archive_info"]["hashes"]["sha256"], found["url"].rpartition("/")[2]


def main() -> None:
    """Write the table anew."""
    rows = {row for processor in PROCESSORS for python in PYTHONS for row in _ask(processor, python)}
    lines = sorted((f"{digest}  {name}\n" for digest, name in rows), key=lambda line: line.split("  ")[1])
    TABLE.write_text("".join(lines), "utf-8")


if __name__ == "__main__":
    main()
