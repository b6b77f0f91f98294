"""cairn totp: the second factor of the account."""

from collections.abc import Sequence

from client.cli.common import Parser, logged_in, note, print_json
from client.cli.secrets import Asker, add_options


def run(arguments: Sequence[str]) -> int:
    """Turn the second factor on or off."""
    parser = Parser("totp", "Turn the second factor on, with an authenticator app, or off.")
    parser.add_argument("state", choices=("on", "off"), help="what it shall be")
    add_options(parser)
    options = parser.parse_args(arguments)

    asker = Asker(password_stdin=options.password_stdin, totp=options.totp)
    with logged_in() as (remote, login):
        if options.state == "off":
            code = asker.code()
            asker.with_proof(remote, login.username, lambda: remote.end_totp(code))
            note("The second factor is off.", quiet=options.quiet)
            return 0
        begun = asker.with_proof(remote, login.username, remote.begin_totp)
        note(f"Put this into an authenticator app: {begun.uri}", quiet=False)
        note(f"Or type the secret {begun.secret}, then the code that the app shows.", quiet=False)
        codes = remote.confirm_totp(asker.code())
    if options.json:
        print_json({"recovery_codes": codes})
    else:
        note(
            "The second factor is on. Keep these codes: each signs you in once if the app is lost.", quiet=options.quiet
        )
        print("\n".join(codes))
    return 0
