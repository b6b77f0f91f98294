"""Brings other people's browser code into this tree, by hand: `python -m web.vendor`. No server ever runs this.

What is wanted stands in `vendor.lock.json`: exact versions, the SHA-256 of each package as the registry gives it, which
of its files are copied where, and which icons go into the sprite. A package that is not the one locked stops the script
before anything is written. `python -m web.vendor --lock` writes the hashes of what it fetched instead; look at what has
changed before you commit that. It needs npm, which knows where packages come from on this machine.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent
ROOT = WEB.parent
LOCK = WEB / "vendor.lock.json"
ICONS = "lucide-static"
SPRITE = "web/static/icons.svg"
_ATTRIBUTES = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'


class VendorError(Exception):
    """A package is not what the lock says; the text says which."""


def main() -> int:
    """Fetch all packages, check them, and copy what is wanted of them."""
    parser = argparse.ArgumentParser(prog="python -m web.vendor", description="Fetch the browser code of others.")
    parser.add_argument("--lock", action="store_true", help="write the hashes of what was fetched into the lock")
    arguments = parser.parse_args()
    lock = json.loads(LOCK.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        archives = {name: _fetch(name, package, Path(folder)) for name, package in lock["packages"].items()}
        try:
            for name, package in lock["packages"].items():
                _check(name, package, archives[name], write=arguments.lock)
        except VendorError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        written: dict[str, bytes] = {}
        for name, package in lock["packages"].items():
            written |= _copy(archives[name], package)
        written[SPRITE] = _sprite(archives[ICONS], lock["icons"])
    for place, body in written.items():
        path = ROOT / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    if arguments.lock:
        lock["files"] = {place: hashlib.sha256(body).hexdigest() for place, body in sorted(written.items())}
        LOCK.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")
    return 0


def _fetch(name: str, package: dict[str, Any], folder: Path) -> Path:
    """Return the archive of a package, as the registry of this machine's npm gives it."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{name}@{package['version']}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - names of our own lock
    return folder / done.stdout.split()[-1]


def _check(name: str, package: dict[str, Any], archive: Path, *, write: bool) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if write:
        package["sha256"] = digest
    elif digest != package.get("sha256"):
        raise VendorError(f"{name} {package['version']} is not the package that is locked: its SHA-256 is {digest}.")


def _copy(archive: Path, package: dict[str, Any]) -> dict[str, bytes]:
    """Return what a package gives, by its place in this tree."""
    with tarfile.open(archive) as packed:
        return {place: _member(packed, inside) for inside, place in package["files"].items()}


def _member(packed: tarfile.TarFile, inside: str) -> bytes:
    found = packed.extractfile(f"package/{inside}")
    if found is None:
        raise VendorError(f"{inside} is no file of this package.")
    return found.read()


def _sprite(archive: Path, names: list[str]) -> bytes:
    """Return one SVG with a symbol for each icon, drawn in the text's colour."""
    symbols = []
    with tarfile.open(archive) as packed:
        for name in sorted(names):
            text = _member(packed, f"icons/{name}.svg").decode()
            drawn = re.sub(r"\s*\n\s*", "", text.partition(">\n")[2].partition("\n>")[2]).removesuffix("</svg>")
            symbols.append(f'<symbol id="{name}" {_ATTRIBUTES}>{drawn.replace(" />", "/>")}</symbol>')
    return ('<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n").encode()


if __name__ == "__main__":
    sys.exit(main())
