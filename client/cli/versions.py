"""cairn versions: what a file at the server was."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, print_array, printable, time_text
from client.errors import UsageError
from client.names import parse_remote
from client.protocol import Version


def run(arguments: Sequence[str]) -> int:
    """List the versions of a file, the newest first, which is the present one."""
    parser = Parser(
        "versions",
        "List the versions of a file, the newest first: the id that `cairn restore` takes, when it was made, its size, "
        "and by whom.",
    )
    parser.add_argument("path", metavar="PATH", help="a file at the server")
    options = parser.parse_args(arguments)

    path = parse_remote(options.path)
    with logged_in() as (remote, _):
        file = remote.get_file(path)
        if file.kind == "folder":
            raise UsageError(f"{path} is a folder; only files have versions.")
        versions = remote.list_versions(file)
        if options.json:
            print_array(versions)
        else:
            for version in versions:
                print(_line(version))
    return 0


def _line(version: Version) -> str:
    return (
        f"{version.version_id}  {time_text(version.created_ms)} {version.size:>15,}  {printable(version.modified_by)}"
    )
