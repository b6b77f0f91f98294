"""What an operation costs does not grow with the tree."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.db.transaction import Transaction
from app.ids import decode_id
from app.repositories import listings, versions
from tests.api.conftest import Running
from tests.api.people import Person, noise
from tests.tree.keeper import copy, deleted, grow, purge, restore_version, restored

SMALL = ("meta", "jobs")


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


async def test_no_statement_looks_through_a_whole_table(server: Running, ada: Person) -> None:
    statements: set[str] = set()
    await server.cairn.database.write(lambda tx: tx.connection.set_trace_callback(statements.add))

    await grow(ada, [f"/a/{n}" for n in range(5)])
    file = await ada.upload("/a/b/f", noise(10), parents=True)
    newer = await ada.upload("/a/b/f", noise(10), base_version=file["version_id"])
    await restore_version(ada, newer, file["version_id"])
    folder = (await ada.at("/a")).json
    await copy(ada, folder, "root", "c")
    await restored(ada, await deleted(ada, folder))
    await ada.change((await ada.at("/a/b")).json["file_id"], name="d")
    await restored(ada, await deleted(ada, (await ada.at("/a/d/f")).json))
    await purge(ada, await deleted(ada, folder))
    await server.cairn.jobs.wait_idle()

    def read(tx: Transaction) -> list[str]:
        node = decode_id(file["file_id"])[0]
        listings.trash(tx, 1, before=2**62, limit=10)
        versions.of_node(tx, node, before=2**62, limit=10)
        tx.connection.set_trace_callback(None)
        asked = [text for text in statements if text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))]
        return [row["detail"] for text in asked for row in tx.connection.execute(f"EXPLAIN QUERY PLAN {text}")]

    plans = await server.cairn.database.write(read)
    scans = [plan for plan in plans if plan.startswith("SCAN ") and plan.split()[1] not in SMALL]
    assert len(plans) > 20
    assert scans == []
    assert any("node_trash" in plan for plan in plans)
    assert not any("TEMP B-TREE" in plan for plan in plans)
