"""What admins are told of the server as a whole, and what they may let it do (GET /api/v1/server)."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from app.db.transaction import Transaction
from app.repositories import jobs, nodes, spaces, users
from app.repositories.jobs import JobKind, Walk
from storage.errors import StoreUnavailableError
from tests.api.conftest import Running
from tests.api.people import Person

STATE, JOBS, COLLECTION = "/api/v1/server", "/api/v1/server/jobs", "/api/v1/server/collection"


async def state(ada: Person) -> Any:
    reply = await ada.get(STATE)
    assert reply.status == HTTPStatus.OK, reply.body
    return reply.json


async def test_a_server_that_is_well_says_so(ada: Person) -> None:
    told = await state(ada)

    assert (told["limits"], told["read_only_why"], told["databases"]) == ([], None, "trusted")
    assert [part["part"] for part in told["parts"]] == ["readers", "writer", "store"]
    assert all(part["took_ms"] is not None for part in told["parts"])
    assert 0 <= told["disk"]["kept"] < told["disk"]["free"] <= told["disk"]["total"]
    assert told["collection"] == {
        "state": "idle",
        "since_s": None,
        "every_s": 24 * 3600,
        "last": None,
        "refused": None,
    }


async def test_a_part_that_fails_is_named_and_the_others_are_told(
    server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> object:
        raise StoreUnavailableError("the disk does not answer")

    monkeypatch.setattr(server.cairn.store, "present", fail)

    parts = {part["part"]: part["took_ms"] for part in (await state(ada))["parts"]}

    assert parts["store"] is None
    assert None not in (parts["readers"], parts["writer"])


@pytest.mark.logs_errors
async def test_a_server_that_only_reads_says_why_and_collects_nothing(server: Running, ada: Person) -> None:
    server.cairn.standing.turn_read_only("metadata.sqlite is damaged")

    told = await state(ada)

    assert (told["limits"], told["read_only_why"]) == (["read_only"], "metadata.sqlite is damaged")
    assert [part["part"] for part in told["parts"]] == ["readers", "store"]
    assert (await ada.post(COLLECTION)).status == HTTPStatus.SERVICE_UNAVAILABLE


async def test_a_collection_that_was_asked_for_begins_and_what_it_came_to_is_told(server: Running, ada: Person) -> None:
    assert (await ada.post(COLLECTION)).status == HTTPStatus.ACCEPTED
    assert (await state(ada))["collection"]["state"] == "running"

    async with asyncio.TaskGroup() as group:
        running = group.create_task(server.cairn.collector.run())
        while (told := (await state(ada))["collection"])["state"] == "running":
            pass  # each look is an answer of the server, which works meanwhile
        running.cancel()

    assert told["last"] == {key: {"chunks": 0, "size": 0} for key in ("freed", "leaving", "waiting")}
    assert (told["refused"], told["since_s"] is None) == (None, False)


@pytest.mark.logs_errors
async def test_why_a_collection_broke_off_is_told(server: Running, ada: Person) -> None:
    server.cairn.standing.turn_read_only("its disk failed")
    with pytest.raises(StoreUnavailableError):
        await server.cairn.collector.collect(over_half=False)

    assert "only reads" in (await state(ada))["collection"]["refused"]


async def test_work_that_is_left_is_listed_in_pages_with_whom_it_is_for(server: Running, ada: Person) -> None:
    def work(tx: Transaction) -> None:
        for name in ("ada", "bob"):
            user = users.require(tx, name)
            home = spaces.home_of(tx, user.id)
            root = nodes.find(tx, home.root_id)
            assert root is not None
            state = Walk.from_top(root.id)
            jobs.add(tx, JobKind.REVEAL, user_id=user.id, actor_id=root.actor_id, node_id=root.id, state=state, total=7)

    await server.cairn.database.write(work)

    first = (await ada.get(JOBS, params={"limit": "1"})).json
    rest = (await ada.get(JOBS, params={"limit": "5", "after": first["next"]})).json

    assert [(one["username"], one["kind"], one["state"], one["done"], one["total"]) for one in first["items"]] == [
        ("ada", "reveal", "running", 0, 7)
    ]
    assert ([one["username"] for one in rest["items"]], rest["next"]) == (["bob"], None)
