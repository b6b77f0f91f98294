"""cairn rewind: a folder at the server as it was, put back so."""

from collections.abc import Sequence
from datetime import datetime

from client.cli.common import Parser, logged_in
from client.cli.takeback import show
from client.errors import UsageError
from client.moments import parse_time
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Put all that is below a folder back as it was at a time."""
    parser = Parser(
        "rewind",
        "Put all that is below a folder back as it was at a time, as new changes: nothing is lost, and the same "
        "command with a later time takes it back. `cairn ls --at TIME` shows the folder as it was.",
    )
    parser.add_argument("path", metavar="PATH", help="a folder at the server; / is all of your home")
    parser.add_argument("--to", required=True, metavar="TIME", help="2026-11-24T18:30, or how long ago, as `2h ago`")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    options = parser.parse_args(arguments)

    path, time_ms = parse_remote(options.path), parse_time(options.to, datetime.now().astimezone())
    with logged_in() as (remote, _):
        folder = remote.get_file(path)
        if folder.kind != "folder":
            raise UsageError(f"{path} is a file: `cairn versions` and `cairn restore` put a file back.")
        found = remote.rewind(folder, time_ms, dry_run=options.dry_run)
        return show(remote, found, as_json=options.json, quiet=options.quiet)
