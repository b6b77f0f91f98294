"""cairn login: this machine becomes a device of an account."""

import argparse
import ipaddress
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from urllib.parse import urlsplit

from client.cli.common import Parser, device_home, note, print_json
from client.cli.secrets import Asker, add_options
from client.errors import ClientError, RefusedError, UntrustedError
from client.home import Login
from client.remote import Remote
from client.telling import tell
from client.trust import fetch_authority, fetch_known_authority, fingerprint_of, read_authority


def run(arguments: Sequence[str]) -> int:
    """Log in, and keep the device's token in $CAIRN_HOME."""
    parser = Parser("login", "Make this machine a device of an account. The password is asked for.")
    parser.add_argument("url", metavar="URL", help="address of the server, as https://files.example.org")
    parser.add_argument("--user", required=True, metavar="NAME", help="name of the account")
    add_options(parser)
    parser.add_argument("--device-name", metavar="N", default=socket.gethostname(), help="how the device is listed")
    vouching = parser.add_mutually_exclusive_group()
    vouching.add_argument("--ca", metavar="FILE", help="certificate that alone may vouch for the server, as PEM")
    vouching.add_argument(
        "--fingerprint", metavar="F", help="the same by its SHA-256: `cairn tls status` tells it there"
    )
    options = parser.parse_args(arguments)

    home = device_home()
    _refuse_downgrade(options.url, home.find_login())
    authority = _authority_of(options, home.find_login())
    remote = Remote(options.url, authority=authority)
    if _is_readable_on_the_way(options.url):
        note("Without https:// whoever is on the way can read all that is sent, the password too.", quiet=options.quiet)
    asker = Asker(password_stdin=options.password_stdin, totp=options.totp)
    password = asker.password(f"Password of {options.user}")
    install_id = home.install_id()
    answer = asker.with_code(
        lambda totp: remote.login(options.user, password, options.device_name, totp, install_id=install_id)
    )
    home.keep_login(Login(remote.server, options.user, answer.device_id, answer.token, authority))
    if options.json:
        print_json({"server": remote.server, "username": options.user, "device_id": answer.device_id})
    elif not options.quiet:
        print(f"Logged in at {remote.server} as {options.user}.")
    return 0


def _refuse_downgrade(url: str, before: Login | None) -> None:
    """Send no password in the open to a server that is known to speak TLS.

    Raises:
        RefusedError: it would be.
    """
    if before is None:
        return
    new, old = urlsplit(url), urlsplit(before.server)
    if (old.scheme, new.scheme) == ("https", "http") and new.hostname == old.hostname:
        raise RefusedError(
            f"This device is logged in at {before.server}, with encryption: run `cairn logout` first if you mean to go "
            "on without."
        )


def _authority_of(options: argparse.Namespace, before: Login | None) -> str:
    """Return who alone may vouch for the server; empty where this machine trusts it by itself, or it has no TLS.

    Raises:
        RefusedError: the person does not know the one that the server names, or cannot be asked.
        UntrustedError: nobody vouches for the server, and it names nobody.
    """
    if options.ca is not None:
        return read_authority(options.ca)
    if options.fingerprint is not None:
        return fetch_known_authority(options.url, options.fingerprint)
    if before is not None and before.server == options.url.rstrip("/") and before.authority:
        return before.authority
    return _found_out(options.url) if urlsplit(options.url).scheme == "https" else ""


def _found_out(url: str) -> str:
    """Ask the server who vouches for it, if nobody does whom this machine trusts, and then the person."""
    try:
        with closing(Remote(url)) as remote:
            remote.greet()
    except UntrustedError:
        authority = fetch_authority(url)
        if authority is None:
            raise
        return _confirmed(url, authority)
    except ClientError:  # the login itself will meet it, and tell
        pass
    return ""


def _confirmed(url: str, authority: str) -> str:
    """Return an authority that the person says is the server's own."""
    fingerprint = fingerprint_of(authority)
    if not sys.stdin.isatty():
        raise RefusedError(
            f"{url} has a CA of its own: if `cairn tls status` on the server tells its fingerprint as {fingerprint}, "
            "log in with --fingerprint and that; nothing was sent."
        )
    tell(f"{url} has a CA of its own. `cairn tls status` on the server, or its page {url.rstrip('/')}/trust, tells its")
    tell(f"fingerprint (SHA-256). This is what was shown here: {fingerprint}")
    if input("Are they the same? Type yes to trust it from now on: ").strip().lower() != "yes":
        raise RefusedError("It is not trusted: no password was sent.")
    return authority


def _is_readable_on_the_way(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "http" and not local
