"""Links into shared folders: they are worth what their maker's role is worth, at each moment."""

from http import HTTPStatus

from tests.accounts.api import ADMIN
from tests.api.conftest import OTHER
from tests.api.people import Person
from tests.links.people import Holder, make_link
from tests.links.zips import held


async def share(owner: Person, file_id: str, role: str) -> None:
    reply = await owner.post(f"/api/v1/files/{file_id}/members", {"username": OTHER, "role": role})
    assert reply.status == HTTPStatus.CREATED, reply.body


async def test_only_the_owner_of_a_shared_folder_can_link_to_it(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/d")
    await ada.put("/d/f", b"1")
    await share(ada, folder["file_id"], "editor")

    refused = await bob.post("/api/v1/links", {"file_id": folder["file_id"]})
    holder = await make_link(ada, "/d")

    assert refused.status == HTTPStatus.FORBIDDEN
    assert list(await holder.listed()) == ["f"]
    assert (await bob.get(f"/api/v1/links?file_id={folder['file_id']}")).status == HTTPStatus.FORBIDDEN


async def test_a_link_made_before_dies_when_the_folder_gets_another_owner_who_sees_it_and_ends_it(
    ada: Person, bob: Person
) -> None:
    folder = await ada.make_folder("/d")
    file_id = (await ada.put("/d/f", b"1")).json["file_id"]
    holders: list[Holder] = [await make_link(ada, path) for path in ("/d", "/d/f")]
    drop = await make_link(ada, "/d", mode="drop")
    await share(ada, folder["file_id"], "editor")
    assert (await holders[0].ask(f"/content?file_id={file_id}")).body == b"1"

    handed = await ada.call("PATCH", f"/api/v1/files/{folder['file_id']}/members/{OTHER}", json={"role": "owner"})

    assert handed.status == HTTPStatus.OK, handed.body
    for holder in holders:
        assert (await holder.ask()).status == HTTPStatus.NOT_FOUND
        assert (await holder.ask(f"/content?file_id={file_id}")).status == HTTPStatus.NOT_FOUND
    assert (await drop.drop("x", b"x")).status == HTTPStatus.NOT_FOUND
    seen = (await bob.get("/api/v1/links")).json["items"]
    assert {(link["link_id"], link["made_by"]) for link in seen} == {
        (holder.link["link_id"], ADMIN) for holder in (*holders, drop)
    }
    assert (await bob.delete(f"/api/v1/links/{drop.link['link_id']}")).status == HTTPStatus.NO_CONTENT


async def test_a_link_shows_a_shared_folder_below_it_only_if_that_is_the_makers_own(ada: Person, bob: Person) -> None:
    for person, path in ((ada, "/home/own"), (bob, "/his")):
        await person.make_folder(path, parents=True)
        await person.put(f"{path}/f", path.encode())
    await share(ada, (await ada.at("/home/own")).json["file_id"], "viewer")
    his = (await bob.at("/his")).json["file_id"]
    await bob.post(f"/api/v1/files/{his}/members", {"username": ADMIN, "role": "editor"})
    moved = await ada.change(his, parent_id=(await ada.at("/home")).json["file_id"])
    assert moved.status == HTTPStatus.OK, moved.body
    inside = (await ada.at("/home/his/f")).json["file_id"]

    holder = await make_link(ada, "/home")
    listed = await holder.listed()

    assert list(listed) == ["own"]
    assert (await holder.ask(f"/children?file_id={his}")).status == HTTPStatus.NOT_FOUND
    assert (await holder.ask(f"/content?file_id={inside}")).status == HTTPStatus.NOT_FOUND
    assert held((await holder.ask("/archive.zip")).body) == {
        "home/": b"",
        "home/own/": b"",
        "home/own/f": b"/home/own",
    }
    of_ada = held((await ada.get(f"/api/v1/folders/{(await ada.at('/home')).json['file_id']}/archive.zip")).body)
    assert of_ada.keys() == {"home/", "home/own/", "home/own/f", "home/his/", "home/his/f"}


async def test_a_member_who_is_removed_gets_no_zip(ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/d")
    await ada.put("/d/f", b"1")
    await share(ada, folder["file_id"], "viewer")
    address = f"/api/v1/folders/{folder['file_id']}/archive.zip"
    assert held((await bob.get(address)).body) == {"d/": b"", "d/f": b"1"}

    await ada.delete(f"/api/v1/files/{folder['file_id']}/members/{OTHER}")

    assert (await bob.get(address)).status == HTTPStatus.NOT_FOUND
