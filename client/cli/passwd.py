"""cairn passwd: change the account's password."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, note
from client.cli.secrets import Asker, add_options


def run(arguments: Sequence[str]) -> int:
    """Change the password; this device stays logged in."""
    parser = Parser("passwd", "Change the account's password. This device stays; all else that is signed in ends.")
    parser.add_argument(
        "--keep-devices", action="store_true", help="end browser sessions, not devices and app passwords"
    )
    add_options(parser)
    options = parser.parse_args(arguments)

    asker = Asker(password_stdin=options.password_stdin, totp=options.totp)
    with logged_in() as (remote, login):
        current, new = asker.password(f"Present password of {login.username}"), asker.new_password()
        end_devices = not options.keep_devices
        asker.with_code(lambda totp: remote.change_password(current, new, totp, end_devices=end_devices))
    note("The password is changed.", quiet=options.quiet)
    return 0
