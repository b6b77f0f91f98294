"""Makes an account of many nodes, and times there what a device asks for."""

import hashlib
import os
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from bench.cairn import Device, Server, log_in, run_cairn
from bench.people import add_member, measure_people
from bench.results import Result
from bench.session import Session, head, timing

FOLDER = 1000
"""Entries of every folder: the number that the listing is measured with, and the most that one request opens."""

_CONTENT = 4096
_LARGE_PART = 10  # a tenth of the account is one folder that is moved and deleted
_WAIT_S = 30


@dataclass(frozen=True)
class Times:
    """Seconds of each step, in the order in which they were taken."""

    listing: list[float]
    upload: list[float]
    feed: list[float]
    move: list[float]
    deletion: list[float]


STEPS = {
    "listing": "list a folder of 1,000",
    "upload": "upload and commit a file",
    "feed": "feed after one change",
    "move": "move a folder",
    "deletion": "delete a folder",
}


def measure_account(folder: Path, *, nodes: int, samples: int) -> list[Result]:
    """Time the same steps at a small account and at a large one, then what only the large one shows.

    Args:
        folder: empty; both servers keep their data in it.
        nodes: of the large account; a tenth of them lie in the folder that is moved and deleted.
        samples: of each step.
    """
    few, many = Shape.of(min(nodes, FOLDER)), Shape.of(nodes)
    with run_cairn(folder / "small") as server:
        small = _steps(_filled(server, folder / "small-home", few), samples, few.large * few.files)
    with run_cairn(folder / "large") as server:
        device = _filled(server, folder / "large-home", many)
        member, full_ms = add_member(device, folder / "member-home"), int(time.time() * 1000)
        large = _steps(device, samples, many.large * many.files)
        rest = [*_listing(device), *_polls(device, samples), *_news(device, samples)]
        rest += measure_people(device, member, entries=FOLDER, time_ms=full_ms, samples=samples)
        peak = server.memory_mib("VmHWM")
    begun = time.perf_counter()
    with run_cairn(folder / "large"):
        start_ms = (time.perf_counter() - begun) * 1000
    compared = [
        _compared(f"{words}, {nodes:,} nodes", getattr(small, step), getattr(large, step))
        for step, words in STEPS.items()
    ]
    return [
        *compared,
        *rest,
        Result(f"start until /readyz, {nodes:,} nodes", "ms", [start_ms], goal="under 2,000 ms"),
        Result(f"memory of the server, peak, {nodes:,} nodes", "MiB", [peak], goal="at most 200 MiB"),
    ]


def _compared(name: str, small_s: list[float], large_s: list[float]) -> Result:
    ratio = statistics.median(large_s) / statistics.median(small_s)
    note = f"{statistics.median(small_s) * 1000:.3g} ms at {FOLDER:,} nodes, so {ratio:.2f} times that"
    return Result(name, "ms", [value * 1000 for value in large_s], goal="at most twice that at 1,000", note=note)


@dataclass(frozen=True)
class Shape:
    """How an account is filled: `/large` with a tenth of its folders, `/rest` with the others, all of them full.

    Attributes:
        folders: of files, in all.
        large: of them, those below `/large`.
        files: in each.
    """

    folders: int
    large: int
    files: int

    @classmethod
    def of(cls, nodes: int) -> Self:
        """Return the shape of an account of about so many nodes."""
        folders = max(nodes // FOLDER, 1)
        return cls(folders, max(folders // _LARGE_PART, 1), min(nodes, FOLDER))


def _filled(server: Server, home: Path, shape: Shape) -> Device:
    device = log_in(server, home)
    names = [f"/large/{n:04}" if n < shape.large else f"/rest/{n:04}" for n in range(shape.folders)]
    with ThreadPoolExecutor(2) as pool:  # one batch is read while another is committed
        list(pool.map(lambda part: _fill_folders(device, part, shape.files), (names[::2], names[1::2])))
    return device


def _fill_folders(device: Device, names: list[str], files: int) -> None:
    session = Session(device)
    for name in names:
        _send_batch(session, name, files)


def _send_batch(session: Session, folder: str, files: int) -> None:
    """Make a folder with `files` files in two requests and a bundle; they share one new chunk."""
    content = os.urandom(_CONTENT)
    digest = hashlib.sha256(content)
    chunks = [{"sha256": digest.hexdigest(), "size": _CONTENT}]
    opened = session.post(
        "/uploadRequest",
        {
            "bundle": True,
            "files": [
                {
                    "path": f"{folder}/{number:04}.bin",
                    "parents": True,
                    "size": _CONTENT,
                    "mtime_ms": 0,
                    "chunks": chunks,
                }
                for number in range(files)
            ],
        },
    )
    session.put(opened["bundle_url"], digest.digest() + _CONTENT.to_bytes(4, "big") + content)
    done = session.post("/uploads/commit", {"upload_ids": [upload["upload_id"] for upload in opened["uploads"]]})
    if any("file" not in result for result in done["results"]):
        raise AssertionError(done["results"])


def _steps(device: Device, samples: int, large_files: int) -> Times:
    """Take every step `samples` times, in turns; `large_files` lie in the folder that is moved and deleted."""
    session = Session(device)
    listed = session.get("/files", path="/large/0000")["file_id"]
    large = session.get("/files", path="/large")["file_id"]
    session.post("/folders", {"path": "/aside"})
    places = [session.get("/files", path=path)["file_id"] for path in ("/aside", "/")]
    cursor = head(session)
    times = Times([], [], [], [], [])
    for number in range(samples):
        with timing(times.listing):
            session.get(f"/folders/{listed}/children", limit=FOLDER)
        with timing(times.upload):
            _send_batch(session, f"/new-{number}", 1)
        cursor = session.get("/sync", cursor=cursor)["cursor"]
        session.post("/folders", {"path": f"/made-{number}"})
        with timing(times.feed):
            cursor = session.get("/sync", cursor=cursor)["cursor"]
        with timing(times.move):
            session.patch(f"/files/{large}", {"parent_id": places[number % 2]})
        with timing(times.deletion):
            session.delete(f"/files/{large}")
        cursor = _restore(session, large, large_files, cursor)
    return times


def _restore(session: Session, folder_id: str, files: int, cursor: str) -> str:
    """Bring a folder back, follow the feed until all its files have come again, and give the cursor there."""
    session.post(f"/trash/{folder_id}/restore", {})
    while files > 0:
        page = session.get("/sync", cursor=cursor, limit=10 * FOLDER, wait=_WAIT_S)
        files -= sum(change["type"] == "upsert" and change["file"]["kind"] == "file" for change in page["changes"])
        cursor = page["cursor"]
    return cursor


def _listing(device: Device) -> list[Result]:
    """Read the whole account as a device does that comes for the first time, and decode it."""
    session = Session(device)
    seen, begun = 0, time.perf_counter()
    page = session.get("/sync")
    while page["has_more"]:
        seen += len(page["changes"])
        page = session.get("/sync", cursor=page["cursor"])
    rate = (seen + len(page["changes"])) / (time.perf_counter() - begun)
    return [Result("first listing through HTTP and JSON", "nodes/s", [rate], goal="at least 20,000 nodes/s")]


def _polls(device: Device, samples: int) -> list[Result]:
    session = Session(device)
    cursor = head(session)
    polls = list[float]()
    for _ in range(samples):
        with timing(polls):
            session.get("/sync", cursor=cursor)
    return [Result("idle poll", "ms", [poll * 1000 for poll in polls], goal="under 3 ms")]


def _news(device: Device, samples: int) -> list[Result]:
    """Time a change from its request to its page at a device that waits in `sync`, and to its event at another."""
    session, waiting = Session(device), Session(device)
    cursor = head(session)
    polled: SimpleQueue[float] = SimpleQueue()
    told: SimpleQueue[float] = SimpleQueue()
    pages, events = list[float](), list[float]()

    def poll() -> None:
        at = cursor
        for _ in range(samples):
            page = waiting.get("/sync", cursor=at, wait=_WAIT_S)
            polled.put(time.perf_counter())
            at = page["cursor"]

    def listen() -> None:
        for _ in islice(Session(device).events(cursor), samples):
            told.put(time.perf_counter())

    readers = [threading.Thread(target=read) for read in (poll, listen)]
    for reader in readers:
        reader.start()
    for number in range(samples):
        begun = time.perf_counter()
        session.post("/folders", {"path": f"/news-{number}"})
        pages.append((polled.get() - begun) * 1000)
        events.append((told.get() - begun) * 1000)
    for reader in readers:
        reader.join()
    return [
        Result("a change until its page in a waiting sync", "ms", pages, goal="under 100 ms"),
        Result("a change until its event", "ms", events, goal="under 100 ms"),
    ]
