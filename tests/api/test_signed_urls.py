"""Signed URLs on the wire: what each allows, for how long, and nothing else (security.md, U)."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from yarl import URL

from storage.keyring import SKEW_S
from storage.signing import Operation, UrlSigner
from tests.accounts.api import Reply
from tests.api.conftest import Running
from tests.api.people import Person, frame, noise, sha256
from tests.api.wire import connected, head, status_of, talk


async def get_chunk_url(ada: Person, data: bytes) -> str:
    """Upload one chunk as a file and return the URL that gives it."""
    file = await ada.upload("/given", data, on_conflict="rename")
    reply = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})
    url: str = reply.json["chunks"][0]["url"]
    return url


def changed(url: str, change: Callable[[list[str]], list[str]]) -> URL:
    """Return the URL with its query items changed, sent as it stands."""
    path, _, query = url.partition("?")
    return URL(f"{path}?{'&'.join(change(query.split('&')))}", encoded=True)


def _spoiled(item: str) -> str:
    name, _, value = item.partition("=")
    if value.isdigit():
        return f"{name}={int(value) + 1}"
    middle = len(value) // 2
    return f"{name}={value[:middle]}{'A' if value[middle : middle + 1] != 'A' else 'B'}{value[middle + 1 :]}"


CHANGES: dict[str, Callable[[list[str]], list[str]]] = {
    "reversed": lambda items: items[::-1],
    "two swapped": lambda items: [items[1], items[0], *items[2:]],
    "one more": lambda items: [*items, "q=1"],
    "one more in front": lambda items: ["q=1", *items],
    "an empty one more": lambda items: [*items, ""],
    "upper case name": lambda items: [items[0].upper(), *items[1:]],
    "no query": lambda _: [],
    "padding": lambda items: [*items[:-1], items[-1] + "="],
    "leading zero": lambda items: [item.replace("z=", "z=0") for item in items],
    "plus sign": lambda items: [item.replace("z=", "z=+") for item in items],
    "escaped letter": lambda items: [items[0].replace("k=", "%6b="), *items[1:]],
    "empty mac": lambda items: [*items[:-1], "m="],
    "mac of zeros": lambda items: [*items[:-1], "m=" + "A" * 43],
    "unknown key": lambda items: ["k=AAAAAAAAAAA", *items[1:]],
}


@pytest.mark.parametrize("kind", ["put chunk", "put bundle", "get chunk", "get content"])
async def test_a_url_that_was_changed_in_any_way_is_refused(ada: Person, kind: str) -> None:
    data = noise(1000)
    if kind == "put chunk":
        url, body = (await ada.open_upload("/f", data))["chunks"][0]["url"], data
    elif kind == "put bundle":
        url, body = (await ada.request("/f", [data], bundle=True)).json["bundle_url"], frame(data)
    elif kind == "get chunk":
        url, body = await get_chunk_url(ada, data), None
    else:
        file = await ada.upload("/f", data)
        url = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json["content_url"]
        body = None
    method, nobody = "GET" if body is None else "PUT", Person(ada.client)
    items = url.partition("?")[2].split("&")
    changes = dict(CHANGES)
    for number, item in enumerate(items):
        others = [*items[:number], *items[number + 1 :]]
        changes[f"without {item}"] = lambda _, others=others: others  # type: ignore[misc] # a default binds the loop's value
        changes[f"twice {item}"] = lambda items, item=item: [*items, item]  # type: ignore[misc] # likewise
        changes[f"spoiled {item}"] = lambda items, at=number: [*items[:at], _spoiled(items[at]), *items[at + 1 :]]  # type: ignore[misc] # likewise

    for name, change in changes.items():
        reply = await nobody.call(method, changed(url, change), data=body)
        assert reply.status == 403, name
        assert method == "HEAD" or reply.code == "bad_signature", name

    assert (await nobody.call(method, url, data=body)).status in (200, 204)


async def test_a_url_is_good_for_its_own_subject_only(ada: Person) -> None:
    one, other = noise(1000), noise(1000)
    answer = await ada.open_upload("/f", one, other)
    queries = [chunk["url"].partition("?")[2] for chunk in answer["chunks"]]
    given = (await get_chunk_url(ada, noise(1000))).partition("?")[2]

    refusals = [
        await ada.send(f"/chunks/{sha256(one)}?{queries[1]}", one),
        await ada.send(f"/chunks/{sha256(one).upper()}?{queries[0]}", one),
        await ada.send(f"/chunks/{sha256(one)}?{given}", one),
        await ada.send(f"/bundles/{sha256(one)}?{queries[0]}", frame(one)),
        await ada.fetch(f"/chunks/{sha256(one)}?{given}"),
        await ada.fetch(f"/chunks/{sha256(one)}?{queries[0]}"),
        await ada.fetch(f"/chunks/nonsense?{given}"),
        await ada.fetch(f"/content/{sha256(one)}/x?{given}"),
    ]

    assert {(reply.status, reply.code) for reply in refusals} == {(403, "bad_signature")}


async def test_the_path_of_a_url_is_decoded_once_and_not_cleaned_up(server: Running, ada: Person) -> None:
    url = await get_chunk_url(ada, noise(1000))
    path, _, query = url.partition("?")
    chunk = path.rpartition("/")[2]

    for target in (f"//chunks/{chunk}", f"/chunks/%2f{chunk}", f"/chunks/{chunk}%00", f"/chunks/{chunk};a=b",
                   f"/x/../chunks/{chunk}", f"/chunks/./{chunk}", f"/chunks/{chunk}/", f"/CHUNKS/{chunk}"):  # fmt: skip
        answer = await talk(server.port, head("GET", f"{target}?{query}"))
        assert status_of(answer) in (400, 403, 404), target
    assert status_of(await talk(server.port, head("GET", f"{url}#x"))) in (400, 403)
    assert status_of(await talk(server.port, head("GET", url))) == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_a_url_allows_its_own_verbs_only(ada: Person, method: str) -> None:
    data = noise(1000)
    nobody = Person(ada.client)
    to_put = (await ada.open_upload("/f", data))["chunks"][0]["url"]
    to_bundle = (await ada.request("/g", [noise(10)], bundle=True)).json["bundle_url"]
    to_get = await get_chunk_url(ada, noise(1000))

    body = None if method in ("GET", "HEAD") else data
    put, get = await nobody.call(method, to_put, data=body), await nobody.call(method, to_get, data=body)
    bundle = await nobody.call(method, to_bundle, data=body)

    assert (put.status == 204) == (method in ("PUT", "POST"))
    assert (get.status == 200) == (method in ("GET", "HEAD"))
    for reply in (put, get, bundle):
        assert reply.status in (200, 204, 400, 403, 405)
    assert (bundle.status == 400) == (method == "PUT")  # it was let in, and is no frame


# Time


def signed_anew(server: Running, url: str, *, age_s: int = 0, signer: UrlSigner | None = None) -> str:
    """Return a PUT URL as it would have been signed some time ago, or by somebody else."""
    path, _, query = url.partition("?")
    grant = server.cairn.signer.verify(Operation.PUT_CHUNK, path.rpartition("/")[2], query)
    aged = replace(grant, not_before_s=grant.not_before_s - age_s, expires_s=grant.expires_s - age_s)
    return f"{path}?{(signer or server.cairn.signer).sign(aged)}"


async def put_url(ada: Person, data: bytes) -> str:
    """Open an upload of one chunk and return its URL."""
    url: str = (await ada.open_upload("/f", data, on_conflict="rename"))["chunks"][0]["url"]
    return url


@pytest.mark.parametrize(
    ("age_s", "status", "code"),
    [
        (0, 204, None),
        (3600, 204, None),
        (3600 + SKEW_S + 5, 403, "url_expired"),
        (365 * 86_400, 403, "url_expired"),
        (-SKEW_S - 60, 403, "url_expired"),
    ],
)
async def test_a_url_lives_for_its_hour(
    server: Running, ada: Person, age_s: int, status: int, code: str | None
) -> None:
    data = noise(1000)
    url = signed_anew(server, await put_url(ada, data), age_s=age_s)

    reply = await ada.send(url, data)

    assert reply.status == status
    assert code is None or reply.code == code


async def test_an_expired_url_is_told_from_a_false_one_only_if_it_was_signed(server: Running, ada: Person) -> None:
    data = noise(1000)
    url = signed_anew(server, await put_url(ada, data), age_s=90_000)

    assert (await ada.send(url, data)).code == "url_expired"
    assert (await ada.send(url[:-1] + ("A" if url[-1] != "A" else "B"), data)).code == "bad_signature"


async def test_resume_gives_fresh_urls_for_expired_ones(server: Running, ada: Person) -> None:
    data = noise(1000)
    answer = await ada.open_upload("/f", data)

    progress = await ada.get(f"/api/v1/uploads/{answer['upload_id']}")

    assert (await ada.send(progress.json["missing"][0]["url"], data)).status == 204
    assert progress.json["expires_ms"] > time.time() * 1000 + 13 * 86_400_000


async def test_rotation_keeps_urls_alive_and_rotation_now_voids_them(server: Running, ada: Person) -> None:
    data = noise(1000)
    answer = await ada.open_upload("/f", data)
    url, given = answer["chunks"][0]["url"], await get_chunk_url(ada, noise(1000))

    server.cairn.keyring.rotate(int(time.time()))
    after_rotation = [await ada.send(url, data), await ada.fetch(given)]
    server.cairn.keyring.rotate(int(time.time()), void_old=True)
    after_voiding = [await ada.send(url, data), await ada.fetch(given)]

    assert [reply.status for reply in after_rotation] == [204, 200]
    assert [(reply.status, reply.code) for reply in after_voiding] == [(403, "bad_signature")] * 2
    progress = await ada.get(f"/api/v1/uploads/{answer['upload_id']}")
    assert progress.json["missing"] == []


async def test_a_url_of_another_instance_is_refused(server: Running, ada: Person) -> None:
    data = noise(1000)
    foreign = UrlSigner("another", server.cairn.keyring)

    reply = await ada.send(signed_anew(server, await put_url(ada, data), signer=foreign), data)

    assert (reply.status, reply.code) == (403, "bad_signature")


# The upload behind it


async def _closed_by_commit(ada: Person, answer: Any, data: bytes) -> Reply:
    await ada.send_needed(answer, [data])
    return await ada.commit(answer["upload_id"])


async def _closed_by_giving_up(ada: Person, answer: Any, data: bytes) -> Reply:
    return await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")


@pytest.mark.parametrize("close", [_closed_by_commit, _closed_by_giving_up])
async def test_a_closed_upload_takes_no_more_bytes(ada: Person, close: Any) -> None:
    data = noise(1000)
    answer = await ada.open_upload("/f", data)
    assert (await close(ada, answer, data)).status in (201, 204)

    reply = await ada.send(answer["chunks"][0]["url"], data)

    assert (reply.status, reply.code) == (403, "forbidden")


async def test_a_url_that_is_not_good_is_refused_before_its_body_is_read(server: Running, ada: Person) -> None:
    data = noise(1000)
    answer = await ada.open_upload("/f", data)
    closed, expired = answer["chunks"][0]["url"], signed_anew(server, await put_url(ada, noise(1000)), age_s=90_000)
    await ada.delete(f"/api/v1/uploads/{answer['upload_id']}")

    for url in (closed, expired, expired[:-2]):
        async with connected(server.port) as line:
            await line.send(head("PUT", url, Content_Length="1000"))  # and nothing more
            assert status_of(await line.head()) == 403


async def test_a_url_of_a_disabled_user_takes_no_more_bytes(server: Running, bob: Person) -> None:
    data = noise(1000)
    answer = await bob.open_upload("/f", data)
    await server.cairn.services.accounts.disable("bob")

    reply = await bob.send(answer["chunks"][0]["url"], data)

    assert (reply.status, reply.code) == (403, "forbidden")


async def test_signed_words_do_not_depend_on_the_reader(server: Running, ada: Person) -> None:
    url = await get_chunk_url(ada, noise(1000))

    replies = [await ada.fetch(url), await ada.call("GET", url), await Person(ada.client, "wrong").call("GET", url)]

    assert [reply.status for reply in replies] == [200, 200, 200]
