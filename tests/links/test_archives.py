"""Folders as zips: what is in them, how long they are, and that any part of them is the same as of the whole."""

from http import HTTPStatus

from tests.api.conftest import Running
from tests.api.people import MIB, Person, noise
from tests.links.zips import held, make_trip, zip_path


async def test_a_zip_holds_all_that_is_below_a_folder(ada: Person) -> None:
    expected = await make_trip(ada)

    reply = await ada.get(await zip_path(ada, "/Trip"))

    assert reply.status == HTTPStatus.OK
    assert held(reply.body) == expected
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.headers["Content-Type"] == "application/zip"
    assert reply.headers["Content-Disposition"] == "attachment; filename=\"Trip.zip\"; filename*=UTF-8''Trip.zip"


async def test_any_part_of_a_zip_is_that_part_of_the_whole(ada: Person, server: Running) -> None:
    await make_trip(ada, folders=1)
    path = await zip_path(ada, "/Trip")
    size = int((await ada.call("HEAD", path)).headers["Content-Length"])
    starts = [0, 1, 29, 40, 500, 100_000, 2_999_999, 3_070_000, size - 700, size - 23, size - 1]

    tails = {start: await ada.get(path, headers={"Range": f"bytes={start}-"}) for start in reversed(starts)}
    whole = await ada.get(path)
    middle = await ada.get(path, headers={"Range": "bytes=1000-2000000"})

    assert len(whole.body) == size
    for start, reply in tails.items():
        assert reply.status == HTTPStatus.PARTIAL_CONTENT
        assert reply.body == whole.body[start:], start
        assert reply.headers["Content-Range"] == f"bytes {start}-{size - 1}/{size}"
    assert middle.body == whole.body[1000:2_000_001]
    assert {reply.headers["ETag"] for reply in (whole, middle, *tails.values())} == {whole.headers["ETag"]}


async def test_a_part_out_of_the_middle_of_a_file_teaches_no_wrong_checksum(ada: Person) -> None:
    await ada.make_folder("/d")
    data = noise(12 * MIB)
    await ada.put("/d/f", data)
    path = await zip_path(ada, "/d")

    middle = await ada.get(path, headers={"Range": f"bytes={6 * MIB}-{7 * MIB}"})
    whole = await ada.get(path)

    assert middle.body == whole.body[6 * MIB : 7 * MIB + 1]
    assert held(whole.body)["d/f"] == data
