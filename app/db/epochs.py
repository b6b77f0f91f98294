"""Notices that a metadata database was put back by hand, and then begins a new epoch (durability.md, 4).

A file beside the database says how far the journal had come when last looked. A database that has not come as far, or
has come there another way, is an older copy: seqs and ids would be given out twice. In a new epoch no cursor of before
counts, and new ids begin far beyond those that may have been given out. A whole folder put back brings the file along;
that is what the chain mark in each cursor is for.
"""

import logging
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from app.db.database import connect_writer
from app.db.transaction import Counters, mark_at, read_counters
from storage.disk import Disk, replace_file

logger = logging.getLogger(__name__)

LEAST_JUMP, LARGEST_JUMP = 2**32, 2**40
END_OF_IDS = 2**53  # numbers of JSON and of apps that read file ids as floating point are exact up to here

_BEGIN_EPOCH = """
    UPDATE meta SET epoch = :epoch, next_id = :next_id, oldest_seq = seq + 1, oldest_mark = mark
"""


class _Stored(msgspec.Struct, frozen=True):
    """What the file holds, as JSON; `mark` in hex."""

    epoch: str
    seq: int
    mark: str


class HighWater:
    """The file that says how far the journal had come."""

    def __init__(self, path: Path, disk: Disk) -> None:
        """Name the file; nothing is read yet."""
        self._path = path
        self._disk = disk

    def note(self, counters: Counters) -> None:
        """Write down where the journal stands, which must be durable; a disk without room leaves the older note."""
        stored = _Stored(counters.epoch, counters.seq, counters.chain_mark.hex())
        try:
            replace_file(self._disk, self._path, msgspec.json.encode(stored))
        except OSError as error:
            logger.warning("how far the journal has come could not be noted: %s", error)

    def is_reached_by(self, connection: sqlite3.Connection) -> bool:
        """Tell whether the database holds the journal as it was noted; True where nothing is noted."""
        try:
            stored = msgspec.json.decode(self._disk.read(self._path), type=_Stored)
        except FileNotFoundError:
            return True
        except msgspec.DecodeError:
            logger.warning("%s is damaged: the database counts as put back", self._path)
            return False
        if read_counters(connection).epoch != stored.epoch:
            return False
        mark = mark_at(connection, stored.seq)
        return mark is not None and mark.hex() == stored.mark


def open_epoch(path: Path, high_water: HighWater, disk: Disk) -> None:
    """Begin a new epoch if the database at `path` is not as far as was noted. Blocks; nothing else may have it open."""
    with closing(connect_writer(path)) as connection:
        if high_water.is_reached_by(connection):
            return
        connection.execute("BEGIN IMMEDIATE")
        before = read_counters(connection)
        jump = LEAST_JUMP + secrets.randbelow(LARGEST_JUMP - LEAST_JUMP)
        next_id = before.next_id + min(jump, (END_OF_IDS - before.next_id) // 2)
        connection.execute(_BEGIN_EPOCH, {"epoch": secrets.token_hex(8), "next_id": next_id})
        disk.commit(connection, path)
        high_water.note(read_counters(connection))
    logger.warning(
        "The database was put back from a copy: a new epoch begins. "
        "Devices will compare everything with what they have, and delete nothing because of it."
    )
