"""What a search finds, in whose view, and in which order (metadata.md, 9)."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.data_folder import DataFolder
from app.db.transaction import Transaction
from app.listing import fold
from app.repositories import found_names
from app.services import search
from app.services.fsck import Level, check
from storage.disk import LocalDisk
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import Person


async def found(person: Person, text: str = "", **query: Any) -> list[str]:
    """Return the paths of everything found, page by page."""
    paths, after = list[str](), None
    while True:
        given = {"q": text, **query} | ({} if after is None else {"after": after})
        reply = await person.get("/api/v1/search", params={name: str(value) for name, value in given.items()})
        assert reply.status == HTTPStatus.OK, reply.body
        paths += [item["path"] for item in reply.json["items"]]
        after = reply.json["next"]
        if after is None:
            return paths


@pytest.fixture(params=["walked", "asked of the index", "not settled"])
async def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way in which a search may come to its candidates."""
    if request.param != "walked":
        monkeypatch.setattr(search, "FEW", -1)
    return str(request.param)


async def settle(running: Running, ways: str) -> None:
    """Bring the index up to date, where the test is about the index."""
    if ways == "asked of the index":
        await running.cairn.name_index.catch_up()


async def test_case_accents_and_forms_of_letters_do_not_count(server: Running, ada: Person, ways: str) -> None:
    for name in ("Čerešňa.TXT", "STRASSE.pdf", "Straße 2.pdf", "ﬁlm.mov", "ΣΊΣΥΦΟΣ.doc", "plain.txt"):
        await ada.upload(f"/{name}", b"x")
    await settle(server, ways)

    assert await found(ada, "ceresna.txt") == ["/Čerešňa.TXT"]
    assert await found(ada, "ČEREŠŇA") == ["/Čerešňa.TXT"]
    assert await found(ada, "straße") == ["/Straße 2.pdf", "/STRASSE.pdf"]
    assert await found(ada, "FILM") == ["/ﬁlm.mov"]
    assert await found(ada, "σισυφοσ") == ["/ΣΊΣΥΦΟΣ.doc"]
    assert await found(ada, "pla") == ["/plain.txt"]
    assert await found(ada, "ain.t") == ["/plain.txt"]
    assert await found(ada, "n.") == ["/plain.txt"]
    assert await found(ada, "é") == ["/Straße 2.pdf", "/STRASSE.pdf", "/Čerešňa.TXT"]


@pytest.mark.parametrize(
    "text", ['"', "%", "_a_", "*", "a*b", 'x" OR "y', "NEAR(", "^abc", "a AND b", "--", "(", "'abc"]
)
async def test_signs_mean_nothing_but_themselves(server: Running, ada: Person, ways: str, text: str) -> None:
    await ada.upload(f"/before {text} behind", b"x")
    await ada.upload("/another one: abc, axb, xay", b"x")
    await settle(server, ways)

    assert await found(ada, text) == [f"/before {text} behind"]


async def test_names_that_share_all_trigrams_and_not_the_text_are_not_found(
    server: Running, ada: Person, ways: str
) -> None:
    await ada.upload("/abcd xbcde", b"x")
    await settle(server, ways)

    assert await found(ada, "abcde") == []


async def test_what_is_renamed_moved_trashed_restored_or_purged_is_found_as_it_is_now(
    server: Running, ada: Person, ways: str
) -> None:
    folder = await ada.make_folder("/Holiday")
    inside = await ada.upload("/Holiday/beach.jpg", b"1")
    await settle(server, ways)
    await ada.change(inside["file_id"], name="harbour.jpg")
    await settle(server, ways)

    assert await found(ada, "beach") == []
    assert await found(ada, "harbour") == ["/Holiday/harbour.jpg"]

    await ada.change(folder["file_id"], name="Winter")
    assert await found(ada, "harbour") == ["/Winter/harbour.jpg"]
    assert await found(ada, "holiday") == []
    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    assert await found(ada, "harbour") == await found(ada, "winter") == []
    await ada.post(f"/api/v1/trash/{folder['file_id']}/restore")
    assert await found(ada, "harbour") == ["/Winter/harbour.jpg"]
    await ada.delete(f"/api/v1/files/{folder['file_id']}")
    await ada.delete(f"/api/v1/trash/{folder['file_id']}")
    await settle(server, ways)
    assert await found(ada, "harbour") == []


async def test_nobody_finds_what_is_another_persons(server: Running, ada: Person, bob: Person, ways: str) -> None:
    await ada.upload("/secret plan.txt", b"x")
    mine = await bob.make_folder("/secret garden")
    await settle(server, ways)

    assert await found(bob, "secret") == ["/secret garden"]
    assert await found(bob, "plan") == await found(bob, "pl") == []
    theirs = (await ada.at("/secret plan.txt")).json["parent_id"]
    assert (await bob.get("/api/v1/search", params={"q": "secret", "in": theirs})).status == HTTPStatus.NOT_FOUND
    assert await found(bob, "secret", **{"in": mine["file_id"]}) == []


async def test_kind_type_date_size_and_folder_narrow_it(server: Running, ada: Person, ways: str) -> None:
    await ada.upload("/a/item 1.png", b"1" * 10, parents=True, content_type="image/png", mtime_ms=1_000)
    await ada.upload("/b/item 2.jpg", b"2" * 20, parents=True, content_type="image/jpeg", mtime_ms=2_000)
    await ada.upload("/b/item 3.txt", b"3" * 30, content_type="text/plain; charset=utf-8", mtime_ms=3_000)
    await ada.make_folder("/b/item 4")
    await settle(server, ways)
    folder = (await ada.at("/b")).json["file_id"]

    assert await found(ada, "item") == ["/b/item 4", "/b/item 3.txt", "/b/item 2.jpg", "/a/item 1.png"]
    assert await found(ada, "item", kind="folder") == ["/b/item 4"]
    assert await found(ada, "item", type="image/*") == ["/b/item 2.jpg", "/a/item 1.png"]
    assert await found(ada, type="text/plain") == ["/b/item 3.txt"]
    assert await found(ada, "item", min_size=20, max_size=29) == ["/b/item 2.jpg"]
    assert await found(ada, "item", modified_after_ms=2_000, modified_before_ms=3_000) == ["/b/item 2.jpg"]
    assert await found(ada, "item", **{"in": folder}) == ["/b/item 4", "/b/item 3.txt", "/b/item 2.jpg"]
    assert await found(ada, "b", kind="folder", **{"in": "root"}) == ["/b"]


async def test_a_request_stops_when_it_has_cost_enough_and_the_next_goes_on(
    server: Running, ada: Person, ways: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        await ada.upload(f"/item {number}", b"x")
    await settle(server, ways)
    monkeypatch.setattr(search, "EFFORT", 30)

    first = (await ada.get("/api/v1/search", params={"q": "item"})).json

    assert len(first["items"]) < 3
    assert await found(ada, "item") == [f"/item {number}" for number in reversed(range(12))]
    assert await found(ada, "item", limit=1) == [f"/item {number}" for number in reversed(range(12))]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"q": "a\tb"}, HTTPStatus.BAD_REQUEST),
        ({"q": "x" * 256}, HTTPStatus.BAD_REQUEST),
        ({"q": "x", "limit": "0"}, HTTPStatus.BAD_REQUEST),
        ({"q": "x", "kind": "mount"}, HTTPStatus.BAD_REQUEST),
        ({"q": "x", "in": "nothing"}, HTTPStatus.NOT_FOUND),
    ],
)
async def test_what_makes_no_sense_is_refused(ada: Person, query: dict[str, str], status: HTTPStatus) -> None:
    assert (await ada.get("/api/v1/search", params=query)).status == status


async def test_random_changes_never_let_index_and_names_part(server: Running, ada: Person, ways: str) -> None:
    chance = random.Random(1)  # noqa: S311 - a test's choices
    words, alive = ["alpha", "Älpha", "BETA", "beta2", "gam", "ma"], dict[str, str]()
    for step in range(60):
        name = f"{chance.choice(words)} {chance.choice(words)} {step}"
        if alive and chance.random() < 0.5:
            file_id = chance.choice(list(alive))
            if chance.random() < 0.3:
                await ada.delete(f"/api/v1/files/{file_id}")
                await ada.delete(f"/api/v1/trash/{file_id}")
                del alive[file_id]
            else:
                await ada.change(file_id, name=name)
                alive[file_id] = name
        else:
            alive[(await ada.upload(f"/{name}", b"x"))["file_id"]] = name
        if chance.random() < 0.2:
            await settle(server, ways)
    while await server.cairn.jobs.advance():
        pass
    await settle(server, ways)
    assert damage(server) == []

    for text in ("alpha", "beta", "a b", "mma", "gam", "2 ga"):
        expected = [f"/{alive[file_id]}" for file_id in sorted(alive, reverse=True) if text in fold(alive[file_id])]
        assert await found(ada, text) == expected
    assert damage(server) == []


def damage(server: Running) -> list[str]:
    """Return what fsck says of the index of names."""
    found = check(DataFolder(server.folder, LocalDisk()), LocalDisk(), Level.METADATA)
    return [each.detail for each in found if each.kind == "index of names"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO found_names (rowid, folded) VALUES (1000000, 'nobody')", "it still has node"),
        ("DELETE FROM found_names_docsize WHERE id = :id", "it lacks node"),
        ("UPDATE nodes SET name = 'something else' WHERE id = :id", "it has other names than the nodes"),
    ],
)
async def test_fsck_notices_an_index_that_does_not_agree(
    server: Running, ada: Person, statement: str, told: str
) -> None:
    await ada.upload("/a file.txt", b"x")
    await server.cairn.name_index.catch_up()
    assert damage(server) == []

    def spoil(tx: Transaction) -> None:
        tx.execute(statement, {"id": tx.execute("SELECT max(id) FROM nodes").fetchone()[0]})

    await server.cairn.database.write(spoil)

    assert any(each.startswith(told) for each in damage(server))


@pytest.fixture
async def older(
    template: Template, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Running, Person]]:
    """A server whose nodes are older than its index, as after an upgrade."""
    monkeypatch.setattr(search, "FEW", -1)
    folder = copy_template(template, tmp_path / "older")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(serving(folder, settings))
        person = Person(running.session, template.tokens[ADMIN])
        for number in range(30):
            await person.upload(f"/old {number}.txt", b"x")
        await running.cairn.database.write(_forget)
        yield running, person


def _forget(tx: Transaction) -> None:
    """Let all nodes be older than the index."""
    tx.execute("DELETE FROM unsettled_names")
    tx.execute("UPDATE name_index SET done_id = 0, end_id = (SELECT max(id) FROM nodes)")


async def test_what_is_older_than_the_index_is_found_before_and_after_it_comes_in(
    older: tuple[Running, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, person = older
    expected = [f"/old {number}.txt" for number in reversed(range(30))]
    assert await found(person, "old") == expected

    await running.cairn.database.write(lambda tx: found_names.build(tx, limit=7))
    assert not (await running.cairn.database.read(found_names.progress)).is_whole
    assert await found(person, "old") == expected
    await person.change((await person.at("/old 3.txt")).json["file_id"], name="new.txt")
    await person.change((await person.at("/old 29.txt")).json["file_id"], name="newer.txt")
    await running.cairn.name_index.catch_up()

    assert (await running.cairn.database.read(found_names.progress)).is_whole
    assert await found(person, "old") == [path for path in expected if path not in {"/old 3.txt", "/old 29.txt"}]
    assert await found(person, "new") == ["/newer.txt", "/new.txt"]
