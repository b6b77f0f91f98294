"""Where an upload goes, what it grew from, and what may be in its way: at the request and again at the commit."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from app.data_folder import DataFolder
from app.errors import ConflictError
from app.repositories import versions
from app.services.fsck import Level, check
from storage.disk import LocalDisk
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import NONSENSE_ID, Person, noise

State = Literal["absent", "file", "folder"]
By = Literal["path", "parent_id"]
Outcome = Literal["created", "version", "renamed", "name_taken", "conflict"]

OUTCOMES: list[tuple[State, str | None, str, Outcome]] = [
    # what is there, base_version, on_conflict, outcome
    ("absent", None, "fail", "created"),
    ("absent", None, "rename", "created"),
    ("absent", None, "replace", "created"),
    ("absent", "stale", "fail", "conflict"),
    ("absent", "stale", "rename", "created"),
    ("absent", "stale", "replace", "created"),
    ("file", None, "fail", "name_taken"),
    ("file", None, "rename", "renamed"),
    ("file", None, "replace", "version"),
    ("file", "current", "fail", "version"),
    ("file", "current", "rename", "version"),
    ("file", "current", "replace", "version"),
    ("file", "stale", "fail", "conflict"),
    ("file", "stale", "rename", "renamed"),
    ("file", "stale", "replace", "version"),
    ("folder", None, "fail", "name_taken"),
    ("folder", None, "rename", "renamed"),
    ("folder", None, "replace", "name_taken"),
]
CODES = {"name_taken": 409, "conflict": 409}


@dataclass(frozen=True)
class Place:
    """A folder with `x.txt` in it or not, and versions to build on."""

    folder_id: str
    node: Any
    versions: dict[str | None, str | None]

    def fields(self, by: By) -> dict[str, Any]:
        return {"path": "/here/x.txt"} if by == "path" else {"parent_id": self.folder_id, "name": "x.txt"}


async def prepare(ada: Person, state: State) -> Place:
    folder = await ada.make_folder("/here")
    old = await ada.upload("/here/x.txt", noise(10))
    new = await ada.upload("/here/x.txt", noise(11), base_version=old["version_id"])
    versions = {None: None, "stale": old["version_id"], "current": new["version_id"]}
    if state != "file":
        assert (await ada.change(new["file_id"], name="elsewhere")).status == 200
        new = await ada.make_folder("/here/x.txt") if state == "folder" else None
    return Place(folder["file_id"], new, versions)


async def assert_outcome(ada: Person, place: Place, reply: Reply, outcome: Outcome) -> None:
    """Hold a refusal, or what a commit made, against the outcome."""
    if outcome in CODES:
        assert (reply.status, reply.code) == (409, outcome)
        assert reply.json["current"] == (place.node and (await ada.at("/here/x.txt")).json)
        return
    assert reply.status == 201, reply.body
    file = reply.json["file"]
    assert file["name"] == ("x (2).txt" if outcome == "renamed" else "x.txt")
    assert (place.node is not None and file["file_id"] == place.node["file_id"]) == (outcome == "version")
    assert file["version_id"] not in place.versions.values()


@pytest.mark.parametrize("by", ["path", "parent_id"])
@pytest.mark.parametrize(("state", "base", "on_conflict", "outcome"), OUTCOMES)
async def test_base_and_on_conflict_decide_at_the_request(
    ada: Person, by: By, state: State, base: str | None, on_conflict: str, outcome: Outcome
) -> None:
    place, chunk = await prepare(ada, state), noise(20)

    asked = await ada.request(
        None, [chunk], base_version=place.versions[base], on_conflict=on_conflict, **place.fields(by)
    )

    if outcome in CODES:
        await assert_outcome(ada, place, asked, outcome)
    else:
        await ada.send_needed(asked.json, [chunk])
        await assert_outcome(ada, place, await ada.commit(asked.json["upload_id"]), outcome)


@pytest.mark.parametrize(
    ("state", "on_conflict", "outcome"),
    [(state, on_conflict, outcome) for state, base, on_conflict, outcome in OUTCOMES if state != "absent" and not base],
)
async def test_what_appeared_since_the_request_decides_at_the_commit(
    ada: Person, state: State, on_conflict: str, outcome: Outcome
) -> None:
    chunk = noise(20)
    await ada.make_folder("/here")
    asked = await ada.request("/here/x.txt", [chunk], on_conflict=on_conflict)
    await ada.send_needed(asked.json, [chunk])
    node = await (ada.make_folder("/here/x.txt") if state == "folder" else ada.upload("/here/x.txt", noise(5)))

    committed = await ada.commit(asked.json["upload_id"])

    await assert_outcome(ada, Place("", node, {}), committed, outcome)


@pytest.mark.parametrize(
    ("on_conflict", "outcome"), [("fail", "conflict"), ("rename", "renamed"), ("replace", "version")]
)
async def test_an_edit_since_the_request_makes_the_base_stale_at_the_commit(
    ada: Person, on_conflict: str, outcome: Outcome
) -> None:
    place, chunk = await prepare(ada, "file"), noise(20)
    base = place.versions["current"]
    asked = await ada.request("/here/x.txt", [chunk], base_version=base, on_conflict=on_conflict)
    await ada.send_needed(asked.json, [chunk])
    await ada.upload("/here/x.txt", noise(6), base_version=base)

    committed = await ada.commit(asked.json["upload_id"])

    await assert_outcome(ada, place, committed, outcome)


async def test_a_refused_commit_leaves_what_is_there_and_may_be_tried_again(ada: Person) -> None:
    chunk, other = noise(20), noise(30)
    asked = await ada.request("/x", [chunk])
    await ada.send_needed(asked.json, [chunk])
    theirs = await ada.upload("/x", other)

    refused = await ada.commit(asked.json["upload_id"])
    await ada.change(theirs["file_id"], name="moved away")
    committed = await ada.commit(asked.json["upload_id"])

    assert (refused.status, committed.status) == (409, 201)
    assert (await ada.content(theirs["file_id"])).body == other
    assert sorted(await ada.names()) == ["moved away", "x"]


@pytest.mark.parametrize("on_conflict", ["replace", "rename"])
@pytest.mark.parametrize("base", ["no-id", NONSENSE_ID, "v" * 21, "other file"])
async def test_a_base_that_nothing_is_held_against_may_be_anything(
    server: Running, ada: Person, base: str, on_conflict: str
) -> None:
    other = await ada.upload("/other", noise(5))
    await ada.upload("/f", b"before")

    base_version = other["version_id"] if base == "other file" else base
    file = await ada.upload("/f", b"content", base_version=base_version, on_conflict=on_conflict)

    assert (await ada.content(file["file_id"])).body == b"content"
    damage = await asyncio.to_thread(
        lambda: list(check(DataFolder(server.folder, LocalDisk()), LocalDisk(), Level.REFERENCES))
    )
    assert damage == []


async def test_a_refusal_in_the_middle_of_a_commit_undoes_all_of_it(
    server: Running, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await ada.upload("/f", b"before")
    asked = await ada.open_upload("/f", b"after", on_conflict="replace")
    await ada.send_needed(asked, [b"after"])

    def refuse(*_: Any, **__: Any) -> None:
        raise ConflictError("as no step of a commit should by then")

    monkeypatch.setattr(versions, "add", refuse)
    reply = await ada.commit(asked["upload_id"])

    assert (reply.status, reply.code) == (409, "conflict")
    assert (await ada.content(file["file_id"])).body == b"before"
    assert (await ada.at("/f")).json == file


async def test_a_touched_file_keeps_its_version_as_base(ada: Person) -> None:
    file = await ada.upload("/x", noise(10))
    touched = (await ada.change(file["file_id"], mtime_ms=5, executable=True)).json

    again = await ada.upload("/x", noise(11), base_version=file["version_id"])

    assert touched["version_id"] == file["version_id"]
    assert again["file_id"] == file["file_id"]


# By file_id


async def test_a_new_version_finds_its_file_wherever_it_now_is(ada: Person) -> None:
    folder = await ada.make_folder("/b")
    file = await ada.upload("/x", noise(10))
    chunk = noise(20)
    asked = await ada.request(None, [chunk], file_id=file["file_id"], base_version=file["version_id"])
    await ada.send_needed(asked.json, [chunk])
    await ada.change(file["file_id"], name="y", parent_id=folder["file_id"])

    committed = await ada.commit(asked.json["upload_id"])

    assert committed.json["file"]["path"] == "/b/y"
    assert committed.json["file"]["file_id"] == file["file_id"]
    assert (await ada.content(file["file_id"])).body == chunk


@pytest.mark.parametrize(
    ("base", "on_conflict", "outcome"),
    [
        ("current", "fail", "version"),
        ("stale", "fail", "conflict"),
        (None, "fail", "name_taken"),
        ("stale", "replace", "version"),
        ("stale", "rename", "renamed"),
    ],
)
async def test_base_and_on_conflict_decide_for_a_file_id_too(
    ada: Person, base: str | None, on_conflict: str, outcome: Outcome
) -> None:
    place, chunk = await prepare(ada, "file"), noise(20)
    asked = await ada.request(
        None, [chunk], file_id=place.node["file_id"], base_version=place.versions[base], on_conflict=on_conflict
    )

    if outcome in CODES:
        await assert_outcome(ada, place, asked, outcome)
    else:
        await ada.send_needed(asked.json, [chunk])
        await assert_outcome(ada, place, await ada.commit(asked.json["upload_id"]), outcome)


async def test_a_folder_takes_no_content(ada: Person) -> None:
    folder = await ada.make_folder("/f")

    for file_id in (folder["file_id"], "root"):
        reply = await ada.request(None, file_id=file_id)
        assert (reply.status, reply.code) == (400, "invalid_request")


async def test_a_file_id_that_names_nothing_is_not_found(ada: Person) -> None:
    for file_id in (NONSENSE_ID, "x", "v" * 21):
        reply = await ada.request(None, file_id=file_id)

        assert (reply.status, reply.code) == (404, "not_found"), file_id
    for file_id in ("é" * 21, "../../etc", "v" * 65):
        reply = await ada.request(None, file_id=file_id)

        assert (reply.status, reply.code) == (400, "invalid_request"), file_id


async def test_a_request_says_where_in_exactly_one_way(ada: Person) -> None:
    nowhere: list[dict[str, Any]] = [{}, {"name": "x"}, {"parent_id": "root"}]
    nowhere += [{"path": path} for path in ("", "x", "/", "x/y")]
    in_two_ways: list[dict[str, Any]] = [
        {"path": "/x", "parent_id": "root", "name": "y"},
        {"path": "/x", "file_id": NONSENSE_ID},
        {"path": "/x", "name": "y"},
        {"file_id": NONSENSE_ID, "parent_id": "root", "name": "y"},
    ]

    for fields in nowhere + in_two_ways:
        reply = await ada.request(None, **fields)

        assert (reply.status, reply.code) == (400, "invalid_request"), fields


# Parents


async def test_missing_parents_are_made_at_the_commit_and_not_before(ada: Person) -> None:
    chunk = noise(20)
    asked = await ada.request("/a/b/c/x", [chunk], parents=True)
    await ada.send_needed(asked.json, [chunk])
    before = await ada.names()

    committed = await ada.commit(asked.json["upload_id"])

    assert before == []
    assert committed.json["file"]["path"] == "/a/b/c/x"
    assert [(await ada.at(path)).json["size"] for path in ("/a", "/a/b", "/a/b/c")] == [20, 20, 20]


async def test_missing_parents_are_not_found_unless_asked_for(ada: Person) -> None:
    reply = await ada.request("/a/b/x")

    assert (reply.status, reply.code) == (404, "not_found")
    assert await ada.names() == []


async def test_parents_that_appeared_meanwhile_are_used(ada: Person) -> None:
    asked = await ada.request("/a/b/x", parents=True)
    made = await ada.make_folder("/a/b", parents=True)

    committed = await ada.commit(asked.json["upload_id"])

    assert committed.json["file"]["parent_id"] == made["file_id"]


async def test_a_parent_that_is_a_file_is_in_the_way(ada: Person) -> None:
    file = await ada.upload("/a", noise(1))

    by_path = await ada.request("/a/x", parents=True)
    by_id = await ada.request(None, parent_id=file["file_id"], name="x")

    for reply in (by_path, by_id):
        assert (reply.status, reply.code) == (409, "name_taken")
        assert reply.json["current"] == file


async def test_a_parent_that_moved_is_followed_by_id(ada: Person) -> None:
    folder, other = await ada.make_folder("/a"), await ada.make_folder("/b")
    asked = await ada.request(None, parent_id=folder["file_id"], name="x")
    await ada.change(folder["file_id"], parent_id=other["file_id"])

    committed = await ada.commit(asked.json["upload_id"])

    assert committed.json["file"]["path"] == "/b/a/x"


async def test_a_free_name_counts_on_and_keeps_the_ending(ada: Person) -> None:
    await ada.upload("/x.tar", noise(1))

    names = [(await ada.upload("/x.tar", noise(2), on_conflict="rename"))["name"] for _ in range(3)]

    assert names == ["x (2).tar", "x (3).tar", "x (4).tar"]


async def test_a_free_name_of_a_longest_name_still_fits(ada: Person) -> None:
    name = "ü" * 125 + ".text"
    await ada.upload(f"/{name}", noise(1))

    renamed = (await ada.upload(f"/{name}", noise(2), on_conflict="rename"))["name"]

    assert len(renamed.encode()) <= 255
    assert renamed.endswith(" (2).text")
