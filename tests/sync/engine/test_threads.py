"""The real workers: what is made ahead is made meanwhile, in order, and never left running."""

import threading
from collections.abc import Iterator

import pytest

from client.sync.device.threads import ThreadExecutor

LIMIT_S = 30.0


@pytest.fixture
def executor() -> Iterator[ThreadExecutor]:
    workers = ThreadExecutor()
    yield workers
    workers.stop()


def test_next_item_is_made_while_the_consumer_is_at_one(executor: ThreadExecutor) -> None:
    second = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second.set()
        yield 2

    seen = []
    for item in executor.ahead(items()):
        assert second.wait(LIMIT_S)
        seen.append(item)
    assert seen == [1, 2]


def test_an_error_comes_after_the_items_before_it(executor: ThreadExecutor) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second cannot be made")

    ahead = executor.ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="the second"):
        next(ahead)


def test_nobody_makes_items_any_more_once_the_consumer_has_left(executor: ThreadExecutor) -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended: list[str] = []

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        assert go_on.wait(LIMIT_S)
        ended.append("second")
        yield 2

    ahead = executor.ahead(items())
    assert next(ahead) == 1
    assert begun.wait(LIMIT_S)
    threading.Timer(0.05, go_on.set).start()
    ahead.close()  # type: ignore[attr-defined] # it is a generator
    assert ended == ["second"]
