"""Runs two Syncthing nodes on loopback that share a folder, as a peer for a pair of `cairn sync`.

Set for speed where a person could set it: no relays, no discovery, normal priority. How long it waits until it takes
changes up is for who measures to say.
"""

import http.client
import json
import shutil
import subprocess
import time
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.programs import NotStartedError, free_port

PROGRAM = "syncthing"
SHORTEST_DELAY_S = 1
DELAY_AS_INSTALLED_S = 10
_CONNECT_S = 60
_KEY = "measured-by-nobody-else"
_QUIET_OPTIONS = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "relaysEnabled": "false",
    "natEnabled": "false",
    "startBrowser": "false",
    "setLowPriority": "false",
    "crashReportingEnabled": "false",
    "urAccepted": "-1",
    "autoUpgradeIntervalH": "0",
}


class SyncthingMissingError(Exception):
    """Syncthing is not installed."""


@dataclass(frozen=True)
class _Node:
    home: Path
    folder: Path
    device_id: str
    port: int
    gui_port: int


@contextmanager
def run_syncthing(folder: Path, delay_s: int) -> Iterator[tuple[Path, Path]]:
    """Give the two folders that are kept in step until the block ends.

    Args:
        folder: where both nodes have what they need.
        delay_s: how long changes rest until they are taken up.

    Raises:
        SyncthingMissingError: it is not installed.
        NotStartedError: the nodes did not find each other within a minute.
    """
    if shutil.which(PROGRAM) is None:
        raise SyncthingMissingError
    nodes = [_prepare(folder / name) for name in ("one", "other")]
    for node in nodes:
        _configure(node, nodes, delay_s)
    processes = []
    try:
        for node in nodes:
            with (node.home / "log").open("wb") as log:
                command = [PROGRAM, "serve", "--home", str(node.home), "--no-browser", "--no-restart"]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        for node in nodes:
            _wait_until_connected(node)
        yield nodes[0].folder, nodes[1].folder
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _prepare(folder: Path) -> _Node:
    home, shared = folder / "home", folder / "files"
    shared.mkdir(parents=True)
    (shared / ".stfolder").mkdir()
    home.mkdir()
    subprocess.run([PROGRAM, "generate", "--home", home, "--no-default-folder"], check=True, capture_output=True)
    asked = subprocess.run([PROGRAM, "-home", home, "-device-id"], check=True, capture_output=True, text=True)
    return _Node(home, shared, asked.stdout.strip(), free_port(), free_port())


def _configure(node: _Node, nodes: list[_Node], delay_s: int) -> None:
    path = node.home / "config.xml"
    tree = ET.parse(path)  # noqa: S314 -- written by the program a moment ago
    root = tree.getroot()
    for device in root.findall("device"):
        root.remove(device)
    shared = ET.SubElement(
        root,
        "folder",
        id="bench",
        path=str(node.folder),
        type="sendreceive",
        rescanIntervalS="3600",
        fsWatcherEnabled="true",
        fsWatcherDelayS=str(delay_s),
    )
    for each in nodes:
        device = ET.SubElement(root, "device", id=each.device_id, name=each.folder.parent.name)
        ET.SubElement(device, "address").text = f"tcp://127.0.0.1:{each.port}"
        ET.SubElement(shared, "device", id=each.device_id)
    _set(root, "gui/address", f"127.0.0.1:{node.gui_port}")
    _set(root, "gui/apikey", _KEY)
    _set(root, "options/listenAddress", f"tcp://127.0.0.1:{node.port}")
    for name, value in _QUIET_OPTIONS.items():
        _set(root, f"options/{name}", value)
    tree.write(path)


def _set(root: ET.Element, path: str, value: str) -> None:
    element = root.find(path)
    if element is None:
        parent, _, name = path.rpartition("/")
        element = ET.SubElement(root if not parent else root.find(parent) or root, name)
    element.text = value


def _wait_until_connected(node: _Node) -> None:
    limit = time.monotonic() + _CONNECT_S
    while time.monotonic() < limit:
        try:
            connections = _ask(node, "/rest/system/connections")["connections"]
            if any(each["connected"] for each in connections.values()):
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise NotStartedError(f"the nodes did not connect, see {node.home / 'log'}")


def _ask(node: _Node, path: str) -> dict[str, dict[str, dict[str, object]]]:
    url = f"http://127.0.0.1:{node.gui_port}{path}"
    request = urllib.request.Request(url, headers={"X-API-Key": _KEY})
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
        found: dict[str, dict[str, dict[str, object]]] = json.load(answer)
    return found
