"""Follows the feed: its pages become the remote tree."""

import logging
from collections.abc import Callable, Sequence

from client.errors import ClientError
from client.protocol import SyncAnswer, Wanted
from client.sync.loop.memory import Memory
from client.sync.loop.polling import WAIT_S, Poll, Worth
from client.sync.loop.tools import World
from client.sync.loop.work import Work
from client.sync.settings import Settings
from client.sync.trees import feed
from client.sync.trees.record import forget_gone
from client.sync.trees.state import State

logger = logging.getLogger(__name__)

PAUSE_ONCE_S = 0.2  # between two looks at the feed of a run that does not wait there


class Following:
    """The way from the feed into the remote tree."""

    def __init__(
        self,
        state: State,
        world: World,
        work: Work,
        memory: Memory,
        settings: Callable[[], Settings],
        *,
        once: bool,
        is_at_rest: Callable[[], bool],
        on_base_lost: Callable[[], None],
        on_root_gone: Callable[[], None],
        on_logged_out: Callable[[ClientError], None],
        on_wanted: Callable[[Sequence[Wanted]], None],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        """Follow the feed of the account.

        Args:
            once: never wait at the server.
            is_at_rest: tells whether nothing is under way whose outcome is still to be recorded.
            on_base_lost: the tree is taken anew, and what both sides agreed on is known no more.
            on_root_gone: the folder at the server is not there (any more).
            on_logged_out: the server takes this device no more.
            on_wanted: hears of chunks that the server lost.
            on_bug: hears of what nobody expected.
        """
        self._state = state
        self._work = work
        self._memory = memory
        self._settings = settings
        self._clock = world.clock
        self._once = once
        self._is_at_rest = is_at_rest
        self._on_base_lost = on_base_lost
        self._on_root_gone = on_root_gone
        self._on_wanted = on_wanted
        self.poll = Poll(
            *(world.net, world.executor, world.clock, world.chance),
            *(self._take, self.begin_again, on_logged_out, on_bug),
        )
        self._has_read = False
        self._is_anew = False

    @property
    def is_complete(self) -> bool:
        """Whether the remote tree is whole."""
        return self._state.meta("feed_complete") == "1" and not self._is_anew

    @property
    def due_s(self) -> float | None:
        """When the next page is to be asked for; None while one is, or while what is under way has to end first."""
        return None if self.poll.is_running or (self._is_anew and not self._is_at_rest()) else self.poll.due_s

    @property
    def is_level(self) -> bool:
        """Whether the feed was read to its end, and past all that this device has changed at the server."""
        memory = self._memory
        return self.is_complete and self._has_read and self._state.fed_seq >= memory.sent_seq and not memory.leaving

    def begin(self) -> None:
        """Ask for the next page, or wait at the server for one, unless that is under way."""
        if self._is_anew:
            if not self._is_at_rest():
                return
            self._begin_again()
        wait_s = WAIT_S if self.is_complete and self._has_read and not self._once else 0  # first see where it stands
        self.poll.begin(self._state.meta("cursor"), wait_s=wait_s)

    def begin_again(self, why: str) -> None:
        """Take the tree anew: nothing is deleted on either side because of it.

        What is under way ends first: an answer of before would bring numbers and versions that are no more.
        """
        if not self.poll.began_anew:
            logger.warning("the feed begins anew: %s", why)
        self._work.drop_waiting()
        self._is_anew = True

    def _begin_again(self) -> None:
        self._is_anew = self._has_read = False
        self._memory.sent_seq = 0
        with self._state.transaction():
            feed.begin_again(self._state)
        self._on_base_lost()

    def _take(self, answer: SyncAnswer) -> Worth:
        if answer.has_more and answer.cursor == self._state.meta(feed.CURSOR):
            self.begin_again("The feed goes on where it was.")
            return Worth.NONSENSE
        try:
            has_news = feed.apply_page(self._state, answer)
        except feed.FeedError as error:
            self.begin_again(str(error))
            return Worth.NONSENSE
        if not answer.has_more:
            self._has_read = True
        self._see_who_left()
        self._memory.changed = True
        if self.is_complete:
            self._find_root()
        if answer.wanted:
            self._on_wanted(answer.wanted)
        if self._once and not answer.changes:
            self.poll.due_s = self._clock.monotonic_s() + PAUSE_ONCE_S
        return Worth.NEWS if has_news else Worth.NOTHING

    def _see_who_left(self) -> None:
        leaving = self._memory.leaving
        for node_id, seq in list(leaving.items()):
            node = self._state.remote(node_id)
            if node is not None and node.seq > seq:  # somebody has brought it back since: it is new here
                forget_gone(self._state, node_id)
            if node is None or node.seq > seq:
                del leaving[node_id]

    def _find_root(self) -> None:
        state, settings = self._state, self._settings()
        if not state.root_id:
            root_id = settings.remote_id or feed.find_root(state, settings.remote)
            if root_id is not None:
                with state.transaction():
                    state.set_meta("remote_root", root_id)
                state.mark_differences()
        if not state.root_id or state.remote(state.root_id) is None:
            self._on_root_gone()
