"""`cairn encrypt key | check | on | off | rotate | rewrap | status`: encryption at rest (docs/encryption.md)."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.config import Settings
from app.master_key import make_master, read_master
from app.operations import perform, require_folder
from storage.disk import LocalDisk
from storage.errors import KeyFileError


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    encrypt = commands.add_parser("encrypt", help="encryption of what is stored")
    actions = encrypt.add_subparsers(dest="action", required=True)
    key = actions.add_parser("key", parents=[shared], help="make a master key")
    key.add_argument("file", type=Path, metavar="FILE", help="a new file, best on another disk than the data")
    key.add_argument("--passphrase-file", default="", metavar="FILE", help="wrap it by the passphrase in this file")
    key.set_defaults(run=_key)
    check = actions.add_parser("check", parents=[shared], help="print the check value of a master key, or of a copy")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the one in use if not given")
    check.set_defaults(run=_check)
    on = actions.add_parser("on", parents=[shared], help="encrypt what is stored, and all that comes")
    on.add_argument("--check", required=True, metavar="VALUE", help="check value of the copy that you keep elsewhere")
    on.set_defaults(run=lambda arguments, settings: _change(settings, "encrypt.on", {"check": arguments.check}))
    off = actions.add_parser("off", parents=[shared], help="decrypt what is stored")
    off.set_defaults(run=lambda _, settings: _change(settings, "encrypt.off", {}))
    rotate = actions.add_parser("rotate", parents=[shared], help="encrypt all anew under a new data key")
    rotate.set_defaults(run=lambda _, settings: _change(settings, "encrypt.rotate", {}))
    rewrap = actions.add_parser("rewrap", parents=[shared], help="let another master key open the store, at once")
    rewrap.add_argument("file", type=Path, metavar="FILE", help="the new master key")
    rewrap.add_argument("--passphrase-file", default="", metavar="FILE", help="the passphrase that it is under")
    rewrap.set_defaults(run=_rewrap)
    status = actions.add_parser("status", parents=[shared], help="tell what is encrypted, and with which key")
    status.set_defaults(run=lambda _, settings: _change(settings, "encrypt.status", {}))


def _key(arguments: argparse.Namespace, _: Settings) -> int:
    path: Path = arguments.file.absolute()
    try:
        master = make_master(path, arguments.passphrase_file, LocalDisk())
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror or error}.") from error
    print(f"Master key:  {path}")
    print(f"Check value: {master.check}")
    print("Without this file nobody can read what is encrypted with it, and nobody can make it again.")
    print("Copy it now to a place that is neither this machine nor a backup of its data.")
    print("`cairn encrypt check COPY` prints the check value of the copy; `cairn encrypt on` asks for it.")
    return 0


def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    path = arguments.file or (Path(settings.encryption.key_file) if settings.encryption.key_file else None)
    if path is None:
        raise KeyFileError("Name a file, or set encryption.key_file.")
    print(read_master(path, settings.encryption.passphrase_file, LocalDisk()).check)
    return 0


def _rewrap(arguments: argparse.Namespace, settings: Settings) -> int:
    passphrase = str(Path(arguments.passphrase_file).absolute()) if arguments.passphrase_file else ""
    _change(settings, "encrypt.rewrap", {"file": str(arguments.file.absolute()), "passphrase_file": passphrase})
    print("Name the new key in the settings before the next start: the old one opens nothing any more.")
    return 0


def _change(settings: Settings, operation: str, arguments: Mapping[str, Any]) -> int:
    require_folder(settings)
    _show(asyncio.run(perform(settings, operation, arguments)))
    return 0


def _show(told: Mapping[str, Any]) -> None:
    print(f"Encryption:  {'on' if told['is_on'] else 'off'}{told['cipher'] and ', ' + told['cipher']}")
    if told["check"]:
        print(f"Check value: {told['check']}")
    if told["keys"]:
        print(f"Data keys:   {', '.join(map(str, told['keys']))}")
    if not told["is_settled"]:
        print(f"Under way:   {told['done']} chunks were changed; it goes on while the server runs.")
    elif told["damaged"]:
        print(f"Damaged:     {told['damaged']} chunks cannot be read and stay as they were: see `cairn fsck`.")
    if told["is_settled"] and not told["is_clean"]:
        print("Start the server anew: gaps of the index still hold small chunks as they were before.")
    if told["beside"]:
        print(told["beside"])
