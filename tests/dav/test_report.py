"""sync-collection (RFC 6578): who asks with a token learns of every change since, by paths, and of nothing else."""

import random
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.services import sync_report
from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import NS, Answer, Dav, app_password
from tests.dav.test_past import filled, put, share, trash

MOVED_MOST = 30


async def sync(
    dav: Dav, path: str, token: str = "", *, level: str = "infinite", limit: int | None = None, **headers: str
) -> Answer:
    """Ask what changed since a token."""
    bound = "" if limit is None else f"<d:limit><d:nresults>{limit}</d:nresults></d:limit>"
    body = (
        f'<d:sync-collection xmlns:d="DAV:"><d:sync-token>{token}</d:sync-token><d:sync-level>{level}</d:sync-level>'
        f"{bound}<d:prop><d:getetag/></d:prop></d:sync-collection>"
    )
    return await dav.call("REPORT", path, body, **headers)


def token_in(answer: Answer) -> str:
    """Return the token with which to go on."""
    assert answer.status == 207, answer.body
    return answer.xml.findtext("d:sync-token", "", NS)


def told(answer: Answer) -> dict[str, str | int]:
    """Return what an answer tells of each href: its etag, or the status that stands for it."""
    found: dict[str, str | int] = {}
    for response in answer.xml.findall("d:response", NS):
        href = response.findtext("d:href", "", NS)
        assert href not in found, href
        status = response.findtext("d:status", "", NS)
        etag = response.findtext("d:propstat/d:prop/d:getetag", "", NS)
        found[href] = int(status.split(" ")[1]) if status else etag
    return found


class Mirror:
    """A client that keeps a folder's etags by href, and knows nothing but what reports told it."""

    def __init__(self, dav: Dav, path: str, *, level: str = "infinite", limit: int | None = None) -> None:
        """Begin with nothing."""
        self._dav = dav
        self._path = path
        self._level = level
        self._limit = limit
        self.token = ""
        self.has: dict[str, str] = {}
        self.answers = 0

    async def follow(self) -> None:
        """Ask until there is nothing more; begin anew where a token is not taken any more."""
        while True:
            answer = await sync(self._dav, self._path, self.token, level=self._level, limit=self._limit)
            if answer.status == 403 and answer.precondition == "d:valid-sync-token":
                self.token, self.has = "", {}
                continue
            news = told(answer)
            self.answers += 1
            if self._limit is not None:
                assert len([href for href in news if href != self._path]) <= self._limit
            for href, state in news.items():
                if state == 404:
                    gone = [known for known in self.has if known == href or known.startswith(href.rstrip("/") + "/")]
                    for known in gone:
                        del self.has[known]
                elif isinstance(state, str):
                    self.has[href] = state
            self.token = token_in(answer)
            if news.get(self._path) != 507:
                return


async def shown(dav: Dav, path: str, *, is_deep: bool = True) -> dict[str, str]:
    """Return the etags of all that is below a folder, as PROPFIND shows them."""
    found: dict[str, str] = {}
    waiting = [path]
    while waiting:
        top = waiting.pop()
        answer = await dav.propfind(top, "d:getetag", depth="1")
        for href in answer.hrefs[1:]:
            found[href] = answer.of(href)["d:getetag"].text or ""
            if href.endswith("/") and is_deep:
                waiting.append(href)
    return found


async def test_the_first_report_tells_of_all_and_the_next_of_what_changed(dav: Dav, ada: Person) -> None:
    await put(ada, "/Docs/a b.txt", b"1")
    await put(ada, "/Docs/sub/c", b"2")
    await put(ada, "/elsewhere", b"3")

    first = await sync(dav, "/dav/Docs/")
    await put(ada, "/Docs/sub/c", b"changed")
    await put(ada, "/elsewhere", b"changed")
    await trash(ada, "/Docs/a b.txt")
    second = await sync(dav, "/dav/Docs/", token_in(first))
    third = await sync(dav, "/dav/Docs/", token_in(second))

    assert told(first) == await shown_before(first)
    assert list(told(first)) == ["/dav/Docs/a%20b.txt", "/dav/Docs/sub/", "/dav/Docs/sub/c"]
    assert told(second) == {"/dav/Docs/a%20b.txt": 404, "/dav/Docs/sub/c": told(second)["/dav/Docs/sub/c"]}
    assert told(second)["/dav/Docs/sub/c"] == (await shown(dav, "/dav/Docs/"))["/dav/Docs/sub/c"]
    assert told(third) == {}


async def shown_before(answer: Answer) -> dict[str, str | int]:
    return {href: answer.of(href)["d:getetag"].text or "" for href in answer.hrefs}


async def test_a_folders_property_is_a_token_to_begin_with(dav: Dav, ada: Person) -> None:
    await put(ada, "/Docs/old", b"1")
    asked = (await dav.propfind("/dav/Docs/", "d:sync-token", "d:supported-report-set")).of("/dav/Docs/")
    await put(ada, "/Docs/new", b"2")

    answer = await sync(dav, "/dav/Docs/", asked["d:sync-token"].text or "")

    assert list(told(answer)) == ["/dav/Docs/new"]
    assert [ET.tostring(one) for one in asked["d:supported-report-set"].iter("{DAV:}sync-collection")] != []
    assert (await dav.propfind("/dav/Docs/new", "d:sync-token")).missing("/dav/Docs/new") == {"d:sync-token"}


async def test_level_1_tells_of_what_is_in_the_folder_itself(dav: Dav, ada: Person) -> None:
    await put(ada, "/Docs/sub/deep", b"1")
    await put(ada, "/Docs/flat", b"1")
    first = await sync(dav, "/dav/Docs/", level="1")
    await put(ada, "/Docs/sub/deep", b"22")
    await put(ada, "/Docs/flat", b"22")

    assert list(told(first)) == ["/dav/Docs/flat", "/dav/Docs/sub/"] or list(told(first)) == [
        "/dav/Docs/sub/",
        "/dav/Docs/flat",
    ]
    assert list(told(await sync(dav, "/dav/Docs/", token_in(first), level="1"))) == ["/dav/Docs/flat"]


async def test_what_was_renamed_or_moved_is_gone_where_it_was_with_all_that_is_below(dav: Dav, ada: Person) -> None:
    await put(ada, "/Docs/one/f", b"1")
    await put(ada, "/Docs/one/sub/g", b"2")
    await put(ada, "/Docs/h", b"3")
    await ada.make_folder("/out")
    token = token_in(await sync(dav, "/dav/Docs/"))
    await ada.change((await ada.at("/Docs/one")).json["file_id"], name="two")
    await ada.change((await ada.at("/Docs/h")).json["file_id"], parent_id=(await ada.at("/out")).json["file_id"])

    news = told(await sync(dav, "/dav/Docs/", token))

    assert {href: state for href, state in news.items() if state == 404} == {"/dav/Docs/one/": 404, "/dav/Docs/h": 404}
    assert {href: state for href, state in news.items() if state != 404} == await shown(dav, "/dav/Docs/")


async def test_a_limit_cuts_the_answer_and_its_token_leads_on(dav: Dav, ada: Person) -> None:
    names = [f"{number:03}" for number in range(40)]
    await ada.make_folder("/many")
    await filled(ada, "/many", names)
    mirror = Mirror(dav, "/dav/many/", limit=10)

    await mirror.follow()

    assert mirror.has == await shown(dav, "/dav/many/")
    assert mirror.answers > 3

    cut = await sync(dav, "/dav/many/", limit=10)
    response = cut.xml.findall("d:response", NS)[-1]
    assert response.findtext("d:href", "", NS) == "/dav/many/"
    assert response.find("d:error/d:number-of-matches-within-limits", NS) is not None


async def test_what_can_not_be_told_within_a_limit_is_refused(dav: Dav, ada: Person) -> None:
    await put(ada, "/Docs/f", b"1")
    token = token_in(await sync(dav, "/dav/Docs/"))
    await ada.change((await ada.at("/Docs/f")).json["file_id"], name="g")

    refused = await sync(dav, "/dav/Docs/", token, limit=1)

    assert (refused.status, refused.precondition) == (507, "d:number-of-matches-within-limits")
    assert len(told(await sync(dav, "/dav/Docs/", token, limit=2))) == 2


@pytest.mark.parametrize("token", ["", "data:,", "data:,x.y", "urn:x:1", "http://127.0.0.1/1", "x" * 5000])
async def test_a_token_that_was_never_given_is_refused_with_its_precondition(dav: Dav, token: str) -> None:
    answer = await sync(dav, "/dav/", token)

    if not token:
        assert answer.status == 207
        return
    assert (answer.status, answer.precondition) == (403, "d:valid-sync-token")


async def test_a_token_of_another_folder_is_none(dav: Dav, ada: Person) -> None:
    await put(ada, "/one/f", b"1")
    await put(ada, "/two/g", b"2")
    token = token_in(await sync(dav, "/dav/one/"))

    answer = await sync(dav, "/dav/two/", token)

    assert (answer.status, answer.precondition) == (403, "d:valid-sync-token")


async def test_other_reports_and_reports_on_files_are_refused(dav: Dav, ada: Person) -> None:
    await put(ada, "/f", b"1")
    expand = await dav.call("REPORT", "/dav/", '<d:expand-property xmlns:d="DAV:"/>')
    on_file = await sync(dav, "/dav/f")
    of_past = await sync(dav, "/dav/@2026-01-01/")

    assert [(answer.status, answer.precondition) for answer in (expand, on_file, of_past)] == [
        (403, "d:supported-report")
    ] * 3
    assert (await dav.call("REPORT", "/dav/", "")).status == 400
    assert (await sync(dav, "/dav/", level="2")).status == 400
    assert (await sync(dav, "/dav/missing/")).status == 404
    assert (await dav.call("REPORT", "/dav/", '<d:sync-collection xmlns:d="DAV:"/>')).status == 400


async def test_a_credential_of_one_folder_has_no_feed_and_says_so(anybody: Dav, ada: Person) -> None:
    await put(ada, "/open/f", b"1")
    folder_id = (await ada.at("/open")).json["file_id"]
    narrow = anybody.showing("ada", await app_password(ada, folder_id=folder_id))

    answer = await sync(narrow, "/dav/")

    assert (answer.status, answer.precondition) == (403, "d:supported-report")
    assert (await narrow.propfind("/dav/", "d:sync-token")).missing("/dav/") == {"d:sync-token"}


async def test_a_shared_folder_comes_and_goes_with_the_right_to_see_it(
    server: Running, ada: Person, bob_dav: Dav
) -> None:
    await put(ada, "/team/plan", b"1")
    mirror = Mirror(bob_dav, "/dav/")
    await mirror.follow()
    folder = await share(server, ada, "/team")
    await mirror.follow()
    seen = dict(mirror.has)
    assert (await ada.delete(f"/api/v1/files/{folder['file_id']}/members/bob")).status == HTTPStatus.NO_CONTENT
    await mirror.follow()

    assert set(seen) == {"/dav/team/", "/dav/team/plan"}
    assert mirror.has == {}


async def test_the_move_of_a_folder_that_holds_too_much_begins_anew(
    dav: Dav, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_report, "MOST", MOVED_MOST)
    await ada.make_folder("/top/many", parents=True)
    for part in range(3):
        await filled(ada, "/top/many", [f"{part}-{number:03}" for number in range(MOVED_MOST // 3 + 5)])
    mirror = Mirror(dav, "/dav/top/")
    await mirror.follow()
    await ada.change((await ada.at("/top/many")).json["file_id"], name="moved")

    refused = await sync(dav, "/dav/top/", mirror.token)
    await mirror.follow()

    assert (refused.status, refused.precondition) == (403, "d:valid-sync-token")
    assert set(mirror.has) == set(await shown(dav, "/dav/top/"))


@pytest.mark.parametrize(("seed", "limit"), [(1, None), (2, 7), (3, 20)])
async def test_whoever_follows_reports_has_what_is_there(
    server: Running, dav: Dav, ada: Person, bob: Person, seed: int, limit: int | None
) -> None:
    """Random changes inside and outside of a folder, read by followers of it and of the whole view, deep and flat."""
    chance = random.Random(seed)  # noqa: S311 - a test's choices
    for name in ("a", "b", "c"):
        await put(ada, f"/top/{name}/{name}", b"x")
        await put(ada, f"/other/{name}", b"x")
    mirrors = {
        ("/dav/top/", True): Mirror(dav, "/dav/top/", limit=limit),
        ("/dav/", True): Mirror(dav, "/dav/", limit=limit),
        ("/dav/top/", False): Mirror(dav, "/dav/top/", level="1", limit=limit),
    }
    for turn in range(12):
        for _ in range(chance.randrange(1, 5)):
            await change_something(chance, server, ada, turn)
        for (path, is_deep), mirror in mirrors.items():
            await mirror.follow()
            now = await shown(dav, path, is_deep=is_deep)
            assert set(mirror.has) == set(now), (turn, path)
            assert {href: etag for href, etag in mirror.has.items() if not href.endswith("/")} == {
                href: etag for href, etag in now.items() if not href.endswith("/")
            }


async def change_something(chance: random.Random, server: Running, ada: Person, turn: int) -> None:
    """Change something in /top or /other: write, rename, move, delete or restore."""
    nodes = [node for top in ("/top", "/other") for node in await below(ada, (await ada.at(top)).json["file_id"])]
    folders = [node for node in nodes if node["kind"] == "folder"]
    what = chance.choice(["write", "write", "rename", "move", "move", "delete", "restore"])
    name = f"{turn}-{chance.randrange(100)}"
    if what == "write" or not nodes:
        parent = chance.choice([*folders, {"path": "/top"}])["path"]
        await put(ada, f"{parent}/{chance.choice([name, 'a', 'b'])}x", name.encode())
    elif what == "rename":
        await ada.change(chance.choice(nodes)["file_id"], name=name)
    elif what == "move" and folders:
        await ada.change(chance.choice(nodes)["file_id"], parent_id=chance.choice(folders)["file_id"])
    elif what == "delete" and len(nodes) > 4:
        await ada.delete(f"/api/v1/files/{chance.choice(nodes)['file_id']}")
    elif what == "restore":
        items = (await ada.get("/api/v1/trash")).json["items"]
        if items:
            await ada.post(f"/api/v1/trash/{chance.choice(items)['trash_id']}/restore", {})
            await server.cairn.jobs.wait_idle()


async def below(person: Person, folder_id: str) -> list[Any]:
    """Return all below a folder."""
    reply = await person.get(f"/api/v1/folders/{folder_id}/children")
    found = list(reply.json["items"])
    for item in list(found):
        if item["kind"] == "folder":
            found += await below(person, item["file_id"])
    return found
