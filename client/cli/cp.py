"""cairn cp: another file or folder like one at the server."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_json
from client.cli.place import find_place
from client.errors import UsageError
from client.names import parse_remote


def run(arguments: Sequence[str]) -> int:
    """Copy in one step, at the server; nothing is ever replaced."""
    parser = Parser(
        "cp",
        "Copy a file, or with -r a folder, at the server, without sending its bytes. What has the name already is not "
        "replaced.",
    )
    parser.add_argument("-r", dest="recursive", action="store_true", help="copy a folder with all that is in it")
    parser.add_argument("source", metavar="SOURCE", help="what to copy")
    parser.add_argument("target", metavar="TARGET", help="the copy's path, or a folder to copy it into")
    options = parser.parse_args(arguments)

    source_path, target_path = parse_remote(options.source), parse_remote(options.target)
    with logged_in() as (remote, _):
        source = remote.get_file(source_path)
        if source.kind == "folder" and not options.recursive:
            raise UsageError(f"{source.path} is a folder: `cairn cp -r` copies it.")
        parent, name = find_place(remote, source, target_path, into=options.target.endswith("/"))
        made = remote.copy(source, parent, name)
    if options.json:
        print_json(made)
    return 0
