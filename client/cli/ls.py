"""cairn ls: what a folder at the server holds."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from client.cli.common import Parser, logged_in, print_array, printable, time_text
from client.errors import ClientError
from client.moments import parse_time
from client.names import parse_remote
from client.protocol import File
from client.remote import Remote


def run(arguments: Sequence[str]) -> int:
    """List a folder, or show one file."""
    parser = Parser("ls", "List a folder at the server; with -l size and time of each entry as well.")
    parser.add_argument("-l", dest="long", action="store_true", help="show size and time of the last change")
    parser.add_argument("--at", metavar="TIME", help="as it was: 2026-11-24T18:30, or how long ago, as `2h ago`")
    parser.add_argument("path", metavar="PATH", nargs="?", default="/", help="a folder or file; your home if left out")
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        path = parse_remote(options.path)
        if options.at is not None:
            files = _files_at(remote, path, parse_time(options.at, datetime.now().astimezone()))
        else:
            file = remote.get_file(path)
            files = remote.list_children(file.file_id) if file.kind == "folder" else iter((file,))
        if options.json:
            print_array(files)
        else:
            for entry in files:
                print(_line(entry) if options.long else _name(entry))
    return 0


def _files_at(remote: Remote, path: str, time_ms: int) -> Iterator[File]:
    """Yield what was at a path; the folders on the way are those of then, which may be gone or elsewhere now."""
    folder_id = "root"
    for name in path.strip("/").split("/") if path != "/" else ():
        found = next((file for file in remote.list_children_at(folder_id, time_ms) if file.name == name), None)
        if found is None:
            raise ClientError(f"{path} was not there at that time.")
        if found.kind != "folder":
            return iter((found,))
        folder_id = found.file_id
    return remote.list_children_at(folder_id, time_ms)


def _name(file: File) -> str:
    return printable(file.name) + ("/" if file.kind == "folder" else "")


def _line(file: File) -> str:
    if file.kind == "folder":
        return f"d {file.size:>15,} {'':16}  {_name(file)}"
    changed = time_text(file.mtime_ms or 0)
    return f"{'x' if file.executable else '-'} {file.size:>15,} {changed}  {_name(file)}"
