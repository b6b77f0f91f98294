"""cairn ls: what a folder at the server holds."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, printable, time_text
from client.names import parse_remote
from client.protocol import File


def run(arguments: Sequence[str]) -> int:
    """List a folder, or show one file."""
    parser = Parser("ls", "List a folder at the server; with -l size and time of each entry as well.")
    parser.add_argument("-l", dest="long", action="store_true", help="show size and time of the last change")
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="a folder or file; your home if left out")
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        file = remote.get_file(parse_remote(options.path))
        files = remote.list_children(file.file_id) if file.kind == "folder" else iter((file,))
        if options.json:
            print_array(files)
        else:
            for entry in files:
                print(_line(entry) if options.long else _name(entry))
    return 0


def _name(file: File) -> str:
    return printable(file.name) + ("/" if file.kind == "folder" else "")


def _line(file: File) -> str:
    if file.kind == "folder":
        return f"d {file.size:>15,} {'':16}  {_name(file)}"
    changed = time_text(file.mtime_ms or 0)
    return f"{'x' if file.executable else '-'} {file.size:>15,} {changed}  {_name(file)}"
