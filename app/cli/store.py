"""`cairn store status`, `cairn store migrate` and `cairn store empty`: where chunks lie, and how they get elsewhere."""

import argparse
import asyncio
import json
from collections.abc import Mapping
from typing import Any

from app.config import Settings
from app.operations import perform, require_folder
from app.services.migration import KINDS
from app.sizes import shown

_STAGES = {
    "copy": "is under way",
    "verify": "has copied all, and checks the new store",
    "retain": "is done",
    "empty": "is done, and the old store is being emptied",
    "done": "is done, and the old store is empty",
}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    store = commands.add_parser("store", help="where chunks lie").add_subparsers(dest="action", required=True)
    status = store.add_parser("status", parents=[shared], help="tell where chunks lie, and how a move goes")
    status.add_argument("--json", action="store_true", help="one JSON object")
    status.set_defaults(run=_status)
    migrate = store.add_parser(
        "migrate",
        parents=[shared],
        help="move all chunks to another store while people work",
        description="From now on new chunks go to the other store, and the server copies all others there. It goes on "
        "after a restart; cairn store status tells how far it is.",
    )
    way = migrate.add_mutually_exclusive_group(required=True)
    way.add_argument("--to", choices=KINDS, help="which store; a bucket is set up in [storage.s3]")
    way.add_argument("--undo", action="store_true", help="let all go back, as long as the old store is in use")
    migrate.set_defaults(run=_migrate)
    empty = store.add_parser(
        "empty",
        parents=[shared],
        help="remove the copies that the old store keeps after a move, for good",
    )
    empty.set_defaults(run=_empty)


def _status(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    status = asyncio.run(perform(settings, "store.status", {}, timeout_s=None))
    if arguments.json:
        print(json.dumps(status, ensure_ascii=False))
        return 0
    for side in status["sides"]:
        used = ", new chunks are put here" if side["kind"] == status["main"] else ""
        problem = f"; it cannot be used: {side['problem']}" if side["problem"] else ""
        print(f"{side['kind']}: {_count(side['chunks'])}, {shown(side['size'])}{used}{problem}")
    if status["damaged"]:
        print(f"Damaged: {_count(status['damaged'])}; cairn fsck names the files.")
    if status["move"]:
        _show(status["move"])
    if status["direct"]:
        print(f"Large chunks go through this server all the same: {status['direct']}.")
    elif status["direct"] is not None:
        print("Clients send and fetch large chunks at the object server themselves.")
    print(status["advice"])
    return 0


def _show(move: Mapping[str, Any]) -> None:
    print(f"The move from {move['source']} to {move['target']} {_STAGES[move['stage']]}.")
    if move["left"]:
        told = f"Left: {_count(move['left'])}, {shown(move['left_size'])}"
        if move["rate"]:
            told += f"; {shown(move['rate'])} a second, {_span(move['left_size'] / move['rate'])} to go"
        print(f"{told}.")
    if move["kept_s"]:
        print(f"The old store keeps its copies for {_span(move['kept_s'])} of running.")
    if move["problem"]:
        print(f"It does not go on at present: {move['problem']}")


def _migrate(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "store.migrate", {"to": arguments.to, "undo": arguments.undo}, timeout_s=None))
    print("Chunks move as long as the server runs; cairn store status tells how far it is.")
    return 0


def _empty(_: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "store.empty", {}))
    print("The old store is emptied as long as the server runs; cairn store status tells when that is done.")
    return 0


def _count(chunks: int) -> str:
    return f"{chunks} chunk{'' if chunks == 1 else 's'}"


def _span(seconds: float) -> str:
    """Return a span of time in the unit that fits."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{max(1, round(seconds))} s"
