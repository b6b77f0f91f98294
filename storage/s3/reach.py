"""Whether the bucket can be reached: known from the calls that are made, and found out when none goes through."""

import logging
import threading
import time
from collections.abc import Callable

from storage.errors import BadStoreError, StorageError, StoreFullError, StoreUnavailableError
from storage.s3.client import AwayError

FIRST_PROBE_S = 0.5
LONGEST_PROBE_S = 5.0
FULL_FOR_S = 5.0
"""For so long nothing is received after the server said that it is full; then it is asked again."""

_log = logging.getLogger(__name__)


class Reach:
    """Remembers the last failure until a probe goes through; asks in a thread of its own meanwhile."""

    def __init__(self, probe: Callable[[], None]) -> None:
        """Take what finds out; it raises StorageError if the bucket cannot be used.

        Nothing is believed to go through before the first `check`.
        """
        self._probe = probe
        self._lock = threading.Lock()
        self._error: StorageError | None = StoreUnavailableError("the object server was not asked yet")
        self._full_s: float | None = None
        self._probing: threading.Thread | None = None
        self._closing = threading.Event()

    def check(self) -> None:
        """Probe now; if it cannot be reached, go on probing.

        Raises:
            BadStoreError: it is reached, and must not be used.
        """
        try:
            self._probe()
        except (StoreUnavailableError, StoreFullError) as error:
            self._lose(error)
        else:
            self._error = None

    def check_again(self) -> None:
        """Probe now; if it must not be used any more, it counts as away until it may be."""
        try:
            self.check()
        except BadStoreError as error:
            self._lose(StoreUnavailableError(str(error)))

    def require(self, *, room: bool = False) -> None:
        """Raise the failure that stands, with `room` also that the bucket is full."""
        if (error := self._error) is not None:
            raise error.with_traceback(None)  # else it holds on to the frames of all that it was ever raised in
        if room and self._full_s is not None and time.monotonic() - self._full_s < FULL_FOR_S:
            raise StoreFullError("the object server is full")

    def failed(self, error: StorageError) -> None:
        """Note a failure of a call."""
        if not isinstance(error, StoreFullError):
            self._lose(error)
            return
        if self._full_s is None:
            _log.warning("the object server is full: no uploads are taken")
        self._full_s = time.monotonic()

    def has_room(self) -> None:
        """Note that a put went through."""
        if self._full_s is not None:
            self._full_s = None
            _log.info("the object server has room again")

    def close(self) -> None:
        """Stop probing."""
        self._closing.set()
        if self._probing is not None:
            self._probing.join()

    def _lose(self, error: StorageError) -> None:
        with self._lock:
            self._error = error
            if self._probing is None and not self._closing.is_set():
                _log.warning("the object server cannot be used, no uploads are taken: %s", _told(error))
                self._probing = threading.Thread(target=self._ask, name="reach", daemon=True)
                self._probing.start()

    def _ask(self) -> None:
        wait, told = FIRST_PROBE_S, ""
        while not self._closing.wait(wait):
            wait = min(LONGEST_PROBE_S, wait * 2)
            try:
                self._probe()
            except (StorageError, OSError) as error:
                if isinstance(error, BadStoreError) and str(error) != told:
                    told = str(error)
                    _log.error("the object server is there again, and must not be used: %s", error)
                continue
            with self._lock:
                self._error = self._probing = None
            _log.info("the object server is there again: uploads are taken")
            return


def _told(error: StorageError) -> str:
    return error.cause if isinstance(error, AwayError) else str(error)
