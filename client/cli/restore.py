"""cairn restore: a file at the server gets the content of one of its versions again."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_json
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Put a version back, as a new one: those between stay in the list."""
    parser = Parser(
        "restore",
        "Make a version of a file its content again, as a new version; nothing is lost by it. For what was deleted "
        "there is `cairn trash restore`.",
    )
    parser.add_argument("path", metavar="PATH", help="a file at the server")
    parser.add_argument("version", metavar="VERSION", help="the version's id, as `cairn versions` lists it")
    options = parser.parse_args(arguments)

    path = parse_remote(options.path)
    with logged_in() as (remote, _):
        restored = remote.restore_version(remote.get_file(path), options.version)
    if options.json:
        print_json(restored)
    return 0
