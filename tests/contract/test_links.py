"""The bodies of links are those of the golden file, on both sides."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app import wire_links
from client import protocol

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "links.json").read_text(encoding="utf-8"))
TAKEN: dict[str, type[msgspec.Struct]] = {
    "make": wire_links.LinkRequest,
    "make_drop": wire_links.LinkRequest,
    "pause": wire_links.LinkChange,
}
ANSWERED: dict[str, type[msgspec.Struct]] = {"made": wire_links.LinkReply, "listed": wire_links.LinkPage}
WRITTEN: dict[str, msgspec.Struct] = {
    "make": protocol.LinkRequest("0000000000041", "marble-otter-lantern-7", 1_764_600_000_000, 5),
    "make_drop": protocol.LinkRequest("0000000000041", mode="drop"),
    "pause": protocol.LinkChange(paused=True),
}


@pytest.mark.parametrize("name", GOLDEN["requests"])
def test_the_client_writes_what_the_server_takes(name: str) -> None:
    golden = GOLDEN["requests"][name]

    written = json.loads(msgspec.json.encode(WRITTEN[name]))

    assert {"mode": "view", **written} == {"mode": "view", **golden}
    assert msgspec.json.decode(json.dumps(golden), type=TAKEN[name]) is not None


@pytest.mark.parametrize("name", GOLDEN["answers"])
def test_the_server_answers_with_the_golden_fields_and_no_other(name: str) -> None:
    answer = msgspec.json.decode(json.dumps(GOLDEN["answers"][name]), type=ANSWERED[name])

    assert json.loads(msgspec.json.encode(answer)) == GOLDEN["answers"][name]


def test_the_client_reads_links() -> None:
    made = msgspec.json.decode(json.dumps(GOLDEN["answers"]["made"]), type=protocol.NewLink)
    listed = msgspec.json.decode(json.dumps(GOLDEN["answers"]["listed"]), type=protocol.LinkPage)

    assert (made.url, made.max_downloads, made.path) == ("/s/AbCdEfGhIjKlMnOpQrStUvWx", 5, "/Docs/plan.odt")
    assert [(link.paused, link.path, link.mode) for link in listed.items] == [(True, None, "drop")]
