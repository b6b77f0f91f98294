"""The same call on the real disk and on the simulated one: both must answer alike, and look alike after it."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path as RealPath

from client.sync.device.disk import DiskFs
from client.sync.model import TMP, Kind, Path, Stat
from client.sync.seams.files import Fs, FsError, Listed
from tests.sim.fs import SimFs, SimMode

Answer = object
SET_BEFORE_NS = 1_600_000_000_000_000_000
"""Times before it were set by a test, and must be equal; others come from two clocks."""


class Pair:
    """Two disks that begin empty."""

    def __init__(self, folder: RealPath) -> None:
        self.folder = folder
        self.real = DiskFs(str(folder))
        traits = self.real.probe()
        self._now = 10**18 * 2
        self.sim = SimFs(
            self._tick,
            mode=SimMode(
                case_sensitive=traits.case_sensitive,
                keeps_form=traits.keeps_form,
                exchanges=traits.exchanges,
                max_name_bytes=traits.max_name_bytes,
                step_ns=1,
            ),
        )
        self.sim.probe()

    def both(self, call: Callable[[Fs], Answer], what: str = "") -> Answer:
        """Call both, compare, and return the answer."""
        real, sim = outcome(lambda: call(self.real)), outcome(lambda: call(self.sim))
        assert real == sim, f"{what}: {real} is not {sim}"
        return real

    def user(self, real: Callable[[], object], sim: Callable[[], object], what: str = "") -> None:
        """Let a person do the same on both."""
        did = [_works(real, OSError), _works(sim, FsError)]
        assert did[0] == did[1], (what, *did)

    def path(self, path: Path) -> RealPath:
        """Return the path on the real disk."""
        return self.folder.joinpath(*path)

    def compare(self, what: str = "") -> None:
        """Compare all that both hold: kinds, bytes, executable bits, set times, and which names are one file."""
        assert snapshot(self.real) == snapshot(self.sim), what

    # People

    def write(self, path: Path, data: bytes) -> None:
        self.user(lambda: self.path(path).write_bytes(data), lambda: self.sim.user_write(path, data), f"write {path}")

    def rename(self, source: Path, target: Path) -> None:
        self.user(
            lambda: self.path(source).rename(self.path(target)),
            lambda: self.sim.user_rename(source, target),
            f"rename {source} {target}",
        )

    def remove_tree(self, path: Path) -> None:
        self.user(
            lambda: shutil.rmtree(self.path(path)), lambda: self.sim.user_remove_tree(path), f"remove tree {path}"
        )

    def make_folder(self, path: Path) -> None:
        self.user(
            lambda: self.path(path).mkdir(parents=True, exist_ok=True),
            lambda: self.sim.user_make_folder(path),
            f"mkdir {path}",
        )

    def link(self, path: Path, target: str) -> None:
        self.user(lambda: self.path(path).symlink_to(target), lambda: self.sim.user_link(path, target), f"link {path}")

    def hard_link(self, source: Path, target: Path) -> None:
        self.user(
            lambda: os.link(self.path(source), self.path(target), follow_symlinks=False),
            lambda: self.sim.user_hard_link(source, target),
            f"hard link {source} {target}",
        )

    def chmod(self, path: Path, *, executable: bool) -> None:
        self.user(
            lambda: self.path(path).chmod(0o755 if executable else 0o644),
            lambda: self.sim.user_chmod(path, executable=executable),
            f"chmod {path}",
        )

    def touch(self, path: Path, mtime_ns: int) -> None:
        self.user(
            lambda: os.utime(self.path(path), ns=(mtime_ns, mtime_ns)),
            lambda: self.sim.user_touch(path, mtime_ns),
            f"touch {path}",
        )

    def _tick(self) -> int:
        self._now += 1_000_000
        return self._now


def outcome(call: Callable[[], Answer]) -> Answer:
    """Return what a call gives, without what two disks may differ in; or its trouble."""
    try:
        return plain(call())
    except FsError as error:
        return error.trouble


def plain(answer: Answer) -> Answer:
    """Leave out inodes and clocks."""
    if isinstance(answer, Stat):
        mtime = answer.mtime_ns if answer.kind is Kind.FILE and answer.mtime_ns < SET_BEFORE_NS else None
        return (answer.kind, answer.size, mtime, answer.executable)
    if isinstance(answer, list):
        return sorted((listed.name, plain(listed.stat)) for listed in answer if isinstance(listed, Listed))
    return answer


def make(fs: Fs, path: Path, data: bytes, mtime_ms: int | None, *, executable: bool, like: Path | None = None) -> Stat:
    """Make a file as the engine does, and return the Stat of its handle."""
    writing = fs.create(path)
    try:
        writing.write(data, 0)
        writing.set_state(mtime_ms, executable=executable, like=like)
        writing.sync()
        return writing.stat()
    finally:
        writing.close()


def read(fs: Fs, path: Path) -> bytes:
    """Return the bytes of a file, in pieces of 7."""
    reading = fs.open(path)
    try:
        data = b""
        while piece := reading.read(7, len(data)):
            data += piece
        return data
    finally:
        reading.close()


def snapshot(fs: Fs) -> list[object]:
    """Return all that a disk holds."""
    first: dict[int, Path] = {}
    found: list[object] = []
    for path, stat in walk(fs, ()):
        content = read(fs, path) if stat.kind is Kind.FILE else None
        found.append((path, plain(stat), content, first.setdefault(stat.inode, path)))
    return found


def walk(fs: Fs, path: Path) -> Iterator[tuple[Path, Stat]]:
    """Yield all below a folder."""
    for name, stat in sorted(fs.list(path)):
        yield (*path, name), stat
        if stat.kind is Kind.FOLDER:
            yield from walk(fs, (*path, name))


def temporary(name: str) -> Path:
    """Return a path in `.cairn/tmp`."""
    return (*TMP, name)


def _works(call: Callable[[], object], error: type[Exception]) -> bool:
    with contextlib.suppress(error):
        call()
        return True
    return False
