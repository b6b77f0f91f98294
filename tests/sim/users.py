"""Programs of a device's users: what editors, file managers and scripts do to files, a step at a time."""

import random
from collections.abc import Callable, Iterator
from itertools import count

from client.sync.model import Kind, Path
from client.sync.seams.files import FsError, Trouble
from tests.sim.chance import seeded
from tests.sim.disks import entries, has_parked
from tests.sim.fs import SimFs, UserHandle
from tests.sim.oracle import Oracle

LARGE = 300 * 1024
HOUR_NS = 3_600_000_000_000


class Tokens:
    """Numbers that each stand in one write alone."""

    def __init__(self) -> None:
        self._next = count(1)

    def fresh(self) -> bytes:
        """Return the next one."""
        return b"<%05d>" % next(self._next)  # all of one length: many a write leaves the size as it was


class Person:
    """A user at one device. `pause` lets others go on; `step` does one thing and returns what it was."""

    def __init__(
        self,
        device: str,
        disk: SimFs,
        oracle: Oracle,
        tokens: Tokens,
        chance: random.Random,
        pause: Callable[[], None],
        names: tuple[str, ...],
    ) -> None:
        self.device = device
        self._disk = disk
        self._oracle = oracle
        self._tokens = tokens
        self._chance = chance
        self._pause = pause
        self._names = names
        self._held: list[UserHandle] = []
        self._remembered: list[bytes] = []

    def step(self) -> str:
        """Do one thing at random; what the disk refuses was not done."""
        programs = _PROGRAMS
        program = self._chance.choices([each for each, _ in programs], [weight for _, weight in programs])[0]
        if has_parked(self._disk):
            self._oracle.met_parked()
        try:
            return program(self)
        except FsError as error:
            return f"{program.__name__}: {error}"

    def forget_handles(self) -> None:
        """The programs ended with the machine."""
        self._held.clear()

    def let_go(self) -> None:
        """Close what is held open."""
        held, self._held = self._held, []
        for handle in held:
            handle.close()

    # Programs

    def create(self) -> str:
        """Write a file of some name, new or not."""
        path = (*self._folder(), self._name())
        return self.put(path, self._text())

    def write_over(self) -> str:
        """Write a file anew, in place."""
        path = self._file()
        return self.put(path, self._text())

    def write_twice(self) -> str:
        """Write over a file, and again so soon that a coarse clock shows one time for both."""
        path = self._file()
        first, second = self._tokens.fresh(), self._tokens.fresh()
        self.put(path, first)
        self._pause()
        self.put(path, second)
        return f"write twice {_shown(path)} {second.decode()}"

    def append(self) -> str:
        """Add to a file, as a log does."""
        path, more = self._file(), self._tokens.fresh()
        before = self._disk.user_read(path)
        self._disk.user_append(path, more)
        self._wrote(path, before)
        return f"append {_shown(path)} {more.decode()}"

    def truncate(self) -> str:
        """Cut a file."""
        path = self._file()
        before = self._disk.user_read(path)
        size = self._chance.randint(0, len(before))
        self._disk.user_truncate(path, size)
        self._wrote(path, before)
        return f"truncate {_shown(path)} to {size}"

    def save_beside(self) -> str:
        """Save as most editors do: write beside it, sync, rename over it."""
        path, text = self._file_or_new(), self._text()
        beside = (*path[:-1], f".{path[-1]}.new")
        self.put(beside, text)
        self._pause()
        self.move(beside, path)
        return f"save beside {_shown(path)} {_token(text)}"

    def save_with_backup(self) -> str:
        """Save as others do: rename the old one to a backup, write a new one."""
        path, text = self._file(), self._text()
        self.move(path, (*path[:-1], f"{path[-1]}~"))
        self._pause()
        self.put(path, text)
        return f"save with backup {_shown(path)} {_token(text)}"

    def save_by_delete(self) -> str:
        """Save in the worst way: delete, then write anew."""
        path, text = self._file(), self._text()
        self.remove(path)
        self._pause()
        self.put(path, text)
        return f"save by delete {_shown(path)} {_token(text)}"

    def rename(self) -> str:
        """Rename or move anything, over what is there if it can be."""
        source = self._any()
        target = (*self._folder(), self._name())
        self.move(source, target)
        return f"rename {_shown(source)} to {_shown(target)}"

    def swap(self) -> str:
        """Let two change places through a third name."""
        one, other = self._any(), self._any()
        between = (".swap",)
        self.move(one, between)
        self._pause()
        self.move(other, one)
        self._pause()
        self.move(between, other)
        return f"swap {_shown(one)} and {_shown(other)}"

    def copy(self) -> str:
        """Copy a file."""
        source, target = self._file(), (*self._folder(), self._name())
        data = self._disk.user_read(source)
        self.put(target, data)
        return f"copy {_shown(source)} to {_shown(target)}"

    def delete(self) -> str:
        """Delete a file."""
        path = self._file()
        self.remove(path)
        return f"delete {_shown(path)}"

    def delete_tree(self) -> str:
        """Delete a folder with all in it, file by file."""
        folder = self._some(Kind.FOLDER)
        below = [path for path in self._entries() if path[: len(folder)] == folder]
        for path in sorted(below, key=len, reverse=True):
            if self._entries().get(path) is Kind.FOLDER:
                self._remove_folder(path)
            elif path in self._entries():
                self.remove(path)
            self._pause()
        self._oracle.touched(self.device)
        return f"delete tree {_shown(folder)}"

    def make_folder(self) -> str:
        """Make a folder."""
        path = (*self._folder(), self._name())
        self._disk.user_make_folder(path)
        self._oracle.touched(self.device)
        return f"mkdir {_shown(path)}"

    def folder_to_file(self) -> str:
        """Replace an empty folder by a file."""
        path, text = self._some(Kind.FOLDER), self._text()
        self._remove_folder(path)
        self._pause()
        self.put(path, text)
        return f"folder to file {_shown(path)} {_token(text)}"

    def restore(self) -> str:
        """Write what was once deleted, under some name."""
        if not self._remembered:
            return "nothing to restore"
        path, data = (*self._folder(), self._name()), self._chance.choice(self._remembered)
        return self.put(path, data)

    def chmod(self) -> str:
        """Set or take the executable bit."""
        path, executable = self._file(), self._chance.random() < 0.5
        self._disk.user_chmod(path, executable=executable)
        self._oracle.touched(self.device)
        return f"chmod {_shown(path)} {executable}"

    def touch(self) -> str:
        """Set a file's time, to any."""
        path = self._file()
        mtime_ns = self._chance.choice([0, 1, 10**18, 17 * 10**17 + self._chance.randrange(10**12), 43 * 10**17])
        self._disk.user_touch(path, mtime_ns)
        self._oracle.touched(self.device)
        return f"touch {_shown(path)} {mtime_ns}"

    def hold_open(self) -> str:
        """Open a file and keep it open."""
        path = self._file()
        if len(self._held) < 3:
            self._held.append(self._disk.open_handle(path))
        return f"hold {_shown(path)}"

    def write_through(self) -> str:
        """Write to a file that was opened earlier, wherever it is now."""
        if not self._held:
            return "nothing is held"
        handle = self._chance.choice(self._held)
        before, more = bytes(handle.inode.data), self._tokens.fresh()
        handle.write(more, self._chance.choice([0, len(before)]))
        if handle.inode.places:  # what goes into a file without a name is gone with the handle
            self._oracle.wrote(self.device, before, bytes(handle.inode.data))
        if self._chance.random() < 0.3:
            self._held.remove(handle)
            handle.close()
        return f"write through a handle {more.decode()}"

    # What they are made of

    def put(self, path: Path, data: bytes) -> str:
        """Write a file of any name; large ones in two steps."""
        before = self._read(path)
        if before is not None:
            self._remembered = [*self._remembered[-5:], before]
        if len(data) > LARGE and self._chance.random() < 0.5:
            self._disk.user_write(path, data[:LARGE])
            self._wrote(path, before)
            self._pause()
            before = self._read(path)
            self._disk.user_append(path, data[LARGE:])
        else:
            self._disk.user_write(path, data)
        self._wrote(path, before)
        return f"write {_shown(path)} {_token(data)}"

    def _wrote(self, path: Path, before: bytes | None) -> None:
        self._oracle.wrote(self.device, before, self._disk.user_read(path))

    def _remove_folder(self, path: Path) -> None:
        if self._entries().get(path) is not Kind.FOLDER:
            raise FsError(Trouble.NOT_FOLDER, path)
        self._disk.user_remove(path)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        content = self._disk.user_read(path)
        self._disk.user_remove(path)
        self._remembered = [*self._remembered[-5:], content]
        self._oracle.took(self.device, content)

    def move(self, source: Path, target: Path) -> None:
        """Rename, over what is there."""
        moved = [self._disk.user_read(path) for path in self._files_below(source)]
        over = self._read(target)
        self._disk.user_rename(source, target)
        self._oracle.touched(self.device)
        for content in moved:
            self._oracle.took(self.device, content, is_kept=True)
        if over is not None and source != target:
            self._oracle.took(self.device, over)

    def _read(self, path: Path) -> bytes | None:
        """Return what a file holds that stands there under this name, or one that this disk takes for the same."""
        try:
            return self._disk.user_read(path)
        except FsError:
            return None

    def _entries(self) -> dict[Path, Kind]:
        return entries(self._disk)

    def _files_below(self, at: Path) -> Iterator[Path]:
        wanted = tuple(map(self._disk.key, at))  # a program may spell a name as the disk takes it too
        for path, kind in self._entries().items():
            if kind is Kind.FILE and tuple(map(self._disk.key, path[: len(at)])) == wanted:
                yield path

    def _some(self, kind: Kind) -> Path:
        found = sorted(path for path, each in self._entries().items() if each is kind)
        return self._chance.choice(found) if found else (self._name(),)

    def _file(self) -> Path:
        return self._some(Kind.FILE)

    def _file_or_new(self) -> Path:
        return self._file() if self._chance.random() < 0.8 else (*self._folder(), self._name())

    def _any(self) -> Path:
        return self._some(Kind.FOLDER if self._chance.random() < 0.4 else Kind.FILE)

    def _folder(self) -> Path:
        folders = sorted(path for path, kind in self._entries().items() if kind is Kind.FOLDER and len(path) < 4)
        return self._chance.choice([(), (), *folders])

    def _name(self) -> str:
        return self._chance.choice(self._names)

    def _text(self) -> bytes:
        draw = self._chance.random()
        if draw < 0.03:
            return b""
        token = self._tokens.fresh()
        if draw < 0.06:
            return token + seeded(token).randbytes(self._chance.randint(LARGE, 3 * LARGE))
        return token + b"." * self._chance.choice([0, 1, 100])


_PROGRAMS: tuple[tuple[Callable[[Person], str], int], ...] = (
    (Person.create, 16),
    (Person.write_over, 10),
    (Person.write_twice, 4),
    (Person.append, 8),
    (Person.truncate, 3),
    (Person.save_beside, 6),
    (Person.save_with_backup, 4),
    (Person.save_by_delete, 3),
    (Person.rename, 14),
    (Person.swap, 3),
    (Person.copy, 4),
    (Person.delete, 8),
    (Person.delete_tree, 3),
    (Person.make_folder, 8),
    (Person.folder_to_file, 2),
    (Person.restore, 2),
    (Person.chmod, 3),
    (Person.touch, 3),
    (Person.hold_open, 2),
    (Person.write_through, 3),
)


def _shown(path: Path) -> str:
    return "/".join(path)


def _token(data: bytes) -> str:
    return data[:7].decode("ascii", "replace")
