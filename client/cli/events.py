"""cairn events: what changes at the server, as it changes."""

from collections.abc import Iterator, Sequence

import msgspec

from client.cli.common import Parser, logged_in, note, printable
from client.errors import ApiError
from client.protocol import Change
from client.remote import Remote

WAIT_S = 50  # below what proxies commonly allow for an answer


def run(arguments: Sequence[str]) -> int:
    """Print changes until interrupted, each as one line; those of before the start are not told."""
    parser = Parser("events", "Print what changes at the server, from now on until interrupted.")
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        try:
            for change in _changes(remote, quiet=options.quiet):
                print(msgspec.json.encode(change).decode() if options.json else _line(change), flush=True)
        except KeyboardInterrupt:
            return 0
    raise AssertionError("the feed has no end")


def _changes(remote: Remote, *, quiet: bool) -> Iterator[Change]:
    cursor = remote.newest_cursor()
    note("Waiting for changes; Ctrl-C ends.", quiet=quiet)
    while True:
        try:
            page = remote.sync(cursor, wait_s=WAIT_S)
        except ApiError as error:
            if error.code != "cursor_reset":
                raise
            note(f"{error} Changes are told again from now on.", quiet=quiet)
            cursor = remote.newest_cursor()
            continue
        yield from page.changes
        cursor = page.cursor


def _line(change: Change) -> str:
    file, verb = change.file, "changed" if change.type == "upsert" else change.reason or "deleted"
    return f"{verb:<8} {printable(file.path)}{'/' if file.kind == 'folder' and file.path != '/' else ''}"
