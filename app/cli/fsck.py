"""`cairn fsck [--metadata | --content]`."""

import argparse
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace

from app.chunk_medium import chunk_medium
from app.config import Settings, SettingsError
from app.data_folder import DataFolder
from app.master_key import find_master
from app.services.fsck import Damage, Level, check
from storage import moves
from storage.disk import Disk, LocalDisk
from storage.errors import BadStoreError, StorageError
from storage.layout import LAYOUT, LAYOUT_NAME
from storage.local import LocalMedium
from storage.store import INDEX_NAME, OpenMedium
from storage.vault import MasterKey

CLEAN, DAMAGED, NOT_CHECKED = 0, 1, 5


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "fsck", parents=[shared], help="look for damage; reads only, also beside a running server"
    )
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--metadata", action="store_true", help="only the database")
    level.add_argument("--content", action="store_true", help="also read and hash every chunk")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    level = Level.METADATA if arguments.metadata else Level.CONTENT if arguments.content else Level.REFERENCES
    disk = LocalDisk()
    folder = DataFolder(settings.data.folder, disk)
    if not folder.exists:
        return _cannot_check(f"There is no Cairn in {settings.data.folder}: name its data folder with --data.")
    damages: list[Damage] = []
    notes: list[Damage] = []
    unchecked = None
    try:
        with _medium(settings, folder, disk, level) as open_medium:
            for found in check(folder, disk, level, open_medium, _master(settings, level, disk)):
                (notes if found.is_harmless else damages).append(found)
                if not arguments.json:
                    print(f"{'note, ' if found.is_harmless else ''}{found.kind}: {found.detail}")
    except (sqlite3.Error, StorageError, SettingsError, OSError) as error:
        unchecked = _cannot_check(f"{settings.data.folder} cannot be checked to the end: {error}")
    if arguments.json:
        reply = {
            "level": level.name.lower(),
            "complete": unchecked is None,
            "damage": _shown(damages),
            "notes": _shown(notes),
        }
        print(json.dumps(reply, ensure_ascii=False))
    elif not damages and unchecked is None:
        print(f"{settings.data.folder} is clean ({level.name.lower()}).")
    return DAMAGED if damages else CLEAN if unchecked is None else unchecked


def _master(settings: Settings, level: Level, disk: Disk) -> MasterKey | None:
    return find_master(settings.encryption, disk) if level is Level.CONTENT else None


@contextlib.contextmanager
def _medium(settings: Settings, folder: DataFolder, disk: Disk, level: Level) -> Iterator[OpenMedium]:
    """Yield what opens the medium and, in files, makes nothing."""
    if level is Level.METADATA:
        yield LocalMedium
    elif settings.storage.backend == "local" and moves.read_from(folder.store / INDEX_NAME) is None:
        _require_files(folder, disk)
        yield LocalMedium
    else:
        quiet = replace(settings.storage, s3=replace(settings.storage.s3, public_endpoint=""))  # nothing is to be tried
        with chunk_medium(quiet, folder.object_server, disk) as open_medium:
            yield open_medium


def _require_files(folder: DataFolder, disk: Disk) -> None:
    """Refuse to look for chunks among files that lie elsewhere: each would seem to be lost.

    Raises:
        BadStoreError: they do.
    """
    with contextlib.suppress(FileNotFoundError):
        if disk.read(folder.store / LAYOUT_NAME) != LAYOUT:
            raise BadStoreError("its chunks lie in a bucket: give the settings of its server, as with --config")


def _shown(found: list[Damage]) -> list[dict[str, str]]:
    return [{"kind": damage.kind, "detail": damage.detail} for damage in found]


def _cannot_check(sentence: str) -> int:
    print(f"cairn: {sentence}", file=sys.stderr)
    return NOT_CHECKED
