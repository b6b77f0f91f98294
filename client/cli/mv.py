"""cairn mv: another name or place for a file or folder at the server."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_json
from client.cli.place import find_place
from client.errors import UsageError
from client.names import parse_remote
from client.protocol import ChangeRequest


def run(arguments: Sequence[str]) -> int:
    """Move in one step, whatever is below; nothing is ever replaced."""
    parser = Parser("mv", "Rename or move a file or folder at the server. What has the name already is not replaced.")
    parser.add_argument("source", metavar="SOURCE", help="what to move")
    parser.add_argument("target", metavar="TARGET", help="its new path, or a folder to move it into")
    options = parser.parse_args(arguments)

    source_path, target_path = parse_remote(options.source), parse_remote(options.target)
    if source_path == "/":
        raise UsageError("The home itself cannot be moved.")
    with logged_in() as (remote, _):
        source = remote.get_file(source_path)
        parent, name = find_place(remote, source, target_path, into=options.target.endswith("/"))
        moved = remote.change(source, ChangeRequest(name=name, parent_id=parent.file_id, if_seq=source.seq))
    if options.json:
        print_json(moved)
    return 0
