"""What names become in a zip: none leads out of its folder, none looks like what it is not, none is there twice."""

import re

import pytest

from app.services.archive_format import safe_name
from tests.api.people import Person
from tests.links.zips import held, zip_path

HOSTILE = ["..\\up", "C:evil", "\\\\server\\share", "a\u202etxt.exe", "\u2066x\u2069", "-rf", "~", "..."]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a\\b", "a_b"),
        ("..\\..\\x", ".._.._x"),
        ("C:", "C_"),
        ("c:\\windows", "c__windows"),
        ("12:30.txt", "12:30.txt"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("über 日本 🙂", "über 日本 🙂"),
    ],
)
def test_a_name_is_made_safe_and_otherwise_left_alone(name: str, safe: str) -> None:
    assert safe_name(name) == safe


async def test_hostile_names_stay_in_their_folder(ada: Person) -> None:
    await ada.make_folder("/d")
    for number, name in enumerate(HOSTILE):
        await ada.put(f"/d/{name}", b"%d" % number)
        await ada.make_folder(f"/d/folder {name}")

    found = held((await ada.get(await zip_path(ada, "/d"))).body)

    assert len(found) == 1 + 2 * len(HOSTILE)
    for path in found:
        assert path.startswith("d/")
        assert not re.search(r"[\\\x00-\x1f\u202a-\u202e\u2066-\u2069]|^/|(^|/)[A-Za-z]:|(^|/)\.\.?(/|$)", path), path


async def test_names_that_become_alike_are_numbered(ada: Person) -> None:
    await ada.make_folder("/d")
    for name in ("a_b", "a\\b", "a\u202eb", "a_b (2)"):
        await ada.put(f"/d/{name}", name.encode())

    found = held((await ada.get(await zip_path(ada, "/d"))).body)

    assert found["d/a_b"] == b"a_b"
    assert found["d/a_b (2)"] == b"a_b (2)"
    assert {found["d/a_b (3)"], found["d/a_b (4)"]} == {b"a\\b", "a\u202eb".encode()}
    assert len(found) == 5
