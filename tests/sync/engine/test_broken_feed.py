"""A server or a proxy that is broken is asked less and less often, told of once, and never in a tight loop."""

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import pytest

from client.errors import ApiError
from client.protocol import Change, File, Problem, SyncAnswer
from client.sync.device.disk import DiskFs
from client.sync.loop.following import Following
from client.sync.loop.memory import Memory, Shut
from client.sync.loop.polling import WAIT_S
from client.sync.loop.tools import World
from client.sync.loop.work import Work
from client.sync.seams.executor import Finished, Lane
from client.sync.seams.net import Net
from client.sync.settings import Settings
from client.sync.trees.state import State
from tests.sync.observe.clock import SetClock

A = TypeVar("A")
T = TypeVar("T")
HOUR_S = 3600.0
MOST_IN_AN_HOUR = 130  # one a minute, doubled by jitter, and those before the pauses are as long

HOME = File("home", "", "/", "folder", 0, None, 1)
RESET = ApiError("Take it anew.", Problem(410, "cursor_reset"))


def file(version: str = "v1", seq: int = 2) -> File:
    return File("f1", "a.txt", "/a.txt", "file", 5, 7, seq, parent_id="home", version_id=version)


def page(*files: File, cursor: str = "c1", seq: int = 10, more: bool = False) -> SyncAnswer:
    return SyncAnswer([Change(each.seq, "upsert", each) for each in files], cursor, seq, more, 0)


class Server:
    """Gives to each request what `answer` makes of its number and cursor, and takes `takes_s` for it."""

    def __init__(self, clock: SetClock) -> None:
        self.clock = clock
        self.asked = 0
        self.takes_s = 0.001
        self.answer: Callable[[int, str | None], SyncAnswer | ApiError] = lambda _number, _cursor: page()

    def sync(self, cursor: str | None, *, wait_s: int) -> SyncAnswer:
        self.asked += 1
        self.clock.advance(min(self.takes_s, wait_s) if self.takes_s > 1 else self.takes_s)
        answer = self.answer(self.asked, cursor)
        if isinstance(answer, ApiError):
            raise answer
        return answer


class AtOnce:
    """Does each job where it is asked for."""

    def run(self, _lane: Lane, _name: str, work: Callable[[], T], done: Callable[[Finished[T]], None]) -> None:
        try:
            finished = Finished(work(), None)
        except ApiError as error:
            finished = Finished(None, error)
        done(finished)

    def post(self, call: Callable[[], None]) -> None:
        call()

    def wait(self, timeout_s: float | None) -> bool:
        raise NotImplementedError

    def map(self, work: Callable[[A], T], items: Iterable[A], width: int) -> Iterator[T]:
        raise NotImplementedError

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        raise NotImplementedError

    def free(self, lane: Lane) -> int:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class Latest:
    """Jitter that takes nothing off."""

    def uniform(self, low: float, high: float) -> float:
        assert low <= high
        return high

    def token(self) -> str:
        raise NotImplementedError

    def unlikely(self, name: str) -> bool:
        raise NotImplementedError


class Stage:
    """A follower and the server that it follows."""

    def __init__(self, folder: Path, *, once: bool = False) -> None:
        self.clock = SetClock()
        self.server = Server(self.clock)
        self.state = State.open(str(folder / "state.db"))
        world = World(DiskFs(str(folder)), cast("Net", self.server), self.clock, Latest(), AtOnce())
        self.following = Following(
            *(self.state, world, Work(self.state), Memory(shut=Shut()), lambda: Settings("", "/", "", "", "", "")),
            once=once,
            is_at_rest=lambda: True,
            on_base_lost=lambda: None,
            on_root_gone=lambda: None,
            on_logged_out=lambda _: None,
            on_wanted=lambda _: None,
            on_bug=_raise,
        )

    def run(self, seconds: float, most: int = 5000) -> int:
        """Follow for so long; return how many requests that were."""
        before, until_s = self.server.asked, self.clock.now_s + seconds
        while self.clock.now_s < until_s and self.server.asked - before < most:
            self.following.begin()
            due_s = self.following.due_s
            assert due_s is not None
            self.clock.now_s = max(self.clock.now_s, min(due_s, until_s))
        return self.server.asked - before


def _raise(error: BaseException) -> None:
    raise error


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.state.close()


def test_a_server_that_resets_each_request_is_asked_once_a_minute_and_told_of_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.server.answer = lambda _number, _cursor: RESET

    with caplog.at_level(logging.WARNING):
        assert stage.run(HOUR_S) < MOST_IN_AN_HOUR

    assert len(caplog.records) == 1
    assert stage.following.poll.failures >= 3


def test_a_server_that_resets_each_second_request_gains_nothing_by_the_pages_between(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.server.answer = lambda number, _cursor: RESET if number % 2 else page(HOME, file())

    with caplog.at_level(logging.WARNING):
        assert stage.run(HOUR_S) < 2 * MOST_IN_AN_HOUR

    assert len(caplog.records) == 1


def test_nonsense_after_each_good_page_is_a_reset_as_well(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.server.answer = lambda number, _cursor: page(HOME, file()) if number % 2 else page(seq=2**64)

    with caplog.at_level(logging.WARNING):
        assert stage.run(HOUR_S) < 2 * MOST_IN_AN_HOUR

    assert len(caplog.records) == 1


def test_one_reset_costs_a_moment_and_is_forgotten(stage: Stage) -> None:
    stage.server.takes_s = WAIT_S
    stage.server.answer = lambda number, cursor: (
        RESET if number in {4, 40} else page(*(() if cursor else (HOME, file())))
    )

    assert stage.run(HOUR_S) >= HOUR_S / WAIT_S
    assert stage.following.is_complete
    assert stage.following.poll.trouble is None


def test_empty_answers_that_do_not_wait_are_asked_for_once_a_minute(stage: Stage) -> None:
    stage.server.answer = lambda _number, cursor: page(*(() if cursor else (HOME, file())))

    assert stage.run(HOUR_S) < MOST_IN_AN_HOUR


def test_quick_answers_with_news_are_asked_for_at_once(stage: Stage) -> None:
    stage.server.answer = lambda number, _cursor: page(HOME, file(f"v{number}", number + 1), seq=number + 1)

    assert stage.run(10.0) > 4000


def test_a_version_that_changes_while_nothing_changes_is_not_fetched_in_a_tight_loop(stage: Stage) -> None:
    stage.server.answer = lambda number, _cursor: page(HOME, file(f"v{number}"))

    assert stage.run(HOUR_S) < MOST_IN_AN_HOUR


def test_more_to_come_for_ever_with_nothing_new_is_waited_for_and_told(stage: Stage) -> None:
    stage.server.answer = lambda number, _cursor: page(HOME, cursor=f"c{number}", more=True)

    assert stage.run(HOUR_S) < HOUR_S / 2 + MOST_IN_AN_HOUR
    assert "more is to come" in str(stage.following.poll.trouble)


def test_more_to_come_behind_the_same_cursor_is_nonsense(stage: Stage) -> None:
    stage.server.answer = lambda _number, _cursor: page(HOME, more=True)

    assert stage.run(HOUR_S) < 2 * MOST_IN_AN_HOUR


def test_a_long_way_without_news_for_this_device_is_gone_without_pauses_at_first(stage: Stage) -> None:
    stage.server.answer = lambda number, _cursor: page(HOME, cursor=f"c{number}", seq=number, more=number < 16)

    assert stage.run(1.0, most=16) == 16
    assert stage.following.is_complete
