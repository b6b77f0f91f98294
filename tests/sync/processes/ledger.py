"""What users did, as they know it: each finished write, and what each of them saw when they took something away."""

import hashlib
import re
import threading
from collections import Counter

TOKEN = re.compile(rb"<[a-z]-[0-9]+>")


def tokens(data: bytes) -> frozenset[bytes]:
    """Return the tokens in a content."""
    return frozenset(TOKEN.findall(data))


def digest(data: bytes) -> bytes:
    """Return what a content is known by."""
    return hashlib.sha256(data).digest()


class Ledger:
    """Hears of every user at once.

    A user looks through an open file: what was read is then what was written over, and a file that was removed is the
    one that was read if it has no name left (`st_nlink`). So nothing that an engine does in between blurs who saw what.
    """

    def __init__(self) -> None:
        self.finished: dict[bytes, str] = {}
        """Token to device and path, of each write that a program finished."""

        self.removed: dict[bytes, str] = {}
        """Token to the deed by which a user who had seen it took it away."""

        self.made = {digest(b"")}
        """Contents that a file ever had by the hand of a user."""

        self.deeds: Counter[str] = Counter()
        self.story: list[str] = []
        self._lock = threading.Lock()
        self._next = 0

    def token(self, device: str) -> bytes:
        """Return a token that nobody had before."""
        with self._lock:
            self._next += 1
            return f"<{device}-{self._next}>".encode()

    def will_be(self, content: bytes) -> None:
        """Hear what a file is about to hold, before anybody can see it."""
        with self._lock:
            self.made.add(digest(content))

    def finish(self, where: str, content: bytes) -> None:
        """Hear that a write has come to its end: the file is closed."""
        with self._lock:
            for token in tokens(content):
                self.finished.setdefault(token, where)

    def remove(self, deed: str, before: bytes, after: bytes = b"") -> None:
        """Hear that a user took away a content that they had seen, or put `after` in its place."""
        with self._lock:
            for token in tokens(before) - tokens(after):
                self.removed.setdefault(token, deed)

    def tell(self, program: str, story: str) -> None:
        """Hear what was done, for the story of a failure."""
        with self._lock:
            self.deeds[program] += 1
            self.story.append(story)

    def expected(self) -> set[bytes]:
        """Return the tokens that must still be somewhere."""
        return self.finished.keys() - self.removed.keys()

    def about(self, token: bytes) -> list[str]:
        """Return what the story says of a token."""
        return [line for line in self.story if token.decode() in line]
