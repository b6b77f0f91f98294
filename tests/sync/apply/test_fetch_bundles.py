"""Small files come together: one call brings many, and what it does not bring is asked for alone."""

from typing import NoReturn

import msgspec
import pytest

from client.errors import ApiError, ClientError, NotLoggedInError, StoppedError, UnreachableError
from client.protocol import Problem
from client.sync.apply import fetch as fetching
from client.sync.model import RemoteNode
from client.sync.outcome import Blocked, Source, Stale
from tests.sync.apply.world import World, done, fetch


def nodes_of(world: World, count: int) -> list[RemoteNode]:
    """Make files at the server, with other contents than before."""
    return [world.there(f"f{number}", f"content {number} in {world.top}".encode()) for number in range(count)]


def assert_here(world: World, nodes: list[RemoteNode]) -> None:
    for number, node in enumerate(nodes):
        assert world.content(node.name) == f"content {number} in {world.top}".encode()


def test_one_call_brings_many_files(world: World) -> None:
    nodes = nodes_of(world, 12)
    outcomes = world.fetcher.fetch_small([fetch(node) for node in nodes])
    assert [done(outcome).sha256 for outcome in outcomes] == [node.sha256 for node in nodes]
    assert_here(world, nodes)
    assert (world.remote.bundles, world.remote.alone) == ([12], 0)


def test_one_file_is_asked_for_alone(world: World) -> None:
    (node,) = nodes_of(world, 1)
    done(world.fetcher.fetch_small([fetch(node)])[0])
    assert (world.remote.bundles, world.remote.alone) == ([], 1)


def test_many_files_come_in_groups_of_so_many_and_of_so_many_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "GROUP_FILES", 5)
    nodes = nodes_of(world, 12)
    for outcome in world.fetcher.fetch_small([fetch(node) for node in nodes]):
        done(outcome)
    assert_here(world, nodes)
    assert sorted(world.remote.bundles) == [2, 5, 5]
    monkeypatch.setattr(fetching, "GROUP_SIZE", 3 * nodes[0].size)
    world.remote.bundles.clear()
    for outcome in world.fetcher.fetch_small([fetch(node, f"again {node.name}") for node in nodes[:6]]):
        done(outcome)
    assert world.remote.bundles == [3, 3]


@pytest.mark.parametrize("code", ["not_found", "method_not_allowed"])
def test_an_older_server_gives_each_file_alone(world: World, code: str) -> None:
    nodes = nodes_of(world, 12)

    def refuse(_: list[bytes | None]) -> list[bytes | None]:
        raise ApiError("no such call", Problem(code=code))

    world.remote.twist_bundle = refuse
    for outcome in world.fetcher.fetch_small([fetch(node) for node in nodes]):
        done(outcome)
    assert_here(world, nodes)
    assert world.remote.alone == 12


def test_what_is_not_given_is_asked_for_alone_and_told_of(world: World) -> None:
    nodes = nodes_of(world, 8)
    tasks = [fetch(node) for node in nodes]
    tasks[3] = fetch(msgspec.structs.replace(nodes[3], version_id="nothing"))
    outcomes = world.fetcher.fetch_small(tasks)
    assert [isinstance(outcome, Stale) for outcome in outcomes] == [number == 3 for number in range(8)]
    assert (world.remote.bundles, world.remote.alone) == ([8], 1)
    assert world.content("f3") is None
    assert world.content("f7") is not None


@pytest.mark.parametrize("spoilt", [b"other bytes", b"", None])
def test_bytes_that_are_wrong_in_a_bundle_are_asked_for_alone(world: World, spoilt: bytes | None) -> None:
    nodes = nodes_of(world, 8)

    def spoil(contents: list[bytes | None]) -> list[bytes | None]:
        return [*contents[:2], spoilt, *contents[3:]]

    world.remote.twist_bundle = spoil
    for outcome in world.fetcher.fetch_small([fetch(node) for node in nodes]):
        done(outcome)
    assert_here(world, nodes)
    assert world.remote.alone == 1


def test_contents_in_another_order_are_not_placed(world: World) -> None:
    nodes = nodes_of(world, 8)
    world.remote.twist_bundle = lambda contents: contents[::-1]
    for outcome in world.fetcher.fetch_small([fetch(node) for node in nodes]):
        done(outcome)
    assert_here(world, nodes)
    assert world.remote.alone == 8


def test_a_bundle_that_breaks_off_is_no_end_of_it(world: World) -> None:
    nodes = nodes_of(world, 8)

    def fail(_: list[bytes | None]) -> list[bytes | None]:
        raise ClientError("The server sent no bundle")

    world.remote.twist_bundle = fail
    for outcome in world.fetcher.fetch_small([fetch(node) for node in nodes]):
        done(outcome)
    assert_here(world, nodes)


@pytest.mark.parametrize("error", [UnreachableError("no"), NotLoggedInError("log in"), StoppedError("stopped")])
def test_a_server_that_does_not_answer_is_not_asked_for_each_file(world: World, error: ClientError) -> None:
    nodes = nodes_of(world, 40)

    def fail(_: object) -> NoReturn:
        raise error

    world.remote.twist_bundle = fail
    world.remote.twist_content = fail
    outcomes = world.fetcher.fetch_small([fetch(node) for node in nodes])
    assert {outcome.all_of for outcome in outcomes if isinstance(outcome, Blocked)} == {"calls"}
    assert len(outcomes) == 40
    assert world.remote.alone < 20


def test_what_is_here_what_is_empty_and_what_has_no_known_hash_is_in_no_bundle(world: World) -> None:
    nodes = nodes_of(world, 6)
    world.put("here", f"content 0 in {world.top}".encode())
    source = Source(("here",), nodes[0].id, nodes[0].version_id or "", nodes[0].sha256)
    unknown = msgspec.structs.replace(nodes[1], sha256=None)
    empty = world.there("empty", b"")
    tasks = [fetch(nodes[0], sources=(source,)), fetch(unknown), fetch(empty), *(fetch(node) for node in nodes[2:])]
    for outcome in world.fetcher.fetch_small(tasks):
        done(outcome)
    assert_here(world, nodes)
    assert world.content("empty") == b""
    assert (world.remote.bundles, world.remote.alone) == ([4], 0)
