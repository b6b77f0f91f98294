"""JSON that is deep, long or full of nothing is refused, and takes little memory (security.md, I1 and Limits)."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.conftest import Running
from tests.api.people import MIB, NONSENSE_ID, Person

LONGEST = 32 * MIB
DEEP = 500_000
ROOM = 200 * MIB
"""More than 262,144 chunks take, and a fifth of what a list of empty objects took before they were counted."""

HUGE: dict[str, tuple[Callable[[], bytes], int]] = {
    "too many files": (lambda: b'{"files":[' + b",".join([b'{"size":0}'] * 3_000_000) + b"]}", 413),
    "files that are none": (lambda: b'{"files":[' + b",".join([b"0"] * 16_000_000) + b"]}", 400),
    "chunks that are none": (lambda: b'{"path":"/a","chunks":[' + b",".join([b"{}"] * 11_000_000) + b"]}", 413),
    "fields that are none": (lambda: b"{" + b",".join(b'"%x":0' % number for number in range(2_500_000)) + b"}", 400),
    "a long name": (lambda: b'{"size":0,"path":"/' + b"a" * (31 * MIB) + b'"}', 400),
    "a long number": (lambda: b'{"path":"/a","size":' + b"1" * (31 * MIB) + b"}", 400),
    "one byte too much": (lambda: b" " * (LONGEST + 1), 413),
}


def peak_from_now() -> int:
    """Forget the most memory that this process has had, and return what it has."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return peak()


def peak() -> int:
    """Return the most memory that this process has had."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("opening", ["[", '{"files":', '{"files":[', '{"x":', '{"chunks":[{"sha256":'])
@pytest.mark.parametrize("path", ["/api/v1/uploadRequest", "/api/v1/folders", f"/api/v1/uploads/{NONSENSE_ID}/chunks"])
async def test_deep_json_is_refused(ada: Person, path: str, opening: str) -> None:
    headers = {"Content-Type": "application/json"}

    reply = await ada.call("POST", path, data=opening * (DEEP // len(opening)), headers=headers)

    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells of a peak from now on")
@pytest.mark.parametrize("name", HUGE)
async def test_a_huge_list_is_refused_soon_and_takes_little_memory(server: Running, ada: Person, name: str) -> None:
    make, status = HUGE[name]
    body = make()
    before = peak_from_now()
    begun_s = time.monotonic()

    reply = await ada.call("POST", "/api/v1/uploadRequest", data=body, headers={"Content-Type": "application/json"})

    assert reply.status == status
    assert peak() - before < ROOM
    assert time.monotonic() - begun_s < 20


async def test_as_many_entries_as_are_allowed_are_taken_and_one_more_is_refused(ada: Person) -> None:
    files = [{"path": f"/{{{number}", "size": 0} for number in range(1001)]
    ids = [NONSENSE_ID] * 1001

    taken = await ada.post("/api/v1/uploadRequest", {"files": files[:1000]})
    too_many = await ada.post("/api/v1/uploadRequest", {"files": files})
    commits = await ada.post("/api/v1/uploads/commit", {"upload_ids": ids})

    assert (taken.status, too_many.status, commits.status) == (201, 400, 400)
    assert (too_many.code, commits.code) == ("invalid_request", "invalid_request")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/api/v1/files?path=/" + "a" * 4096, 400),
        ("/api/v1/files?path=" + "/a" * 129, 400),
        ("/api/v1/sync?cursor=" + "a" * 1025, 400),
        ("/api/v1/folders/root/children?limit=10001", 400),
        ("/api/v1/folders/root/children?after=" + "a" * 1025, 400),
        ("/api/v1/files/" + "a" * 4000, 404),
        ("/api/v1/files?" + "&".join(f"p{number}=1" for number in range(500)), 400),
    ],
)
async def test_long_paths_and_queries_are_refused(ada: Person, target: str, status: int) -> None:
    assert (await ada.get(target)).status == status


async def test_a_folder_is_made_as_deep_as_is_allowed_and_no_deeper(ada: Person) -> None:
    deepest = "/a" * 128

    made = await ada.post("/api/v1/folders", {"path": deepest, "parents": True})
    deeper = await ada.post("/api/v1/folders", {"path": deepest + "/b"})
    body = json.dumps({"path": "/" + "b/" * 2500 + "c", "parents": True}).encode()
    longer = await ada.call("POST", "/api/v1/folders", data=body, headers={"Content-Type": "application/json"})

    assert (made.status, deeper.status, longer.status) == (201, 400, 400)
