"""Selections: several files and folders as one zip."""

from http import HTTPStatus

import pytest

from app.errors import NotFoundError
from app.services import selections
from app.services.selections import Selections
from tests.accounts.api import Reply
from tests.api.people import Person, noise
from tests.links.zips import held, make_trip


async def choose(person: Person, *paths: str) -> Reply:
    """Choose entries by their paths."""
    ids = [(await person.at(path)).json["file_id"] for path in paths]
    return await person.post("/api/v1/archives", {"file_ids": ids})


async def test_a_selection_holds_what_was_chosen_and_all_below_it(ada: Person) -> None:
    trip = await make_trip(ada, folders=1)
    note = b"a note\n"
    await ada.put("/note.txt", note)
    await ada.put("/other.txt", noise(10))

    chosen = await choose(ada, "/note.txt", "/Trip", "/note.txt")
    reply = await ada.get(chosen.json["url"])

    assert chosen.status == HTTPStatus.CREATED
    assert held(reply.body) == {"note.txt": note, **trip}
    assert chosen.json["size"] == len(reply.body) == int(reply.headers["Content-Length"])
    assert (chosen.json["entries"], chosen.json["name"]) == (len(trip) + 1, "Files.zip")


async def test_a_selection_is_called_like_the_folder_that_it_is_in(ada: Person) -> None:
    await ada.make_folder("/Docs")
    for name in ("a", "b"):
        await ada.put(f"/Docs/{name}", noise(1))

    chosen = await choose(ada, "/Docs/a", "/Docs/b")
    reply = await ada.get(chosen.json["url"])

    assert chosen.json["name"] == "Docs.zip"
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="Docs.zip"')


async def test_entries_of_one_name_are_told_apart(ada: Person) -> None:
    await ada.make_folder("/a")
    await ada.make_folder("/b")
    await ada.put("/a/f.txt", b"1")
    await ada.put("/b/f.txt", b"2")
    await ada.put("/b/f (2).txt", b"3")

    chosen = await choose(ada, "/a/f.txt", "/b/f.txt", "/b/f (2).txt")
    reply = await ada.get(chosen.json["url"])

    assert held(reply.body) == {"f.txt": b"1", "f (2).txt": b"2", "f (2) (2).txt": b"3"}


async def test_any_part_of_a_selection_is_that_part_of_the_whole(ada: Person) -> None:
    await ada.put("/a", noise(5_000))
    await ada.put("/b", noise(5_000))
    url = (await choose(ada, "/a", "/b")).json["url"]

    whole = await ada.get(url)
    tail = await ada.get(url, headers={"Range": "bytes=6000-", "If-Range": whole.headers["ETag"]})

    assert tail.status == HTTPStatus.PARTIAL_CONTENT
    assert tail.body == whole.body[6000:]


async def test_a_selection_changes_with_what_is_in_it(ada: Person) -> None:
    file = await ada.put("/a", noise(10))
    url = (await choose(ada, "/a")).json["url"]
    before = await ada.get(url)
    content = noise(20)
    await ada.put("/a", content)

    after = await ada.get(url)
    await ada.delete(f"/api/v1/files/{file.json['file_id']}")

    assert held(after.body) == {"a": content}
    assert after.headers["ETag"] != before.headers["ETag"]
    assert (await ada.get(url)).status == HTTPStatus.NOT_FOUND


async def test_a_selection_is_theirs_alone_who_made_it(ada: Person, bob: Person) -> None:
    await ada.put("/a", noise(10))
    chosen = await choose(ada, "/a")

    assert (await bob.get(chosen.json["url"])).status == HTTPStatus.NOT_FOUND
    stolen = await bob.post("/api/v1/archives", {"file_ids": [(await ada.at("/a")).json["file_id"]]})
    assert stolen.status == HTTPStatus.NOT_FOUND


async def test_a_fifth_selection_ends_the_oldest(ada: Person) -> None:
    await ada.put("/a", noise(10))

    urls = [(await choose(ada, "/a")).json["url"] for _ in range(5)]

    assert [(await ada.get(url)).status for url in urls] == [HTTPStatus.NOT_FOUND] + [HTTPStatus.OK] * 4


def test_a_selection_ends_after_an_hour() -> None:
    now_ms = 0
    kept = Selections(lambda: now_ms)
    made = kept.keep(1, ("a",))
    assert kept.get(1, made.id) == made

    now_ms = selections.LIFETIME_MS

    with pytest.raises(NotFoundError):
        kept.get(1, made.id)


def test_the_oldest_selections_give_way_where_all_are_too_long() -> None:
    kept = Selections(lambda: 0)
    longest = tuple(str(number) for number in range(10_000))
    made = [kept.keep(user_id, longest) for user_id in range(selections.ENTRIES // 10_000 + 1)]

    with pytest.raises(NotFoundError):
        kept.get(0, made[0].id)
    assert all(kept.get(user_id, one.id) == one for user_id, one in enumerate(made) if user_id)
