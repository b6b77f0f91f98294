"""LOCK and UNLOCK over the wire: what they answer, what the If header decides, and what others are shown of a lock."""

import pytest

from app.services.locks import BESIDE
from tests.accounts.api import ADMIN
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import NS, Answer, Dav, app_password
from tests.dav.test_past import share

SHARED = "<d:shared/>"
EXCLUSIVE = "<d:exclusive/>"
OWNER = "<d:owner><d:href>mailto:ada@example.org</d:href></d:owner>"


def lockinfo(scope: str = EXCLUSIVE, owner: str = OWNER) -> str:
    """Return the body of a LOCK."""
    return (
        f'<?xml version="1.0"?><d:lockinfo xmlns:d="DAV:"><d:lockscope>{scope}</d:lockscope>'
        f"<d:locktype><d:write/></d:locktype>{owner}</d:lockinfo>"
    )


async def locked(dav: Dav, path: str, *, scope: str = EXCLUSIVE, **headers: str) -> str:
    """Lock what is at a path; return the token."""
    answer = await dav.call("LOCK", path, lockinfo(scope), **headers)
    assert answer.status in {200, 201}, answer.body
    token = answer.headers["lock-token"]
    assert token[0] + token[-1] == "<>"
    return token[1:-1]


def told(answer: Answer, name: str) -> list[str]:
    """Return the texts of an element of the locks that an answer tells of."""
    return ["".join(found.itertext()) for found in answer.xml.findall(f".//d:activelock/d:{name}", NS)]


# LOCK


async def test_a_lock_tells_all_of_itself(dav: Dav, ada: Person) -> None:
    await ada.put("/a b", b"one")

    answer = await dav.call("LOCK", "/dav/a%20b", lockinfo(), Timeout="Infinite, Second-4100000000", Depth="0")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    assert answer.headers["lock-token"] == f"<{told(answer, 'locktoken')[0]}>"
    assert answer.xml.tag == "{DAV:}prop"
    found = answer.xml.find("d:lockdiscovery/d:activelock", NS)
    assert found is not None
    assert [child.tag.removeprefix("{DAV:}") for child in found] == [
        *("lockscope", "locktype", "depth", "owner", "timeout", "locktoken", "lockroot")
    ]
    assert (told(answer, "depth"), told(answer, "timeout")) == (["0"], ["Second-3600"])
    assert (told(answer, "owner"), told(answer, "lockroot")) == (["mailto:ada@example.org"], ["/dav/a%20b"])
    assert found.find("d:lockscope/d:exclusive", NS) is not None


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("Second-600", "Second-600"),
        ("Second-4100000000", "Second-3600"),
        ("Infinite", "Second-3600"),
        ("", "Second-3600"),
        ("Extend, Second-60", "Second-60"),
        ("Second-0", "Second-1"),
        ("nonsense", "Second-3600"),
    ],
)
async def test_a_lock_lasts_as_long_as_asked_for_and_no_more_than_an_hour(
    dav: Dav, ada: Person, asked: str, granted: str
) -> None:
    await ada.put("/a", b"one")

    answer = await dav.call("LOCK", "/dav/a", lockinfo(), **({"Timeout": asked} if asked else {}))

    assert told(answer, "timeout") == [granted]


async def test_a_lock_on_a_free_name_makes_an_empty_file(dav: Dav, ada: Person) -> None:
    answer = await dav.call("LOCK", "/dav/new.txt", lockinfo())

    assert answer.status == 201
    assert (await ada.at("/new.txt")).json["size"] == 0
    assert (await dav.call("GET", "/dav/new.txt")).body == b""


@pytest.mark.parametrize("path", ["/dav/no/such", "/dav/file/below", "/dav/none/", "/dav/file/"])
async def test_a_lock_on_what_cannot_be_there_is_a_conflict(dav: Dav, ada: Person, path: str) -> None:
    await ada.put("/file", b"one")

    assert (await dav.call("LOCK", path, lockinfo())).status == 409
    assert await ada.names() == ["file"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (lockinfo(), {"Depth": "1"}, 400),
        (lockinfo(), {"Depth": "2"}, 400),
        (lockinfo(), {"If": "nonsense"}, 400),
        (lockinfo(), {"Content-Type": "text/plain"}, 415),
        (lockinfo(""), {}, 400),
        (lockinfo(EXCLUSIVE + SHARED), {}, 400),
        (lockinfo("<d:other/>"), {}, 400),
        (lockinfo().replace("write", "read"), {}, 400),
        (lockinfo().replace("lockinfo", "lockinf"), {}, 400),
        (lockinfo()[:-5], {}, 400),
        ('<!DOCTYPE d [<!ENTITY e "x">]>' + lockinfo().partition("?>")[2], {}, 400),
        (lockinfo(owner=f"<d:owner>{'x' * 5000}</d:owner>"), {}, 400),
        (lockinfo(owner=f"<d:owner>{'x' * 300_000}</d:owner>"), {}, 413),
        ("", {}, 400),
        ("", {"If": "(Not <urn:x>)"}, 400),
        ("", {"If": "(<urn:x>)"}, 412),
    ],
)
async def test_a_lock_that_means_nothing_is_refused(
    dav: Dav, ada: Person, body: str, headers: dict[str, str], status: int
) -> None:
    await ada.put("/a", b"one")

    answer = await dav.call("LOCK", "/dav/a", body, **headers)

    assert answer.status == status, answer.body
    assert (await dav.propfind("/dav/a", "d:lockdiscovery")).of("/dav/a")["d:lockdiscovery"].text is None


async def test_two_exclusive_locks_do_not_go_together(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")
    await locked(dav, "/dav/a")

    answer = await dav.call("LOCK", "/dav/a", lockinfo(SHARED))

    assert (answer.status, answer.precondition) == (423, "d:no-conflicting-lock")
    assert answer.xml.findtext("d:no-conflicting-lock/d:href", "", NS) == "/dav/a"


async def test_shared_locks_go_together_and_each_has_a_token(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")

    tokens = [await locked(dav, "/dav/a", scope=SHARED) for _ in range(2)]

    answer = await dav.propfind("/dav/a", "d:lockdiscovery")
    assert told(answer, "locktoken") == tokens
    assert len(set(tokens)) == 2


async def test_one_thing_has_so_many_shared_locks_and_no_more_wherever_they_lie(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F/G", parents=True)
    await ada.put("/F/G/a", b"one")
    for path in ["/dav/F/G/a", "/dav/F/G"] * (BESIDE // 2):
        await locked(dav, path, scope=SHARED)

    refused = [await dav.call("LOCK", path, lockinfo(SHARED)) for path in ("/dav/F/G/a", "/dav/F")]
    beside = [await dav.call("LOCK", "/dav/F", lockinfo(SHARED), Depth="0") for _ in range(2)]

    assert [answer.status for answer in refused] == [507, 507]
    assert [answer.status for answer in beside] == [200, 200]
    assert len(told(await dav.propfind("/dav/F/G/a", "d:lockdiscovery"), "owner")) == BESIDE


async def test_a_deep_lock_that_meets_another_below_says_where(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    for name in "ab":
        await ada.put(f"/F/{name}", b"one")
        await locked(dav, f"/dav/F/{name}")

    answer = await dav.call("LOCK", "/dav/F", lockinfo())

    assert answer.status == 207
    statuses = {
        one.findtext("d:href", "", NS): one.findtext("d:status", "", NS).split(" ")[1]
        for one in answer.xml.findall("d:response", NS)
    }
    assert statuses == {"/dav/F/a": "423", "/dav/F/b": "423", "/dav/F/": "424"}
    assert told(await dav.propfind("/dav/F/", "d:lockdiscovery"), "locktoken") == []


# Refresh and UNLOCK


async def test_a_refresh_gives_a_lock_its_time_again(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    await ada.put("/F/a", b"one")
    token = await locked(dav, "/dav/F/", Timeout="Second-60")

    answer = await dav.call("LOCK", "/dav/F/a", If=f"(<{token}>)", Timeout="Second-900")

    assert (answer.status, told(answer, "timeout"), told(answer, "locktoken")) == (200, ["Second-900"], [token])
    assert "lock-token" not in answer.headers
    assert (await dav.call("LOCK", "/dav/F/a", If="(<urn:uuid:00000000-0000-0000-0000-000000000000>)")).status == 412


async def test_an_unlock_ends_a_lock_once(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")
    await ada.put("/b", b"one")
    token = await locked(dav, "/dav/a")

    elsewhere = await dav.call("UNLOCK", "/dav/b", Lock_Token=f"<{token}>")
    first = await dav.call("UNLOCK", "/dav/a", Lock_Token=f"<{token}>")
    again = await dav.call("UNLOCK", "/dav/a", Lock_Token=f"<{token}>")

    assert (elsewhere.status, elsewhere.precondition) == (409, "d:lock-token-matches-request-uri")
    assert (first.status, again.status) == (204, 409)
    assert (await ada.put("/a", b"two")).status == 200


@pytest.mark.parametrize("header", [None, "", "nonsense", "urn:uuid:0", "<>", "<a> <b>", "<a b>"])
async def test_an_unlock_says_which_lock(dav: Dav, ada: Person, header: str | None) -> None:
    await ada.put("/a", b"one")

    answer = await dav.call("UNLOCK", "/dav/a", **({} if header is None else {"Lock_Token": header}))

    assert answer.status == 400


# Others


async def test_others_see_that_something_is_locked_and_by_whom_and_no_token(
    server: Running, dav: Dav, ada: Person
) -> None:
    second = Dav(server.port).showing(ADMIN, await app_password(ada))
    await ada.make_folder("/F")
    await ada.put("/F/a", b"one")
    token = await locked(dav, "/dav/F")

    for path, depth in (("/dav/F/a", "0"), ("/dav/F/", "1")):
        answer = await second.propfind(path, "d:lockdiscovery", depth=depth)
        assert set(told(answer, "owner")) == {"mailto:ada@example.org"}
        assert (told(answer, "locktoken"), set(told(answer, "lockroot"))) == ([], {"/dav/F/"})
        assert token.encode() not in answer.body
    assert (await second.call("UNLOCK", "/dav/F", Lock_Token=f"<{token}>")).status == 409
    for stolen in (f"(<{token}>)", f"</dav/F> (<{token}>)"):
        answer = await second.proppatch("/dav/F/a", "<d:set><d:prop><x>1</x></d:prop></d:set>", If=stolen)
        assert (answer.status, answer.precondition) == (423, "d:lock-token-submitted")
        assert answer.xml.findtext("d:lock-token-submitted/d:href", "", NS) == "/dav/F/"


async def test_a_lock_without_an_owner_tells_whose_it_is(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")

    answer = await dav.call("LOCK", "/dav/a", lockinfo(owner=""))

    assert told(answer, "owner") == ["ada"]


async def test_a_credential_that_sees_a_part_is_told_of_a_lock_above_it_and_not_where(
    server: Running, dav: Dav, ada: Person
) -> None:
    folder = await ada.make_folder("/F/G", parents=True)
    part = Dav(server.port).showing(ADMIN, await app_password(ada, folder_id=folder["file_id"]))
    await locked(dav, "/dav/F")

    answer = await part.propfind("/dav/", "d:lockdiscovery")
    refused = await part.call("MKCOL", "/dav/new")

    assert (told(answer, "lockroot"), told(answer, "locktoken")) == (["/dav/"], [])
    assert (refused.status, refused.precondition) == (423, "d:lock-token-submitted")
    assert b"/F" not in refused.body


async def test_a_credential_that_sees_a_part_is_not_told_who_else_is_there(
    server: Running, bob_dav: Dav, ada: Person
) -> None:
    folder = await ada.make_folder("/F")
    await share(server, ada, "/F")
    part = Dav(server.port).showing(ADMIN, await app_password(ada, folder_id=folder["file_id"]))
    assert (await bob_dav.call("LOCK", "/dav/F", lockinfo(owner=""))).status == 200

    assert told(await part.propfind("/dav/", "d:lockdiscovery"), "owner") == ["Somebody"]


async def test_every_resource_says_which_locks_it_takes(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")

    entries = (await dav.propfind("/dav/a", "d:supportedlock")).of("/dav/a")["d:supportedlock"]

    scopes = [scope.tag for scope in entries.findall("d:lockentry/d:lockscope/*", NS)]
    assert scopes == ["{DAV:}exclusive", "{DAV:}shared"]


async def test_a_listing_tells_of_locks_of_what_is_in_it(dav: Dav, ada: Person) -> None:
    for name in "abc":
        await ada.put(f"/{name}", b"one")
    token = await locked(dav, "/dav/b")

    answer = await dav.propfind("/dav/", "d:lockdiscovery", depth="1")

    assert told(answer, "locktoken") == [token]
    assert [len(answer.of(f"/dav/{name}")["d:lockdiscovery"]) for name in "abc"] == [0, 1, 0]


# The If header on every method


METHODS = [
    *("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "COPY", "MOVE"),
    *("PROPFIND", "PROPPATCH", "MKCOL", "LOCK", "UNLOCK"),
]


@pytest.mark.parametrize("method", METHODS)
async def test_a_condition_that_does_not_hold_stops_every_method(dav: Dav, ada: Person, method: str) -> None:
    await ada.put("/a", b"one")
    path = "/dav/new" if method == "MKCOL" else "/dav/a"

    for header in (
        '(["other"])',
        "(<DAV:no-lock>)",
        f'<{path}> (<urn:uuid:1> ["x"])',
        '<http://other.example/a> (["x"])',
    ):
        assert (await dav.call(method, path, If=header)).status == 412, header
    for header in ("(", "()", '("x")'):
        assert (await dav.call(method, path, If=header)).status == 400, header
    assert await ada.names() == ["a"]


async def test_two_if_headers_are_refused(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")

    async with dav.connected() as wire:
        await wire.send(dav.head("GET", "/dav/a", {"If": "(Not <urn:x>)", "IF": "(Not <urn:y>)"}))
        answer = await wire.answer()

    assert answer.status == 400


async def test_an_etag_in_it_is_that_of_the_resource(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")
    etag = (await dav.call("HEAD", "/dav/a")).headers["etag"]
    patch = "<d:set><d:prop><x>1</x></d:prop></d:set>"

    for header, status in (
        (f"([{etag}])", 207),
        (f"(Not [{etag}])", 412),
        (f"([W/{etag}])", 412),
        (f"(<DAV:no-lock> [{etag}]) (Not <DAV:no-lock> [{etag}])", 207),
        (f"<http://127.0.0.1:1/dav/a> ([{etag}])", 207),  # whatever the port: proxies have others
        (f"</dav/b> ([{etag}])", 412),
        (f"</dav/b> (Not [{etag}])", 207),
    ):
        assert (await dav.proppatch("/dav/a", patch, If=header)).status == status, header


async def test_a_lock_is_shown_by_the_resource_itself_or_by_its_folder(dav: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    await ada.put("/F/a", b"one")
    token = await locked(dav, "/dav/F")
    patch = "<d:set><d:prop><x>1</x></d:prop></d:set>"

    assert (await dav.proppatch("/dav/F/a", patch)).status == 423
    assert (await dav.proppatch("/dav/F/a", patch, If=f"(<{token}>)")).status == 207
    assert (await dav.proppatch("/dav/F/a", patch, If=f"</dav/F/> (<{token}>)")).status == 207
    assert (await dav.proppatch("/dav/F/a", patch, If=f"(Not <{token}>) (Not <DAV:no-lock>)")).status == 423
    assert (await dav.call("MKCOL", "/dav/F/new", If=f"(<{token}>)")).status == 201


async def test_properties_of_a_locked_file_are_its_holders(dav: Dav, by_device: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")
    token = await locked(by_device, "/dav/a")
    patch = "<d:set><d:prop><x>1</x></d:prop></d:set>"

    refused = await dav.proppatch("/dav/a", patch)

    assert (refused.status, refused.precondition) == (423, "d:lock-token-submitted")
    assert (await by_device.proppatch("/dav/a", patch, If=f"(<{token}>)")).status == 207
    assert (await ada.put("/a", b"two")).status == 423  # the JSON API shows no tokens, with whatever credential


# The methods that change files


async def test_finder_locks_an_empty_file_and_puts_its_content(dav: Dav, by_device: Dav, ada: Person) -> None:
    made = await dav.call("PUT", "/dav/a.txt", b"")
    token = await locked(dav, "/dav/a.txt", Timeout="Second-600", Depth="0")

    other = await by_device.call("PUT", "/dav/a.txt", b"other")
    own = await dav.call("PUT", "/dav/a.txt", b"content", If=f"(<{token}>)")
    ended = await dav.call("UNLOCK", "/dav/a.txt", Lock_Token=f"<{token}>")

    assert (made.status, other.status, own.status, ended.status) == (201, 423, 204, 204)
    assert (await by_device.call("GET", "/dav/a.txt")).body == b"content"


async def test_a_put_that_is_refused_for_a_lock_is_not_invited_to_send_its_body(
    dav: Dav, by_device: Dav, ada: Person
) -> None:
    await ada.put("/a", b"one")
    await locked(by_device, "/dav/a")

    async with dav.connected() as wire:
        await wire.send(dav.head("PUT", "/dav/a", {"Content-Length": "1000000000", "Expect": "100-continue"}))
        answer = await wire.answer()

    assert (answer.status, answer.precondition) == (423, "d:lock-token-submitted")


@pytest.mark.parametrize(
    ("method", "path", "destination"),
    [
        ("PUT", "/dav/F/a", ""),
        ("PUT", "/dav/F/new", ""),
        ("DELETE", "/dav/F/a", ""),
        ("DELETE", "/dav/F", ""),
        ("MOVE", "/dav/F/a", "/dav/b"),
        ("MOVE", "/dav/F", "/dav/G"),
        ("MOVE", "/dav/free", "/dav/F/b"),
        ("MOVE", "/dav/free", "/dav/F/a"),
        ("MOVE", "/dav/free", "/dav/F"),
        ("COPY", "/dav/free", "/dav/F/b"),
        ("COPY", "/dav/free", "/dav/F/a"),
        ("COPY", "/dav/free", "/dav/F"),
        ("MKCOL", "/dav/F/new", ""),
    ],
)
async def test_a_locked_folder_is_changed_by_its_holder_alone(
    dav: Dav, by_device: Dav, ada: Person, method: str, path: str, destination: str
) -> None:
    await ada.make_folder("/F")
    await ada.put("/F/a", b"one")
    await ada.put("/free", b"two")
    token = await locked(dav, "/dav/F")
    before = (await ada.at("/")).json["seq"], (await ada.at("/")).json["etag"]
    headers = {"Destination": destination} if destination else {}
    body = b"three" if method == "PUT" else b""
    shown = f"</dav/F> (<{token}>)"

    refused = [
        await dav.call(method, path, body, **headers),
        await by_device.call(method, path, body, **headers),
        await by_device.call(method, path, body, If=shown, **headers),
    ]

    assert [(one.status, one.precondition) for one in refused] == [(423, "d:lock-token-submitted")] * 3
    assert refused[0].xml.findtext("d:lock-token-submitted/d:href", "", NS) == "/dav/F/"
    assert ((await ada.at("/")).json["seq"], (await ada.at("/")).json["etag"]) == before
    assert (await dav.call(method, path, body, If=shown, **headers)).status in {201, 204}


async def test_a_copy_out_of_a_locked_folder_is_free_and_carries_no_lock(dav: Dav, by_device: Dav, ada: Person) -> None:
    await ada.make_folder("/F")
    await ada.put("/F/a", b"one")
    await locked(dav, "/dav/F")

    assert (await by_device.call("COPY", "/dav/F", Destination="/dav/G")).status == 201
    assert (await by_device.call("PUT", "/dav/G/a", b"two")).status == 204
    assert (await by_device.call("GET", "/dav/F/a")).body == b"one"


async def test_an_etag_in_the_if_header_of_a_put_keeps_an_old_edit_from_a_newer_one(dav: Dav, ada: Person) -> None:
    await ada.put("/a", b"one")
    etag = (await dav.call("HEAD", "/dav/a")).headers["etag"]

    first = await dav.call("PUT", "/dav/a", b"two", If=f"([{etag}])")
    second = await dav.call("PUT", "/dav/a", b"three", If=f"([{etag}])")

    assert (first.status, second.status) == (204, 412)
    assert (await dav.call("GET", "/dav/a")).body == b"two"
