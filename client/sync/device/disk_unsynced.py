"""Which of our files are written and not durable yet, and which never will be: a failed sync is final.

After a failed fsync the system may forget the dirty pages, and the next fsync succeeds with the data lost. So a file
whose sync failed, alone or with all others, is never given a name outside.
"""

import threading

Identity = tuple[int, int]
"""Device and inode."""


class Unsynced:
    """May be called from any thread."""

    def __init__(self) -> None:
        """Know nothing."""
        self._lock = threading.Lock()
        self._written: dict[Identity, int] = {}
        self._lost: set[Identity] = set()
        self._count = 0

    def forget(self, file: Identity) -> None:
        """Forget a file that is gone, or one that had the number which a new file has now."""
        with self._lock:
            self._lost.discard(file)
            self._written.pop(file, None)

    def wrote(self, file: Identity) -> None:
        """Note that a file changed."""
        with self._lock:
            self._count += 1
            self._written[file] = self._count

    def synced(self, file: Identity) -> None:
        """Note that all of a file is durable."""
        with self._lock:
            self._written.pop(file, None)

    def failed(self, file: Identity) -> None:
        """Never trust a file again."""
        with self._lock:
            self._written.pop(file, None)
            self._lost.add(file)

    def is_lost(self, file: Identity) -> bool:
        """Tell whether a sync of the file failed."""
        with self._lock:
            return file in self._lost

    def begin(self) -> int:
        """Begin to sync all; the answer is for `ended` or `all_failed`."""
        with self._lock:
            return self._count

    def ended(self, until: int) -> None:
        """Note that all that was written when it began is durable."""
        with self._lock:
            self._written = {file: at for file, at in self._written.items() if at > until}

    def all_failed(self) -> None:
        """Never again trust what was written and not synced by itself."""
        with self._lock:
            self._lost.update(self._written)
            self._written.clear()
