"""Whatever several people share, move and take back between two pages: each reader ends with what they may see."""

import pytest

from app.auth.identity import Actor
from app.services.access import Role
from app.services.tree import Change
from tests.feed.conftest import Home
from tests.feed.reader import Reader, SeenFile, SeenPage
from tests.feed.shared_model import SharedWorld
from tests.server import PASSWORD

STEPS = 300
OTHERS = ("bob", "cyd")


async def sign_up(home: Home) -> list[Actor]:
    """Return the owner of the home, and others with homes of their own."""
    people, services = [home.actor], home.cairn.services
    for name in OTHERS:
        await services.accounts.create(name, PASSWORD, is_admin=False)
        device = await services.sign_in.login(name, PASSWORD, "::1", device_name="device", install_id=None)
        people.append(await services.authentication.actor_of(device.token))
    return people


def shown(file: SeenFile) -> tuple[object, ...]:
    return (
        file.parent_id,
        file.name,
        file.kind,
        file.version_id,
        file.mtime_ms,
        file.executable,
        file.permissions,
    )


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(8, 400))])
async def test_every_reader_ends_with_what_its_person_may_see(home: Home, seed: int) -> None:
    world, readers = SharedWorld(home.cairn, await sign_up(home), seed), list[tuple[Actor, Reader]]()
    await world.begin()

    for _ in range(STEPS):
        await world.step()
        if world.chance.random() < 0.1 and len(readers) < 9:
            person = world.chance.choice(world.people)
            readers.append((person, Reader(home.cairn, person, world.chance.randint(1, 20))))
        for person, reader in world.chance.sample(readers, world.chance.randint(0, len(readers))):
            check_page(world.view(person), await reader.turn())
            if not reader.has_more:
                await check_tree(world, person, reader)
    await world.finish_work()

    for person, reader in readers:
        fresh = Reader(home.cairn, person, 1000)
        for one in (reader, fresh):
            await one.catch_up()
            assert set(one.files) == set(world.view(person))
            check_files(world, person, one)
        assert (await reader.turn()).changes == []


def check_page(view: dict[str, tuple[object, ...]], page: SeenPage) -> None:
    """Hold every change to the model: a page tells what is so when it is read."""
    for change in page.changes:
        file = change.file
        assert (shown(file) if change.type == "upsert" else None) == view.get(file.file_id), file.path


async def check_tree(world: SharedWorld, person: Actor, reader: Reader) -> None:
    """Hold what a reader has at the end of a run to the model, save for what a walk is on its way to."""
    if not await world.is_moving():
        check_files(world, person, reader)
        assert len(reader.files) == len(world.view(person)) or await world.is_revealing()


def check_files(world: SharedWorld, person: Actor, reader: Reader) -> None:
    """Hold what a reader has to the model; a change of role is told with the mount, not with all below it."""
    view = world.view(person)
    for file_id, file in reader.files.items():
        until = None if world.is_top(file_id) else -1
        assert shown(file)[:until] == view.get(file_id, ())[:until], file.path


async def test_a_folder_on_its_way_to_another_space_is_told_again_to_who_forgot_it(home: Home) -> None:
    ada, bob, _ = await sign_up(home)
    tree, sharing = home.cairn.services.tree, home.cairn.services.sharing
    docs = await tree.make_folder_at(ada, "/docs", parents=False)
    await sharing.share(ada, docs.file_id, bob.username, Role.EDITOR)
    deep = await tree.make_folder_at(bob, "/moved/deep", parents=True)
    reader = Reader(home.cairn, bob, 100)
    assert deep.parent_id is not None
    await tree.change(bob, deep.parent_id, Change(parent_id=docs.file_id))  # its job does not come to run
    await reader.catch_up()
    await sharing.remove(ada, docs.file_id, bob.username)
    await reader.catch_up()
    await sharing.share(ada, docs.file_id, bob.username, Role.EDITOR)
    await reader.catch_up()
    await tree.make_folder_at(bob, "/docs/moved/deep/new", parents=False)

    await reader.catch_up()

    assert {file.path for file in reader.files.values()} >= {"/docs/moved/deep", "/docs/moved/deep/new"}
