"""The loop: look at both sides, decide, begin what can be begun, record what has ended.

The thread that calls `turn` owns the trees. Everything else runs in workers that return facts (sync-engine.md, 3).
It is long since it joins all parts and knows when a run ends; what each part does stands in the modules beside it.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from msgspec.structs import replace

from client.protocol import Wanted
from client.sync.apply.private import heal_tmp
from client.sync.loop import choices
from client.sync.loop.asking import Asking
from client.sync.loop.caretaking import Caretaker
from client.sync.loop.deciding import Deciding
from client.sync.loop.deep import DeepCheck
from client.sync.loop.doing import Doing
from client.sync.loop.following import Following
from client.sync.loop.jobs import Jobs
from client.sync.loop.memory import Memory, Shut
from client.sync.loop.mending import mend_torn
from client.sync.loop.meter import Meter
from client.sync.loop.ruling import LOOK_AGAIN_S, Ruling
from client.sync.loop.supplying import Supplying
from client.sync.loop.throttle import Throttle
from client.sync.loop.tools import Tools, World
from client.sync.loop.waits import LONGEST_ONCE_S, LONGEST_PAUSE_S, TRIES_ONCE, Waits
from client.sync.loop.work import LOTS, Work
from client.sync.model import Problem
from client.sync.observe import Observer
from client.sync.operations import DeleteHere, DeleteThere
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.executor import Executor
from client.sync.seams.files import Fs, FsError, Hint, Trouble, Watch
from client.sync.seams.net import Net
from client.sync.settings import Settings
from client.sync.trees import decay, feed, marker
from client.sync.trees.marker import Start
from client.sync.trees.state import State

logger = logging.getLogger(__name__)

STEP = 200  # folders and paths that are looked at in one turn
LONGEST_SLEEP_S = 60.0
ONCE_SLEEP_S = 1.0

EXIT_DONE, EXIT_FAILED, EXIT_LOGGED_OUT, EXIT_CONFLICT, EXIT_UNREACHABLE = 0, 1, 3, 4, 5


class Engine:
    """Keeps one root in step with the server."""

    def __init__(
        self,
        *,
        state: State,
        fs: Fs,
        watch: Watch,
        net: Net,
        clock: Clock,
        chance: Chance,
        executor: Executor,
        settings: Settings,
        once: bool = False,
        save_settings: Callable[[Settings], None] = lambda _: None,
        on_bug: Callable[[BaseException], None] | None = None,
        new_lock: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Join the parts; nothing is done before `start`.

        Args:
            state: the trees of the root.
            fs: the folder here.
            watch: tells of changes there, through `hint`.
            net: the server.
            clock: the time.
            chance: jitter and names.
            executor: the workers.
            settings: what a person chose.
            once: stop when both sides agree, or nothing more can be done.
            save_settings: keeps what the engine itself changes of the settings: a decision that was carried out.
            on_bug: hears of what no part expected; by default it is logged, and the operation waits.
            new_lock: makes locks for what workers count together; none are needed where only one runs at a time.
        """
        self.state = state
        self.settings = settings
        longest_s = LONGEST_ONCE_S if once else LONGEST_PAUSE_S
        self.memory = Memory(shut=Shut(longest_s))
        self.meter = Meter(clock, new_lock())
        self.work = Work(state)
        self.waits = Waits(state, longest_s)
        self.exit_code = EXIT_DONE
        self.has_agreed = False
        """Of a single run: whether both sides agreed at its end, but for what is told."""

        self.stopped_by: Problem | None = None
        self.last_sync_ms = _number(state.meta(_LAST_SYNC))
        self.observer: Observer | None = None
        self._world = World(fs, net, clock, chance, executor)
        self._watch = watch
        self._once = once
        self._save_settings = save_settings
        self._ruling = Ruling(state, fs, lambda: self.settings)
        self._reread_s = 0.0
        self._throttle = Throttle(clock, settings.rates, new_lock())
        on_bug = on_bug or _log_bug
        self._on_bug = on_bug
        self._asking = Asking(state, self._world, self.work, self.waits, self.memory, on_bug)
        self.following = Following(
            *(state, self._world, self.work, self.memory, lambda: self.settings),
            once=once,
            is_at_rest=lambda: not self._is_working,
            on_base_lost=self._lose_base,
            on_root_gone=lambda: self._stop(EXIT_FAILED, _ROOT_GONE),
            on_logged_out=self._lose_login,
            on_wanted=self._supply,
            on_bug=on_bug,
        )
        self._stopping = self._ended = self._was_quiet = False

    # Starting and stopping

    def start(self) -> None:
        """Check the root, and begin to look at both sides.

        Raises:
            StateError: the state cannot be used.
        """
        try:
            heal_tmp(self._world.fs, self._world.chance)
            begun = marker.begin(*(self._world.fs, self.state, self._world.chance), device_id=self.settings.device_id)
            if begun is Start.UNMOUNTED:
                self._stop(EXIT_FAILED, _UNMOUNTED)
                return
            if begun is Start.NO_BASE:
                self._lose_base()
            self._asking.take_up()
            mend_torn(self.state, self._world)
            self._furnish()
        except FsError as error:
            self._stop_by_disk(error)

    def _furnish(self) -> None:
        """Make the parts that depend on what this disk can do."""
        world, state = self._world, self.state
        traits = world.fs.probe()
        self._tools = Tools.of(world, traits, self.meter, self._throttle, self.settings.device_name)
        rules = self._ruling.read()
        observer = Observer(
            *(state, world.fs, self._watch, world.clock, rules, traits), once=self._once, chance=world.chance
        )
        self._supplying = Supplying(state, world.executor, self._tools.sender, self._on_bug)
        jobs = Jobs(state, world, self._tools, traits)
        self._deciding = Deciding(
            *(state, world.clock, observer, self.work, self.waits, self._asking, self.memory, traits),
            self._ruling,
            lambda: self.settings,
        )
        self._doing = Doing(
            *(state, world, observer, jobs, self.work, self.waits, self._asking, self.memory),
            may_delete=self._is_same_root,
            on_logged_out=lambda problem: self._lose_login(problem.message),
            on_bug=self._on_bug,
        )
        self.observer = observer
        self._caretaker = Caretaker(state, world, self._tools, observer, self.memory)
        self._deep = DeepCheck(state, world, traits, self.memory, self._on_bug)
        choices.select(state, world.fs, self.settings.excluded, self.work.busy())
        observer.scan_all()
        state.mark_differences()
        self._bring_back()
        self._give_up_decayed()

    def stop(self) -> None:
        """Begin nothing more; `turn` returns False when what runs has ended."""
        if self._once:
            self._stop(EXIT_FAILED, _STOPPED_EARLY)
        self._stopping = True

    def _stop(self, exit_code: int, problem: Problem) -> None:
        if not self._stopping:
            self.exit_code, self.stopped_by = exit_code, problem
        self._stopping = True

    def _stop_by_disk(self, error: FsError) -> None:
        sentence = f"The folder cannot be used ({error.reason or error.trouble.value}): nothing more is done."
        self._stop(EXIT_FAILED, Problem("/".join(error.path), "unreadable", sentence))

    def _lose_login(self, why: object) -> None:
        self._stop(EXIT_LOGGED_OUT, Problem("", "not_logged_in", f"{why} Run `cairn login` again."))

    def _supply(self, wanted: Sequence[Wanted]) -> None:
        if not self._stopping and self.observer is not None:
            self._supplying.take(wanted)

    def _is_same_root(self) -> bool:
        """Tell whether deletes may be begun; a folder that is another one ends all, an unreadable one does not."""
        try:
            same = marker.is_known(self._world.fs, self.state)
        except FsError as error:
            if error.trouble is Trouble.GONE:
                self._stop(EXIT_FAILED, _UNMOUNTED)
            return False
        if not same:
            self._stop(EXIT_FAILED, _UNMOUNTED)
        return same

    def _lose_base(self) -> None:
        """Forget what both sides agreed on: everything is compared anew, and nothing is deleted (section 11)."""
        with self.state.transaction():
            self.state.clear_synced()
            self.state.set_meta(feed.COMPLETE, "0")  # a remote tree from before knows less than was deleted since
        self.state.mark_differences()
        self.memory.leaving.clear()
        self.memory.without_base = self.memory.changed = True

    # The loop

    def turn(self, timeout_s: float | None = None) -> bool:
        """Do what can be done now, then wait for more, at most `timeout_s`; return False when all has ended.

        Raises:
            StateError: the state cannot be written; nothing more may be done.
        """
        if self._ended:
            return False
        if self._stopping or self.observer is None:
            return self._wind_up()
        try:
            more = self._advance(self.observer)
        except FsError as error:
            self._stop_by_disk(error)
            return True
        if not self._stopping:
            pause_s = 0.0 if more else self._pause_s(self.observer)
            self._world.executor.wait(pause_s if timeout_s is None else min(pause_s, timeout_s))
        return True

    def _wind_up(self) -> bool:
        self.work.drop_waiting()
        if self._is_working or self._waits_for_answers:
            self._world.executor.wait(None)
            return True
        self._ended = True
        if self.observer is not None:
            self._deep.end()
            self._caretaker.end(clean=self.stopped_by is None)
        self._watch.close()
        return False

    @property
    def _is_working(self) -> bool:
        """Whether an outcome is still to be recorded; what is unsure is asked about when there is time."""
        return self.work.running > self._asking.operations or self._asking.is_running

    @property
    def _waits_for_answers(self) -> bool:
        supplying = self.observer is not None and self._supplying.is_running
        checking = self.observer is not None and self._deep.is_running
        return self.following.poll.is_running or self._asking.is_running or supplying or checking

    def _advance(self, observer: Observer) -> bool:
        now_s = self._world.clock.monotonic_s()
        self._caretaker.work(now_s)
        if observer.rules_touched() or (self._ruling.is_unread and now_s >= self._reread_s):
            self._reread_s = now_s + LOOK_AGAIN_S
            self._set_rules(observer)
        observer.tick()
        more = observer.step(STEP)
        if observer.is_lost:
            self._stop(EXIT_FAILED, _UNMOUNTED)
        if observer.stirred():
            self.memory.changed = True
        self._count_down()
        if self.is_quiet:
            self._be_quiet()
        else:
            self._was_quiet = False
            if self._once and self._has_given_up(observer):
                self._give_up()
        if self._stopping or (self.settings.paused and not self._once):
            return more
        self.following.begin()
        if self.following.is_complete:
            self._asking.begin()
            self._deciding.decide(now_s)
            self._doing.begin(now_s)
        if self._may_check:
            self._deep.work(now_s)
        return more

    def _pause_s(self, observer: Observer) -> float:
        """Return for how long nothing will be due."""
        now_s = self._world.clock.monotonic_s()
        due = [now_s + (ONCE_SLEEP_S if self._once else LONGEST_SLEEP_S)]
        maybe = [observer.next_due_s(), self._caretaker.due_s, self.memory.shut.next_due_s(now_s)]
        if self._ruling.is_unread:
            maybe.append(self._reread_s)
        if not self.settings.paused or self._once:
            if self.following.is_complete:
                maybe += [self._deciding.due_s, self._asking.due_s]
            maybe.append(self.following.due_s)
            if self._may_check:
                maybe.append(self._deep.due_s)
        due += [each for each in maybe if each is not None]
        return max(0.0, min(due) - now_s)

    # Quiet

    @property
    def is_quiet(self) -> bool:
        """Whether both sides agree, as far as this device can know: nothing to do, nothing unknown, the feed read."""
        observer = self.observer
        return (
            observer is not None
            and not self._stopping
            and self._is_idle(observer)
            and not self.state.dirty
            and not self.waits
            and not observer.unresolved()
            and self.following.is_level
        )

    def _is_idle(self, observer: Observer) -> bool:
        return observer.is_idle and not self.work.ready and not self.work.running and not self._asking

    def _be_quiet(self) -> None:
        self.last_sync_ms = self._world.clock.wall_ms()
        if not self._was_quiet:
            self._was_quiet = True
            self.state.set_meta(_LAST_SYNC, str(self.last_sync_ms))
        self.memory.without_base = False
        self.memory.split.clear()
        self.memory.verdicts.clear()
        self.memory.held, self.memory.plan_problems = [], []
        if self._once:
            self._stopping = self.has_agreed = True
            self.exit_code = self._exit_code()

    @property
    def _may_check(self) -> bool:
        """Whether a deep check may go on: it is in nobody's way."""
        return self._was_quiet and not self._once and not self.work.ready and not self.work.running

    def _exit_code(self) -> int:
        """Return how a single run ends when nothing is left that it could do (section 3)."""
        if self.memory.held or any(not self.is_note(problem) for problem in self.problems()):
            return EXIT_FAILED
        return EXIT_CONFLICT if self.memory.conflicts else EXIT_DONE

    def _count_down(self) -> None:
        """Let go of what a person confirmed, file by file as it comes to pass, and of the rest when nothing is left.

        This does not wait until both sides agree: with one file in the way they never do.
        """
        passed = self.memory.passed
        if self.settings.may_delete is not None and passed:
            self._save(choices.counted_down(self.settings, passed))
        passed.clear()
        if (self.settings.may_delete is not None or self.memory.deleted) and self._is_settled:
            if not self.memory.held:
                self.memory.deleted.clear()
            if self.settings.may_delete is not None:  # what is held in spite of it is more than was shown
                self._save(choices.carried_out(self.settings))

    @property
    def _is_settled(self) -> bool:
        """Whether all has come to pass that can: what still differs waits for a person, or for the world."""
        observer = self.observer
        return (
            observer is not None
            and not self._stopping
            and not (self.settings.paused and not self._once)
            and self._is_idle(observer)
            and not observer.missing_files()
            and not self._deciding.has_news
            and self.following.is_level
            and not any(isinstance(wait.operation, (DeleteHere, DeleteThere)) for wait in self.waits)
        )

    def _has_given_up(self, observer: Observer) -> bool:
        """Tell whether a single run has tried often enough what does not come to pass, or waits for a person."""
        poll, shut = self.following.poll, self.memory.shut
        if self.work.running or self._asking.is_running or poll.is_running:
            return False
        if poll.failures >= TRIES_ONCE or shut.tries("calls") >= TRIES_ONCE:
            return True
        at_rest = observer.is_idle and not observer.unresolved() and not self._deciding.has_news
        can_begin = any(self.work.waiting_in(lot) and not shut.gives_up(lot, TRIES_ONCE) for lot in LOTS)
        return at_rest and self.following.is_level and not can_begin and self.waits.all_given_up()

    def _give_up(self) -> None:
        unreachable = self.following.poll.failures >= TRIES_ONCE or self.memory.shut.tries("calls") >= TRIES_ONCE
        self._stopping = True
        self.exit_code = EXIT_UNREACHABLE if unreachable else EXIT_FAILED
        if unreachable and self.following.poll.trouble is not None:
            self.stopped_by = Problem("", "unreachable", str(self.following.poll.trouble))

    # What comes from outside

    def hint(self, hint: Hint) -> None:
        """Hear of something that happened below the root."""
        if not self._stopping and self.observer is not None:
            self.observer.hint(hint)

    def set_settings(self, settings: Settings) -> None:
        """Take what a person has changed."""
        before, self.settings = self.settings, settings
        self._throttle.set_rates(settings.rates)
        observer = self.observer
        if self._stopping or observer is None:
            return
        if settings.ignore != before.ignore:
            self._set_rules(observer)
        if settings.excluded != before.excluded:
            choices.select(self.state, self._world.fs, settings.excluded, self.work.busy())
        self._bring_back()
        self._give_up_decayed()
        if before.paused and not settings.paused:
            observer.scan_all()
            self.following.poll.hurry()
        self.work.drop_waiting()
        self.waits.hurry()
        self.memory.shut.open_all()
        self.memory.changed = True

    def _set_rules(self, observer: Observer) -> None:
        """Look at everything with the rules as they are now: what they leave out, or take in again, is no delete."""
        before = observer.rules.digest
        observer.set_rules(self._ruling.read())
        if observer.rules.digest != before:
            self.work.drop_waiting()  # what was planned may be left out by now
            self.state.mark_differences()
        self.memory.changed = True

    def _bring_back(self) -> None:
        if self.settings.bring_back:
            choices.bring_back(self.state)
            self._save(choices.carried_out(self.settings))

    def _give_up_decayed(self) -> None:
        if self.settings.fetch_decayed:
            decay.give_up(self.state)
            self._save(replace(self.settings, fetch_decayed=False))

    def _save(self, settings: Settings) -> None:
        self.settings = settings
        self._save_settings(settings)

    # What is told

    def wall_ms(self) -> int:
        """Return the time that a person is shown."""
        return self._world.clock.wall_ms()

    @property
    def is_stopping(self) -> bool:
        """Whether nothing more is begun."""
        return self._stopping

    def problems(self) -> list[Problem]:
        """Return what keeps paths from being in step, the gravest first."""
        found = [] if self.stopped_by is None else [self.stopped_by]
        found += [*self.memory.shut.problems(), *self._ruling.problems()]
        if self.observer is not None:
            found += [*self._caretaker.problems, *self._deep.problems(), *self.observer.problems()]
        return [*found, *feed.problems(self.state), *self.waits.problems(), *self.memory.plan_problems]

    def is_note(self, problem: Problem) -> bool:
        """Tell whether a problem keeps nothing from being in step: it is told, and no more than that.

        A link in the place of a file that is synced does.
        """
        if problem.code == "watch_limit":
            return True
        is_left_out = problem.code in {"link", "special"}
        return is_left_out and self.state.lid_at(tuple(problem.path.split("/"))) is None


_LAST_SYNC = "last_sync_ms"
_STOPPED_EARLY = Problem("", "other", "Stopped before both sides agreed: the same command goes on where this one was.")
_UNMOUNTED = Problem(
    "",
    "unreadable",
    "The folder is not the one that was synced here (is its disk mounted?): nothing was changed. If it is another one"
    " for good, `cairn sync DIR --forget` ends the old sync.",
)
_ROOT_GONE = Problem(
    "", "other", "The folder at the server is gone: bring it back from the trash there, or end this sync."
)


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _log_bug(error: BaseException) -> None:
    logger.error("a job failed", exc_info=error)
