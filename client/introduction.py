"""The first call of a process that stays: it shows which installation this is, and everything else waits for that."""

import threading
from collections.abc import Callable

from client.errors import ApiError, NotLoggedInError
from client.install import UNKNOWN, Installation
from client.protocol_account import InstallationAnswer

_OLDER = frozenset({"not_found", "method_not_allowed"})


class Introduction:
    """Made once for each process; used by all its threads."""

    def __init__(self, installation: Installation, show: Callable[[list[str]], InstallationAnswer]) -> None:
        """Show nothing yet; `show` is the call that does."""
        self._installation = installation
        self._show = show
        self._lock = threading.Lock()
        self._is_made = False

    def make(self) -> None:
        """Show the names unless that is done.

        Raises:
            NotLoggedInError: this is a copy of an installation that goes on: it is to log in anew, as another device.
            ClientError: it is not known whether the server knows it; the next call shows the same names.
        """
        with self._lock:
            if not self._is_made:
                with self._installation.turn() as names:
                    self._try(names)
                self._is_made = True

    def _try(self, names: list[str]) -> None:
        try:
            answer = self._show(names)
        except NotLoggedInError as error:
            if error.code == UNKNOWN:
                self._installation.forget()
            raise
        except ApiError as error:
            if error.code not in _OLDER:  # an older server tells nobody apart
                raise
        else:
            if answer.known:
                self._installation.note_known()
