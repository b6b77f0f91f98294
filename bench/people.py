"""Times what people ask of a large account: the past, a search, a folder that is shared, news from each other."""

import threading
import time
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from bench.cairn import PASSWORD, Device, log_in
from bench.results import Result
from bench.session import Session, head, timing

_MEMBER = "member"
_WAIT_S = 30


def add_member(device: Device, home: Path) -> Device:
    """Make another account and log it in; by an admin who has just shown the password."""
    Session(device).post("/users", {"username": _MEMBER, "password": PASSWORD})
    return log_in(device.server, home, user=_MEMBER)


def measure_people(owner: Device, member: Device, *, entries: int, time_ms: int, samples: int) -> list[Result]:
    """Time what the module says, at an account that has folders of `entries` files and a tenth of them in `/large`.

    Args:
        time_ms: a moment in the past, Unix milliseconds, at which the account was full.
        samples: of each step, save of the share.
    """
    session = Session(owner)
    listed = session.get("/files", path="/large/0000")["file_id"]
    past, rare, common = list[float](), list[float](), list[float]()
    for number in range(samples):
        with timing(past):
            session.get(f"/folders/{listed}/at", time_ms=time_ms, limit=entries)
        with timing(rare):
            session.get("/search", q=f"{number:04}.b", limit=100)
        with timing(common):
            session.get("/search", q="bin", limit=100)
    return [
        Result("a folder of 1,000 as it was", "ms", _ms(past), goal="under 20 ms"),
        Result("search: a name that one file of each folder has", "ms", _ms(rare), goal="under 50 ms"),
        Result("search: what all names hold", "ms", _ms(common), goal="under 50 ms"),
        *_share(session, Session(owner)),
        _news(session, Session(member), samples),
    ]


def _share(session: Session, reader: Session) -> list[Result]:
    """Share the large folder once, and list another one meanwhile, again and again."""
    large = session.get("/files", path="/large")
    folder = reader.get("/files", path="/")["file_id"]
    over, reads, shared = threading.Event(), list[float](), list[float]()

    def read() -> None:
        while not over.is_set():
            with timing(reads):
                reader.get(f"/folders/{folder}/children", limit=100)

    reading = threading.Thread(target=read)
    reading.start()
    with timing(shared):
        session.post(f"/files/{large['file_id']}/members", {"username": _MEMBER, "role": "editor"})
    over.set()
    reading.join()
    return [
        Result("share a tenth of the account", "ms", _ms(shared), goal="under 2,000 ms"),
        Result("listings meanwhile, the slowest", "ms", [max(_ms(reads))], goal="under 100 ms"),
    ]


def _news(session: Session, waiting: Session, samples: int) -> Result:
    """Time a change of one person until its page in the waiting sync of another."""
    cursor = head(waiting)
    parent = session.get("/files", path="/large")["file_id"]
    polled: SimpleQueue[float] = SimpleQueue()
    pages = list[float]()

    def poll() -> None:
        at = cursor
        for _ in range(samples):
            at = waiting.get("/sync", cursor=at, wait=_WAIT_S)["cursor"]
            polled.put(time.perf_counter())

    reader = threading.Thread(target=poll)
    reader.start()
    names = count()
    for _ in range(samples):
        begun = time.perf_counter()
        session.post("/folders", {"parent_id": parent, "name": f"shared-news-{next(names)}"})
        pages.append((polled.get() - begun) * 1000)
    reader.join()
    return Result("a change until its page at another member's", "ms", pages, goal="under 200 ms")


def _ms(times_s: list[float]) -> list[float]:
    return [value * 1000 for value in times_s]
