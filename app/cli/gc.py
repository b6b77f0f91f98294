"""`cairn gc [--over-half]`."""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Any

from app.config import Settings
from app.operations import perform, require_folder
from app.sizes import shown


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "gc",
        parents=[shared],
        help="collect chunks that nothing uses; a server does so by itself",
        description="Takes what nothing uses one step further: what a collection finds unused goes with a later one, "
        "after the server has run for a day in between, and after an hour of grace.",
    )
    parser.add_argument("--over-half", action="store_true", help="also if more than half of the store would go")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    answer = asyncio.run(perform(settings, "gc", {"over_half": arguments.over_half}, timeout_s=None))
    print(f"Freed: {_told(answer['freed'])}.")
    print(f"In their grace, gone an hour of running later: {_told(answer['leaving'])}.")
    print(f"Unused, gone with a collection after a day of running: {_told(answer['waiting'])}.")
    return 0


def _told(freed: Mapping[str, Any]) -> str:
    chunks = freed["chunks"]
    return f"{chunks} chunk{'' if chunks == 1 else 's'}, {shown(freed['size'])}"
