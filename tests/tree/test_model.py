"""Random operations, on a server and on a plain tree in memory: both must be the same, now and at every moment before.

A failure shows its seed.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.ids import decode_id, encode_id
from app.repositories.jobs import JobKind
from app.services.jobs import JobService, Slice
from app.services.purge import purge_slice
from app.services.reveal import reveal_slice
from tests.api.conftest import Running, Template, serving
from tests.api.people import Person
from tests.tree.conftest import assert_clean
from tests.tree.keeper import trash_of, tree_below, used
from tests.tree.model import Model, State, World

STEPS = 100
LOOK_EVERY = 20
SMALL: Mapping[JobKind, Slice] = {
    JobKind.REVEAL: partial(reveal_slice, limit=2),
    JobKind.PURGE: partial(purge_slice, limit=2),
}


@pytest.fixture
async def server(folder: Path, settings: Settings) -> AsyncIterator[Running]:
    """A server whose jobs the test itself works off, slice by slice."""
    async with serving(folder, settings) as running:
        yield running


@pytest.mark.parametrize("seed", range(4))
async def test_the_tree_is_that_of_the_model_now_and_at_every_moment_before(
    server: Running, template: Template, seed: int
) -> None:
    await run(server, template, seed, STEPS)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1040))
async def test_many_trees_are_those_of_the_model(server: Running, template: Template, seed: int) -> None:
    await run(server, template, seed, STEPS * 4)


async def run(server: Running, template: Template, seed: int, steps: int) -> None:
    ada = Person(server.session, template.tokens["ada"])
    world = World(ada, Model((await ada.at("/")).json["file_id"]), seed)
    jobs = JobService(server.cairn.database, SMALL)
    moments: dict[int, dict[str, State]] = {}
    etags: dict[tuple[str, int], str] = {}
    done = []
    for number in range(1, steps + 1):
        done.append(await world.step())
        moments[head(server.folder)] = world.model.states()
        if world.chance.random() < 0.5:
            await jobs.advance()
        await look(ada, world.model, etags)
        if number % LOOK_EVERY == 0:
            await asyncio.to_thread(assert_clean, server.folder)
            while await jobs.advance():
                pass
            assert await used(ada) == world.model.used()
            assert_past(server.folder, world.model, moments)
    await asyncio.to_thread(assert_clean, server.folder)
    assert len({*done}) == 13, "an operation was never done"


async def look(ada: Person, model: Model, etags: dict[tuple[str, int], str]) -> None:
    """Compare the tree, its sums and etags, and the trash, with the model's."""
    found = await tree_below(ada)
    found["/"] = (await ada.at("/")).json
    live = {model.path(node.id): node for node in [model.nodes[model.root], *model.live()]}
    assert found.keys() == live.keys()
    for path, node in live.items():
        file = found[path]
        assert (file["file_id"], file["kind"], file["parent_id"]) == (node.id, node.kind, node.parent), path
        assert (file["version_id"], file["mtime_ms"], file["executable"]) == (
            node.version, node.mtime_ms, node.executable,
        ), path  # fmt: skip
        assert file["size"] == model.size(node), path
        assert etags.setdefault((node.id, node.stamp), file["etag"]) == file["etag"], path
    assert len({(node_id, etag) for (node_id, _), etag in etags.items()}) == len(etags), "an etag came again"
    trash = {item["trash_id"]: (item["path"], item["size"]) for item in await trash_of(ada)}
    assert trash == {node.id: (model.path(node.id), model.size(node)) for node in model.trash()}


def head(folder: Path) -> int:
    """Return the number of the last change."""
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT seq FROM meta").fetchone()[0])


IDS = "SELECT id, tag FROM nodes UNION ALL SELECT id, tag FROM versions"
STATES_AT = """
    SELECT id, parent_id, name, version_id, mtime_ms, executable, dead_seq FROM nodes
     WHERE seq <= :seq AND NOT (dead_seq > 0 AND dead_ms IS NULL)
     UNION ALL SELECT node_id, parent_id, name, version_id, mtime_ms, executable, dead_seq FROM past
     WHERE from_seq <= :seq AND to_seq > :seq
"""
CHILDREN_AT = """
    SELECT id, name FROM nodes WHERE parent_id = :parent AND seq <= :seq AND dead_seq = 0
     UNION ALL SELECT node_id, name FROM past
     WHERE parent_id = :parent AND to_seq > :seq AND from_seq <= :seq AND dead_seq = 0 ORDER BY name
"""


def assert_past(folder: Path, model: Model, moments: Mapping[int, Mapping[str, State]]) -> None:
    """Hold all states of every moment, and all lists of folders as they were, against the model's.

    What is purged has no past; what was with it has.
    """
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        wire = {row[0]: encode_id(*row) for row in connection.execute(IDS)}
        for seq, states in moments.items():
            kept = {node_id: state for node_id, state in states.items() if not model.nodes[node_id].is_purged}
            found = {wire[row[0]]: _state(wire, row) for row in connection.execute(STATES_AT, {"seq": seq})}
            assert {node_id: state for node_id, state in found.items() if node_id in model.nodes} == kept, seq
            lists = _lists(kept)
            for folder_id in kept:
                rows = connection.execute(CHILDREN_AT, {"parent": decode_id(folder_id)[0], "seq": seq})
                assert [(name, wire[number]) for number, name in rows] == sorted(lists.get(folder_id, [])), seq


def _state(wire: Mapping[int, str], row: tuple[Any, ...]) -> State:
    _, parent, name, version, mtime_ms, executable, dead_seq = row
    return State(wire.get(parent), name, wire.get(version), mtime_ms, bool(executable), dead_seq > 0)


def _lists(states: Mapping[str, State]) -> dict[str, list[tuple[str, str]]]:
    """Return name and id of what was in each folder, by the folder's id."""
    lists: dict[str, list[tuple[str, str]]] = {}
    for node_id, state in states.items():
        if state.parent is not None and not state.is_dead:
            lists.setdefault(state.parent, []).append((state.name, node_id))
    return lists
