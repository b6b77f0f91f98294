"""Random histories: a listing of any moment is as the tree was then, and a rewind to it makes the tree so again.

A failure shows its seed.
"""

import asyncio

import pytest

from tests.api.conftest import Running
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.rewind.keeper import Picture, kept_by, picture, picture_at, rewound
from tests.tree.conftest import assert_clean
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


@pytest.mark.parametrize("seed", range(8))
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


@pytest.mark.parametrize("seed", range(100, 106))
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
