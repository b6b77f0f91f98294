"""Folders in one another, deeper than Python calls itself: a device that cannot plan for them is stuck for good."""

import inspect
import sys
from collections.abc import Iterator

import pytest

from client.sync.model import ROOT_LID, LocalEntry, Path, RemoteNode
from client.sync.operations import DeleteHere, DeleteThere, MakeFolderThere
from client.sync.trees.record import forget_gone
from tests.sync.plan.world import ROOT, World

DEPTH = 300
"""Less than servers and disks take: so the calls in one another are limited to half of it."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(autouse=True)
def _few_calls() -> Iterator[None]:
    before, depth = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(depth + DEPTH // 2)
    yield
    sys.setrecursionlimit(before)


def deep(world: World) -> list[tuple[RemoteNode, LocalEntry]]:
    """Make a folder in a folder in a folder, and a file at the bottom, all in step."""
    made = [world.both("d")]
    for _ in range(DEPTH):
        made.append(world.both("d", None, made[-1][0].id))
    made.append(world.both("f", "x", made[-1][0].id))
    world.settle()
    return made


def test_a_deep_folder_that_is_deleted_there_is_deleted_here(world: World) -> None:
    (top, _), *_ = deep(world)
    for node in [top, *world.state.rows_below(top.id)]:
        world.dead[node.id] = node
    world.state.drop_remote(top.id)

    made = world.plan()
    while made.operations:
        for operation in made.operations:
            world.do(operation)
        made = world.plan()

    assert sum(isinstance(each, DeleteHere) for each in world.done) == DEPTH + 2
    assert list(world.state.all_lids()) == []


def test_a_deep_folder_that_is_deleted_here_is_deleted_there(world: World) -> None:
    made = deep(world)
    world.delete_here(made[0][1].lid)

    operations = world.plan().operations

    assert [(type(each), each.node and each.node.id) for each in operations] == [(DeleteThere, made[0][0].id)]


def test_an_edit_at_the_bottom_of_a_deep_folder_that_is_deleted_there_stays(world: World) -> None:
    made = deep(world)
    world.edit_here(made[-1][1].lid, "mine")
    world.state.drop_remote(made[0][0].id)

    assert not any(isinstance(each, DeleteHere) for each in world.plan_all().operations)


def test_a_deep_folder_is_moved_left_out_and_ignored(world: World) -> None:
    made = deep(world)
    world.move_here(made[1][1].lid, "e", ROOT_LID)
    world.plan_all()
    world.state.set_excluded(made[0][0].id, excluded=True)
    world.plan_all()
    world.state.set_excluded(made[0][0].id, excluded=False)
    world.is_ignored = lambda path, _folder: path[-1] in {"d", "f"}
    world.plan_all()
    world.there("n", "new", made[-2][0].id)
    world.plan_all()

    assert made[0][0].parent_id == ROOT


def test_what_was_agreed_on_in_a_deep_folder_is_forgotten(world: World) -> None:
    made = deep(world)
    world.delete_here(made[0][1].lid)

    forget_gone(world.state, made[0][0].id)

    assert world.state.tracked_files() == 0


def test_a_deep_folder_that_is_new_here_is_planned_fast(world: World) -> None:
    """Whether it holds anything to send was asked of each folder anew, of all below it, and of all names above."""
    asked: list[Path] = []

    def is_ignored(path: Path, _is_folder: bool) -> bool:  # noqa: FBT001 - the planner's own shape of the question
        asked.append(path)
        return False

    parent = ROOT_LID
    for _ in range(DEPTH):
        parent = world.here("d", None, parent).lid
    world.here("f", "x", parent)
    world.is_ignored = is_ignored

    made = world.plan_all()

    assert [type(each) for each in made.operations] == [MakeFolderThere]
    assert len(asked) < 5 * DEPTH
