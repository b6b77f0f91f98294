"""cairn mkdir: a new folder at the server."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_json
from client.errors import ConflictError
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Make a folder; with -p its parents too, and a folder that is there already is fine."""
    parser = Parser("mkdir", "Make a folder at the server.")
    parser.add_argument("-p", dest="parents", action="store_true", help="make parents too; no error if it is there")
    parser.add_argument("path", metavar="PATH", help="the folder to make")
    options = parser.parse_args(arguments)

    path = parse_remote(options.path)
    with logged_in() as (remote, _):
        try:
            folder = remote.make_folder(path, parents=options.parents)
        except ConflictError:
            there = remote.find_file(path) if options.parents else None
            if there is None or there.kind != "folder":
                raise
            folder = there
    if options.json:
        print_json(folder)
    return 0
