"""The bodies of the trash, of versions and of copies are those of the golden file, on both sides."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import wire_tree
from client import protocol

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "tree.json").read_text(encoding="utf-8"))
ANSWERED: dict[str, type[msgspec.Struct]] = {"trash": wire_tree.TrashPage, "versions": wire_tree.VersionPage}


def read(name: str, kind: Any) -> Any:
    return msgspec.json.decode(json.dumps(GOLDEN["answers"][name]), type=kind)


def test_the_client_writes_a_copy_as_the_server_takes_it() -> None:
    golden = GOLDEN["requests"]["copy"]

    assert json.loads(msgspec.json.encode(protocol.CopyRequest("00000000000041", "b.odt"))) == golden
    taken = msgspec.json.decode(json.dumps(golden), type=wire_tree.CopyRequest)
    assert json.loads(msgspec.json.encode(taken)) == {**golden, "on_conflict": "fail"}


@pytest.mark.parametrize("name", GOLDEN["answers"])
def test_the_server_answers_with_the_golden_fields_and_no_other(name: str) -> None:
    answer = read(name, ANSWERED[name])

    assert json.loads(msgspec.json.encode(answer)) == GOLDEN["answers"][name]


def test_the_client_reads_the_trash() -> None:
    page = read("trash", protocol.TrashPage)

    item = page.items[0]
    assert (item.trash_id, item.deleted_ms, item.deleted_by) == ("00000000000081", 1_764_000_000_003, "bob")
    assert (item.path, item.size, page.next) == ("/Docs/plan.odt", 3 * 1024 * 1024, "44")


def test_the_client_reads_versions() -> None:
    page = read("versions", protocol.VersionPage)

    assert [(item.version_id, item.size, item.modified_by, item.sha256) for item in page.items] == [
        ("00000000000083", 5, "ada", "a" * 64),
        ("00000000000082", 3 * 1024 * 1024, "bob", None),
    ]
    assert page.next is None
