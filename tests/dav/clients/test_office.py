"""Microsoft Office: a document opened by its URL, and one saved through a drive letter."""

from dataclasses import replace

import pytest

from tests.api.people import Person
from tests.dav.conftest import Dav
from tests.dav.test_move import hashes_of
from tests.dav.test_saves import everything_kept, hashed
from tests.tree.keeper import tree_below

OLD, NEW = b"as it was", b"as it is now"
WORD = {
    "User-Agent": "Microsoft Office Word 2014",
    "X-Office-Major-Version": "16",
    "X-MS-CookieUri-Requested": "t",
    "X-FeatureVersion": "1",
    "X-IDCRL_ACCEPTED": "t",
}
LOOKS_AROUND = {"User-Agent": "Microsoft Office Protocol Discovery", "X-IDCRL_ACCEPTED": "t"}
LOCK = (
    '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    "<D:locktype><D:write/></D:locktype><D:owner><D:href>Ada Lovelace</D:href></D:owner></D:lockinfo>"
)
WHO_CHANGED_IT = (
    '<?xml version="1.0" ?><D:propfind xmlns:D="DAV:" xmlns:Office="urn:schemas-microsoft-com:office:office"><D:prop>'
    "<D:creationdate/><D:getlastmodified/><D:getcontentlength/><Office:modifiedby/></D:prop></D:propfind>"
)
XML = {"Content-Type": 'text/xml; charset="utf-8"'}


@pytest.fixture
def word(dav: Dav) -> Dav:
    """Word, and the headers that it always sends."""
    return replace(dav, headers=WORD)


async def lock(word: Dav, path: str) -> str:
    """Lock a document as Word does on opening it, and return the token with its brackets."""
    answer = await word.call("LOCK", path, LOCK, Timeout="Second-3600", Depth="0", **XML)
    assert answer.status in (200, 201)
    return answer.headers["lock-token"]


async def test_a_document_is_opened_by_its_url(anybody: Dav, word: Dav, ada: Person) -> None:
    await ada.put("/plan.docx", OLD)
    asking = replace(anybody, headers=LOOKS_AROUND)

    # It may bring a Bearer without a token, and must be asked for a name and a password then.
    empty = await asking.call("HEAD", "/dav/plan.docx", Authorization="Bearer")
    assert empty.status == 401
    assert (await replace(word, headers=LOOKS_AROUND).call("OPTIONS", "/dav/")).headers["ms-author-via"] == "DAV"
    assert (await word.call("HEAD", "/dav/")).status == 200
    assert (await word.call("HEAD", "/dav/plan.docx")).headers["content-length"] == str(len(OLD))
    await lock(word, "/dav/plan.docx")
    got = await word.call("GET", "/dav/plan.docx", translate="f", Depth="0", **XML)
    assert (got.status, got.body) == (200, OLD)


async def test_who_changed_it_is_not_known_and_the_rest_is(word: Dav, ada: Person) -> None:
    await ada.put("/plan.docx", OLD)

    answer = await word.call("PROPFIND", "/dav/plan.docx", WHO_CHANGED_IT, Depth="0", **XML)

    assert {"d:creationdate", "d:getlastmodified", "d:getcontentlength"} == set(answer.of("/dav/plan.docx"))
    assert answer.missing("/dav/plan.docx") == {"{urn:schemas-microsoft-com:office:office}modifiedby"}


@pytest.mark.parametrize("shows", ["If", "Lock-Token"])
async def test_it_saves_what_it_has_locked(word: Dav, ada: Person, shows: str) -> None:
    """Some of its versions show the lock in `Lock-Token`, and in no `If` header."""
    await ada.put("/plan.docx", OLD)
    token = await lock(word, "/dav/plan.docx")
    shown = {shows: f"({token})" if shows == "If" else token}

    blind = await word.call("PUT", "/dav/plan.docx", b"of somebody who shows nothing")
    saved = await word.call("PUT", "/dav/plan.docx", NEW, **shown)
    renewed = await word.call("LOCK", "/dav/plan.docx", Timeout="Second-3600", If=f"({token})")
    unlocked = await word.call("UNLOCK", "/dav/plan.docx", **{"Lock-Token": token})

    assert (blind.status, saved.status, renewed.status, unlocked.status) == (423, 204, 200, 204)
    assert await hashes_of(ada, "/plan.docx") == hashed(NEW, OLD)


async def test_a_token_in_a_put_is_worth_nothing_to_another(word: Dav, by_device: Dav, ada: Person) -> None:
    await ada.put("/plan.docx", OLD)
    token = await lock(word, "/dav/plan.docx")

    stolen = await by_device.call("PUT", "/dav/plan.docx", NEW, **{"Lock-Token": token})

    assert stolen.status == 423
    assert (await word.call("GET", "/dav/plan.docx")).body == OLD


async def test_saved_through_a_drive_the_old_one_is_kept(word: Dav, ada: Person) -> None:
    """The file that says who has it open, the new document beside the old, both renamed; each written under a lock."""
    await ada.put("/plan.docx", OLD)
    server = f"http://127.0.0.1:{word.port}"

    async def write(path: str, body: bytes) -> None:
        assert (await word.call("PUT", path)).status == 201
        token = await lock(word, path)
        assert (await word.call("PUT", path, body, If=f"({token})")).status == 204
        assert (await word.call("UNLOCK", path, **{"Lock-Token": token})).status == 204

    async def rename(path: str, to: str) -> None:
        assert (await word.call("MOVE", path, Destination=server + to, Overwrite="F")).status == 201

    await write("/dav/~$plan.docx", b"\x03Ada")
    await write("/dav/~WRD0001.tmp", NEW)
    await rename("/dav/plan.docx", "/dav/~WRL0002.tmp")
    await rename("/dav/~WRD0001.tmp", "/dav/plan.docx")
    for path in ("/dav/~WRL0002.tmp", "/dav/~$plan.docx"):
        assert (await word.call("DELETE", path)).status == 204

    assert (await word.call("GET", "/dav/plan.docx")).body == NEW
    assert list(await tree_below(ada)) == ["/plan.docx"]
    assert set(hashed(NEW, OLD)) <= await everything_kept(ada)
