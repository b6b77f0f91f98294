"""PUTs of small files: one read and one write each, with the same promises as any other way up."""

import asyncio
import threading

from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.api.wire import eventually
from tests.dav.conftest import Dav

SMALL = 4096


async def test_a_small_file_is_committed_in_one_transaction(server: Running, dav: Dav) -> None:
    assert (await dav.call("PUT", "/dav/first", noise(SMALL))).status == 201  # notes that the password is used
    database, commits = server.cairn.database, []

    for number in range(5):
        before = database.commits
        assert (await dav.call("PUT", f"/dav/{number}", noise(SMALL))).status == 201
        commits.append(database.commits - before)

    assert min(commits) == 1  # the least: the server notes things by itself now and then


async def test_nothing_is_stored_of_a_small_file_that_has_no_place(server: Running, dav: Dav) -> None:
    before = server.cairn.store.stats()

    refused = await dav.call("PUT", "/dav/none/f", noise(SMALL))

    assert refused.status == 409
    assert server.cairn.store.stats() == before


async def test_an_empty_file_is_a_file(dav: Dav, ada: Person) -> None:
    assert (await dav.call("PUT", "/dav/f", b"")).status == 201

    file = (await ada.at("/f")).json
    assert (file["size"], (await ada.content(file["file_id"])).body) == (0, b"")


async def test_a_file_outlives_a_collection_that_ends_what_holds_its_bytes(
    server: Running, dav: Dav, ada: Person
) -> None:
    database, disposal = server.cairn.database, server.cairn.store.disposal
    entered, go_on = threading.Event(), threading.Event()
    data = noise(SMALL)

    async def is_held() -> bool:
        return bool(await disposal.claims(""))

    def hold_up(_: object) -> None:
        entered.set()
        go_on.wait()

    held = asyncio.ensure_future(database.write(hold_up))
    try:
        await asyncio.to_thread(entered.wait)
        putting = asyncio.ensure_future(dav.call("PUT", "/dav/f", data))
        await eventually(is_held)
        await disposal.end_claims(await disposal.claims(""))
    finally:
        go_on.set()
    await held

    assert (await putting).status == 201
    assert (await ada.content((await ada.at("/f")).json["file_id"])).body == data


async def test_a_folder_that_is_there_is_told_without_the_writer(server: Running, dav: Dav) -> None:
    assert (await dav.call("MKCOL", "/dav/folder")).status == 201
    entered, go_on = threading.Event(), threading.Event()

    def hold_up(_: object) -> None:
        entered.set()
        go_on.wait()

    held = asyncio.ensure_future(server.cairn.database.write(hold_up))
    try:
        await asyncio.to_thread(entered.wait)
        assert (await dav.call("MKCOL", "/dav/folder")).status == 405
    finally:
        go_on.set()
    await held
