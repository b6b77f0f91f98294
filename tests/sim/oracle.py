"""What must be true whatever the engines chose (sync-engine.md, 15): who made each content, and who took it away.

Each write of a user holds a token that no other write has. The oracle knows every content that a program of a user left
in a file, and every content that a user took away at a device. It never predicts what an engine should do: it refuses
what no choice of an engine can explain.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from client.sync.model import Path
from tests.sim.past import ServerPast

TOKEN = re.compile(rb"<[0-9]+>")
CONFLICT = "(conflict from "


class BrokenPromise(AssertionError):  # noqa: N818 -- reads as what it is
    """An invariant does not hold."""


def digest(data: bytes) -> str:
    """Return the SHA-256 of a content."""
    return hashlib.sha256(data).hexdigest()


def tokens(data: bytes) -> frozenset[bytes]:
    """Return the tokens in a content."""
    return frozenset(TOKEN.findall(data))


@dataclass(slots=True)
class Knowledge:
    """What one device's user and disk have to do with contents, by their hashes."""

    wrote: set[str] = field(default_factory=set)
    """Contents that a program left in a file here."""

    took: set[str] = field(default_factory=set)
    """Contents that a user here deleted, replaced, or moved away from where they were."""

    had: set[str] = field(default_factory=set)
    """Contents that stood at a live path here."""


class Oracle:
    """Hears of all that happens, and judges it."""

    def __init__(self, past: ServerPast) -> None:
        self._past = past
        self.devices: dict[str, Knowledge] = {}
        self.made: set[str] = {digest(b"")}
        self.written: dict[bytes, str] = {}
        self.removed: set[bytes] = set()
        self.excused: set[bytes] = set()
        self.active: set[str] = set()
        self.disasters: list[str] = []
        self.has_met_parked = False

    def know(self, device: str) -> Knowledge:
        """Return what is known of a device."""
        return self.devices.setdefault(device, Knowledge())

    # Users

    def wrote(self, device: str, before: bytes | None, after: bytes) -> None:
        """Hear that a program of a user changed a file's content, or made the file."""
        known, hash_ = self.know(device), digest(after)
        self.active.add(device)
        self.made.add(hash_)
        known.wrote.add(hash_)
        known.had.add(hash_)
        new = tokens(after)
        for token in new - self.written.keys():
            self.written[token] = device
        if before is not None and before != after:
            known.took.add(digest(before))
            self.removed |= tokens(before) - new

    def took(self, device: str, content: bytes, *, is_kept: bool = False) -> None:
        """Hear that a user deleted or replaced a file of this content; or with `is_kept` only moved it."""
        self.active.add(device)
        self.know(device).took.add(digest(content))
        if not is_kept:
            self.removed |= tokens(content)

    def touched(self, device: str) -> None:
        """Hear that a user did something there that changes no content."""
        self.active.add(device)

    def met_parked(self) -> None:
        """Hear that a user goes on while a file is parked: what they put in its place is another file of its name."""
        self.has_met_parked = True

    # Engines

    def changed(
        self, device: str, path: Path, before: bytes | None, after: bytes | None, keeps: Callable[[bytes], bool]
    ) -> None:
        """Judge that an engine changed what stands at a live path (2).

        Args:
            keeps: tells whether a content stands anywhere on this device's disk.
        """
        if after is not None:
            self.know(device).had.add(digest(after))
        if before is None or before == after or not before:
            return
        if not self._past.has(digest(before)) and not keeps(before):
            where = "/".join(path)
            raise BrokenPromise(f"2: {device} took {_shown(before)} away from {where}, and nobody keeps it")

    def deleted(self, device: str, contents: Iterable[str]) -> None:
        """Judge that a device had these contents deleted at the server (7, 8)."""
        known = self.know(device)
        for hash_ in contents:
            if hash_ not in known.took and hash_ != digest(b""):
                seen = "had it" if hash_ in known.had else "never had it"
                raise BrokenPromise(
                    f"7: {device} deleted {self._past.shown(hash_)} at the server; its user did not, and {seen}"
                )

    def uploaded(self, device: str, *, restoring: bool) -> None:
        """Judge what came to the server: nobody uploads bytes that no user wrote (9), or over what they never had (2).

        Args:
            restoring: nodes were brought back that had been deleted: there the edit wins over whatever it was then.
        """
        had = self.know(device).had
        for news in self._past.news():
            if news.hash not in self.made:
                raise BrokenPromise(f"9: {_shown(news.data)} came to the server, and no program of a user wrote it so")
            if news.before not in {None, digest(b""), *had} and not restoring:
                over = self._past.shown(news.before or "")
                raise BrokenPromise(f"2: {device} put {_shown(news.data)} over {over}, which it never had")

    # Power cuts

    def lost(self, device: str, before: Iterable[bytes], after: Iterable[bytes]) -> None:
        """Hear which contents stood on a disk before and after the power was cut."""
        known = self.know(device)
        survived = {digest(data): data for data in after}
        left: set[bytes] = set()
        for data in survived.values():
            left |= tokens(data)
        for data in before:
            hash_ = digest(data)
            if hash_ not in survived:
                self.excused |= tokens(data) - left
                if hash_ in known.wrote:
                    known.took.add(hash_)

    def torn(self, device: str, files: Iterable[tuple[bytes, bytes]]) -> None:
        """Hear of files that a power cut left in another state: what a program of a user wrote may be torn."""
        known = self.know(device)
        for before, after in files:
            if digest(before) in known.wrote:
                self.made.add(digest(after))
                known.wrote.add(digest(after))

    def server_lost(self, contents: Iterable[bytes]) -> None:
        """Hear that the server was put back: what only it had is gone, and it is nobody's fault.

        Args:
            contents: what stays on a disk by itself.
        """
        missing = self.written.keys() - self._past.tokens()
        for data in contents:
            missing -= tokens(data)
        self.excused |= missing

    # The end

    def nothing_is_lost(self, contents: Iterable[bytes]) -> None:
        """Judge that every token is somewhere: on a device in any place, or at the server in any version (1)."""
        missing = self.written.keys() - self.removed - self.excused - self._past.tokens()
        if missing:
            for data in contents:
                missing -= tokens(data)
        if missing:
            told = ", ".join(f"{token.decode()} of {self.written[token]}" for token in sorted(missing))
            raise BrokenPromise(f"1: nobody has {told} any more")

    def no_false_conflicts(self, names: Iterable[str]) -> None:
        """Judge that one active device makes no conflict copies (12).

        Where a file was parked while its device could not go on, and its user wrote another of its name, both are kept.
        """
        if len(self.active) > 1 or self.disasters or self.has_met_parked:
            return
        found = [name for name in names if CONFLICT in name]
        if found:
            raise BrokenPromise(f"12: only {sorted(self.active)} did anything, and there is {found}")


def _shown(data: bytes) -> str:
    found = b" ".join(TOKEN.findall(data)[:4]).decode()
    return f"{len(data)} bytes {found or data[:20]!r}"
