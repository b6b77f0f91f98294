"""Writes the bill of materials of a server, as CycloneDX 1.6 in JSON: `python -m release.sbom > cairn.cdx.json`.

It names what Cairn itself brings: the packages of the lock, and what of others the pages send to browsers. What the
image has beside that, Debian and Python, stands in the bill that the image's builder makes of the finished image.
"""

import json
import sys
import tomllib
import uuid
from collections.abc import Iterator
from typing import TypedDict
from urllib.parse import quote

from release.locks import ROOT, SERVER_LOCK, read_lock

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VENDORED = ROOT / "web" / "vendor.lock.json"
SENT = "web/static/"
_SPACE = uuid.UUID("6b1f1d0c-6a0a-5f0e-9f3c-3d5a54cf1d0b")  # of serial numbers that are made of what is told
Component = TypedDict(
    "Component", {"type": str, "bom-ref": str, "name": str, "version": str, "purl": str, "licenses": list[object]}
)


class Line(TypedDict):
    """What one component depends on, by reference."""

    ref: str
    dependsOn: list[str]


class Bill(TypedDict):
    """The document."""

    bomFormat: str
    specVersion: str
    serialNumber: str
    version: int
    metadata: dict[str, Component]
    components: list[Component]
    dependencies: list[Line]


def bill() -> Bill:
    """Return the bill; of the same lock it is the same to the letter."""
    pins, vendored = read_lock(), list(_vendored())
    own = _component("application", PROJECT["name"], PROJECT["version"], "generic", PROJECT["license"])
    packages = {name: _component("library", name, pin.version, "pypi", "") for name, pin in pins.items()}
    graph = {component["bom-ref"]: list[str]() for component in (own, *packages.values(), *vendored)}
    for name, pin in pins.items():
        for parent in pin.wanted_by:
            graph[(packages.get(parent) or own)["bom-ref"]].append(packages[name]["bom-ref"])
    graph[own["bom-ref"]] += [component["bom-ref"] for component in vendored]
    told = PROJECT["version"] + SERVER_LOCK.read_text("utf-8") + VENDORED.read_text("utf-8")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(_SPACE, told).urn,
        "version": 1,
        "metadata": {"component": own},
        "components": [*packages.values(), *vendored],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(parts))} for ref, parts in graph.items()],
    }


def _vendored() -> Iterator[Component]:
    """Give what of others lies beside the pages."""
    for name, package in json.loads(VENDORED.read_text("utf-8"))["packages"].items():
        if any(place.startswith(SENT) for place in package["files"].values()):
            yield _component("library", name, package["version"], "npm", package["license"])


def _component(kind: str, name: str, version: str, registry: str, licence: str) -> Component:
    address = f"pkg:{registry}/{quote(name)}@{version}"
    licences: list[object] = [{"expression": licence}] if licence else []
    return {"type": kind, "bom-ref": address, "name": name, "version": version, "purl": address, "licenses": licences}


def main() -> None:
    """Write the bill to standard output."""
    json.dump(bill(), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
