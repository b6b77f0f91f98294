"""Random histories: a listing of any moment is as the tree was then, and a rewind to it makes the tree so again.

A failure shows its seed.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.ids import encode_id
from tests.api.conftest import Running
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.rewind.keeper import Picture, device_of, kept_by, picture, picture_at, rewound, undone
from tests.tree.conftest import assert_clean
from tests.tree.keeper import deleted
from tests.tree.model import Model, World

STEPS = 60
REWINDS = 5


class Past(World):
    """Changes that can be taken back: what is purged could not. Persons take turns."""

    async def purge(self) -> None:
        """Leave the trash alone."""

    def let(self, person: Person) -> None:
        """Let somebody do what comes next."""
        self._person = person


async def live(server: Running, world: Past, people: list[Person], steps: int) -> dict[int, tuple[int, Picture]]:
    """Do random changes; return by time who did the last step, and the picture after it."""
    moments: dict[int, tuple[int, Picture]] = {}
    for _ in range(steps):
        who = world.chance.randrange(len(people))
        world.let(people[who])
        await world.step()
        moments[time_of(server.folder)] = (who, await picture(people[0]))
    await server.cairn.jobs.wait_idle()
    return moments


@pytest.mark.parametrize("seed", range(4))
async def test_the_whole_tree_is_put_back_as_it_was_at_any_moment(server: Running, ada: Person, seed: int) -> None:
    await whole_tree(server, ada, seed, STEPS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1060))
async def test_many_trees_are_put_back(server: Running, ada: Person, seed: int) -> None:
    await whole_tree(server, ada, seed, STEPS * 3)


async def whole_tree(server: Running, ada: Person, seed: int, steps: int) -> None:
    world = Past(ada, Model((await ada.at("/")).json["file_id"]), seed)
    moments = await live(server, world, [ada], steps)
    for time_ms in world.chance.sample([*moments], REWINDS):
        wanted = moments[time_ms][1]
        assert await picture_at(ada, time_ms) == wanted

        job = await rewound(server, ada, time_ms)

        assert await kept_by(ada, job) == {}
        assert await picture(ada) == wanted, (seed, time_ms)
        await asyncio.to_thread(assert_clean, server.folder)
        moments[time_of(server.folder)] = (0, wanted)


@pytest.mark.parametrize("seed", range(100, 103))
async def test_one_folder_is_put_back_and_what_is_beside_it_stays(server: Running, ada: Person, seed: int) -> None:
    world = Past(ada, Model((await ada.at("/")).json["file_id"]), seed)
    folders: dict[int, tuple[Picture, dict[str, Picture]]] = {}
    for _ in range(STEPS):
        await world.step()
        each = {folder.id: await picture(ada, folder.id) for folder in world.model.live("folder")}
        folders[time_of(server.folder)] = (await picture(ada), each)
    await server.cairn.jobs.wait_idle()
    for time_ms in world.chance.sample([*folders], REWINDS):
        now = [file_id for file_id, seen in (await picture(ada)).items() if seen[1] == "folder"]
        both = [file_id for file_id in now if file_id in folders[time_ms][1]]
        if not both:
            continue
        top = world.chance.choice(both)
        wanted = folders[time_ms][1][top]
        before, inside = await picture(ada), {*await picture(ada, top)}
        leaving = [f"{seen[0]}/" for file_id, seen in before.items() if file_id in wanted]

        job = await rewound(server, ada, time_ms, top)

        kept, below = await kept_by(ada, job), await picture(ada, top)
        assert {file_id: seen[2:] for file_id, seen in below.items() if file_id not in kept} == {
            file_id: seen[2:] for file_id, seen in wanted.items() if file_id not in kept
        }, (seed, time_ms, top)
        after = await picture(ada)
        beside = {
            file_id
            for file_id, seen in before.items()
            if file_id not in inside
            and file_id not in wanted
            and not any(str(seen[0]).startswith(at) for at in leaving)
        }
        assert {file_id: after.get(file_id) for file_id in beside} == {file_id: before[file_id] for file_id in beside}
        await asyncio.to_thread(assert_clean, server.folder)


Own = dict[str, tuple[object, ...] | None]
"""What each node is by itself: folder, name, content, mtime, executable bit, version; None for one that is dead."""


def own_states(folder: Path) -> Own:
    """Return what the nodes are now."""
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        tags = dict(connection.execute("SELECT id, tag FROM nodes"))
        rows = connection.execute(
            "SELECT n.id, n.parent_id, n.name, v.manifest, n.mtime_ms, n.executable, n.version_id, n.dead_seq "
            "FROM nodes n LEFT JOIN versions v ON v.id = n.version_id WHERE n.parent_id IS NOT NULL"
        ).fetchall()
    return {
        encode_id(row[0], tags[row[0]]): None if row[-1] else (encode_id(row[1], tags[row[1]]), *row[2:-1])
        for row in rows
    }


def expected(history: list[tuple[int, Own]]) -> Own:
    """Return what must be after the second device's changes are taken back, as far as nothing stands in their way."""
    states: dict[str, list[tuple[int, tuple[object, ...] | None]]] = {}
    last: Own = {}
    for who, now in history:
        for file_id in now:
            if file_id not in last or last[file_id] != now[file_id]:
                states.setdefault(file_id, [(0, None)]).append((who, now[file_id]))
        last = now
    wanted: Own = {}
    for file_id, changes in states.items():
        who, state = changes[-1]
        wanted[file_id] = state if who == 0 else next(state for who, state in reversed(changes) if who == 0)
    return wanted


def is_hidden(states: Own, file_id: str) -> bool:
    """Tell whether a node is dead, or lies below one that is."""
    at: str | None = file_id
    while at in states:
        state = states[at]
        if state is None:
            return True
        at = str(state[0])
    return False


@pytest.mark.parametrize("seed", range(200, 204))
async def test_an_undo_takes_back_what_one_device_did_and_nothing_else(
    server: Running, ada: Person, second: Person, seed: int
) -> None:
    await one_actor(server, [ada, second], seed, STEPS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2000, 2060))
async def test_many_undos(server: Running, ada: Person, second: Person, seed: int) -> None:
    await one_actor(server, [ada, second], seed, STEPS * 3)


async def make_and_delete(server: Running, second: Person, name: str, history: list[tuple[int, Own]]) -> None:
    """Let the second device make a folder with two files, and delete one of them and then the folder."""
    files = [await second.upload(f"/{name}/{n}", name.encode(), parents=True) for n in range(2)]
    history.append((1, own_states(server.folder)))
    for file in (files[0], (await second.at(f"/{name}")).json):
        await deleted(second, file)
        history.append((1, own_states(server.folder)))


async def one_actor(server: Running, people: list[Person], seed: int, steps: int) -> None:
    ada, second = people
    world = Past(ada, Model((await ada.at("/")).json["file_id"]), seed)
    await live(server, world, [ada], steps // 3)
    start, history = time_of(server.folder), [(0, own_states(server.folder))]
    for number in range(steps):
        who = world.chance.randrange(2)
        world.let(people[who])
        await world.step()
        history.append((who, own_states(server.folder)))
        if number % 10 == 0:
            await make_and_delete(server, second, f"brief {number}", history)
    await server.cairn.jobs.wait_idle()
    before = history[-1][1]
    asked = {"device_id": await device_of(second), "from_ms": start + 1, "to_ms": time_of(server.folder)}
    plan = (await ada.post("/api/v1/undo", {**asked, "dry_run": True})).json
    assert own_states(server.folder) == before

    job = await undone(server, ada, **asked)

    kept, now, wanted = await kept_by(ada, job), own_states(server.folder), expected(history)
    assert job["total"] == plan["changes"] + plan["kept"]
    assert "failed" not in kept.values(), (seed, kept)
    for file_id, state in wanted.items():
        told = (seed, file_id, before[file_id], state, now[file_id])
        if file_id in kept:
            assert now[file_id] == before[file_id] or kept[file_id] == "no_content", told
        elif state is None:
            assert is_hidden(now, file_id), told
        else:
            found = now[file_id]
            assert found is not None, told
            assert found[:1] + found[2:-1] == state[:1] + state[2:-1], told
            assert found[1] == state[1] or str(found[1]).startswith(f"{str(state[1])[:2]} ("), told
    await asyncio.to_thread(assert_clean, server.folder)
