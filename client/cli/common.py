"""What the commands share: their options, the way to the server, and how they answer."""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import NoReturn

import msgspec

from client.home import Home, Login, home_folder
from client.names import shown
from client.remote import Remote
from client.telling import tell


class Parser(argparse.ArgumentParser):
    """A parser with the options of every command, which refuses in one sentence."""

    def __init__(self, command: str, description: str) -> None:
        """Make the parser of `cairn COMMAND`."""
        super().__init__(prog=f"cairn {command}", description=description, allow_abbrev=False)
        self.add_argument("--json", action="store_true", help="answer with JSON on standard output")
        self.add_argument("--quiet", action="store_true", help="say nothing but errors")

    def error(self, message: str) -> NoReturn:
        """End with exit code 2 and the sentence."""
        self.exit(2, f"{self.prog}: {shown(message)}. `{self.prog} --help` explains it.\n")


def device_home() -> Home:
    """Return the place of this device's state."""
    return Home(home_folder(os.environ))


@contextmanager
def logged_in() -> Iterator[tuple[Remote, Login]]:
    """Give the server that this device is logged in at; raise NotLoggedInError if there is none."""
    login = device_home().get_login()
    remote = Remote(login.server, login.token, authority=login.authority)
    try:
        yield remote, login
    finally:
        remote.close()


def print_json(value: object) -> None:
    """Write a value as a line of JSON."""
    print(msgspec.json.encode(value).decode())


def print_array(values: Iterable[object]) -> None:
    """Write a JSON array as its items come, so that a long list is never held whole."""
    opening = chain("[", iter(lambda: ",", None))
    for value in values:
        print(next(opening), end="")
        print_json(value)
    print("]" if next(opening) == "," else "[]")


def time_text(time_ms: int) -> str:
    """Return a time as a person here reads it, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(time_ms / 1000))


def printable(name: str) -> str:
    """Return a name for standard output: on a terminal without what could steer it."""
    return shown(name) if sys.stdout.isatty() else name


def note(text: str, *, quiet: bool) -> None:
    """Tell the person something that is neither the answer nor an error."""
    if not quiet:
        tell(text)
