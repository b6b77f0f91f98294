"""cairn share: folders that several people see, each where they like."""

from collections.abc import Sequence
from typing import cast, get_args

from client.cli.common import Parser, logged_in, print_array, print_json, printable
from client.errors import UsageError
from client.names import parse_remote
from client.protocol_shares import Member, RoleName
from client.remote import Remote

ACTIONS = {"list": 1, "remove": 2, "leave": 1, "transfer": 2}
"""What can be done beside sharing, and how many entries it takes."""


def run(arguments: Sequence[str]) -> int:
    """Share a folder, list its members, remove one, leave it, or hand it over."""
    options = _parser().parse_args(arguments)
    action, entries = (
        (options.what, options.entries) if options.what in ACTIONS else ("", [options.what, *options.entries])
    )
    if len(entries) != ACTIONS.get(action, 2):
        raise UsageError("Say which folder, and where it is about somebody, whom: see `cairn share --help`.")
    if options.role is not None and action:
        raise UsageError("--role goes with a folder and a name.")
    path = parse_remote(entries[0])
    with logged_in() as (remote, login):
        file_id = remote.get_file(path).file_id
        if action == "list":
            _list(remote, file_id, path, as_json=options.json)
        elif action in ("remove", "leave"):
            name = login.username if action == "leave" else entries[1]
            remote.end_membership(file_id, name, about=path)
            _tell(
                Member(name, "none"),
                f"{printable(name)} does not see {printable(path)} any more.",
                options.json,
                options.quiet,
            )
        else:
            member = (
                remote.set_role(file_id, entries[1], "owner", about=path)
                if action == "transfer"
                else remote.share(
                    file_id, entries[1], options.role or _role_now(remote, file_id, entries[1], path), about=path
                )
            )
            sentence = f"{printable(member.username)} is {member.role} of {printable(path)}."
            _tell(member, sentence, options.json, options.quiet)
    return 0


def _parser() -> Parser:
    parser = Parser(
        "share",
        "Share a folder with somebody who has an account: it shows in their home and on their devices. `list PATH` "
        "tells who sees it, `remove PATH NAME` ends that, `leave PATH` takes somebody else's folder out of your own "
        "view, and `transfer PATH NAME` makes a member its owner.",
    )
    parser.add_argument("what", metavar="PATH|ACTION", help="a folder at the server, or list, remove, leave, transfer")
    parser.add_argument("entries", metavar="ENTRY", nargs="*", help="a user's name; for an action, its folder first")
    parser.add_argument(
        "--role",
        choices=[role for role in get_args(RoleName) if role != "owner"],
        help="default: editor, or what they are",
    )
    return parser


def _role_now(remote: Remote, file_id: str, name: str, path: str) -> RoleName:
    """Return the role of somebody who sees the folder already, which nobody changes by not saying one; else editor."""
    roles = {member.username: member.role for member in remote.list_members(file_id, about=path)}
    return cast(RoleName, roles.get(name, "editor"))


def _list(remote: Remote, file_id: str, path: str, *, as_json: bool) -> None:
    members = list(remote.list_members(file_id, about=path))
    if as_json:
        print_array(members)
        return
    for member in members:
        print(f"{member.role:<7} {printable(member.username)}")


def _tell(member: Member, sentence: str, as_json: bool, quiet: bool) -> None:  # noqa: FBT001 - as the options are
    if as_json:
        print_json(member)
    elif not quiet:
        print(sentence)
