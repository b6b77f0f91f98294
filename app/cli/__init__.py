"""The commands that work on a data folder: serve, user, fsck, gc, store, keys, encrypt, tls."""

import argparse
import asyncio
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app.cli import encrypt, fsck, gc, keys, serve, store, tls, user
from app.config import Settings, SettingsError, load
from app.control import ControlError
from app.data_folder import DataFolderError
from app.db.migrate import NewerSchemaError
from app.errors import AppError
from app.logs import start_logging
from app.server import ListenError
from app.tls.certificates import CertificateError
from storage.errors import StorageError

logger = logging.getLogger(__name__)

COMMANDS = (serve, user, fsck, gc, store, keys, encrypt, tls)
FAILED, WRONG_USE = 1, 2


def main(argv: Sequence[str]) -> int:
    """Run the command in `argv` (its name first) and return its exit code; errors are one sentence on stderr."""
    os.umask(0o077)
    arguments = _parser().parse_args(argv)
    try:
        settings = load(arguments.config, os.environ, arguments.overrides(arguments))
    except SettingsError as error:
        return _say(str(error), WRONG_USE)
    start_logging(settings.log)
    run: Callable[[argparse.Namespace, Settings], int] = arguments.run
    try:
        return run(arguments, settings)
    except SettingsError as error:
        return _say(str(error), WRONG_USE)
    except (
        AppError,
        CertificateError,
        ControlError,
        DataFolderError,
        ListenError,
        NewerSchemaError,
        StorageError,
    ) as error:
        return _say(str(error), FAILED)
    except (OSError, sqlite3.DatabaseError) as error:
        return _say(_of_the_disk(error, settings.data.folder), FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cairn")
    commands = parser.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--config", type=Path, metavar="FILE", help="configuration file (TOML)")
    shared.add_argument("--data", type=Path, metavar="DIR", help="data folder; ./data by default")
    shared.set_defaults(overrides=lambda arguments: {"data.folder": arguments.data})
    for command in COMMANDS:
        command.add_to(commands, shared)
    return parser


def _of_the_disk(error: OSError | sqlite3.DatabaseError, folder: Path) -> str:
    """Say what the disk refused; SQLite's own errors come this far at the start, before anybody makes ours of them."""
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or folder}."
    logger.debug("what SQLite was asked for", exc_info=error)
    return f"A database in {folder} cannot be used: {error}."


def _say(sentence: str, code: int) -> int:
    print(f"cairn: {sentence}", file=sys.stderr)
    return code
