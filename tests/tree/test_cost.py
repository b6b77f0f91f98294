"""What an operation costs does not grow with the tree."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.db.transaction import Snapshot
from app.repositories import listings
from tests.api.conftest import Running
from tests.api.people import Person
from tests.tree.keeper import deleted, grow, purge, restored


def journal_length(folder: Path) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])


async def test_a_deletion_a_move_and_a_return_are_one_change_each(server: Running, ada: Person) -> None:
    await grow(ada, [f"/a/{n % 7}/{n}" for n in range(500)])
    folder = (await ada.at("/a")).json
    start = journal_length(server.folder)

    await ada.change(folder["file_id"], name="b")
    await deleted(ada, folder)
    assert journal_length(server.folder) == start + 2
    await restored(ada, folder["file_id"])
    await server.cairn.jobs.wait_idle()

    assert journal_length(server.folder) == start + 2 + 1 + 1  # the return, and one slice of the reveal


async def test_the_trash_is_listed_by_an_index_that_holds_nothing_purged(server: Running, ada: Person) -> None:
    await purge(ada, await deleted(ada, await ada.make_folder("/a")))
    await deleted(ada, await ada.make_folder("/b"))

    def plan(tx: Snapshot) -> list[str]:
        traced: list[str] = []
        tx.connection.set_trace_callback(traced.append)
        listings.trash(tx, 1, before=2**62, limit=10)
        tx.connection.set_trace_callback(None)
        return [row["detail"] for row in tx.connection.execute(f"EXPLAIN QUERY PLAN {traced[0]}")]

    steps = await server.cairn.database.read(plan)
    assert steps[0].startswith("SEARCH n USING INDEX node_trash")
    assert not any("TEMP B-TREE" in step for step in steps)
