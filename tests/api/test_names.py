"""Names and paths through every call that takes one."""

import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.accounts.api import Reply
from tests.api.people import Person

Call = Callable[[Person, str], Awaitable[Reply]]


async def _upload_path(ada: Person, name: str) -> Reply:
    return await ada.request(f"/{name}")


async def _upload_name(ada: Person, name: str) -> Reply:
    return await ada.request(None, parent_id="root", name=name)


async def _folder_path(ada: Person, name: str) -> Reply:
    return await ada.post("/api/v1/folders", {"path": f"/{name}"})


async def _folder_name(ada: Person, name: str) -> Reply:
    return await ada.post("/api/v1/folders", {"parent_id": "root", "name": name})


async def _rename(ada: Person, name: str) -> Reply:
    await ada.post("/api/v1/folders", {"path": "/to be renamed"})
    return await ada.change((await ada.at("/to be renamed")).json["file_id"], name=name)


async def _one_shot(ada: Person, name: str) -> Reply:
    return await ada.put(f"/{name}", b"x")


CALLS = [_upload_path, _upload_name, _folder_path, _folder_name, _rename, _one_shot]
BAD_NAMES = {
    "dot": ".",
    "dot dot": "..",
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1bb",
    "delete": "a\x7fb",
    "control of latin 1": "a\x85b",
    "256 bytes": "a" * 256,
    "256 bytes in two-byte letters": "ü" * 128,
    "empty": "",
}
ODD_NAMES = ["a" * 255, "ü" * 127 + "a", "con", "a:b", "trailing ", "trailing.", "...", "\\", "'\"<>|?*%2f", "😀"]
ODD_NAMES += ["\u202egnp", "\ufeff"]


@pytest.mark.parametrize("call", CALLS)
async def test_a_bad_name_is_refused_by_every_call(ada: Person, call: Call) -> None:
    for kind, name in BAD_NAMES.items():
        reply = await call(ada, name)

        assert reply.status == 400 or (kind, reply.code) == ("empty", "name_taken"), kind  # `/` is there already
    assert set(await ada.names()) <= {"to be renamed"}


@pytest.mark.parametrize("call", [_upload_name, _folder_name, _rename])
async def test_a_slash_is_no_part_of_a_name(ada: Person, call: Call) -> None:
    reply = await call(ada, "a/b")

    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize("call", [_folder_path, _folder_name, _rename])
async def test_a_name_that_is_merely_odd_is_stored_as_it_is(ada: Person, call: Call) -> None:
    for name in ODD_NAMES:
        reply = await call(ada, name)

        assert reply.status in (200, 201), name
        assert reply.json["name"] == name
    assert sorted(await ada.names()) == sorted(ODD_NAMES)


@pytest.mark.parametrize("call", [_folder_path, _folder_name, _rename])
async def test_a_name_is_brought_to_nfc(ada: Person, call: Call) -> None:
    reply = await call(ada, unicodedata.normalize("NFD", "Übermäßig é"))

    assert reply.json["name"] == unicodedata.normalize("NFC", "Übermäßig é")


@pytest.mark.parametrize("call", [_upload_name, _folder_name, _rename])
async def test_a_name_counts_by_its_nfc_form(ada: Person, call: Call) -> None:
    name = "\u1f82" * 85  # 255 bytes; 340 code points when decomposed

    reply = await call(ada, unicodedata.normalize("NFD", name))

    assert reply.status in (200, 201), reply.body


async def test_two_spellings_of_one_name_are_one_name(ada: Person) -> None:
    await ada.make_folder("/" + unicodedata.normalize("NFC", "é"))

    reply = await _folder_path(ada, unicodedata.normalize("NFD", "é"))

    assert (reply.status, reply.code) == (409, "name_taken")
    assert (await ada.at("/" + unicodedata.normalize("NFD", "é"))).status == 200


async def test_a_lone_surrogate_is_refused(ada: Person) -> None:
    for escaped in (r"\ud800", r"\udfff", r"\ud83d\u0041"):
        for path, more in (("/api/v1/uploadRequest", ', "size": 0'), ("/api/v1/folders", "")):
            reply = await ada.call("POST", path, data=f'{{"path": "/a{escaped}b"{more}}}'.encode())

            assert (reply.status, reply.code) == (400, "invalid_request"), (path, escaped)


async def test_a_path_that_is_none_is_refused_and_never_cleaned_up(ada: Person) -> None:
    await ada.make_folder("/a")
    for path in ("a", "a/b", "//", "/a//b", "/a/", "/a/../b", "/./a", "", "/a\0"):
        calls: list[Awaitable[Reply]] = [
            ada.at(path),
            ada.request(path),
            ada.post("/api/v1/folders", {"path": path, "parents": True}),
            ada.put(path, b"x"),
        ]

        replies = [await call for call in calls]

        assert [(reply.status, reply.code) for reply in replies] == [(400, "invalid_request")] * 4, path
    assert await ada.names() == ["a"]


# Depth and length


def _deep(depth: int) -> str:
    return "/d" * depth


async def test_128_names_deep_is_as_deep_as_it_goes(ada: Person) -> None:
    deepest = await ada.make_folder(_deep(128), parents=True)
    above = (await ada.at(_deep(127))).json

    refusals = [
        await ada.post("/api/v1/folders", {"path": _deep(129), "parents": True}),
        await ada.post("/api/v1/folders", {"parent_id": deepest["file_id"], "name": "x"}),
        await ada.request(_deep(129), parents=True),
        await ada.request(None, parent_id=deepest["file_id"], name="x"),
        await ada.put(_deep(129), b"x"),
    ]

    for reply in refusals:
        assert (reply.status, reply.code) == (400, "invalid_request")
    assert (await ada.request(None, parent_id=above["file_id"], name="file")).status == 201


async def test_a_move_does_not_go_deeper(ada: Person) -> None:
    deepest = await ada.make_folder(_deep(128), parents=True)
    other = await ada.make_folder("/other")

    reply = await ada.change(other["file_id"], parent_id=deepest["file_id"])

    assert (reply.status, reply.code) == (400, "invalid_request")


async def test_a_path_has_at_most_4096_bytes(ada: Person) -> None:
    longest = "/" + "/".join(["n" * 255] * 16)  # 4,096 bytes
    folder = await ada.make_folder(longest, parents=True)
    above = (await ada.at(longest.rpartition("/")[0])).json
    short = await ada.make_folder("/short")

    refusals: list[Any] = [
        await ada.at(longest + "/x"),
        await ada.request(longest + "/x"),
        await ada.post("/api/v1/folders", {"path": longest + "/x"}),
        await ada.request(None, parent_id=folder["file_id"], name="x"),
        await ada.post("/api/v1/folders", {"parent_id": folder["file_id"], "name": "x"}),
        await ada.change(short["file_id"], parent_id=folder["file_id"]),
    ]

    for reply in refusals:
        assert (reply.status, reply.code) == (400, "invalid_request")
    assert (await ada.change(short["file_id"], parent_id=above["file_id"])).status == 200
