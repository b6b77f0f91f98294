"""Sections 7 and 13: where the bytes come from, what is checked, and what is said when it does not work."""

import random
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest

from client.errors import ApiError, NotLoggedInError, RefusedError, StoppedError, UnreachableError, UrlExpiredError
from client.protocol import DownloadChunk, Manifest, Problem
from client.sync.apply.fetch import Reserve
from client.sync.model import RemoteNode
from client.sync.outcome import Blocked, Source, Stale
from client.sync.seams.files import Trouble
from tests.sync.apply.world import CrashError, World, base_of, done, fetch, nothing, replace, sha256_of

MIB = 1024 * 1024


def noise(size: int, seed: int) -> bytes:
    """Return the same bytes for the same seed."""
    return random.Random(seed).randbytes(size)  # noqa: S311 -- the same bytes in each run


def test_many_small_files_have_each_their_own_outcome(world: World) -> None:
    nodes = [world.there(f"many {number}.txt", f"content {number}".encode()) for number in range(20)]
    (world.top / "many").mkdir()
    world.put("many/many 3.txt", b"mine")
    outcomes = world.fetcher.fetch_small([fetch(node, f"many/{node.name}") for node in nodes])
    assert [isinstance(each, Stale) for each in outcomes] == [number == 3 for number in range(20)]
    assert world.content("many/many 3.txt") == b"mine"
    assert world.content("many/many 19.txt") == b"content 19"
    assert all(
        done(each).sha256 == node.sha256
        for node, each in zip(nodes, outcomes, strict=True)
        if node.name != "many 3.txt"
    )


def test_an_empty_file_needs_no_server(world: World) -> None:
    node = world.there("empty", b"")
    world.remote.stop()
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert (world.content("empty"), done(outcome).sha256) == (b"", sha256_of(b""))


def test_a_small_file_whose_hash_the_server_does_not_know_is_checked_by_its_chunks(world: World) -> None:
    node = msgspec.structs.replace(world.there("unknown", b"hello"), sha256=None)
    (outcome,) = world.fetcher.fetch_small([fetch(node)])
    assert done(outcome).sha256 == sha256_of(b"hello")


def test_a_small_file_that_is_here_is_not_fetched(world: World) -> None:
    node = world.there("copy.txt", b"the same")
    world.put("here.txt", b"the same")
    source = Source(("here.txt",), node.id, node.version_id or "", node.sha256)
    done(world.fetcher.fetch_small([fetch(node, sources=(source,))])[0])
    assert world.remote.received == 0


@pytest.mark.parametrize("large", [False, True])
def test_bytes_that_are_wrong_twice_are_never_placed(world: World, *, large: bool) -> None:
    node = world.there("bad.bin", b"good bytes")
    world.put("bad.bin", b"old")
    world.remote.twist_content = lambda into: into.__setitem__(slice(0, 1), b"X")
    task = replace(node, world.entry("bad.bin"), "bad.bin")
    outcome = world.fetcher.fetch_large(task) if large else world.fetcher.fetch_small([task])[0]
    assert isinstance(outcome, Blocked)
    assert outcome.problem.code == "damaged_at_server"
    assert world.content("bad.bin") == b"old"
    assert world.remote.received == 2 * node.size


def test_bytes_that_are_wrong_once_are_fetched_again(world: World) -> None:
    node = world.there("flip.bin", b"good bytes")
    flips = iter([True])

    def flip(into: memoryview) -> None:
        if next(flips, False):
            into[0] ^= 1

    world.remote.twist_content = flip
    done(world.fetcher.fetch_large(fetch(node)))
    assert world.content("flip.bin") == b"good bytes"


@pytest.mark.parametrize(
    "twist",
    [
        pytest.param(lambda chunks: chunks[:-1], id="too short"),
        pytest.param(lambda chunks: [*chunks, chunks[-1]], id="too long"),
        pytest.param(lambda chunks: chunks[::-1], id="another order"),
        pytest.param(lambda chunks: [_with(chunks[0], offset=-1), *chunks[1:]], id="offset below zero"),
        pytest.param(lambda chunks: [_with(chunks[0], offset=5), *chunks[1:]], id="a hole"),
        pytest.param(lambda chunks: [_with(chunks[0], size=0), *chunks[1:]], id="no size"),
        pytest.param(lambda chunks: [_with(chunks[0], size=-5), *chunks[1:]], id="size below zero"),
        pytest.param(lambda chunks: [_with(chunks[0], size=2**40), *chunks[1:]], id="huge"),
        pytest.param(lambda chunks: [_with(chunks[0], index=3), *chunks[1:]], id="another index"),
    ],
)
def test_a_hostile_list_of_chunks_is_refused(
    world: World, twist: Callable[[list[DownloadChunk]], list[DownloadChunk]]
) -> None:
    node = world.there("hostile.bin", noise(9 * MIB, 1))
    world.remote.twist_manifest = lambda page: msgspec.structs.replace(page, chunks=twist(page.chunks))
    outcome = world.fetcher.fetch_large(fetch(node))
    assert isinstance(outcome, Blocked)
    assert outcome.problem.code == "damaged_at_server"
    assert world.content("hostile.bin") is None


def test_a_list_that_ends_too_early_is_refused_where_no_hash_is_known(world: World) -> None:
    node = msgspec.structs.replace(world.there("early.bin", noise(9 * MIB, 1)), sha256=None)
    world.remote.twist_manifest = lambda page: msgspec.structs.replace(page, chunks=page.chunks[:-1])
    outcome = world.fetcher.fetch_large(fetch(node))
    assert isinstance(outcome, Blocked)
    assert outcome.problem.code == "damaged_at_server"
    assert world.content("early.bin") is None


def test_a_list_of_chunks_without_an_end_is_refused(world: World) -> None:
    node = world.there("endless.bin", b"hello")
    world.remote.twist_manifest = lambda page: msgspec.structs.replace(page, chunks=[], next_from=0)
    outcome = world.fetcher.fetch_large(fetch(node))
    assert isinstance(outcome, Blocked)
    assert outcome.problem.code == "damaged_at_server"


def test_the_whole_must_have_the_hash_that_was_announced(world: World) -> None:
    node = msgspec.structs.replace(world.there("whole.bin", b"hello"), sha256="0" * 64)
    outcome = world.fetcher.fetch_large(fetch(node))
    assert isinstance(outcome, Blocked)
    assert outcome.problem.code == "damaged_at_server"
    assert world.waiting("tmp") == []


def test_an_expired_url_is_asked_for_again(world: World) -> None:
    node = world.there("expired.bin", noise(5 * MIB, 2))
    expired = iter([True, True])

    def expire(_: memoryview) -> None:
        if next(expired, False):
            raise UrlExpiredError("expired", Problem(code="url_expired"))

    world.remote.twist_content = expire
    done(world.fetcher.fetch_large(fetch(node)))
    assert world.content("expired.bin") == noise(5 * MIB, 2)


def test_a_download_that_broke_off_takes_only_the_rest(world: World) -> None:
    content = noise(40 * MIB, 3)
    node = world.there("resume.bin", content)
    left = [12]

    def stop(_: memoryview) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise UnreachableError("cut")

    world.remote.twist_content = stop
    outcome = world.fetcher.fetch_large(fetch(node))
    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.all_of) == ("unreachable", "calls")
    (partial,) = world.waiting("tmp")
    assert len(partial) > 4 * MIB
    world.remote.twist_content = nothing
    world.remote.received = 0
    world.start()  # as after a restart
    done(world.fetcher.fetch_large(fetch(node)))
    assert world.content("resume.bin") == content
    assert world.remote.received <= len(content) - len(partial) + 8 * MIB
    assert world.remote.received < len(content) - 4 * MIB


def test_a_partial_download_with_rotten_bytes_is_mended(world: World) -> None:
    content = noise(12 * MIB, 4)
    node = world.there("rotten.bin", content)
    world.disk.refuse("move", Trouble.BUSY)
    assert isinstance(world.fetcher.fetch_large(fetch(node)), Blocked)
    (temp,) = (world.top / ".cairn/tmp").iterdir()
    with temp.open("r+b") as file:
        file.seek(5 * MIB)
        file.write(b"rot" * 100)
    world.remote.received = 0
    done(world.fetcher.fetch_large(fetch(node)))
    assert world.content("rotten.bin") == content
    assert 0 < world.remote.received <= 8 * MIB


def test_a_finished_download_that_could_not_be_placed_is_not_fetched_again(world: World) -> None:
    content = noise(6 * MIB, 5)
    node = world.there("finished.bin", content)
    world.disk.refuse("move", Trouble.BUSY)
    assert isinstance(world.fetcher.fetch_large(fetch(node)), Blocked)
    world.remote.received = 0
    done(world.fetcher.fetch_large(fetch(node)))
    assert (world.content("finished.bin"), world.remote.received) == (content, 0)


def test_one_mib_inserted_in_64_fetches_under_8(world: World) -> None:
    old = noise(64 * MIB, 6)
    new = old[: 32 * MIB] + noise(MIB, 7) + old[32 * MIB :]
    before = world.there("insert.bin", old)
    world.put("insert.bin", old)
    after = world.there("insert.bin", new)
    task = replace(after, world.entry("insert.bin"), "insert.bin", base=base_of(before))
    outcome = done(world.fetcher.fetch_large(task))
    assert (world.content("insert.bin") == new, outcome.sha256) == (True, sha256_of(new))
    assert world.remote.received < 8 * MIB


def test_chunks_of_other_files_here_are_not_fetched(world: World) -> None:
    content = noise(10 * MIB, 8)
    first = world.there("first.bin", content)
    second = world.there("second.bin", content + b"more")
    world.put("first.bin", content)
    source = Source(("first.bin",), first.id, first.version_id or "", None)
    done(world.fetcher.fetch_large(fetch(second, sources=(source,))))
    assert world.content("second.bin") == content + b"more"
    assert world.remote.received < 8 * MIB
    world.remote.received = 0
    same = Source(("second.bin",), second.id, second.version_id or "", second.sha256)
    done(world.fetcher.fetch_large(fetch(second, "third.bin", sources=(same,))))
    assert (world.content("third.bin") == content + b"more", world.remote.received) == (True, 0)


def test_a_source_that_changed_is_of_no_harm(world: World) -> None:
    content = noise(3 * MIB, 9)
    node = world.there("true.bin", content)
    world.put("false.bin", b"x" * len(content))
    source = Source(("false.bin",), node.id, node.version_id or "", node.sha256)
    gone = Source(("gone.bin",), node.id, node.version_id or "", node.sha256)
    done(world.fetcher.fetch_large(fetch(node, sources=(gone, source))))
    assert world.content("true.bin") == content


def test_nothing_is_fetched_when_too_little_room_would_be_left(world: World) -> None:
    node = world.there("room.bin", b"hello")
    fetcher = world.make_fetcher(Reserve(2**62, 1))
    for outcome in (fetcher.fetch_large(fetch(node)), *fetcher.fetch_small([fetch(node)])):
        assert isinstance(outcome, Blocked)
        assert (outcome.problem.code, outcome.all_of) == ("full", "fetches")
    assert world.remote.received == 0
    huge = msgspec.structs.replace(node, size=2**61)
    assert isinstance(world.fetcher.fetch_large(fetch(huge)), Blocked)


@pytest.mark.parametrize("count", [2, 8])
def test_a_full_disk_stops_all_fetches_and_leaves_the_old_file(world: World, count: int) -> None:
    nodes = [world.there(f"full{number}", b"new") for number in range(count)]
    world.put("full0", b"old")
    world.disk.refuse("write", Trouble.FULL)
    tasks = [replace(nodes[0], world.entry("full0"), "full0"), *(fetch(node) for node in nodes[1:])]
    outcome = world.fetcher.fetch_small(tasks)[0]
    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.all_of) == ("full", "fetches")
    assert world.content("full0") == b"old"


@pytest.mark.parametrize(
    ("error", "code", "all_of"),
    [
        (UnreachableError("no answer"), "unreachable", "calls"),
        (NotLoggedInError("log in"), "not_logged_in", "calls"),
        (RefusedError("no"), "forbidden", None),
        (StoppedError("stopped"), "unreachable", "calls"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_the_server_answers_is_told(
    world: World, error: Exception, code: str, all_of: str | None, *, large: bool
) -> None:
    node = world.there("answers.bin", b"hello")

    def fail(_: memoryview) -> None:
        raise error

    world.remote.twist_content = fail
    outcome = world.fetcher.fetch_large(fetch(node)) if large else world.fetcher.fetch_small([fetch(node)])[0]
    assert isinstance(outcome, Blocked)
    assert (outcome.problem.code, outcome.all_of) == (code, all_of)


def test_one_refused_file_does_not_hold_up_the_others(world: World) -> None:
    nodes = [world.there(f"others{number}", f"content {number}".encode()) for number in range(6)]
    gone = msgspec.structs.replace(nodes[2], version_id="nothing")
    outcomes = world.fetcher.fetch_small([fetch(node) for node in (nodes[0], gone, *nodes[3:])])
    assert isinstance(outcomes[1], Stale)
    assert world.content("others5") == b"content 5"


def test_a_version_that_is_gone_is_stale(world: World) -> None:
    node: RemoteNode = msgspec.structs.replace(world.there("vanished.bin", b"hello"), version_id="nothing")
    assert isinstance(world.fetcher.fetch_large(fetch(node)), Stale)


def test_a_version_that_has_no_list_any_more_is_stale(world: World) -> None:
    node = world.there("nolist.bin", b"hello")

    def refuse(_: Manifest) -> Manifest:
        raise ApiError("gone", Problem(code="not_found"))

    world.remote.twist_manifest = refuse
    assert isinstance(world.fetcher.fetch_large(fetch(node)), Stale)


def test_a_large_download_survives_a_stop_at_any_call(world: World) -> None:
    content = noise(3 * MIB, 10)
    node = world.there("large.bin", content)
    old = noise(2 * MIB, 11)
    stop, ended = 0, False
    while not ended:
        world.start()
        world.put("large.bin", old)
        task = replace(node, world.entry("large.bin"), "large.bin")
        world.disk.log.clear()
        world.disk.crash_at = stop
        with suppress(CrashError):
            ended = done(world.fetcher.fetch_large(task)) is not None
        world.start()
        assert world.content("large.bin") in [old, content], stop
        assert world.sweep_for(75) == 0, stop
        assert (world.copies(), world.waiting()) == ([], []), stop
        stop += 1
    assert stop > 15


def _with(chunk: DownloadChunk, **changes: int) -> DownloadChunk:
    return msgspec.structs.replace(chunk, **changes)
