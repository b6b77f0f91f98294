"""A server, daemons that keep folders in step with it, users at work in them, and somebody who kills them all."""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from client.cli.root import status_of
from client.errors import ClientError
from client.sync.device.roots import Roots
from client.sync.status import Status
from tests.device import Device
from tests.server import ADMIN, PASSWORD, RunningServer
from tests.sync.processes.kept import DaemonProgram, Kept, Killer, Program, ServerProgram
from tests.sync.processes.ledger import Ledger, digest, tokens
from tests.sync.processes.server_past import Entry, ServerPast
from tests.sync.processes.users import User

LOOK_S = 0.25
SMALL = 64 * 1024
CONFLICT = "(conflict from "
QUIET_TIMEOUT_S = 240.0

Tree = dict[str, Entry]


@dataclass(frozen=True, slots=True)
class Play:
    """How a run goes. Times are seconds.

    Attributes:
        devices: their names; each has a daemon.
        active: those at which a user works; all if none is named.
        folders: where a device's folder and state lie; by default beside the others.
        prefix: of the command of each daemon.
        still_s: nothing may happen for so long at the end.
        may_end: a daemon may end by itself, as where its disk is full.
        troubles: codes of problems that a status may tell of in the end.
        prepare: called with each active device's folder before anything runs.
        before_quiet: called when the users have stopped.
    """

    seed: int
    lasts_s: float
    devices: Sequence[str] = ("a", "b")
    active: Sequence[str] = ()
    between_kills_s: tuple[float, float] = (0.2, 3.0)
    freeze_s: float = 0.0
    still_s: float = 12.0
    pause_s: float = 0.3
    large: int = 700_000
    folders: Mapping[str, Path] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    may_end: bool = False
    troubles: Sequence[str] = ()
    prepare: Callable[[Path], None] | None = None
    before_quiet: Callable[[], None] | None = None


@dataclass(slots=True)
class Site:
    """One device."""

    name: str
    device: Device
    folder: Path

    def status(self) -> Status | None:
        """Return what its daemon says; None if none runs, or it does not answer."""
        try:
            root = Roots(self.device.home).find(self.folder)
            return None if root is None else status_of(root)
        except ClientError:
            return None

    def tree(self) -> Tree:
        """Return what its user sees."""
        return {
            str(path.relative_to(self.folder)): _entry(path)
            for path in _walk(self.folder, private=False)
            if path.is_dir() or path.is_file()
        }

    def contents(self) -> Iterator[bytes]:
        """Yield the bytes of every file, in the trash and other private places too."""
        yield from (path.read_bytes() for path in _walk(self.folder, private=True) if path.is_file())


class Stage:
    """Plays one run. What it finds is an AssertionError that names the seed and tells the story."""

    def __init__(self, work: Path, play: Play, server: RunningServer, url: str | None = None) -> None:
        """Prepare everything below `work`; devices reach the server at `url`, by default where it is."""
        self.play = play
        self.ledger = Ledger()
        self.server = server
        self.past = ServerPast(server.data)
        self.sites: list[Site] = []
        self.took_s = 0.0
        for name in play.devices:
            self.sites.append(self._site(name, play.folders.get(name, work), url or server.url))
        self.kept = self._kept()
        self.killer = Killer(self.kept, self._chance("killer"), between_s=play.between_kills_s, freeze_s=play.freeze_s)

    def run(self) -> None:
        """Work, be killed, come to rest, and be judged."""
        try:
            with _threads() as begin:
                for kept in self.kept.values():
                    kept.begin()
                begin(self.killer.work)
                for site in self.sites:
                    if not self.play.active or site.name in self.play.active:
                        begin(self._user(site).work)
                time.sleep(self.play.lasts_s)  # the time that users have is what a run is about
            if self.play.before_quiet is not None:
                self.play.before_quiet()
            self._come_to_rest()
            self._end()
            self._judge()
            sys.stdout.write(f"{self.numbers()}\n")
        except AssertionError as error:
            raise AssertionError(f"SYNC_SEED={self.play.seed}: {error}\n{self._logs()}") from None
        finally:
            for kept in self.kept.values():
                kept.thaw()
                kept.kill()
            for kept in self.kept.values():
                kept.stop()
            self.server.close()

    def numbers(self) -> str:
        """Return what happened, in one line."""
        kills = ", ".join(f"{kept.name} {kept.kills}" for kept in self.kept.values())
        conflicts = sum(CONFLICT in path for path in self.sites[0].tree())
        return (
            f"seed {self.play.seed}: {len(self.ledger.finished)} tokens, {len(self.ledger.removed)} taken by users, "
            f"{len(self.ledger.story)} deeds, kills: {kills}, frozen {self.killer.freezes}, "
            f"{sum(kept.starts for kept in self.kept.values())} starts, {conflicts} conflict copies, "
            f"{len(self.sites[0].tree())} entries, {self.past.head} changes, at rest after {self.took_s:.1f} s"
        )

    # Before

    def _site(self, name: str, work: Path, url: str) -> Site:
        device = Device(work / f"home-{name}")
        folder = work / name
        folder.mkdir()
        if self.play.prepare is not None and (not self.play.active or name in self.play.active):
            self.play.prepare(folder)
        device.ok("login", url, "--user", ADMIN, "--password-stdin", "--device-name", name, stdin=f"{PASSWORD}\n")
        device.ok("sync", folder, "--once", "--quiet")
        return Site(name, device, folder)

    def _kept(self) -> dict[str, Kept]:
        programs: list[Program] = [ServerProgram(self.server)]
        programs += [DaemonProgram(s.name, s.device.home, s.folder, self.play.prefix) for s in self.sites]
        self.server.kill()
        return {program.name: Kept(program, self._chance(f"pause {program.name}"), 0.7) for program in programs}

    def _user(self, site: Site) -> User:
        play = self.play
        return User(
            *(site.name, site.folder, self.ledger, self._chance(f"user {site.name}")),
            large=play.large,
            pause_s=play.pause_s,
        )

    def _chance(self, whose: str) -> random.Random:
        return random.Random(f"{self.play.seed} {whose}")  # noqa: S311 -- a run that can be repeated

    # Rest

    def _come_to_rest(self) -> None:
        """Wait until all are in step and equal, and nothing has been sent for a while (3)."""
        began_s = time.monotonic()
        still_s: float | None = None
        head = -1
        while time.monotonic() < began_s + QUIET_TIMEOUT_S:
            self._none_ended_by_itself()
            now, apart = self.past.head, self._apart()
            if apart or now != head:
                head, still_s = now, None if apart else time.monotonic()
            elif still_s is None:
                still_s = time.monotonic()
            elif time.monotonic() > still_s + self.play.still_s:
                self.took_s = still_s - began_s
                return
            time.sleep(LOOK_S)  # between two looks at processes that tell their state in no other way
        told = "; ".join(f"{site.name}: {site.status()}" for site in self.sites)
        raise AssertionError(f"3: no rest after {QUIET_TIMEOUT_S} s: {self._apart()}; {told}")

    def _apart(self) -> str:
        """Return what tells both sides apart; empty if all are in step."""
        for site in self.sites:
            status = site.status()
            if status is None or status.state != "in_step":
                return f"{site.name} is {'gone' if status is None else status.state}"
        there = self.past.tree()
        for site in self.sites:
            try:
                here = site.tree()
            except OSError as error:
                return f"{site.name} is changing: {error}"
            if here != there:
                return f"{site.name} and the server differ at {_differences(here, there)}"
        return ""

    def _end(self) -> None:
        for site in self.sites:
            told = site.device.ok("status", site.folder, "--json").json
            assert told["state"] == "in_step", f"{site.name} says {told}"
            blocked = [each for each in told["blocked"] if each["reason"] not in self.play.troubles]
            assert (told["held"], blocked, told["unknown"]) == ([], [], []), f"{site.name} says {told}"
            assert told["not_safe_files"] == 0, f"{site.name} says {told}"
        for name, kept in self.kept.items():
            code = kept.stop()
            assert code == 0, f"{name} ended with {code} when it was told to"
        self._none_ended_by_itself()

    def _none_ended_by_itself(self) -> None:
        for name, kept in self.kept.items():
            assert not kept.odd or self.play.may_end, f"{name} ended by itself with {kept.odd[:5]}"

    # Judgement

    def _judge(self) -> None:
        checked = Device(self.server.data.parent / "nobody").run(
            "fsck", "--content", "--json", "--data", self.server.data
        )
        assert checked.code == 0, f"fsck ended with {checked.code}: {checked.out!r} {checked.err}"
        assert checked.json["damage"] == [], checked.json
        self._nothing_is_lost()
        self._nothing_is_torn()
        if len(self.play.active) == 1:
            self._no_false_conflicts()

    def _nothing_is_lost(self) -> None:
        """Each finished write is somewhere, unless a user who had seen it took it away (1, 2)."""
        missing = self.ledger.expected()
        for contents in (self.past.contents(), *(site.contents() for site in self.sites)):
            for data in contents:
                missing -= tokens(data)
        stories = [f"{token.decode()}: {self.ledger.about(token)}" for token in sorted(missing)]
        assert not missing, "1: nobody has any more\n" + "\n".join(stories)

    def _nothing_is_torn(self) -> None:
        """The server holds no content that no program wrote so. Large files are written in more than one step."""
        for data in self.past.contents():
            known = len(data) >= SMALL or digest(data) in self.ledger.made
            assert known, f"9: the server was sent {data[:400]!r}, and no program wrote that"

    def _no_false_conflicts(self) -> None:
        """Where one device alone is at work there is no conflict, whatever is killed (12)."""
        found = [name for name in self.past.names() if CONFLICT in name]
        found += [path for site in self.sites for path in site.tree() if CONFLICT in path]
        about = [line for line in self.ledger.story if any(name.split(" (")[0] in line for name in found)]
        assert not found, f"12: only {self.play.active[0]} did anything, and there is {found}:\n" + "\n".join(about)

    def _logs(self) -> str:
        keep = self.server.data.parent
        (keep / "story.txt").write_text("\n".join(self.ledger.story))
        parts = [f"the story is in {keep / 'story.txt'}"]
        for site in self.sites:
            log = site.device.home.parent / f"{site.name}.log"
            if log.exists():
                parts.append(f"--- {site.name}\n{log.read_text()[-3000:]}")
        return "\n".join(parts)


@contextmanager
def _threads() -> Iterator[Callable[[Callable[[threading.Event], None]], None]]:
    """Run functions beside the block, and have them end with it; what one of them raises is raised at the end."""
    over = threading.Event()
    running: list[threading.Thread] = []
    failures: list[BaseException] = []

    def begin(work: Callable[[threading.Event], None]) -> None:
        def guarded() -> None:
            try:
                work(over)
            except BaseException as error:  # noqa: BLE001 -- told to the thread that waits
                failures.append(error)

        thread = threading.Thread(target=guarded)
        running.append(thread)
        thread.start()

    try:
        yield begin
    finally:
        over.set()
        for thread in running:
            thread.join()
    if failures:
        raise failures[0]


def _entry(path: Path) -> Entry:
    if path.is_dir():
        return Entry(None, executable=False)
    return Entry(path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))


def _walk(top: Path, *, private: bool) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        if not private and Path(folder) == top:
            folders[:] = [name for name in folders if name != ".cairn"]
        yield from (Path(folder) / name for name in [*folders, *names])


def _differences(here: Tree, there: Tree) -> str:
    found = [path for path in sorted({*here, *there}) if here.get(path) != there.get(path)]
    shown = [f"{path}: here {_told(here.get(path))}, there {_told(there.get(path))}" for path in found[:5]]
    return f"{len(found)} paths: {'; '.join(shown)}"


def _told(entry: Entry | None) -> str:
    if entry is None or entry.content is None:
        return "nothing" if entry is None else "a folder"
    return f"{len(entry.content)} bytes {sorted(tokens(entry.content))} {'x' if entry.executable else ''}"
