"""Compares the index of names with the names: by building another one, of which only the sums are looked at."""

from collections.abc import Iterator

from app.db.transaction import Snapshot
from app.repositories import name_checks


def check_names(tx: Snapshot) -> Iterator[str]:
    """Yield in a sentence each what is wrong with the index of names: nobody loses a file, but searches miss some."""
    for node_id in name_checks.missing(tx):
        yield f"it lacks node {node_id}"
    for node_id in name_checks.surplus(tx):
        yield f"it still has node {node_id}"
    found, expected = name_checks.trigrams(tx), name_checks.trigrams_of_names(tx)
    wrong = [gram for gram in found.keys() | expected.keys() if found.get(gram) != expected.get(gram)]
    if wrong:
        yield f"it has other names than the nodes: {len(wrong)} trigrams differ, {min(wrong)!r} first"
