"""Pages of the feed become the remote tree: what holds after each, and what a bad server cannot do."""

import hashlib
import time
from collections.abc import Sequence
from typing import Literal

import pytest
from msgspec.structs import replace

from client.protocol import Change, File, SyncAnswer
from client.sync.model import RemoteNode
from client.sync.trees import feed
from client.sync.trees.doubt import DEEPEST, refusal
from client.sync.trees.feed import FeedError, apply_page, begin_again, find_root
from client.sync.trees.state import Dirty, State, StateError
from tests.sync.state.rows import local, local_folder, put, synced

Reason = Literal["deleted", "access"]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _file(node_id: str, parent_id: str | None, name: str, seq: int, version: str = "v1") -> File:
    return File(
        file_id=node_id,
        parent_id=parent_id,
        name=name,
        path=f"/{name}",
        kind="file",
        size=5,
        mtime_ms=7,
        seq=seq,
        version_id=version,
        sha256=_sha(version),
    )


def _folder(node_id: str, parent_id: str | None, name: str, seq: int) -> File:
    return File(
        file_id=node_id, parent_id=parent_id, name=name, path=f"/{name}", kind="folder", size=0, mtime_ms=None, seq=seq
    )


HOME = _folder("home", None, "", 1)


def _gone(node_id: str, seq: int, reason: Reason = "deleted") -> Change:
    return Change(seq, "delete", replace(_file(node_id, None, "", seq), deleted=True), reason)


def _page(changes: Sequence[File | Change], seq: int = 100, *, more: bool = False) -> SyncAnswer:
    told = [each if isinstance(each, Change) else Change(each.seq, "upsert", each) for each in changes]
    return SyncAnswer(changes=told, cursor=f"c{seq}", seq=seq, has_more=more, server_time_ms=0)


def _paths(state: State) -> dict[str, str]:
    found: dict[str, str] = {}

    def walk(node_id: str, path: str) -> None:
        for node in state.remote_children(node_id):
            found[f"{path}/{node.name}"] = node.id
            walk(node.id, f"{path}/{node.name}")

    walk("home", "")
    return found


def _node(state: State, node_id: str) -> RemoteNode:
    node = state.remote(node_id)
    assert node is not None
    return node


def _tie(state: State, *node_ids: str) -> None:
    for number, node_id in enumerate(node_ids, 1):
        node, entry = _node(state, node_id), local(number)
        put(state, [entry, synced(node, entry)])


@pytest.mark.parametrize("may", [True, False])
def test_another_role_in_a_shared_folder_counts_for_all_below_it(state: State, *, may: bool) -> None:
    """The feed shows that folder alone; what a viewer had changed in it stayed unsent once they were an editor."""
    before, after = (["read"], ["read", "write"]) if may else (["read", "write"], ["read"])
    shared, deep = _folder("shared", "home", "s", 2), _folder("deep", "shared", "d", 3)
    inside = [replace(each, permissions=before) for each in (shared, deep, _file("f", "deep", "f", 4))]
    apply_page(state, _page([HOME, *inside, _file("own", "home", "own", 5)]))
    entries = [local_folder(1, name="s"), local_folder(2, 1, "d"), local(3, 2, "mine", content="x")]
    put(state, entries)
    for node_id, entry in zip(("shared", "deep"), entries, strict=False):
        node = state.remote(node_id)
        assert node is not None
        state.put_synced(synced(node, entry))
    state.dirty.lids.clear()

    apply_page(state, _page([replace(shared, permissions=after)], 101))

    writable = {
        node.id: node.writable for node in map(state.remote, ("shared", "deep", "f", "own")) if node is not None
    }
    assert writable == {"shared": may, "deep": may, "f": may, "own": True}
    assert state.dirty.lids == {3}


def test_pages_become_the_tree_and_the_cursor_goes_with_them(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2)], 50, more=True))
    assert (state.meta("cursor"), state.meta("cursor_seq"), state.meta("feed_complete")) == ("c50", "50", "0")

    apply_page(state, _page([_file("a", "f", "a.txt", 3)], 60))

    assert _paths(state) == {"/F": "f", "/F/a.txt": "a"}
    assert (state.meta("cursor"), state.meta("cursor_seq"), state.meta("feed_complete")) == ("c60", "60", "1")
    assert state.dirty.ids == {"home", "f", "a"}


def test_a_page_again_changes_nothing(state: State) -> None:
    first = _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 3), _file("b", "home", "b", 4)])
    second = _page([_gone("f", 101), _file("b", "home", "c", 102, "v2")], 102)
    apply_page(state, first)
    apply_page(state, second)
    before = _paths(state)
    state.dirty = Dirty()

    apply_page(state, second)

    assert _paths(state) == before == {"/c": "b"}
    assert not state.dirty


def test_what_moved_out_of_a_deleted_folder_is_kept_though_it_comes_on_a_later_page(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 3), _file("b", "f", "b", 4)]))

    apply_page(state, _page([_gone("f", 101)], 101, more=True))
    assert set(_paths(state)) == {"/F", "/F/a", "/F/b"}
    apply_page(state, _page([_file("a", "home", "a", 102)], 102))

    assert _paths(state) == {"/a": "a"}


def test_what_was_deleted_and_brought_back_stays(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 3)]))
    apply_page(state, _page([_gone("f", 101)], 101, more=True))

    apply_page(state, _page([_folder("f", "home", "F", 102)], 102))

    assert set(_paths(state)) == {"/F", "/F/a"}


def test_what_this_device_brought_back_itself_outlives_the_older_delete(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a", 3)]))
    apply_page(state, _page([_gone("a", 101)], 101, more=True))
    state.put_remote(replace(_node(state, "a"), seq=105))

    apply_page(state, _page([], 103))

    assert set(_paths(state)) == {"/a"}


def test_older_news_than_this_devices_own_is_passed_over(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a", 3)]))
    state.put_remote(replace(_node(state, "a"), name="mine", seq=110))

    apply_page(state, _page([_file("a", "home", "theirs", 105)], 105))

    assert set(_paths(state)) == {"/mine"}


def test_a_known_hash_is_kept_for_the_same_version_alone(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a", 3), _file("b", "home", "b", 4)]))

    unknown = [
        replace(_file("a", "home", "a2", 101), sha256=None),
        replace(_file("b", "home", "b", 102, "v2"), sha256=None),
    ]
    apply_page(state, _page(unknown, 102))

    assert _node(state, "a").sha256 == _sha("v1")
    assert _node(state, "b").sha256 is None


def test_lost_access_is_nobodys_delete(state: State) -> None:
    apply_page(state, _page([HOME, _folder("s", "home", "S", 2), _file("a", "s", "a", 3), _file("b", "s", "b", 4)]))
    _tie(state, "a")

    apply_page(state, _page([_gone("s", 2, "access")], 101))

    assert _paths(state) == {}
    assert state.has_left("a")
    assert not state.has_left("b")  # was never here

    apply_page(state, _page([_folder("s", "home", "S", 2), _file("a", "s", "a", 3)], 102))
    assert set(_paths(state)) == {"/S", "/S/a"}
    assert not state.has_left("a")


def test_access_that_ended_and_came_back_within_a_round_changes_nothing(state: State) -> None:
    apply_page(state, _page([HOME, _folder("s", "home", "S", 2), _file("a", "s", "a", 3)]))

    apply_page(state, _page([_gone("s", 101, "access")], 101, more=True))
    apply_page(state, _page([_folder("s", "home", "S", 2)], 102))

    assert set(_paths(state)) == {"/S", "/S/a"}


def test_a_persons_delete_is_not_lost_access(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a", 3)]))
    _tie(state, "a")

    apply_page(state, _page([_gone("a", 101)], 101))

    assert state.remote("a") is None
    assert not state.has_left("a")


def test_two_names_may_be_swapped_over_two_pages(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "x", 3), _file("b", "home", "y", 4)]))

    apply_page(state, _page([_file("a", "home", "y", 101)], 101, more=True))
    apply_page(state, _page([_file("b", "home", "x", 102)], 102))

    assert _paths(state) == {"/y": "a", "/x": "b"}


def test_folders_may_change_places_over_two_pages(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _folder("g", "f", "G", 3), _file("a", "g", "a", 4)]))

    apply_page(state, _page([_folder("f", "g", "F", 101)], 101, more=True))  # a ring until the next page
    apply_page(state, _page([_folder("g", "home", "G", 102)], 102))

    assert set(_paths(state)) == {"/G", "/G/F", "/G/a"}


@pytest.mark.parametrize(
    "changes",
    [
        [_file("a", "nowhere", "a", 101)],
        [_file("a", "file", "a", 101)],
        [_file("a", "home", "file", 101)],
        [_folder("f", "g", "F", 101)],
        [_folder("f", "g", "F", 101), _folder("g", "f", "G", 102)],
        [_folder("home2", None, "", 101)],
        [_file("f", "home", "F", 101)],
        [_folder("home", "g", "H", 101)],
    ],
    ids=["orphan", "in a file", "namesake", "ring", "ring of two", "second home", "other kind", "home in itself"],
)
@pytest.mark.parametrize("pages", [1, 2])
def test_what_is_no_tree_is_refused_and_changes_nothing(state: State, changes: list[File], pages: int) -> None:
    start = [HOME, _folder("f", "home", "F", 2), _folder("g", "f", "G", 3), _file("file", "g", "file", 4)]
    apply_page(state, _page([*start, _file("named", "home", "file2", 5)]))
    changes = [replace(each, name="file2") if each.name == "file" else each for each in changes]
    if pages == 2:
        apply_page(state, _page([], 100, more=True))
    before = _paths(state)

    with pytest.raises(FeedError):
        apply_page(state, _page(changes, 102))

    assert _paths(state) == before
    assert state.meta("cursor") == "c100"


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../../etc/passwd", "a\x00", "a\nb", "x" * 256, "e\u0301"])
def test_a_name_that_leads_elsewhere_never_gets_into_the_tree(state: State, name: str) -> None:
    bad = _folder("bad", "home", name, 2)

    apply_page(state, _page([HOME, bad, _file("a", "bad", "a", 3), _file("b", "home", "b", 4)]))

    assert _paths(state) == {"/b": "b"}
    assert [problem.code for problem in feed.problems(state)] == ["name", "name"]
    with pytest.raises(FeedError):  # what was below it has to be listed anew
        apply_page(state, _page([_folder("bad", "home", "good", 101)], 101))
    apply_page(state, _page([_gone("bad", 102)], 102))
    assert feed.problems(state) == []


def test_a_known_node_that_takes_a_bad_name_stays_as_it_was(state: State) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a", 3)]))
    apply_page(state, _page([_file("a", "home", "../a", 101)], 101))
    assert _paths(state) == {"/a": "a"}
    assert len(feed.problems(state)) == 1

    apply_page(state, _page([_file("a", "home", "c", 102)], 102))

    assert _paths(state) == {"/c": "a"}
    assert feed.problems(state) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "socket"},
        {"file_id": "../x"},
        {"file_id": ""},
        {"version_id": "a/b"},
        {"version_id": None},
        {"parent_id": "\ud800"},
        {"parent_id": "a"},
        {"parent_id": None},
        {"size": -1},
        {"size": 2**63},
        {"seq": 2**64},
        {"mtime_ms": 2**63},
        {"sha256": "x"},
    ],
)
def test_what_no_node_has_is_refused(odd: dict[str, object]) -> None:
    good = _file("a", "home", "a", 3)
    assert refusal(good) is None

    assert refusal(replace(good, **odd)) is not None


def test_a_tree_taken_anew_forgets_what_was_agreed_and_what_is_not_listed(state: State) -> None:
    apply_page(
        state, _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 30), _file("b", "home", "b", 40)])
    )
    _tie(state, "a", "b")
    state.dirty.ids.clear()

    begin_again(state)
    assert (state.meta("cursor"), state.meta("feed_complete")) == (None, None)
    assert state.synced("a") is None
    apply_page(state, _page([HOME, replace(_file("a", "home", "a", 3), sha256=None)], 10, more=True))
    assert state.meta("feed_complete") == "0"
    apply_page(state, _page([_file("c", "home", "c", 4)], 10))

    assert _paths(state) == {"/a": "a", "/c": "c"}
    assert _node(state, "a").sha256 == _sha("v1")
    assert _node(state, "a").seq == 3  # a server that was put back counts from lower
    assert state.lineage("b") != []
    assert state.dirty.ids >= {"a", "c"}
    assert state.dirty.lids == {1, 2}


def test_a_listing_must_show_the_parents_anew(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 30)]))
    begin_again(state)

    with pytest.raises(FeedError):
        apply_page(state, _page([HOME, _file("a", "f", "a", 30)], more=True))


def test_answers_that_are_newer_than_the_feed_are_not_held_against_it(state: State) -> None:
    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _file("a", "f", "a", 3), _file("b", "home", "b", 4)]))
    state.put_remote(replace(_node(state, "f"), parent_id="new", seq=150))
    state.put_remote(replace(_node(state, "a"), parent_id="home", name="b", seq=151))

    apply_page(state, _page([], 110, more=True))
    apply_page(state, _page([_file("b", "home", "b", 120)], 120, more=True))
    apply_page(state, _page([], 121))
    apply_page(state, _page([_file("d", "f", "d", 122)], 122))
    moved = [_folder("new", "home", "N", 149), _folder("f", "new", "F", 150), _file("a", "home", "b", 151)]
    apply_page(state, _page([*moved, _file("b", "home", "c", 152)], 152))

    assert set(_paths(state)) == {"/N", "/N/F", "/N/F/d", "/b", "/c"}


def test_what_only_an_answer_has_shown_and_the_feed_passes_over_is_gone(state: State) -> None:
    """Made and deleted behind the cursor: the feed cannot know that an answer has shown it in between."""
    apply_page(state, _page([HOME, _file("a", "home", "a", 3)]))
    state.put_remote(replace(_node(state, "a"), id="b", name="b", seq=150))

    apply_page(state, _page([], 149))
    kept = set(_paths(state))
    apply_page(state, _page([_file("c", "home", "c", 151)], 152))

    assert kept == {"/a", "/b"}
    assert set(_paths(state)) == {"/a", "/c"}


def test_the_root_is_found_by_its_path(state: State) -> None:
    assert find_root(state, "/") is None

    apply_page(state, _page([HOME, _folder("f", "home", "F", 2), _folder("g", "f", "G", 3), _file("a", "f", "a", 4)]))

    assert find_root(state, "/") == "home"
    assert find_root(state, "/F/G") == "g"
    assert find_root(state, "/F/a") is None
    assert find_root(state, "/G") is None


def test_a_large_first_listing_is_taken_quickly(state: State) -> None:
    begin = time.process_time()

    apply_page(state, _page([HOME, _folder("f", "home", "F", 2)], 1, more=True))
    for number in range(20):
        files = [_file(f"n{number}-{each}", "f", f"{number}-{each}", 3) for each in range(1000)]
        apply_page(state, _page(files, 10, more=number < 19))

    assert time.process_time() - begin < 5.0


@pytest.mark.parametrize("seq", [2**63, 2**64, -1])
def test_numbers_that_cannot_be_are_refused_wherever_they_stand(state: State, seq: int) -> None:
    apply_page(state, _page([HOME, _file("a", "home", "a.txt", 3)], 50))

    for answer in (_page([], seq), _page([_gone("a", seq)], 60), _page([_gone("never seen", seq)], 60)):
        with pytest.raises(FeedError):
            apply_page(state, answer)

    assert _paths(state) == {"/a.txt": "a"}


def test_a_number_that_no_table_can_hold_is_an_error_of_the_state(state: State) -> None:
    for write in (lambda: state.db.run("SELECT ?", (2**64,)), lambda: state.db.row("SELECT ?", (2**64,))):
        with pytest.raises(StateError):
            write()
    with pytest.raises(StateError):
        state.db.run_many("DELETE FROM doomed WHERE seq = ?", [(2**64,)])
    with pytest.raises(StateError):
        state.db.rows("SELECT ?", (2**64,))


def _chain(count: int, seq: int, top: str = "home", name: str = "d") -> list[File]:
    parents = [top, *(f"{name}{number}" for number in range(count - 1))]
    return [_folder(f"{name}{number}", parent, name, seq + number) for number, parent in enumerate(parents)]


def test_what_lies_deeper_than_a_server_can_hold_is_refused_and_told(state: State) -> None:
    deep = [*_chain(2000, 2), _file("leaf", "d1999", "leaf", 3000), _file("last", "d127", "last", 3001)]
    apply_page(state, _page([HOME, *deep], 4000))

    assert len(_paths(state)) == DEEPEST + 1
    assert state.remote("last") is not None
    assert len(feed.problems(state)) == 2000 - DEEPEST + 1
    assert state.remote("d128") is None


def test_a_folder_that_would_take_others_too_deep_is_nonsense(state: State) -> None:
    apply_page(state, _page([HOME, *_chain(100, 2), *_chain(100, 200, name="e")], 400))

    with pytest.raises(FeedError):
        apply_page(state, _page([_folder("e0", "d50", "moved", 500)], 500))
    apply_page(state, _page([_folder("e0", "d27", "moved", 500)], 500))
    assert _node(state, "e0").parent_id == "d27"
    begin_again(state)
    moved = [_folder("e0", "d99", "moved", 500), *_chain(100, 200, name="e")[1:]]
    apply_page(state, _page([HOME, *_chain(100, 2), *moved], 600))
    assert state.remote("e27") is not None
    assert state.remote("e28") is None
