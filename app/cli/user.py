"""`cairn user`: add, list, disable, enable, passwd, quota."""

import argparse
import asyncio
import getpass
import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from app.config import Settings
from app.operations import perform, require_folder
from app.sizes import shown

PAGE = 1000
WRONG_USE = 2
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the commands to the parser."""
    user = commands.add_parser("user", help="add and manage accounts").add_subparsers(dest="action", required=True)

    add = user.add_parser("add", parents=[shared], help="make an account, and the data folder if there is none")
    add.add_argument("name")
    add.add_argument("--admin", action="store_true", help="may manage accounts")
    _take_password(add)
    add.set_defaults(run=_add)

    list_ = user.add_parser("list", parents=[shared], help="show all accounts")
    list_.add_argument("--json", action="store_true", help="one JSON array")
    list_.set_defaults(run=_list)

    disable = user.add_parser("disable", parents=[shared], help="end all that an account holds, at once; files stay")
    disable.add_argument("name")
    disable.set_defaults(run=_disable)

    enable = user.add_parser("enable", parents=[shared], help="take an account back into use")
    enable.add_argument("name")
    enable.set_defaults(run=_enable)

    passwd = user.add_parser("passwd", parents=[shared], help="set a new password")
    passwd.add_argument("name")
    passwd.add_argument("--keep-devices", action="store_true", help="leave the account's devices logged in")
    _take_password(passwd)
    passwd.set_defaults(run=_passwd)

    quota = user.add_parser("quota", parents=[shared], help="limit what an account may keep")
    quota.add_argument("name")
    quota.add_argument("size", type=_quota, help="such as 500M, 20G or 1T; 'none' for no limit")
    quota.set_defaults(run=_set_quota)


def _take_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input, one line")


def _add(arguments: argparse.Namespace, settings: Settings) -> int:
    return _with_password(arguments, settings, "user.add", {"name": arguments.name, "admin": arguments.admin})


def _passwd(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    values = {"name": arguments.name, "keep_devices": arguments.keep_devices}
    return _with_password(arguments, settings, "user.passwd", values)


def _with_password(
    arguments: argparse.Namespace, settings: Settings, operation: str, values: Mapping[str, object]
) -> int:
    try:
        password = _read_password(from_stdin=arguments.password_stdin)
    except ValueError as error:
        print(f"cairn: {error}", file=sys.stderr)
        return WRONG_USE
    asyncio.run(perform(settings, operation, {**values, "password": password}))
    return 0


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    accounts = asyncio.run(_all_accounts(settings))
    if arguments.json:
        print(json.dumps(accounts, ensure_ascii=False, indent=2))
    else:
        _print_table([("NAME", "ROLE", "STATE", "USED", "QUOTA"), *map(_row, accounts)])
    return 0


def _disable(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "user.disable", {"name": arguments.name}))
    return 0


def _enable(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "user.enable", {"name": arguments.name}))
    return 0


def _set_quota(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    asyncio.run(perform(settings, "user.quota", {"name": arguments.name, "quota": arguments.size}))
    return 0


async def _all_accounts(settings: Settings) -> list[dict[str, Any]]:
    accounts: list[dict[str, Any]] = []
    after = ""
    while True:
        page = await perform(settings, "user.list", {"after": after, "limit": PAGE})
        accounts += page
        if len(page) < PAGE:
            return accounts
        after = page[-1]["username"]


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        try:
            line = sys.stdin.buffer.readline().decode()
        except UnicodeDecodeError as error:
            raise ValueError("The password must be UTF-8.") from error
        return line.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise ValueError("There is no terminal to ask for the password: use --password-stdin.")
    password = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != password:
        raise ValueError("The two passwords differ.")
    return password


def _quota(text: str) -> int | None:
    if text == "none":
        return None
    size = _SIZE.fullmatch(text)
    if size is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 500M, 20G, 1T, a number of bytes, or 'none'")
    return int(size[1]) * _UNITS[size[2].upper()]


def _row(account: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        account["username"],
        "admin" if account["is_admin"] else "user",
        "disabled" if account["disabled"] else "enabled",
        shown(account["used"]),
        "none" if account["quota"] is None else shown(account["quota"]),
    )


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
