"""DELETE: into the trash, whatever lies below."""

import pytest

from tests.api.people import Person
from tests.dav.conftest import Dav
from tests.dav.test_move import share
from tests.tree.keeper import restored, trash_of, tree_below


async def test_what_is_deleted_comes_back_from_the_trash(dav: Dav, ada: Person) -> None:
    await ada.upload("/a/b/f", b"x", parents=True)

    answer = await dav.call("DELETE", "/dav/a/")

    assert (answer.status, answer.body) == (204, b"")
    assert await tree_below(ada) == {}
    [entry] = await trash_of(ada)
    await restored(ada, entry["trash_id"])
    assert sorted(await tree_below(ada)) == ["/a", "/a/b", "/a/b/f"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/dav/", {}, 403),
        ("/dav", {}, 403),
        ("/dav/none", {}, 404),
        ("/dav/f/f", {}, 404),
        ("/dav/f", {"Depth": "0"}, 400),
        ("/dav/f", {"Depth": "2"}, 400),
        ("/dav/f", {"If_Match": '"other"'}, 412),
        ("/dav/none", {"If_Match": "*"}, 404),
    ],
)
async def test_what_can_not_be_deleted_stays(
    dav: Dav, ada: Person, path: str, headers: dict[str, str], status: int
) -> None:
    await ada.upload("/f", b"x")

    answer = await dav.call("DELETE", path, **headers)

    assert answer.status == status
    assert list(await tree_below(ada)) == ["/f"]


async def test_a_file_in_the_named_state_is_deleted(dav: Dav, ada: Person) -> None:
    file = await ada.upload("/f", b"x")

    assert (await dav.call("DELETE", "/dav/f", If_Match=f'"{file["etag"]}"')).status == 204


async def test_who_deletes_a_shared_folder_of_somebody_else_leaves_it(bob_dav: Dav, ada: Person, bob: Person) -> None:
    folder = await ada.make_folder("/shared")
    await ada.upload("/shared/f", b"x")
    await share(ada, folder, "viewer")

    assert (await bob_dav.call("DELETE", "/dav/shared")).status == 204
    assert (await bob.at("/shared")).status == 404
    assert (await ada.at("/shared/f")).status == 200
