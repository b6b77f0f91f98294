"""Reads a lock: what it pins, by which hashes, and for whose sake."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SERVER_LOCK = ROOT / "requirements-server.lock"
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==(?P<version>[a-z0-9.]+)(?: ; (?P<marker>[^\\]+?))? \\")
_HASH = re.compile(r"    --hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"    #(?: via|  ) (?P<name>[a-z0-9][a-z0-9-]*)( .*)?")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock.

    Attributes:
        marker: where it is installed at all; empty where that is everywhere.
        hashes: SHA-256 of each of its files.
        wanted_by: the packages that need it; none where the project itself names it.
    """

    name: str
    version: str
    marker: str
    hashes: set[str] = field(default_factory=set)
    wanted_by: set[str] = field(default_factory=set)


def read_lock(path: Path = SERVER_LOCK) -> Mapping[str, Pin]:
    """Return what a lock pins, by name."""
    pins: dict[str, Pin] = {}
    pin: Pin | None = None
    for line in path.read_text("utf-8").splitlines():
        if found := _PIN.fullmatch(line):
            pin = pins[found["name"]] = Pin(found["name"], found["version"], found["marker"] or "")
        elif pin is not None and (found := _HASH.match(line)):
            pin.hashes.add(found[1])
        elif pin is not None and (found := _VIA.fullmatch(line)):
            pin.wanted_by.add(found["name"])
    return pins
