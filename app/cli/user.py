"""`cairn user`: add, invite, list, disable, enable, reset, passwd, quota, admin, delete."""

import argparse
import asyncio
import getpass
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from app.config import Settings
from app.operations import perform, require_folder
from app.sizes import shown

PAGE = 1000
DAYS = 7
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

    invite = user.add_parser("invite", parents=[shared], help="print a link with which a guest makes one account")
    invite.add_argument("--name", help="the user name; else the guest chooses")
    invite.add_argument("--admin", action="store_true", help="the guest may manage accounts")
    invite.add_argument("--quota", type=_quota, help="such as 500M, 20G or 1T; no limit by default")
    invite.add_argument("--days", type=int, default=DAYS, help=f"how long the link works, by default {DAYS}")
    invite.add_argument("--json", action="store_true", help="one JSON object")
    invite.set_defaults(run=_invite)

    list_ = user.add_parser("list", parents=[shared], help="show all accounts")
    list_.add_argument("--json", action="store_true", help="one JSON array")
    list_.set_defaults(run=_list)

    disable = user.add_parser("disable", parents=[shared], help="end all that an account holds, at once; files stay")
    disable.add_argument("name")
    disable.set_defaults(run=_disable)

    enable = user.add_parser("enable", parents=[shared], help="take an account back into use")
    enable.add_argument("name")
    enable.set_defaults(run=_enable)

    reset = user.add_parser("reset", parents=[shared], help="print a code with which its owner sets a new password")
    reset.add_argument("name")
    reset.add_argument("--json", action="store_true", help="one JSON object")
    reset.set_defaults(run=_reset)

    _add_changes(user, shared)


def _add_changes(user: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    passwd = user.add_parser("passwd", parents=[shared], help="set a new password")
    passwd.add_argument("name")
    passwd.add_argument("--keep-devices", action="store_true", help="leave the account's devices logged in")
    _take_password(passwd)
    passwd.set_defaults(run=_passwd)

    quota = user.add_parser("quota", parents=[shared], help="limit what an account may keep")
    quota.add_argument("name")
    quota.add_argument("size", type=_quota, help="such as 500M, 20G or 1T; 'none' for no limit")
    quota.set_defaults(run=_set_quota)

    admin = user.add_parser("admin", parents=[shared], help="let an account manage others, or no more")
    admin.add_argument("name")
    admin.add_argument("state", choices=("on", "off"))
    admin.set_defaults(run=_set_admin)

    delete = user.add_parser("delete", parents=[shared], help="delete an account; its name is free at once")
    delete.add_argument("name")
    delete.add_argument(
        "--files",
        choices=("delete", "transfer"),
        required=True,
        help="'delete' removes the files for good, 'transfer' gives them to another user",
    )
    delete.add_argument("--to", metavar="NAME", help="who gets the files that are transferred")
    delete.set_defaults(run=_delete)


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


def _set_admin(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    values = {"name": arguments.name, "is_admin": arguments.state == "on"}
    asyncio.run(perform(settings, "user.admin", values))
    return 0


def _delete(arguments: argparse.Namespace, settings: Settings) -> int:
    if (arguments.files == "transfer") != (arguments.to is not None):
        print("cairn: --to names who gets the files, with --files transfer alone.", file=sys.stderr)
        return WRONG_USE
    require_folder(settings)
    asyncio.run(perform(settings, "user.delete", {"name": arguments.name, "heir": arguments.to}))
    return 0


def _invite(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    values = {"name": arguments.name, "admin": arguments.admin, "quota": arguments.quota, "days": arguments.days}
    made = asyncio.run(perform(settings, "user.invite", values))
    if arguments.json:
        print(json.dumps(made))
        return 0
    print(made["url"])
    _say(f"It makes one account, until {_time(made['expires_ms'])}, and is not shown again.")
    if made["url"].startswith("/"):
        _say("Put the server's address in front; the setting server.public_url does that by itself.")
    return 0


def _reset(arguments: argparse.Namespace, settings: Settings) -> int:
    require_folder(settings)
    made = asyncio.run(perform(settings, "user.reset", {"name": arguments.name}))
    if arguments.json:
        print(json.dumps(made))
        return 0
    print(made["code"])
    _say(f"It sets a new password once, until {_time(made['expires_ms'])}, and is not shown again.")
    return 0


def _say(sentence: str) -> None:
    """Tell a person; standard output holds what a program may want."""
    print(sentence, file=sys.stderr)


def _time(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at_ms / 1000))


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
