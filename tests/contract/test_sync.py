"""The bodies of the feed are those of the golden file: as the server writes them, and as the client reads them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.wire_sync import ChangeReply, EventReply, SyncReply
from client import protocol

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "sync.json").read_text(encoding="utf-8"))
ANSWERED: dict[str, Any] = {
    "sync": SyncReply[ChangeReply],
    "sync_without_news": SyncReply[ChangeReply],
    "event": EventReply,
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_answer_has_the_fields_that_the_server_writes_and_no_other(name: str) -> None:
    answer = msgspec.json.decode(json.dumps(GOLDEN[name]), type=ANSWERED[name])

    assert json.loads(msgspec.json.encode(answer)) == GOLDEN[name]


def test_the_client_reads_changes_and_deletes() -> None:
    page = msgspec.json.decode(json.dumps(GOLDEN["sync"]), type=protocol.SyncAnswer)

    assert [(change.type, change.reason, change.file.deleted) for change in page.changes] == [
        ("upsert", None, False),
        ("upsert", None, False),
        ("delete", "deleted", True),
        ("delete", "deleted", True),
    ]
    assert (page.cursor, page.seq, page.has_more) == ("opaque", 44, False)
    assert page.changes[-1].file.version_id is None
