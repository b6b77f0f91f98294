"""What is done now and then beside syncing: displaced files, the local trash, and the root's generation."""

import logging
import math

from client.sync.apply.private import heal_tmp, make_private, misplaced
from client.sync.loop.memory import Memory
from client.sync.loop.tools import Tools, World
from client.sync.model import PRIVATE, TMP, Path, Problem
from client.sync.observe import Observer
from client.sync.seams.files import FsError
from client.sync.trees import marker
from client.sync.trees.state import State

logger = logging.getLogger(__name__)

SWEEP_S = 5.0  # between looks at what was displaced
EXPIRE_S = 3600.0  # between two times at which the trash forgets what is old
TRASH_S = 60.0  # between looks at what was written to in the trash, at least
TRASH_FILE_S = 0.1  # and for each file in it, so that a look costs a ten-thousandth of the time
AGE_S = 60.0  # twice as long as systems keep what was written from the disk, by themselves
RENEW_S = 60.0  # between two generations of the marker, at least
RENEW_SOON_S = 2.0  # from a change of what both sides agreed on to the next generation, if the last is old enough


class Caretaker:
    """Keeps the private places of a root in order. For the engine's thread."""

    def __init__(self, state: State, world: World, tools: Tools, observer: Observer, memory: Memory) -> None:
        """Begin with a look at what an earlier run left."""
        self._state = state
        self._world = world
        self._tools = tools
        self._observer = observer
        self._memory = memory
        self.problems: list[Problem] = []
        """What keeps the private places from being used."""

        self._sweep_s = self._expire_s = 0.0
        self._age_s = world.clock.monotonic_s() + AGE_S
        self._renewed_s = -math.inf
        self._trash_s = math.inf
        self._renewed_at = state.base_changes
        self._renew_at_s: float | None = None
        self._sweep()

    @property
    def due_s(self) -> float | None:
        """When the next look is due that nothing else brings about."""
        sweep_s = self._sweep_s if self._tools.displaced.has_any else math.inf
        due_s = min(sweep_s, self._trash_s, math.inf if self._renew_at_s is None else self._renew_at_s)
        return None if due_s == math.inf else due_s

    def work(self, now_s: float) -> None:
        """Do what is due."""
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_S
            self._sweep()
        if self._memory.trashed:
            self._memory.trashed = False
            self._trash_s = min(self._trash_s, now_s + TRASH_S)
        if now_s >= self._trash_s:
            self._look_into_trash(now_s)
        if now_s >= self._expire_s:
            self._expire_s = now_s + EXPIRE_S
            self._empty_trash(now_s)
        if now_s >= self._age_s:
            self._age_s = now_s + AGE_S
            self._state.age_applied()
        self._renew_now_and_then(now_s)

    def end(self, *, clean: bool) -> None:
        """Leave all in order; after a clean stop nothing is torn."""
        self.renew()
        if clean:
            with self._state.transaction():
                self._state.forget_applied(self._state.applied())

    def _renew_now_and_then(self, now_s: float) -> None:
        """Renew soon after the first change, and then each minute while there are more.

        It does not wait until both sides agree: with one file in the way they never do.
        """
        if self._renew_at_s is None and self._state.base_changes != self._renewed_at:
            self._renew_at_s = max(now_s + RENEW_SOON_S, self._renewed_s + RENEW_S)
        if self._renew_at_s is not None and now_s >= self._renew_at_s:
            self._renew_at_s, self._renewed_s = None, now_s
            self.renew()

    def renew(self) -> None:
        """Let copies of the folder, or of the state, that are older than what is agreed on now be known as copies."""
        changes = self._state.base_changes
        if self._renewed_at == changes:
            return
        try:
            marker.renew(self._world.fs, self._state, self._world.chance)
            self._renewed_at = changes
        except FsError as error:  # a full disk: the last generation goes on
            logger.warning("the root's marker cannot be renewed: %s", error)

    def _sweep(self) -> None:
        """Let go of what was displaced long enough; what somebody still wrote into becomes a conflict copy."""
        self._look_after_places()
        for rescued in self._tools.displaced.sweep(self._path_of):
            self._memory.conflicts += 1
            self._observer.look_again(rescued.path)

    def _look_after_places(self) -> None:
        """See that what the jobs need is there, whatever somebody did in `.cairn`; tell of what stays in the way."""
        fs = self._world.fs
        self.problems = []
        try:
            heal_tmp(fs, self._world.chance)
            if fs.look((PRIVATE,)) is not None:
                fs.sync_folders(make_private(fs, TMP))
        except FsError as error:  # it is tried again soon
            shown = "/".join(TMP)
            self.problems.append(Problem(shown, "other", f"The folder for unfinished files cannot be made: {error}."))
        self.problems += misplaced(fs)

    def _look_into_trash(self, now_s: float) -> None:
        """Bring back what a program has written into since it was deleted."""
        trash = self._tools.trash
        try:
            for rescued in trash.give_back(self._tools.rescuer):
                self._memory.conflicts += 1
                self._observer.look_again(rescued.path)
        except FsError as error:  # what is there stays there
            logger.warning("the local trash cannot be looked through: %s", error)
        self._trash_s = now_s + TRASH_S + trash.files * TRASH_FILE_S if trash.files else math.inf

    def _empty_trash(self, now_s: float) -> None:
        """Let go of what was deleted long ago."""
        self._look_into_trash(now_s)
        try:
            self._tools.trash.expire()
        except FsError as error:  # it is tried again in an hour
            logger.warning("the local trash cannot be emptied: %s", error)

    def _path_of(self, lid: int) -> Path | None:
        try:
            return self._state.path_of(lid)
        except KeyError:
            return None
