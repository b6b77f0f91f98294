"""cairn put: a file or folder goes to the server."""

import os
import sys
from collections.abc import Sequence

from client.cli.common import Parser, device_home, logged_in
from client.cli.transfer import report
from client.display import showing
from client.errors import LocalFileError, UsageError
from client.names import join_remote, parse_remote, sendable_name
from client.protocol import File
from client.put import Put
from client.remote import Remote


def run(arguments: Sequence[str]) -> int:
    """Send what differs. A run that was cut off is taken up by giving the same command again."""
    parser = Parser(
        "put",
        "Send a file, or with -r what a folder holds. What the server has already is not sent again, a file that it "
        "has in another state gets a new version, and nothing is deleted there. The same command goes on after an "
        "interruption. Symbolic links are left out.",
    )
    parser.add_argument("-r", dest="recursive", action="store_true", help="send a folder with all that is in it")
    parser.add_argument("local", metavar="LOCAL", help="a file or folder here")
    parser.add_argument(
        "remote", metavar="REMOTE", help="its path at the server; with a slash at the end, the folder to put it into"
    )
    options = parser.parse_args(arguments)

    local: str = options.local
    is_folder = os.path.isdir(local)  # noqa: PTH112 -- a str, as all paths of a transfer
    if is_folder and not options.recursive:
        raise UsageError(f"{local} is a folder: `cairn put -r` sends it.")
    path = parse_remote(options.remote)
    home = device_home()
    with logged_in() as (remote, login):
        into = options.remote.endswith("/")
        path, existing = _target(remote, local, path, into=into, is_folder=is_folder)
        remote.give_up(home.take_left_uploads(remote.server))
        with showing("Sending", quiet=options.quiet) as progress:
            put = Put(remote, home, login, progress)
            if is_folder:
                ahead = sys.stderr.isatty() and not options.quiet
                put.put_folder(local, path, existing, count_ahead=ahead)
            else:
                put.put_file(local, path, existing)
    return report(progress, "sent", as_json=options.json, quiet=options.quiet)


def _target(remote: Remote, local: str, path: str, *, into: bool, is_folder: bool) -> tuple[str, File | None]:
    """Return the path that is meant, and what stands there: a file may go into an existing folder by naming that."""
    existing = None if into else remote.find_file(path)
    if into or (not is_folder and existing is not None and existing.kind == "folder"):
        try:
            name = sendable_name(os.path.basename(os.path.abspath(local)))  # noqa: PTH100, PTH119 -- links are kept
        except LocalFileError as error:
            raise LocalFileError(f"{local}: {error}.") from None
        path = join_remote(path, name)
        existing = remote.find_file(path)
    return path, existing
