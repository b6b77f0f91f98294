"""cairn app-password: a password for WebDAV and apps."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, note, print_json
from client.cli.secrets import Asker, add_options
from client.errors import UsageError
from client.names import parse_remote
from client.protocol_past import AppScope


def run(arguments: Sequence[str]) -> int:
    """Make an app password and show it, once."""
    parser = Parser("app-password", "Make a password for WebDAV or an app, which opens files alone. It is shown once.")
    parser.add_argument("name", metavar="NAME", help="how it is listed, as the app that gets it")
    parser.add_argument("--read-only", action="store_true", help="it changes nothing")
    parser.add_argument("--folder", metavar="PATH", help="it sees this folder alone")
    parser.add_argument("--webdav", action="store_true", help="it opens WebDAV alone")
    add_options(parser)
    options = parser.parse_args(arguments)

    asker = Asker(password_stdin=options.password_stdin, totp=options.totp)
    with logged_in() as (remote, login):
        folder_id = None
        if options.folder is not None:
            folder = remote.get_file(parse_remote(options.folder))
            if folder.kind != "folder":
                raise UsageError(f"{folder.path} is no folder.")
            folder_id = folder.file_id
        scope = AppScope("read" if options.read_only else "all", folder_id, options.webdav)
        made = asker.with_proof(remote, login.username, lambda: remote.make_app_password(options.name, scope))
    if options.json:
        print_json(made)
    else:
        print(made.password)
        note(f"It goes with the user name {login.username}, and is not shown again.", quiet=options.quiet)
    return 0
