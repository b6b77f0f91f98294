"""The check of a data folder: metadata against its own rules, versions against the store, bytes against hashes.

It only reads, and is right beside a running server: metadata is read in one snapshot, the store after it, and a chunk
is always in the store before a version names it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from app.data_folder import DataFolder
from app.db.database import connect_reader
from app.db.transaction import Snapshot, chain_mark, read_counters
from app.manifest import Manifest
from app.repositories import checks, journal
from app.repositories.checks import FolderFigures, Problem
from app.services.name_check import check_names
from storage.disk import Disk
from storage.errors import StorageError
from storage.index import IndexStates
from storage.local import LocalMedium
from storage.store import INDEX_NAME, OpenMedium
from storage.vault import MasterKey
from storage.verify import Problem as StoreProblem
from storage.verify import verify_store

PAGE = 1000
VERSIONS_AT_ONCE = 200
MALFORMED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Level(Enum):
    """How deep to look; each level includes those before it."""

    METADATA = 1
    REFERENCES = 2
    CONTENT = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong: what kind of thing, and a sentence that says where.

    `is_harmless` where nothing is lost by it but room: a power cut may leave files that no row names.
    """

    kind: str
    detail: str
    is_harmless: bool = False


def check(
    folder: DataFolder,
    disk: Disk,
    level: Level,
    open_medium: OpenMedium = LocalMedium,
    master: MasterKey | None = None,
) -> Iterator[Damage]:
    """Yield everything that is wrong. Blocks.

    Args:
        folder: of the server.
        disk: the seam to the operating system.
        level: how deep to look.
        open_medium: opens what keeps the chunks.
        master: opens what is encrypted, for the deepest level.

    Raises:
        sqlite3.Error, StorageError, OSError: something cannot be read, so nothing can be said.
    """
    try:
        yield from _check_all(folder, disk, level, open_medium, master)
    except (sqlite3.Error, StorageError) as error:
        cause = error.__cause__ if isinstance(error, StorageError) else error
        if not getattr(cause, "sqlite_errorname", "").startswith(MALFORMED):
            raise
        yield Damage("database", f"it can not be read to its end: {cause}")


def _check_all(
    folder: DataFolder, disk: Disk, level: Level, open_medium: OpenMedium, master: MasterKey | None
) -> Iterator[Damage]:
    with closing(connect_reader(folder.metadata)) as connection:
        connection.execute("BEGIN")
        tx = Snapshot(connection)
        yield from _check_file(tx)
        yield from _check_journal(tx)
        yield from _check_tree(tx)
        for told in check_names(tx):
            yield Damage("index of names", told)
        if level is not Level.METADATA:
            with closing(IndexStates(folder.store / INDEX_NAME)) as states:
                yield from _check_versions(tx, states)
    if level is not Level.METADATA:
        is_deep = level is Level.CONTENT
        for finding in verify_store(folder.store, disk=disk, content=is_deep, open_medium=open_medium, master=master):
            chunk = "" if finding.chunk_id is None else f"chunk {finding.chunk_id.hex()}: "
            is_harmless = finding.problem is StoreProblem.STRAY
            yield Damage(f"store {finding.problem}", f"{chunk}{finding.detail}", is_harmless)


def _check_file(tx: Snapshot) -> Iterator[Damage]:
    for message in checks.integrity(tx):
        yield Damage("database", message)
    for table, row in checks.broken_foreign_keys(tx):
        yield Damage("database", f"row {row} of {table} refers to a row that is not there")


def _check_journal(tx: Snapshot) -> Iterator[Damage]:
    """Recompute every chain mark from the oldest row on."""
    head, oldest = read_counters(tx.connection), checks.oldest(tx)
    seq, mark, at_ms = oldest.seq - 1, oldest.mark_before, 0
    while rows := journal.rows_after(tx, seq, limit=PAGE):
        for row in rows:
            if row.seq != seq + 1:
                yield Damage("journal", f"rows {seq + 1} to {row.seq - 1} are missing")
            if row.at_ms < at_ms:
                yield Damage("journal", f"row {row.seq} is older than the row before it")
            expected = chain_mark(head.epoch, mark, row.seq, row.node_id, row.operation, row.actor_id, row.at_ms)
            if row.mark != expected:
                yield Damage("journal", f"row {row.seq} does not follow from the row before it")
            seq, mark, at_ms = row.seq, row.mark, row.at_ms
    if (seq, mark) != (head.seq, head.chain_mark):
        yield Damage("journal", f"it ends at {seq} and should end at {head.seq}")


def _check_tree(tx: Snapshot) -> Iterator[Damage]:
    for problem in checks.all_rules(tx):
        yield Damage("tree", _told(problem))
    yield from _check_sums(tx)


def _told(problem: Problem) -> str:
    return f"{problem.rule}: {problem.subject} {problem.id}"


def _check_sums(tx: Snapshot) -> Iterator[Damage]:
    """Add up every folder from its children, deepest first, and compare; memory grows with folders, not with files."""
    figures = {figure.node_id: figure for figure in checks.folder_figures(tx)}
    totals = {node_id: [figure.size_here, figure.items_here] for node_id, figure in figures.items()}
    order = _deepest_first(figures)
    purged = _being_purged(figures, order)
    for node_id in order:
        figure, parent = figures[node_id], figures[node_id].parent_id
        size, items = totals[node_id]
        if (size, items) != (figure.size, figure.items) and node_id not in purged:
            told = f"{figure.items} nodes with {figure.size} bytes, and there are {items} with {size}"
            yield Damage("sums", f"folder {node_id} counts {told}")
        if figure.is_alive and parent in totals:
            totals[parent][0] += size
            totals[parent][1] += items


def _being_purged(figures: dict[int, FolderFigures], deepest_first: list[int]) -> set[int]:
    """Return the folders that a purge is at work on: what was trashed inside them before is not among them."""
    purged = set[int]()
    for node_id in reversed(deepest_first):
        figure = figures[node_id]
        if figure.is_purged or (figure.is_alive and figure.parent_id in purged):
            purged.add(node_id)
    return purged


def _deepest_first(figures: dict[int, FolderFigures]) -> list[int]:
    """Return the folders so that each comes before the one it is in."""
    order: list[int] = []
    seen: set[int] = set()
    for start in figures:
        chain = []
        at: int | None = start
        while at is not None and at in figures and at not in seen:
            seen.add(at)
            chain.append(at)
            at = figures[at].parent_id
        order += reversed(chain)
    order.reverse()
    return order


def _check_versions(tx: Snapshot, states: IndexStates) -> Iterator[Damage]:
    """Look up every chunk of every version in the index."""
    manifests = checks.manifests(tx)
    while page := list(islice(manifests, VERSIONS_AT_ONCE)):
        wanted = {chunk_id for _, _, _, packed in page for chunk_id in Manifest(packed).ids()}
        present = states.kept(wanted)
        for version_id, node_id, size, packed in page:
            manifest = Manifest(packed)
            if manifest.size != size:
                yield Damage("version", f"{_place(tx, node_id, version_id)}: its chunks do not add up to {size} bytes")
            lost = set(manifest.ids()) - present
            if lost:
                first = min(lost).hex()
                yield Damage(
                    "version",
                    f"{_place(tx, node_id, version_id)}: {len(lost)} chunks are not in the store, {first} first",
                )


def _place(tx: Snapshot, node_id: int, version_id: int) -> str:
    """Name a version so that a person finds it: its number, its path, whose it is."""
    names = checks.way_up(tx, node_id)
    path = "/" + "/".join(reversed(names[:-1]))
    return f"version {version_id} of {path} of {checks.owner_name(tx, node_id)}"
