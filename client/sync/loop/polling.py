"""Reads the feed page by page, and waits at the server for what is new."""

from collections.abc import Callable
from enum import Enum, auto

from client.errors import ApiError, ClientError, NotLoggedInError
from client.protocol import SyncAnswer
from client.sync.seams.clock import Chance, Clock
from client.sync.seams.executor import Executor, Finished, Lane
from client.sync.seams.net import Net

WAIT_S = 50  # below what proxies commonly allow for an answer
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
LONGEST_MORE_S = 2.0  # behind a page that brought nothing while more is to come: a long way may hold nothing for us
RESETS_COUNT_S = 600.0  # for how long the feed's beginnings anew are held against the server
_FREE = 16  # pages in a row that bring nothing while more is to come
_DOUBLINGS = 16


class Worth(Enum):
    """What a page was worth."""

    NEWS = auto()
    NOTHING = auto()
    NONSENSE = auto()
    """It cannot be: the tree is to be taken anew."""


class Poll:
    """One request for the feed at a time. What comes is handed to the engine, in its thread."""

    def __init__(
        self,
        net: Net,
        executor: Executor,
        clock: Clock,
        chance: Chance,
        on_page: Callable[[SyncAnswer], Worth],
        on_reset: Callable[[str], None],
        on_refusal: Callable[[ClientError], None],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        """Ask nothing yet.

        Args:
            on_page: takes a page, and tells what it was worth.
            on_reset: the cursor is good no more; its argument is the server's sentence.
            on_refusal: hears of what waiting does not mend: the login ended.
            on_bug: hears of what nobody expected.
        """
        self._net = net
        self._executor = executor
        self._clock = clock
        self._chance = chance
        self._on_page = on_page
        self._on_reset = on_reset
        self._on_refusal = on_refusal
        self._on_bug = on_bug
        self._running = False
        self._failures = 0
        self._resets = 0
        self._reset_s = 0.0
        self._idle = 0
        self._asked_s = 0.0
        self._wait_s = 0
        self.due_s = 0.0
        self.trouble: ClientError | None = None
        """Why the last request failed; None while the server answers."""

    @property
    def failures(self) -> int:
        """How many requests in a row have failed, or how often the feed began anew of late."""
        return max(self._failures, self._resets, self._idle - _FREE)

    @property
    def began_anew(self) -> bool:
        """Whether the feed began anew a short while ago: it need not be told again."""
        return self._resets > 0 and self._clock.monotonic_s() < self._reset_s + RESETS_COUNT_S

    @property
    def is_running(self) -> bool:
        """Whether a request is under way."""
        return self._running

    def hurry(self) -> None:
        """Ask again at once if the last request failed."""
        self.due_s = 0.0

    def begin(self, cursor: str | None, *, wait_s: int) -> None:
        """Ask for the next page unless a request is under way or it is too early to try again."""
        now_s = self._clock.monotonic_s()
        if self._running or self.due_s > now_s:
            return
        self._running = True
        self._asked_s, self._wait_s = now_s, wait_s
        self._executor.run(Lane.FEED, "feed", lambda: self._net.sync(cursor, wait_s=wait_s), self._finish)

    def _finish(self, finished: Finished[SyncAnswer]) -> None:
        self._running = False
        error = finished.error
        if error is None and finished.value is not None:
            self._take(finished.value)
        elif isinstance(error, ApiError) and error.code == "cursor_reset":
            self._on_reset(str(error))
            self._note_reset()
        elif isinstance(error, NotLoggedInError):
            self.trouble = error
            self._on_refusal(error)
        elif isinstance(error, ClientError):
            self.trouble = error
            self._failures += 1
            self._pause(self._failures, LONGEST_PAUSE_S)
        elif error is not None:
            self._on_bug(error)

    def _take(self, answer: SyncAnswer) -> None:
        worth = self._on_page(answer)
        if worth is Worth.NONSENSE:  # a server that tells nonsense is not asked in a tight loop
            self._note_reset()
            return
        self.trouble = None
        self._failures = 0
        is_early = answer.has_more or self._clock.monotonic_s() < self._asked_s + self._wait_s / 2
        if worth is Worth.NEWS or not is_early:
            self._idle = 0
        else:
            self._note_idle(answer)

    def _note_reset(self) -> None:
        """Count that the feed begins anew. What follows takes nothing back: the next page is no sign of health."""
        now_s = self._clock.monotonic_s()
        self._resets = self._resets + 1 if self.began_anew else 1
        self._reset_s = now_s
        self._pause(self._resets, LONGEST_PAUSE_S)

    def _note_idle(self, answer: SyncAnswer) -> None:
        """Count an answer that brought nothing and did not wait for it either, as behind a proxy that is broken."""
        if not answer.has_more and not answer.changes and not self._wait_s:  # it was not asked to wait
            return
        self._idle += 1
        if not answer.has_more:
            self._pause(self._idle, LONGEST_PAUSE_S)
        elif self._idle > _FREE:
            self.trouble = ClientError("The server says that more is to come, and shows nothing new.")
            self._pause(self._idle - _FREE, LONGEST_MORE_S)

    def _pause(self, times: int, longest_s: float) -> None:
        """Ask later: twice as late each time, with jitter."""
        pause_s = min(FIRST_PAUSE_S * 2 ** min(times - 1, _DOUBLINGS), longest_s)
        self.due_s = self._clock.monotonic_s() + pause_s * self._chance.uniform(0.5, 1.0)
