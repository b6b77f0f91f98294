"""Which installation this is: random names, one of them new at each start, by which a server tells a copied machine.

A copy of this device's state, or an old state that was put back, does not know the name by which the server knows the
installation now: another start has shown it. Names of earlier starts are shown too, so that a server that was itself
put back knows one of them.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from client.errors import LocalFileError
from client.home import Home
from client.locks import wait_lock

UNKNOWN = "install_unknown"
"""The code by which a server refuses a copy."""

LAST = 24
"""So many of the last names are kept, and of the days before one of each, as many again."""

_DAY_S = 24 * 3600
_FILE = "install_names.json"
_LOCK = "install_names.lock"
_WAIT_S = 20.0
_WHAT = "The names of this installation"


class Name(msgspec.Struct, frozen=True):
    """A name, and the day on which it was made by this machine's clock: of days, only one name is kept for long."""

    name: str
    day: int


class Names(msgspec.Struct, frozen=True):
    """The names shown for one device, the newest last; `is_known` tells whether the server said that it has that."""

    device_id: str
    names: list[Name]
    is_known: bool = False


class Installation:
    """The names of one device. Its processes show them one after the other: else one would show what is outdated."""

    def __init__(self, home: Home, device_id: str) -> None:
        """Keep them in `home`; nothing is made yet."""
        self._home = home
        self._device_id = device_id

    @contextmanager
    def turn(self) -> Iterator[list[str]]:
        """Give the names to be shown, durable by now, and let no other process show any until the end of the block.

        The newest is made anew, unless no answer came to the last: then the server may know it, or the one before.

        Raises:
            LocalFileError: they cannot be kept, or another process takes too long.
        """
        with self._lock():
            known = self._read()
            if known is None or known.is_known:
                before = [] if known is None else known.names
                made = Name(secrets.token_urlsafe(9), int(time.time()) // _DAY_S)
                known = Names(self._device_id, _thinned([*before, made]))
                self._keep(known)
            yield [each.name for each in known.names]

    def note_known(self) -> None:
        """Note, within a turn, that the server knows the newest name now."""
        known = self._read()
        if known is not None:
            self._keep(msgspec.structs.replace(known, is_known=True))

    def forget(self) -> None:
        """Be another installation from the next login on, which then ends no device of the one that goes on."""
        self._home.forget_install()

    def _read(self) -> Names | None:
        content = self._home.read(_FILE)
        if content is not None:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                known = msgspec.json.decode(content, type=Names)
                return known if known.device_id == self._device_id and known.names else None
        return None

    def _keep(self, names: Names) -> None:
        self._home.keep(_FILE, msgspec.json.encode(names), _WHAT)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._home.make()
        try:
            descriptor = os.open(self._home.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LocalFileError(f"{_WHAT} cannot be kept in {self._home.folder}: {error.strerror}.") from error
        try:
            if not wait_lock(descriptor, _WAIT_S):
                raise LocalFileError("Another cairn of this device waits for the server: this one tries again.")
            yield
        finally:
            os.close(descriptor)


def _thinned(names: list[Name]) -> list[Name]:
    """Return the last names, and before them one of each day."""
    before = {each.day: each for each in names[:-LAST]}
    return [*list(before.values())[-LAST:], *names[-LAST:]]
