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
    parser.add_argument(
        "--label",
        nargs=2,
        metavar=("ID", "TEXT"),
        help="label a version, which keeps it from being thinned out; an empty text takes the label away",
    )
    options = parser.parse_args(arguments)

    path = parse_remote(options.path)
    with logged_in() as (remote, _):
        file = remote.get_file(path)
        if file.kind == "folder":
            raise UsageError(f"{path} is a folder; only files have versions.")
        if options.label is not None:
            version_id, label = options.label
            remote.label_version(file, version_id, label or None)
            return 0
        versions = remote.list_versions(file)
        if options.json:
            print_array(versions)
        else:
            for version in versions:
                print(_line(version))
    return 0


def _line(version: Version) -> str:
    label = "" if version.label is None else f"  [{printable(version.label)}]"
    size = f"{version.size:,}" if version.content == "kept" else "gone"
    made = time_text(version.created_ms)
    return f"{version.version_id}  {made} {size:>15}  {printable(version.modified_by)}{label}"
