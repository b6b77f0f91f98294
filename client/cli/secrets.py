"""How the commands ask for passwords and codes: at the terminal, or a line each of standard input; never in argv."""

import getpass
import sys
from collections.abc import Callable
from typing import TypeVar

from client.cli.common import Parser
from client.errors import ClientError, UsageError
from client.remote import Remote

T = TypeVar("T")


def add_options(parser: Parser) -> None:
    """Let a command take its secrets from standard input."""
    parser.add_argument(
        "--password-stdin", action="store_true", help="read each password that is asked for from standard input, a line"
    )
    parser.add_argument("--totp", action="store_true", help="read the code of the second factor from standard input")


class Asker:
    """Asks for secrets; lines of standard input come in the order in which they are asked for."""

    def __init__(self, *, password_stdin: bool, totp: bool) -> None:
        """Take what the options of `add_options` say."""
        self._password_stdin = password_stdin
        self._totp_stdin = totp

    def password(self, what: str) -> str:
        """Return a password; `what` says whose."""
        if self._password_stdin:
            return _line()
        if not sys.stdin.isatty():
            raise UsageError("There is no terminal to ask for the password at: use --password-stdin.")
        return getpass.getpass(f"{what}: ")

    def new_password(self) -> str:
        """Return a new password, asked for twice at a terminal."""
        new = self.password("New password")
        if not self._password_stdin and self.password("The new password again") != new:
            raise UsageError("The two passwords differ.")
        return new

    def code(self) -> str:
        """Return a code of the second factor, or a recovery code."""
        if self._totp_stdin:
            return _line()
        if not sys.stdin.isatty():
            raise UsageError("There is no terminal to ask for the second factor at: use --totp.")
        return getpass.getpass("Code of the second factor: ")

    def with_code(self, call: Callable[[str | None], T]) -> T:
        """Make a call that takes a code of the second factor where there is one: it is asked for if it is wanted."""
        try:
            return call(self.code() if self._totp_stdin else None)
        except ClientError as error:
            if error.code != "totp_required" or self._totp_stdin:
                raise
        return call(self.code())

    def with_proof(self, remote: Remote, user: str, call: Callable[[], T]) -> T:
        """Make a call that wants the password shown within ten minutes: it is asked for if it is wanted."""
        try:
            return call()
        except ClientError as error:
            if error.code != "reauth_required":
                raise
        password = self.password(f"Password of {user}")
        self.with_code(lambda totp: remote.prove(password, totp))
        return call()


def _line() -> str:
    return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
