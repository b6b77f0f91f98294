"""cairn trash: what was deleted at the server, back again or gone for good."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, printable, time_text
from client.errors import ClientError, UsageError
from client.names import parse_remote
from client.remote import Remote


def run(arguments: Sequence[str]) -> int:
    """List the trash, restore entries, or purge them."""
    parser = Parser(
        "trash",
        "List what was deleted, the latest first: the id of each entry, when it was deleted, its size, and its path. "
        "`restore` brings entries back to where they were, or beside what is there now; `purge` removes them for good.",
    )
    parser.add_argument(
        "action", choices=("list", "restore", "purge"), nargs="?", default="list", help="list if left out"
    )
    parser.add_argument("entries", metavar="ENTRY", nargs="*", help="its id, or its path: then the latest of that path")
    parser.add_argument("--all", action="store_true", help="with purge: empty the trash")
    options = parser.parse_args(arguments)

    if options.all and (options.action != "purge" or options.entries):
        raise UsageError("--all goes with purge, and with no entry.")
    if (options.action == "list") != (not options.entries and not options.all):
        raise UsageError("Entries go with restore and purge, which need some: `cairn trash` lists them.")
    with logged_in() as (remote, _):
        if options.action == "list":
            _list(remote, as_json=options.json)
        elif options.action == "restore":
            _restore(remote, options.entries, as_json=options.json, quiet=options.quiet)
        else:
            _purge(remote, None if options.all else options.entries, as_json=options.json)
    return 0


def _list(remote: Remote, *, as_json: bool) -> None:
    items = remote.list_trash()
    if as_json:
        print_array(items)
        return
    for item in items:
        path = printable(item.path) + ("/" if item.kind == "folder" else "")
        print(f"{item.trash_id}  {time_text(item.deleted_ms)} {item.size:>15,}  {path}")


def _restore(remote: Remote, entries: Sequence[str], *, as_json: bool, quiet: bool) -> None:
    restored = [remote.restore(trash_id) for trash_id in _ids(remote, entries)]
    if as_json:
        print_array(restored)
    elif not quiet:
        for file in restored:
            print(f"Restored {printable(file.path)}.")


def _purge(remote: Remote, entries: Sequence[str] | None, *, as_json: bool) -> None:
    """Remove entries for good, all of them if None."""
    ids = [item.trash_id for item in remote.list_trash()] if entries is None else _ids(remote, entries)
    for trash_id in ids:
        remote.purge(trash_id)
    if as_json:
        print_array({"trash_id": trash_id} for trash_id in ids)


def _ids(remote: Remote, entries: Sequence[str]) -> list[str]:
    """Return the ids that are meant: a path stands for the latest that was deleted there."""
    paths = {parse_remote(entry) for entry in entries if entry.startswith("/")}
    latest: dict[str, str] = {}
    if paths:
        for item in remote.list_trash():
            if item.path in paths:
                latest.setdefault(item.path, item.trash_id)
    missing = paths - latest.keys()
    if missing:
        raise ClientError(f"{min(missing)}: nothing in the trash was there; `cairn trash` lists it.")
    return [latest[parse_remote(entry)] if entry.startswith("/") else entry for entry in entries]
