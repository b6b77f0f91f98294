"""cairn link: URLs that show a file or folder to whoever holds them, or take files into a folder."""

import getpass
import re
import sys
import time
from argparse import Namespace
from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, print_json, printable, time_text
from client.errors import UsageError
from client.names import parse_remote
from client.protocol import Link, LinkRequest
from client.remote import Remote

ACTIONS = ("list", "pause", "resume", "rm")
_SPAN = re.compile(r"([1-9][0-9]{0,5})([mhdw])", re.ASCII)
_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_MAKING = ("drop", "password", "password_stdin", "expires", "max")


def run(arguments: Sequence[str]) -> int:
    """Make a link, list links, pause, resume or end them."""
    options = _parser().parse_args(arguments)
    makes = options.what not in ACTIONS
    if not makes and any(getattr(options, name) for name in _MAKING):
        raise UsageError("--drop, --password, --password-stdin, --expires and --max go with a path.")
    if makes and options.entries:
        raise UsageError("One path at a time gets a link.")
    if options.what in ("pause", "resume", "rm") and not options.entries:
        raise UsageError(f"Say which link to {options.what}: `cairn link list` shows their ids.")
    with logged_in() as (remote, _):
        if makes:
            _make(remote, options)
        elif options.what == "list":
            _list(remote, options.entries, as_json=options.json)
        elif options.what == "rm":
            _end(remote, options.entries, as_json=options.json, quiet=options.quiet)
        else:
            _pause(remote, options.entries, paused=options.what == "pause", options=options)
    return 0


def _parser() -> Parser:
    parser = Parser(
        "link",
        "Make a URL that shows a file or folder to whoever holds it. `list` lists links, all or "
        "those of one path, `pause` and `resume` take ids from there, and `rm` ends links for good.",
    )
    parser.add_argument("what", metavar="PATH|ACTION", help="a path at the server, or list, pause, resume, rm")
    parser.add_argument("entries", metavar="ENTRY", nargs="*", help="for list: a path; for the others: ids of links")
    parser.add_argument("--drop", action="store_true", help="take files into the folder, and show nothing of it")
    parser.add_argument("--password", action="store_true", help="ask for a password that the link shall want")
    parser.add_argument(
        "--password-stdin", action="store_true", help="read that password from standard input, one line"
    )
    parser.add_argument("--expires", metavar="SPAN", help="end after so long: 30m, 12h, 7d, 2w")
    parser.add_argument("--max", metavar="N", type=int, help="end after N downloads")
    return parser


def _make(remote: Remote, options: Namespace) -> None:
    path, expires_ms = parse_remote(options.what), _expiry_ms(options.expires)
    if options.max is not None and options.max < 1:
        raise UsageError("--max takes a number from 1 on.")
    password = _read_password(options)
    request = LinkRequest(
        remote.get_file(path).file_id,
        password=password,
        expires_ms=expires_ms,
        max_downloads=options.max,
        mode="drop" if options.drop else "view",
    )
    link = remote.make_link(request, about=path)
    if options.json:
        print_json(link)
    else:
        print(link.url)


def _list(remote: Remote, entries: Sequence[str], *, as_json: bool) -> None:
    if len(entries) > 1:
        raise UsageError("list takes one path, or none.")
    links = remote.list_links(remote.get_file(parse_remote(entries[0])) if entries else None)
    if as_json:
        print_array(links)
        return
    for link in links:
        print(
            f"{link.link_id}  {time_text(link.created_ms)}  {_terms(link):<40}  {printable(link.path or '(deleted)')}"
        )


def _pause(remote: Remote, link_ids: Sequence[str], *, paused: bool, options: Namespace) -> None:
    changed = [remote.pause_link(link_id, paused=paused) for link_id in link_ids]
    if options.json:
        print_array(changed)
    elif not options.quiet:
        for link in changed:
            print(f"{'Paused' if paused else 'Resumed'} {link.link_id} ({printable(link.path or 'deleted')}).")


def _end(remote: Remote, link_ids: Sequence[str], *, as_json: bool, quiet: bool) -> None:
    for link_id in link_ids:
        remote.end_link(link_id)
        if not as_json and not quiet:
            print(f"Ended {link_id}.")
    if as_json:
        print_array({"link_id": link_id} for link_id in link_ids)


def _terms(link: Link) -> str:
    """Return in words what a link allows."""
    terms: list[str] = [link.mode]
    if link.paused:
        terms.append("paused")
    if link.has_password:
        terms.append("password")
    if link.expires_ms is not None:
        terms.append(f"until {time_text(link.expires_ms)}")
    if link.mode == "view":
        most = "" if link.max_downloads is None else f" of {link.max_downloads}"
        terms.append(f"{link.downloads}{most} downloads")
    return ", ".join(terms)


def _expiry_ms(span: str | None) -> int | None:
    if span is None:
        return None
    found = _SPAN.fullmatch(span)
    if found is None:
        raise UsageError(f"{span!r} is no span of time: write 30m, 12h, 7d or 2w.")
    return int(time.time() * 1000) + int(found[1]) * _UNIT_MS[found[2]]


def _read_password(options: Namespace) -> str | None:
    if options.password_stdin:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not options.password:
        return None
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the password at: use --password-stdin.")
    return getpass.getpass("Password of the link: ")
