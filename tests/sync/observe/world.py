"""A real folder, a real state and an observer whose clock is set; the disk's own clock runs ahead with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from client.sync.device.disk import DiskFs
from client.sync.model import ROOT_LID, Kind, LocalEntry, Stat, SyncedNode
from client.sync.model import Path as Names
from client.sync.observe import Observer
from client.sync.observe.rules import Rules
from client.sync.seams.files import Fs, FsError, Hint, Listed, Reading, Traits, Trouble
from client.sync.trees.state import State
from tests.sync.observe.clock import NoWatch, SetClock


class Disk(DiskFs):
    """The real disk, with a clock that moves on with the test's, and folders and mounts that tests break."""

    def __init__(self, root: str, clock: SetClock) -> None:
        super().__init__(root)
        self._clock = clock
        self.broken: dict[Names, Trouble] = {}
        self.mounts: dict[Names, int] = {}
        self.lists = 0

    def now_ns(self) -> int:
        return super().now_ns() + int((self._clock.now_s - 1000) * 1e9)

    def look(self, path: Names) -> Stat | None:
        self._may(path[:-1] if path else path)
        stat = super().look(path)
        return None if stat is None else self._mounted(path, stat)

    def list(self, path: Names) -> list[Listed]:
        self.lists += 1
        self._may(path)
        return [Listed(name, self._mounted((*path, name), stat)) for name, stat in super().list(path)]

    def open(self, path: Names) -> Reading:  # type: ignore[override]  # any Reading will do here
        return super().open(path)

    def _may(self, path: Names) -> None:
        for end in range(len(path) + 1):
            if (trouble := self.broken.get(path[:end])) is not None:
                raise FsError(trouble, path)

    def _mounted(self, path: Names, stat: Stat) -> Stat:
        for end in range(len(path), 0, -1):
            if (device := self.mounts.get(path[:end])) is not None:
                return Stat(stat.kind, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, device, stat.executable)
        return stat


class World:
    """All of it; paths are strings below the root."""

    def __init__(
        self, folder: Path, *, once: bool = False, traits: Traits | None = None, lines: list[str] | None = None
    ):
        self.top = folder / "root"
        self.top.mkdir()
        self.clock = SetClock()
        self.watch = NoWatch()
        self.fs = Disk(str(self.top), self.clock)
        self.once = once
        self.traits = self.fs.probe() if traits is None else traits
        self.state = State.open(str(folder / "state.db"))
        self.state.set_meta("remote_root", "r0")
        self.observer = self.make(lines or [])

    def make(self, lines: list[str]) -> Observer:
        fs: Fs = self.fs
        return Observer(self.state, fs, self.watch, self.clock, Rules(lines), self.traits, once=self.once)

    def restart(self, lines: list[str] | None = None) -> None:
        self.observer = self.make(lines or [])

    def close(self) -> None:
        self.state.close()
        self.fs.close()

    # The user

    def write(self, path: str, content: str = "content") -> Path:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def move(self, source: str, target: str) -> None:
        (self.top / source).rename(self.top / target)

    def hint(self, *paths: str, closed: bool = True) -> None:
        """Events at these paths, heard and joined."""
        for path in paths:
            self.observer.hint(Hint(tuple(path.split("/")), closed=closed))
        self.run(0.2)

    # Time

    def step(self) -> None:
        """Do what is due now."""
        while self.observer.step(10):
            pass

    def run(self, seconds: float) -> None:
        """Let time pass, and do what falls due at its moment."""
        end = self.clock.now_s + seconds
        self.step()
        while (due := self.observer.next_due_s()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.now_s))
            self.step()
        self.clock.advance(max(0.0, end - self.clock.now_s))
        self.step()

    def scan(self) -> None:
        """A full scan, and no time passes."""
        self.observer.scan_all()
        self.step()

    def settle(self) -> None:
        """All that time can tell."""
        self.run(0.2)
        for _ in range(60):
            if not self.observer.unresolved():
                return
            self.run(11.0)
        raise AssertionError(f"never at rest: {self.observer.unresolved()}")

    def known(self) -> None:
        """A scan, all at rest, every file read and in step with the server."""
        self.scan()
        self.settle()
        for lid in list(self.state.all_lids()):
            self.tie(lid)
        self.state.dirty.ids.clear()
        self.state.dirty.lids.clear()

    def tie(self, lid: int) -> None:
        entry = self.state.local(lid)
        assert entry is not None
        sha256 = None if entry.is_folder else "ab" * 32
        self.state.put_local(
            LocalEntry(entry.lid, entry.parent, entry.name, entry.stat, sha256, sure=not entry.is_folder)
        )
        parent = "r0" if entry.parent == ROOT_LID else f"n{entry.parent}"
        version = None if entry.is_folder else f"v{lid}"
        node = SyncedNode(
            *(f"n{lid}", parent, entry.name, entry.stat.kind, version, sha256, entry.stat.executable),
            *(entry.stat.mtime_ms, lid, entry.parent, entry.name),
        )
        self.state.put_synced(node)

    # What is known

    def lid(self, path: str) -> int | None:
        return self.state.lid_at(tuple(path.split("/")))

    def entry(self, path: str) -> LocalEntry:
        lid = self.lid(path)
        assert lid is not None, path
        entry = self.state.local(lid)
        assert entry is not None
        return entry

    def certain(self, path: str) -> bool:
        lid = self.lid(path)
        assert lid is not None, path
        return self.observer.is_certain(lid)

    def is_lost(self) -> bool:
        return self.observer.is_lost

    def tree(self) -> dict[str, Stat]:
        """The local tree."""
        found = {}
        for lid in self.state.all_lids():
            entry = self.state.local(lid)
            assert entry is not None
            found["/".join(self.state.path_of(lid))] = entry.stat
        return found

    def on_disk(self) -> dict[str, Stat]:
        """The folder."""
        found = {}
        for folder, folders, files in os.walk(self.top):
            names = tuple(Path(folder).relative_to(self.top).parts)
            if not names:
                folders.remove(".cairn")
            for name in (*folders, *files):
                stat = self.fs.look((*names, name))
                assert stat is not None
                if stat.kind in {Kind.FILE, Kind.FOLDER}:
                    found["/".join((*names, name))] = stat
        return found


@contextmanager
def world(
    folder: Path, *, once: bool = False, traits: Traits | None = None, lines: list[str] | None = None
) -> Iterator[World]:
    """Make one, and close it."""
    made = World(folder, once=once, traits=traits, lines=lines)
    try:
        yield made
    finally:
        made.close()
