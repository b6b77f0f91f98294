"""What a transfer has done so far, counted from many threads, and what went wrong on the way."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from client.errors import ClientError
from client.names import shown

KEPT_FAILURES = 1000  # that are listed one by one; later ones are printed and counted


@dataclass(frozen=True, slots=True)
class Failure:
    """One path that could not be transferred, and why."""

    path: str
    code: str
    message: str


@dataclass(slots=True)
class Counts:
    """Files and bytes.

    `found` counts all there is once `found_all` is set. `sent` bytes went over the wire, either way; `done` counts
    those too that needed not.
    """

    found_files: int = 0
    found_bytes: int = 0
    found_all: bool = False
    done_files: int = 0
    done_bytes: int = 0
    unchanged_files: int = 0
    sent_bytes: int = 0
    folders: int = 0
    links_skipped: int = 0
    specials_skipped: int = 0
    failed: int = 0


@dataclass(slots=True)
class Progress:
    """The running account of one command. `say` prints a line without disturbing a progress bar."""

    say: Callable[[str], None]
    counts: Counts = field(default_factory=Counts)
    failures: list[Failure] = field(default_factory=list)
    _exit_codes: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def found(self, files: int, size: int) -> None:
        """Count files that are to be looked at."""
        with self._lock:
            self.counts.found_files += files
            self.counts.found_bytes += size

    def found_all(self) -> None:
        """Note that everything is counted as found, so that what is left can be told."""
        with self._lock:
            self.counts.found_all = True

    def unchanged(self, size: int) -> None:
        """Count a file that is on both sides already."""
        with self._lock:
            self.counts.unchanged_files += 1
            self.counts.done_files += 1
            self.counts.done_bytes += size

    def finished(self, files: int) -> None:
        """Count files that are complete on the other side."""
        with self._lock:
            self.counts.done_files += files

    def moved(self, done: int, sent: int) -> None:
        """Count bytes that are through, and how many of them went over the wire."""
        with self._lock:
            self.counts.done_bytes += done
            self.counts.sent_bytes += sent

    def made_folder(self) -> None:
        """Count a folder that was made."""
        with self._lock:
            self.counts.folders += 1

    def skipped(self, *, link: bool) -> None:
        """Count a symbolic link or a special file, which are left out."""
        with self._lock:
            if link:
                self.counts.links_skipped += 1
            else:
                self.counts.specials_skipped += 1

    def failed(self, path: str, error: ClientError) -> None:
        """Note that one path failed, and say so."""
        path = path.encode("utf-8", "backslashreplace").decode()  # a name here need not be text at all
        message = str(error)
        message = message if message.startswith(path) else f"{path}: {message}"
        with self._lock:
            self.counts.failed += 1
            self._exit_codes.add(error.exit_code)
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(Failure(path, error.code, message))
        self.say(f"cairn: {shown(message)}")

    def snapshot(self) -> Counts:
        """Return the counts as they are now."""
        with self._lock:
            return replace(self.counts)

    @property
    def exit_code(self) -> int:
        """What the command ends with: the code that all failures share, else that of any failure."""
        if len(self._exit_codes) > 1:
            return ClientError.exit_code
        return next(iter(self._exit_codes), 0)
