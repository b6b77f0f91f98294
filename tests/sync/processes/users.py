"""Programs of a device's user on a real folder, whatever an engine does there at the same moment."""

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.sync.processes.ledger import Ledger, tokens

NAMES = ("a", "b", "c.txt", "d", "e")
DEEPEST = 3
MOST_FILES = 60
MOST_BYTES = 4096
LARGE = 700_000


class User:
    """Does one thing after another with small alphabets, so that devices get in each other's way."""

    def __init__(
        self,
        device: str,
        folder: Path,
        ledger: Ledger,
        chance: random.Random,
        *,
        large: int = LARGE,
        pause_s: float = 0.3,
    ) -> None:
        """Work on `folder`; `large` is the size in bytes of the largest files, and `pause_s` the mean between deeds."""
        self.device = device
        self._folder = folder
        self._ledger = ledger
        self._chance = chance
        self._large = large
        self._pause_s = pause_s
        self._rest = threading.Event()

    def work(self, until: threading.Event) -> None:
        """Go on until the event is set."""
        programs = list(_PROGRAMS)
        weights = [_PROGRAMS[each] for each in programs]
        while not until.is_set():
            (program,) = self._chance.choices(programs, weights)
            began_s = time.monotonic()
            try:
                told = program(self)
            except OSError as error:
                told = f"nothing: {error}"
            name = program.__name__
            self._ledger.tell(name, f"{began_s:.3f}-{time.monotonic():.3f} {self.device}: {name} {told}")
            until.wait(self._chance.expovariate(1 / self._pause_s))

    # Programs: each returns what it did, and raises OSError where the disk or another's deed is in the way

    def create(self) -> str:
        return self._write(self._any_place(), self._text())

    def write_over(self) -> str:
        return self._write(self._file(), self._text())

    def write_slowly(self) -> str:
        return self._write(self._file(), self._text(), slowly=True)

    def append(self) -> str:
        return self._append(self._file())

    def append_in_a_row(self) -> str:
        """Do as a program that logs does: the next write comes while the one before is under way."""
        path = self._file()
        told = []
        for _ in range(self._chance.randint(2, 8)):
            told.append(self._append(path))
            self._rest.wait(self._chance.uniform(0, 0.6))
        return ", ".join(told)

    def save_beside(self) -> str:
        path = self._file()
        with _opened(path, os.O_RDONLY) as file:
            text = _read(file) + self._ledger.token(self.device)
        beside = path.with_name(f"{path.name}.new")
        self._write(beside, text)
        if self._chance.random() < 0.3:
            self._wait()
        self._rename(beside, path, becomes=text)
        return f"{self._shown(path)} {_told(text)}"

    def save_with_backup(self) -> str:
        path, text = self._file(), self._text()
        self._rename(path, path.with_name(f"{path.name}~"))
        return self._write(path, text)

    def save_by_delete(self) -> str:
        path, text = self._file(), self._text()
        self._unlink(path)
        return self._write(path, text)

    def rename_file(self) -> str:
        return self._rename(self._file(), self._any_place())

    def move_folder(self) -> str:
        return self._rename(self._below(folders=True), self._any_place())

    def swap(self) -> str:
        one, other = self._file(), self._file()
        between = self._folder / "between"
        self._rename(one, between)
        self._rename(other, one)
        self._rename(between, other)
        return f"{self._shown(one)} and {self._shown(other)}"

    def make_folder(self) -> str:
        path = self._any_place()
        path.mkdir()
        return self._shown(path)

    def delete(self) -> str:
        return self._unlink(self._file())

    def delete_tree(self) -> str:
        top = self._below(folders=True)
        inside = [Path(folder) / name for folder, _, names in os.walk(top) for name in names]
        if len(inside) > len(list(self._files())) // 2:
            raise OSError("nobody deletes nearly all that there is: a person would have to confirm it")
        gone = [self._unlink(path) for path in inside]
        for folder, _, _ in os.walk(top, topdown=False):
            Path(folder).rmdir()
        return f"{self._shown(top)} with {', '.join(gone)}"

    def folder_to_file(self) -> str:
        path = self._below(folders=True)
        path.rmdir()
        return self._write(path, self._text())

    def copy(self) -> str:
        source, target = self._file(), self._any_place()
        with _opened(source, os.O_RDONLY) as file:
            content = _read(file)
        return f"{self._shown(source)} to {self._write(target, content)}"

    def copy_and_edit(self) -> str:
        source, target = self._file(), self._any_place()
        with _opened(source, os.O_RDONLY) as file:
            content = _read(file)
        return f"{self._shown(source)} to {self._write(target, content + self._ledger.token(self.device))}"

    def chmod(self) -> str:
        path, mode = self._file(), self._chance.choice([0o644, 0o755])
        path.chmod(mode)
        return f"{self._shown(path)} {mode:o}"

    # What programs are made of

    def _write(self, path: Path, content: bytes, *, slowly: bool = False) -> str:
        """Write a file anew through one handle, which may come to be another file's than the one at the path."""
        with _opened(path, os.O_RDWR | os.O_CREAT) as file:
            before = _read(file)
            if slowly:
                self._wait()
            self._ledger.will_be(content)
            if before:
                os.ftruncate(file, 0)
                os.lseek(file, 0, os.SEEK_SET)
                self._ledger.remove(f"{self.device} wrote {_told(content)} over it", before, content)
            left = memoryview(content)
            while left:
                left = left[os.write(file, left) :]
        return self._finished(path, content, content)

    def _append(self, path: Path) -> str:
        more = self._ledger.token(self.device)
        with _opened(path, os.O_RDWR | os.O_APPEND) as file:
            before = _read(file)
            if len(before) > MOST_BYTES:
                raise OSError("it is large enough")
            self._ledger.will_be(before + more)
            if self._chance.random() < 0.2:
                self._wait()
            os.write(file, more)
        return self._finished(path, before + more, more)

    def _finished(self, path: Path, content: bytes, new: bytes) -> str:
        where = self._shown(path)
        self._ledger.finish(f"{self.device} {where}", content)
        return f"{where} {_told(new)}"

    def _rename(self, source: Path, target: Path, becomes: bytes | None = None) -> str:
        with contextlib.ExitStack() as stack:
            replaced, before = None, b""
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                replaced = stack.enter_context(_opened(target, os.O_RDONLY))
                before = _read(replaced)
            source.rename(target)
            told = f"{self._shown(source)} to {self._shown(target)}"
            if replaced is not None and os.fstat(replaced).st_nlink == 0:
                self._ledger.remove(f"{self.device} renamed {told}", before, becomes or b"")
                told += f" over {_told(before)}"
        return told

    def _unlink(self, path: Path) -> str:
        with _opened(path, os.O_RDONLY) as file:
            before = _read(file)
            path.unlink()
            told = f"{self._shown(path)} {_told(before)}"
            if os.fstat(file).st_nlink == 0:
                self._ledger.remove(f"{self.device} deleted {told}", before)
        return told

    def _text(self) -> bytes:
        text = self._ledger.token(self.device)
        luck = self._chance.random()
        if luck < 0.05:
            return text + self._chance.randbytes(self._chance.randint(1, self._large))
        return text + b"." * self._chance.randint(0, 300) if luck < 0.8 else text

    # Where

    def _files(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self._folder):
            if Path(folder) == self._folder:
                folders[:] = [name for name in folders if name != ".cairn"]
            yield from (Path(folder) / name for name in names)

    def _file(self) -> Path:
        return self._below(folders=False)

    def _below(self, *, folders: bool) -> Path:
        found = sorted(self._folders() if folders else self._files())
        if not found:
            raise FileNotFoundError("nothing is there to be chosen")
        return self._chance.choice(found)

    def _folders(self) -> Iterator[Path]:
        for folder, folders, _ in os.walk(self._folder):
            if Path(folder) == self._folder:
                folders[:] = [name for name in folders if name != ".cairn"]
            yield from (Path(folder) / name for name in folders)

    def _any_place(self) -> Path:
        if sum(1 for _ in self._files()) > MOST_FILES:
            return self._file()
        folders = [each for each in sorted(self._folders()) if len(each.relative_to(self._folder).parts) < DEEPEST]
        return self._chance.choice([self._folder, *folders]) / self._chance.choice(NAMES)

    def _wait(self) -> None:
        """Let others go on for a while, as a person or a slow program does."""
        self._rest.wait(self._chance.uniform(0, 1.5))

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._folder))


_PROGRAMS: dict[Callable[[User], str], float] = {
    User.create: 6,
    User.write_over: 3,
    User.write_slowly: 1,
    User.append: 7,
    User.append_in_a_row: 3,
    User.save_beside: 3,
    User.save_with_backup: 2,
    User.save_by_delete: 1,
    User.rename_file: 4,
    User.move_folder: 3,
    User.swap: 1,
    User.make_folder: 3,
    User.delete: 3,
    User.delete_tree: 1,
    User.folder_to_file: 1,
    User.copy: 2,
    User.copy_and_edit: 4,
    User.chmod: 1,
}


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _read(file: int) -> bytes:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0)


def _told(content: bytes) -> str:
    return "+".join(sorted(token.decode() for token in tokens(content))) or "nothing"
