"""cairn rm: files and folders at the server go to the trash."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array
from client.errors import UsageError
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Delete what is named; a folder only with -r. Nothing is deleted unless all of it is there."""
    parser = Parser("rm", "Move files, or with -r folders, to the trash at the server: `cairn trash` brings them back.")
    parser.add_argument("-r", dest="recursive", action="store_true", help="delete folders with all that is in them")
    parser.add_argument("paths", metavar="PATH", nargs="+", help="what to delete")
    options = parser.parse_args(arguments)

    paths = [parse_remote(path) for path in options.paths]
    if "/" in paths:
        raise UsageError("The home itself cannot be deleted.")
    with logged_in() as (remote, _):
        files = [remote.get_file(path) for path in paths]
        for file in files:
            if file.kind == "folder" and not options.recursive:
                raise UsageError(f"{file.path} is a folder: `cairn rm -r` deletes it.")
        for file in files:
            remote.delete(file)
    if options.json:
        print_array(files)
    return 0
