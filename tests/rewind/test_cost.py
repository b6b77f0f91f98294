"""What a look back costs: it does not grow with the journal."""

import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.config import Settings
from tests.api.conftest import Template, serving
from tests.api.people import Person
from tests.rewind.conftest import time_of
from tests.tree.keeper import grow

ENTRIES = 1000
ROWS = 1_000_000
LOOKS = 50
_JOURNAL = """
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :rows)
    INSERT INTO journal SELECT m.seq + n, :node, 2, :actor, m.last_ms + n, x'0000000000000000' FROM counted, meta m
"""
_HEAD = "UPDATE meta SET seq = seq + :rows, last_ms = last_ms + :rows"


async def listing_s(ada: Person, folder_id: str, time_ms: int) -> float:
    """Return the median of how long the listing takes, in seconds."""
    times_s = []
    for _ in range(LOOKS):
        started_s = time.perf_counter()
        reply = await ada.get(f"/api/v1/folders/{folder_id}/at", params={"time_ms": str(time_ms)})
        times_s.append(time.perf_counter() - started_s)
        assert len(reply.json["items"]) == ENTRIES
    return statistics.median(times_s)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_a_folder_of_a_thousand_is_listed_as_it_was_as_fast_among_a_million_changes(
    folder: Path, settings: Settings, template: Template
) -> None:
    async with serving(folder, settings) as running:
        ada = Person(running.session, template.tokens["ada"])
        await ada.upload("/seed", b"one")
        await grow(ada, [f"/full/{number}" for number in range(ENTRIES)], b"one")
        time_ms = time_of(folder)
        full = (await ada.at("/full")).json["file_id"]
        for file in (await ada.get(f"/api/v1/folders/{full}/children")).json["items"]:
            await ada.change(file["file_id"], name=f"{file['name']}.new")
        before_s = await listing_s(ada, full, time_ms)
    with closing(sqlite3.connect(folder / "metadata.db")) as connection:
        node, actor = connection.execute("SELECT id, actor_id FROM nodes LIMIT 1").fetchone()
        connection.execute(_JOURNAL, {"rows": ROWS, "node": node, "actor": actor})
        connection.execute(_HEAD, {"rows": ROWS})
        connection.commit()
    async with serving(folder, settings) as running:
        after_s = await listing_s(Person(running.session, template.tokens["ada"]), full, time_ms)

    assert after_s < before_s * 1.5 + 0.005, (before_s, after_s)
