"""Runs a program in a container as whom Cairn is to run: `python -m app.container PROGRAM ARGUMENTS`.

A container that is started as root, as many a NAS does, turns into the user PUID and the group PGID, for good and
before anything of Cairn is loaded. One that is started as somebody else has no right to, and need not: there PUID and
PGID may only say the same.
"""

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

WRONG_USE = 2
USUAL = 1000
GREATEST = 2**32 - 2  # the number after it means "nobody in particular" to the system


class IdentityError(Exception):
    """Cairn cannot run as what was asked for; the message is one sentence that says what to do."""


class Identity(NamedTuple):
    """Numbers of a user and a group."""

    user: int
    group: int


def wanted(environ: Mapping[str, str], present: Identity) -> Identity:
    """Return as whom to run, given as whom the container was started.

    Raises:
        IdentityError: PUID or PGID is no such number, or is another than the one that cannot be left.
    """
    usual = Identity(USUAL, USUAL) if present.user == 0 else present
    asked = Identity(_number(environ, "PUID", usual.user), _number(environ, "PGID", usual.group))
    if present.user not in (0, asked.user) or (present.user != 0 and present.group != asked.group):
        raise IdentityError(
            f"PUID and PGID ask for {asked.user}:{asked.group}, but this container was started as "
            f"{present.user}:{present.group} and cannot change that: start it with --user {asked.user}:{asked.group}."
        )
    return asked


def become(identity: Identity) -> None:
    """Let this process be that user and group alone, with no way back.

    Raises:
        IdentityError: the container may not change its user.
    """
    try:
        os.setgroups([])
        os.setgid(identity.group)
        os.setuid(identity.user)
    except OSError as error:
        raise IdentityError(
            f"This container was started as root and cannot become {identity.user}:{identity.group} "
            f"({error.strerror}): start it with --user {identity.user}:{identity.group}, or leave it the capabilities "
            "SETUID and SETGID."
        ) from error


def _number(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= GREATEST):
        raise IdentityError(f"{name} must be a number from 1 to {GREATEST}, not {text!r}: Cairn does not run as root.")
    return int(text)


def main() -> NoReturn:
    """Become the program that the arguments name, or say why that cannot be."""
    present = Identity(os.geteuid(), os.getegid())
    try:
        identity = wanted(os.environ, present)
        if present.user == 0:
            become(identity)
    except IdentityError as error:
        sys.stderr.write(f"cairn: {error}\n")
        sys.exit(WRONG_USE)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the image names it


if __name__ == "__main__":
    main()
