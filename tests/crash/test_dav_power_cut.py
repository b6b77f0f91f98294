"""Power cuts at every call that a server makes to its disk while a WebDAV program is at work: all is old, or all new.

What was answered is there, whole; of the one request that was not, all that it changes is as before, or all as after.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.auth.identity import Actor
from app.config import Server
from app.server import listening
from tests.crash.content import Content
from tests.crash.powered import BROKEN, SETTINGS, assert_clean, copy_of, new_disk, powered, sign_up
from tests.crash.service_door import ServiceDoor
from tests.crash.test_power_cut import ways_to_cut
from tests.dav.conftest import Dav
from tests.server import ADMIN, PASSWORD
from tests.simdisk import Mode, SimDisk

BIG, SMALL = Content("big", (66_000,)).data(), Content("small", (900,)).data()
MANY = Content("many", (700_000,)).data()  # cut into several chunks
EACH = {Mode.STRICT: 1, Mode.EXT4: 4, Mode.NO_SYNCFS: 4}
"""Every how manieth way to cut is tried: what the modes differ in is tried at length by another door."""
LOCKING = (
    '<d:lockinfo xmlns:d="DAV:"><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype>'
    "</d:lockinfo>"
)
TAG = '<d:propertyupdate xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><d:{0}><d:prop><s:tag>{1}</s:tag></d:prop></d:{0}>'
TAG += "</d:propertyupdate>"


@dataclass(frozen=True, slots=True)
class Thing:
    """What is at a path; `content` is None for a folder."""

    content: bytes | None = None
    tag: str = ""
    is_locked: bool = False


Tree = Mapping[str, Thing]


@dataclass(frozen=True, slots=True)
class Step:
    """A request, and what it makes of a tree; `{token}` in a header stands for the lock that was last given."""

    method: str
    path: str
    then: Callable[[Tree], Tree]
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def put(path: str, content: bytes, **headers: str) -> Step:
    def then(tree: Tree) -> Tree:
        return {**tree, path: replace(tree.get(path, Thing()), content=content)}

    return Step("PUT", path, then, content, headers)


def make(path: str) -> Step:
    return Step("MKCOL", path, lambda tree: {**tree, path: Thing()})


def tag(path: str, value: str) -> Step:
    body = TAG.format("set" if value else "remove", value)
    return Step("PROPPATCH", path, lambda tree: {**tree, path: replace(tree[path], tag=value)}, body)


def lock(path: str) -> Step:
    return Step("LOCK", path, lambda tree: {**tree, path: replace(tree[path], is_locked=True)}, LOCKING)


def unlock(path: str) -> Step:
    headers = {"Lock-Token": "{token}"}
    return Step("UNLOCK", path, lambda tree: {**tree, path: replace(tree[path], is_locked=False)}, b"", headers)


def place(method: str, path: str, goal: str) -> Step:
    """COPY or MOVE what is at a path, with all below; a file over a file leaves the tag that was there."""

    def then(tree: Tree) -> Tree:
        under = {name: thing for name, thing in tree.items() if name == path or name.startswith(f"{path}/")}
        rest = tree if method == "COPY" else {name: thing for name, thing in tree.items() if name not in under}
        placed = {goal + name.removeprefix(path): thing for name, thing in under.items()}
        if goal in tree and not placed[goal].tag:
            placed[goal] = replace(placed[goal], tag=tree[goal].tag)
        return {**rest, **placed}

    return Step(method, path, then, b"", {"Destination": f"/dav{goal}"})


def delete(path: str) -> Step:
    return Step(
        "DELETE", path, lambda tree: {k: v for k, v in tree.items() if k != path and not k.startswith(f"{path}/")}
    )


SCRIPT = (
    put("/a", BIG),
    put("/a", SMALL),
    put("/empty", b""),
    tag("/a", "one"),
    lock("/a"),
    put("/a", MANY, If="({token})"),
    unlock("/a"),
    put("/a.tmp", BIG[:-1]),
    place("MOVE", "/a.tmp", "/a"),
    make("/d"),
    place("COPY", "/a", "/d/b"),
    tag("/d", "two"),
    place("COPY", "/d", "/e"),
    place("MOVE", "/d", "/f"),
    tag("/f", ""),
    place("COPY", "/empty", "/a"),
    lock("/e/b"),
    delete("/f"),
)


@dataclass(slots=True)
class Told:
    """What a program knows by its answers: how things are, and how they may be as well if one was missing."""

    tree: Tree = field(default_factory=dict)
    or_else: Tree | None = None
    token: str = ""


@dataclass(frozen=True, slots=True)
class Installed:
    """A server that was set up and stopped, and a device on it with its token."""

    disk: SimDisk
    token: str
    actor: Actor


@pytest.fixture(scope="module", params=Mode, ids=lambda mode: mode.value)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return asyncio.run(install(tmp_path_factory.mktemp("installed"), request.param))


async def install(folder: Path, mode: Mode) -> Installed:
    disk = new_disk(folder, mode)
    async with powered(folder, disk) as cairn:
        actor = await sign_up(cairn)
        login = await cairn.services.sign_in.login(ADMIN, PASSWORD, "::1", device_name="drive", install_id=None)
    return Installed(disk, login.token, actor)


@dataclass(frozen=True, slots=True)
class Served:
    """A server on a simulated disk: `dav` to change it and to look; `door` for bytes, as no real file has them."""

    dav: Dav
    door: ServiceDoor


@asynccontextmanager
async def serving(folder: Path, disk: SimDisk, server: Installed) -> AsyncIterator[Served]:
    """Serve WebDAV while entered."""
    settings = replace(SETTINGS, server=Server(port=0))
    async with powered(folder, disk) as cairn, listening(settings, cairn) as port:
        yield Served(Dav(port, f"Bearer {server.token}"), ServiceDoor(cairn, server.actor))


async def play(folder: Path, disk: SimDisk, server: Installed) -> Told:
    """Make the requests of the script until one is not answered, which only a disk without power excuses."""
    told = Told()
    try:
        async with serving(folder, disk, server) as served:
            for step in SCRIPT:
                told.or_else = step.then(told.tree)
                if not await answered(served.dav, step, told):
                    break
                told.tree, told.or_else = told.or_else, None
    except BROKEN:
        if not disk.is_off:
            raise
    return told


async def answered(dav: Dav, step: Step, told: Told) -> bool:
    """Make a request; tell whether it was acknowledged."""
    headers = {name.replace("-", "_"): value.format(token=told.token) for name, value in step.headers.items()}
    try:
        answer = await dav.call(step.method, f"/dav{step.path}", step.body, **headers)
    except (OSError, asyncio.IncompleteReadError):
        return False
    if answer.status >= 500:
        return False
    assert answer.status in (200, 201, 204, 207), (step, answer.status, answer.body)
    if step.method == "PROPPATCH":
        assert set(answer.statuses(answer.hrefs[0]).values()) == {200}
    told.token = answer.headers.get("lock-token", told.token)
    return True


async def found(served: Served) -> Tree:
    """Return all that there is, every byte of it read."""
    tree: dict[str, Thing] = {}
    waiting = ["/dav/"]
    while waiting:
        folder = waiting.pop()
        listed = await served.dav.propfind(folder, "d:resourcetype", "s:tag", "d:lockdiscovery", depth="1")
        for href in listed.hrefs:
            if href == folder:
                continue
            shown = listed.of(href)
            is_folder = len(shown["d:resourcetype"]) > 0
            if is_folder:
                waiting.append(href)
            path = href.removeprefix("/dav").rstrip("/")
            content = None if is_folder else await served.door.read((await served.door.find(path)).file_id)
            noted = (shown["s:tag"].text or "") if "s:tag" in shown else ""
            tree[path] = Thing(content, noted, len(shown["d:lockdiscovery"]) > 0)
    return tree


async def test_power_cut_at_every_call_leaves_each_request_done_or_not_begun(server: Installed, folder: Path) -> None:
    whole = copy_of(server.disk, folder / "whole")
    assert (await play(folder / "whole", whole, server)).or_else is None
    calls = [call for call, _ in whole.trace]

    for seed, cut in list(enumerate(ways_to_cut(calls)))[:: EACH[server.disk.mode]]:
        at = folder / f"{seed}"
        disk = copy_of(server.disk, at)
        cut(disk)
        told = await play(at, disk, server)

        after = disk.crash(seed)
        async with serving(at, after, server) as served:
            assert await found(served) in (told.tree, told.or_else), f"cut {seed}: {told}"
            assert_clean(at, after)
        shutil.rmtree(at)
