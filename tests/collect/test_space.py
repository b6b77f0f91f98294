"""What is deleted for good gives its room back, all of it; what is used in any way stays."""

from http import HTTPStatus

from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.collect.conftest import Keeper
from tests.tree.keeper import deleted, purge

BIG, SMALL = 100_000, 3_000


async def gone(server: Running, person: Person, *files: object) -> None:
    """Delete files for good."""
    for file in files:
        reply = await purge(person, await deleted(person, file))
        assert reply.status == HTTPStatus.NO_CONTENT, reply.body
    await server.cairn.jobs.wait_idle()


def size_on_disk(keeper: Keeper) -> int:
    return sum(path.stat().st_size for path in (keeper.folder / "store" / "chunks").rglob("*") if path.is_file())


async def test_room_of_purged_files_comes_back_with_the_second_collection(
    server: Running, ada: Person, keeper: Keeper
) -> None:
    await ada.upload("/kept", noise(BIG), noise(SMALL))
    before = keeper.files(), size_on_disk(keeper), keeper.count("chunks"), keeper.count("small")
    files = [await ada.upload(f"/{n}", noise(BIG), noise(SMALL), noise(BIG)) for n in range(10)]
    await gone(server, ada, *files)

    first, second, third = await keeper.collect_all()

    assert (first.freed.chunks, first.waiting.chunks) == (0, 30)
    assert (second.freed.chunks, second.leaving.chunks) == (0, 30)
    assert (third.freed.chunks, third.freed.size) == (30, 10 * (2 * BIG + SMALL))
    assert (keeper.files(), size_on_disk(keeper), keeper.count("chunks"), keeper.count("small")) == before
    assert keeper.count("unused") == 0
