"""Whatever happens between two pages: who applies all pages ends with the tree as it is."""

import pytest

from client.protocol import File
from tests.feed.conftest import Home
from tests.feed.model import World
from tests.feed.reader import Reader, SeenPage

STEPS = 300


def shown(file: File) -> tuple[object, ...]:
    return file.parent_id, file.name, file.kind, file.version_id, file.mtime_ms, file.executable


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(6, 200))])
async def test_every_reader_ends_with_the_tree_of_the_model(home: Home, seed: int) -> None:
    world, readers = World(home.cairn, home.actor, seed), list[Reader]()
    await world.begin()

    for _ in range(STEPS):
        await world.step()
        if world.chance.random() < 0.1 and len(readers) < 6:
            readers.append(Reader(home.cairn, home.actor, world.chance.randint(1, 20)))
        for reader in world.chance.sample(readers, world.chance.randint(0, len(readers))):
            check_page(world, await reader.turn())
            if not reader.has_more:
                await check_tree(world, reader)
    await world.finish_work()

    live = world.live()
    for reader in readers:
        await reader.catch_up()
        assert {file_id: shown(file) for file_id, file in reader.files.items()} == live
    assert (await readers[0].turn()).changes == []


def check_page(world: World, page: SeenPage) -> None:
    """Hold every change to the model: a page tells what is so when it is read."""
    live = world.live()
    for change in page.changes:
        file = change.file
        assert (shown(file) if change.type == "upsert" else None) == live.get(file.file_id), file.path
        assert file.path == world.path(file.file_id)


async def check_tree(world: World, reader: Reader) -> None:
    """Hold what a reader has at the end of a run to the model; what is being revealed may still be missing."""
    live = world.live()
    for file_id, file in reader.files.items():
        assert shown(file) == live.get(file_id), file.path
    assert len(reader.files) == len(live) or await world.is_revealing()
