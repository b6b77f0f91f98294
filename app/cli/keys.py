"""`cairn keys rotate [--now]`."""

import argparse
import asyncio

from app.config import Settings
from app.operations import perform, require_folder


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    keys = commands.add_parser("keys", help="the keys that sign URLs").add_subparsers(dest="action", required=True)
    rotate = keys.add_parser("rotate", parents=[shared], help="sign with a new key from now on")
    rotate.add_argument("--now", action="store_true", help="void every URL that was signed before, at once")
    rotate.set_defaults(run=_rotate)


def _rotate(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "keys.rotate", {"now": arguments.now}))
    return 0
