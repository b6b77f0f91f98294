"""cairn login: this machine becomes a device of an account."""

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from client.cli.common import Parser, device_home, note, print_json
from client.cli.secrets import Asker, add_options
from client.home import Login
from client.remote import Remote


def run(arguments: Sequence[str]) -> int:
    """Log in, and keep the device's token in $CAIRN_HOME."""
    parser = Parser("login", "Make this machine a device of an account. The password is asked for.")
    parser.add_argument("url", metavar="URL", help="address of the server, as https://files.example.org")
    parser.add_argument("--user", required=True, metavar="NAME", help="name of the account")
    add_options(parser)
    parser.add_argument("--device-name", metavar="N", default=socket.gethostname(), help="how the device is listed")
    options = parser.parse_args(arguments)

    remote = Remote(options.url)
    if _is_readable_on_the_way(options.url):
        note("Without https:// whoever is on the way can read all that is sent, the password too.", quiet=options.quiet)
    asker = Asker(password_stdin=options.password_stdin, totp=options.totp)
    password = asker.password(f"Password of {options.user}")
    home = device_home()
    install_id = home.install_id()
    answer = asker.with_code(
        lambda totp: remote.login(options.user, password, options.device_name, totp, install_id=install_id)
    )
    home.keep_login(Login(remote.server, options.user, answer.device_id, answer.token))
    if options.json:
        print_json({"server": remote.server, "username": options.user, "device_id": answer.device_id})
    elif not options.quiet:
        print(f"Logged in at {remote.server} as {options.user}.")
    return 0


def _is_readable_on_the_way(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "http" and not local
