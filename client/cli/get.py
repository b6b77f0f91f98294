"""cairn get: a file or folder comes from the server."""

import os
from collections.abc import Sequence

from client.cli.common import Parser, logged_in
from client.cli.transfer import report
from client.display import showing
from client.errors import UsageError
from client.folder import Folder
from client.get import Get
from client.names import local_name, parse_remote


def run(arguments: Sequence[str]) -> int:
    """Fetch what differs. A run that was cut off is taken up by giving the same command again."""
    parser = Parser(
        "get",
        "Fetch a file, or with -r what a folder holds. What is here already is not fetched again, a file here with "
        "other content is left alone unless --force is given, and nothing is deleted here. The same command goes on "
        "after an interruption.",
    )
    parser.add_argument("-r", dest="recursive", action="store_true", help="fetch a folder with all that is in it")
    parser.add_argument("--force", action="store_true", help="replace files here that have other content")
    parser.add_argument("remote", metavar="REMOTE", help="a file or folder at the server")
    parser.add_argument(
        "local", metavar="LOCAL", help="its path here; with a slash at the end, the folder to put it into"
    )
    options = parser.parse_args(arguments)

    local: str = options.local
    with logged_in() as (remote, _):
        file = remote.get_file(parse_remote(options.remote))
        if file.kind == "folder" and not options.recursive:
            raise UsageError(f"{file.path} is a folder: `cairn get -r` fetches it.")
        name = local_name(file.name, windows=os.name == "nt") if file.path != "/" else ""
        into = local.endswith("/") or (file.kind == "file" and os.path.isdir(local))  # noqa: PTH112 -- a str
        where = os.path.join(local, name) if into else local  # noqa: PTH118 -- a str
        with showing("Fetching", quiet=options.quiet) as progress:
            get = Get(remote, progress, replace=options.force)
            if file.kind == "folder":
                get.get_folder(file, Folder.open(where))
            else:
                folder, name = os.path.split(where)
                get.get_file(file, Folder.open(folder or "."), name)
    return report(progress, "received", as_json=options.json, quiet=options.quiet)
