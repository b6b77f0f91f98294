"""cairn logout: the device's token ends, here and at the server."""

from collections.abc import Sequence
from contextlib import suppress

from client.cli.common import Parser, device_home, logged_in, print_json
from client.errors import NotLoggedInError


def run(arguments: Sequence[str]) -> int:
    """End the login. If the server cannot be reached it stays, so that the token is not forgotten while it is good."""
    options = Parser("logout", "End this device's login.").parse_args(arguments)
    with logged_in() as (remote, login), suppress(NotLoggedInError):  # the server may have ended it already
        remote.logout()
    device_home().forget_login()
    if options.json:
        print_json({"server": login.server, "username": login.username, "device_id": login.device_id})
    elif not options.quiet:
        print(f"Logged out of {login.server}.")
    return 0
