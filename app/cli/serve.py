"""`cairn serve`."""

import argparse
import asyncio
import os

from app.config import Settings
from app.memory import share_arenas
from app.roles.chunks import run_chunks
from app.roles.paths import CHUNKS, FEED
from app.roles.sync import run_sync
from app.server import run


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("serve", parents=[shared], help="run the server")
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument(
        "--role",
        choices=("all", "api", "chunks", "sync"),
        default="all",
        help="'all' of the server; or its 'chunks' or its feed ('sync') alone, beside the one process that writes, of "
        "each several at one port; or that process without these two ('api')",
    )
    parser.set_defaults(
        run=_run,
        overrides=lambda given: {"data.folder": given.data, "server.host": given.host, "server.port": given.port},
    )


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    share_arenas()
    if arguments.role == "chunks":
        return asyncio.run(run_chunks(settings))
    if arguments.role == "sync":
        return asyncio.run(run_sync(settings))
    return asyncio.run(run(settings, os.environ, leaves=(*CHUNKS, *FEED) if arguments.role == "api" else ()))
