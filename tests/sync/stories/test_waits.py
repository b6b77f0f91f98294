"""Stories about operations that wait for another try."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.sync.loop import echoes
from client.sync.loop.asking import Asking
from client.sync.loop.memory import Memory
from client.sync.loop.tools import World
from client.sync.loop.waits import Waits
from client.sync.loop.work import Work
from client.sync.operations import Fetch, MakeFolderThere
from client.sync.seams.executor import Finished, Lane
from client.sync.trees.state import State
from tests.sim.net import SimNet
from tests.sim.play import play_of
from tests.sim.schedule import SimExecutor
from tests.sim.weather import Weather
from tests.sync.state.rows import local, remote, synced


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.open(str(tmp_path / "state.db"))
    yield made
    made.close()


def test_what_falls_due_is_let_go_once_and_holds_up_no_plan_after(state: State) -> None:
    """It was planned only with the next answer of the feed, up to 50 s later."""
    node = remote("n1")
    state.put_remote(node)
    waits = Waits(state)
    waits.add(Fetch(node=node, parent=0, name="a"), 10.0, 5.0, None)

    assert waits.next_due_s() == 15.0
    assert waits.keys(14.0) == {"n1"}
    assert waits.keys(15.0) == set()
    assert waits.next_due_s() is None
    assert waits  # nobody has said yet that it agrees

    waits.add(Fetch(node=node, parent=0, name="a"), 15.0, 5.0, None)
    assert waits.next_due_s() == 25.0  # the second try, after twice the pause


def test_what_came_to_agree_by_another_way_is_waited_for_no_more(state: State) -> None:
    """A fetch was refused since something stood there, which was then found to be just that file."""
    node, entry = remote("n1"), local(1, content="h-n1")
    state.put_remote(node)
    waits = Waits(state)
    waits.add(Fetch(node=node, parent=0, name="1.txt"), 10.0, 5.0, None)

    state.put_local(entry)
    state.put_synced(synced(node, entry))
    state.dirty.ids.clear()

    assert not waits
    assert waits.problems() == []
    assert waits.all_given_up()


def test_nothing_is_due_for_a_question_while_no_worker_is_free_for_it(state: State) -> None:
    """The engine's thread turned and turned until one was, for as long as the network hung."""
    operation = MakeFolderThere(entry=local(1), parent_id="n0", name="d")
    attempt = echoes.attempt_of(operation)
    assert attempt is not None
    echoes.note(state, [(operation, attempt)])
    with play_of(Weather()) as play:
        scheduler, machine, ended = play.stage.scheduler, play.first.machine, list[Finished[None]]()
        executor = SimExecutor(scheduler, "workers")
        world = World(machine.fs, SimNet(machine.transport), machine.clock, machine.chance, executor)
        asking = Asking(state, world, Work(state), Waits(state), Memory(), lambda _: None)
        asking.take_up()
        due_s = [asking.due_s]

        while executor.free(Lane.SMALL):
            executor.run(Lane.SMALL, "hangs", lambda: scheduler.sleep(30.0), ended.append)
        due_s.append(asking.due_s)
        play.wait(60)
        due_s.append(asking.due_s)

    assert due_s == [0.0, None, 0.0]


def test_a_device_that_starts_knows_soon_that_nothing_is_new() -> None:
    """It waited at the server for news, and until that ended, up to 50 s, it could not say that all is in step."""
    with play_of(Weather()) as play:
        play.one.put(("f",), b"<1>")
        play.settle()

        play.first.kill()
        play.first.start()
        play.wait(5)

        assert play.first.is_quiet
