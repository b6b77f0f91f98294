"""inotify on real folders: what is told, what is not, and that nothing is lost without a word."""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.device.inotify import Inotify, NoWatch, start_watch
from client.sync.seams.files import Hint

if not sys.platform.startswith("linux"):
    pytest.skip("inotify is Linux's", allow_module_level=True)

END = ("end",)


class Hints:
    """What was told, in order. `until_now` makes a file whose event comes after all others."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._told: queue.Queue[Hint] = queue.Queue()
        self._marks = 0

    def take(self, hint: Hint) -> None:
        self._told.put(hint)

    def until_now(self) -> list[Hint]:
        """Return all that has happened; the root must be watched."""
        self._marks += 1
        mark = f"end{self._marks}"
        os.close(os.open(self._root / mark, os.O_CREAT | os.O_WRONLY))
        found = []
        while (hint := self._told.get(timeout=60)) != Hint((mark,), closed=True):
            if hint.path != (mark,):
                found.append(hint)
        return found

    def next(self) -> Hint:
        return self._told.get(timeout=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that is watched."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def hints(root: Path) -> Hints:
    """What is told of it."""
    return Hints(root)


@pytest.fixture
def watch(root: Path, hints: Hints) -> Iterator[Inotify]:
    """A watch of the root folder, and nothing below it yet."""
    opened = start_watch(str(root), hints.take)
    assert isinstance(opened, Inotify)
    assert opened.add(())
    yield opened
    opened.close()


def test_a_file_that_was_written_is_told_as_closed(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / "a.txt").write_text("hello")

    assert hints.until_now()[-1] == Hint(("a.txt",), closed=True)


def test_a_file_that_is_still_open_is_not_told_as_closed(watch: Inotify, hints: Hints, root: Path) -> None:
    with (root / "a.txt").open("wb", buffering=0) as file:
        file.write(b"half")
        told = hints.until_now()

    assert told
    assert all(hint == Hint(("a.txt",)) for hint in told)
    assert hints.until_now() == [Hint(("a.txt",), closed=True)]


def test_a_file_that_is_renamed_into_place_is_told_as_closed(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / "x.tmp").write_text("new")
    hints.until_now()

    (root / "x.tmp").rename(root / "x")

    assert hints.until_now() == [Hint(("x.tmp",)), Hint(("x",), closed=True)]


@pytest.mark.parametrize("change", ["unlink", "chmod", "touch"])
def test_deletes_and_changes_of_state_are_told(watch: Inotify, hints: Hints, root: Path, change: str) -> None:
    path = root / "a"
    path.write_text("x")
    hints.until_now()

    match change:
        case "unlink":
            path.unlink()
        case "chmod":
            path.chmod(0o700)
        case _:
            os.utime(path, (1, 1))

    assert hints.until_now() == [Hint(("a",))]


def test_only_folders_that_were_added_are_watched(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / "f").mkdir()
    assert hints.until_now() == [Hint(("f",))]
    (root / "f" / "a").write_text("x")
    assert hints.until_now() == []

    assert watch.add(("f",))
    (root / "f" / "b").write_text("x")

    assert hints.until_now()[-1] == Hint(("f", "b"), closed=True)


def test_a_moved_folder_is_told_at_both_places_and_known_at_the_old_one_no_more(
    watch: Inotify, hints: Hints, root: Path
) -> None:
    (root / "f" / "g").mkdir(parents=True)
    assert watch.add(("f",))
    assert watch.add(("f", "g"))
    hints.until_now()

    (root / "f").rename(root / "h")
    assert {hint.path for hint in hints.until_now()} >= {("f",), ("h",)}
    (root / "h" / "g" / "a").write_text("x")

    assert hints.until_now() == []
    assert watch.add(("h",))
    assert watch.add(("h", "g"))
    (root / "h" / "g" / "a").write_text("y")
    assert hints.until_now()[-1] == Hint(("h", "g", "a"), closed=True)


def test_folders_that_were_added_at_their_new_places_before_the_events_were_read_stay_watched(
    root: Path, hints: Hints
) -> None:
    gate = threading.Event()
    is_held = threading.Event()

    def hold(hint: Hint) -> None:
        if hint.path == ("hold",):
            is_held.set()
            gate.wait(60)
        hints.take(hint)

    watch = Inotify(str(root), hold)
    for name in ("a", "c"):
        (root / name).mkdir()
        assert watch.add((name,))
    assert watch.add(())
    (root / "hold").mkdir()
    assert is_held.wait(60)
    (root / "a").rename(root / "b")
    (root / "c").rename(root / "a")
    assert watch.add(("b",))  # the observer is ahead of the thread that reads
    assert watch.add(("a",))
    gate.set()
    hints.until_now()

    (root / "a" / "x").write_text("x")
    (root / "b" / "y").write_text("y")

    told = hints.until_now()
    assert Hint(("a", "x"), closed=True) in told
    assert Hint(("b", "y"), closed=True) in told
    watch.close()


def test_a_folder_that_is_made_anew_at_once_can_be_watched_anew(watch: Inotify, hints: Hints, root: Path) -> None:
    for _ in range(20):
        (root / "f").mkdir()
        assert watch.add(("f",))
        (root / "f").rmdir()
    (root / "f").mkdir()
    assert watch.add(("f",))
    hints.until_now()

    (root / "f" / "a").write_text("x")

    assert Hint(("f", "a"), closed=True) in hints.until_now()


def test_what_is_forgotten_is_told_no_more(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / "f").mkdir()
    assert watch.add(("f",))
    hints.until_now()

    watch.forget(("f",))
    (root / "f" / "a").write_text("x")

    assert hints.until_now() == []


def test_the_private_folder_is_never_told(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / ".cairn" / "tmp").mkdir(parents=True)
    assert watch.add((".cairn",))
    assert watch.add((".cairn", "tmp"))
    (root / ".cairn" / "tmp" / "x").write_text("x")

    assert hints.until_now() == []


@pytest.mark.parametrize("path", [("link",), ("link", "below"), ("nothing",), ("file",), ("..",), ("f", "..", "..")])
def test_nothing_outside_and_nothing_but_folders_is_watched(
    watch: Inotify, hints: Hints, root: Path, path: tuple[str, ...]
) -> None:
    (root.parent / "outside" / "below").mkdir(parents=True)
    (root / "link").symlink_to(root.parent / "outside")
    (root / "file").write_text("x")
    (root / "f").mkdir()
    hints.until_now()

    assert not watch.add(path)

    (root.parent / "outside" / "secret").write_text("x")
    (root.parent / "outside" / "below" / "secret").write_text("x")
    assert hints.until_now() == []


def test_a_name_that_does_not_decode_is_told_as_it_is_found(watch: Inotify, hints: Hints, root: Path) -> None:
    (root / os.fsdecode(b"bad\xff")).mkdir()

    assert hints.until_now() == [Hint((os.fsdecode(b"bad\xff"),))]


@pytest.mark.parametrize("how", ["moved", "made private"])
def test_what_happens_to_the_root_asks_for_a_look_at_all(watch: Inotify, hints: Hints, root: Path, how: str) -> None:
    if how == "moved":
        root.rename(root.parent / "elsewhere")
    else:
        root.chmod(0o700)

    assert hints.next() == Hint(None)


def test_events_that_were_lost_are_told(root: Path, hints: Hints) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 100_000:
        pytest.skip("it would take long to overflow this system's queue")
    gate = threading.Event()
    is_held = threading.Event()

    def hold(hint: Hint) -> None:
        is_held.set()
        gate.wait(60)
        hints.take(hint)

    watch = Inotify(str(root), hold)
    assert watch.add(())
    (root / "a").touch()
    assert is_held.wait(60)
    for number in range(limit // 2 + 2000):
        (root / "ab"[number % 2]).rename(root / "ba"[number % 2])
    gate.set()

    while hints.next() != Hint(None):
        pass
    hints.until_now()  # and it goes on
    watch.close()


def test_an_idle_watch_takes_no_time_and_ends_when_asked(watch: Inotify, hints: Hints) -> None:
    hints.until_now()
    before = threading.active_count()
    begin = time.process_time()
    threading.Event().wait(0.3)  # not to wait for anything: to see what idling costs
    assert time.process_time() - begin < 0.1

    watch.close()
    watch.close()

    assert threading.active_count() == before - 1
    assert not watch.add(())


_LIMITED = """
import sys
from pathlib import Path
from client.sync.device.inotify import start_watch
root = Path(sys.argv[1])
Path("/proc/sys/user/max_inotify_watches").write_text("50")
watch = start_watch(str(root), lambda hint: None)
print([watch.add((f"f{number}",)) for number in range(60)].count(True))
watch.forget(("f0",))
print(watch.add(("f59",)), watch.add(("f58",)))
watch.close()
Path("/proc/sys/user/max_inotify_instances").write_text("0")
print(type(start_watch(str(root), lambda hint: None)).__name__)
"""


def test_folders_beyond_the_limit_are_to_be_polled(root: Path) -> None:
    for number in range(60):
        (root / f"f{number}").mkdir()
    command = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system makes no user namespaces, so limits cannot be set for a test alone")

    done = subprocess.run([*command, sys.executable, "-c", _LIMITED, root], capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == ["50", "True False", "NoWatch"], done.stderr


def test_where_nothing_is_watched_all_is_polled() -> None:
    watch = NoWatch()

    assert not watch.add(())
    watch.forget(())
    watch.close()
