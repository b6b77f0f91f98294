"""PATCH: the checksum of a file, read anew, for rclone as it asks a Nextcloud; nothing else is patched."""

import hashlib
import zlib

import pytest

from tests.api.people import MIB, Person, noise
from tests.dav.conftest import Dav
from tests.tree.keeper import versions_of


@pytest.mark.parametrize("asked", ["sha1", "SHA1", "md5", "sha256", "adler32"])
@pytest.mark.parametrize("content", [b"", b"small", noise(5 * MIB)], ids=["empty", "small", "many chunks"])
async def test_the_sum_is_that_of_the_bytes_and_nothing_changes(
    dav: Dav, ada: Person, asked: str, content: bytes
) -> None:
    await ada.put("/f", content)
    file = (await ada.at("/f")).json
    name = asked.lower()
    expected = f"{zlib.adler32(content):08x}" if name == "adler32" else hashlib.new(name, content).hexdigest()

    answer = await dav.call("PATCH", "/dav/f", X_Recalculate_Hash=asked)

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["oc-checksum"] == f"{asked.upper()}:{expected}"
    assert (await ada.at("/f")).json == file
    assert len((await versions_of(ada, file)).json["items"]) == 1


async def test_other_patches_are_refused(dav: Dav, ada: Person) -> None:
    await ada.put("/f", b"f")
    await ada.make_folder("/F")
    sha1 = {"X_Recalculate_Hash": "sha1"}

    for path, body, headers, status in (
        ("/dav/f", "", {}, 415),
        ("/dav/f", "a patch", {}, 415),
        ("/dav/f", "a patch", sha1, 415),
        ("/dav/f", "", {"X_Recalculate_Hash": "crc32"}, 400),
        ("/dav/f", "", sha1 | {"If_Match": '"other"'}, 412),
        ("/dav/F", "", sha1, 405),
        ("/dav/", "", sha1, 405),
        ("/dav/f/", "", sha1, 404),
        ("/dav/none", "", sha1, 404),
        ("/dav/@2026-11-01/f", "", sha1, 403),
    ):
        answer = await dav.call("PATCH", path, body, **headers)
        assert answer.status == status, (path, body, headers)
        assert answer.xml.tag == "{DAV:}error"


async def test_what_is_offered_names_it(dav: Dav) -> None:
    assert "PATCH" in (await dav.call("OPTIONS", "/dav/")).headers["allow"]
