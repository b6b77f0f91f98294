"""Random trees, random edits on both sides, any order of what is planned (spec section 16 A)."""

import os
import random
from typing import Any

import pytest

from client.sync.model import ROOT_LID, Kind, RemoteNode
from client.sync.seams.files import Traits
from tests.sync.plan.world import ROOT, World

N = int(os.environ.get("N", "60"))
STORIES = int(os.environ.get("CAIRN_PLAN_STORIES", "60"))  # of each block
MORE = STORIES // 60
NAMES = ["a", "b", "c", "A", "d.txt"]
DISKS = {"linux": Traits(), "mac": Traits(case_sensitive=False, keeps_form=False)}


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret, but a story that can be told again


class Story:
    """A world with a synced tree, and what was then done to it."""

    def __init__(self, seed: int, traits: Traits) -> None:
        self.rng = chance(seed)
        self.world = World(traits=traits)
        self.tokens = 0
        self.must_live: set[str] = set()
        names = NAMES if traits.case_sensitive else [name for name in NAMES if name != "A"]
        folders = [ROOT]
        for _ in range(self.rng.randint(3, 14)):
            parent, name = self.rng.choice(folders), self.rng.choice(names)
            if self.world.state.remote_child(parent, name) is not None:
                continue
            is_folder = self.rng.random() < 0.5
            node, _ = self.world.both(name, None if is_folder else self.token(), parent)
            if is_folder:
                folders.append(node.id)
        self.world.settle()

    def token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    # At the server

    def nodes(self, kind: Kind | None = None) -> list[RemoteNode]:
        found = []
        for (node_id,) in self.world.rows("SELECT id FROM remote WHERE parent_id IS NOT NULL ORDER BY id"):
            node = self.world.state.remote(node_id)
            assert node is not None
            if kind in {None, node.kind}:
                found.append(node)
        return found

    def edit_there(self) -> None:
        rng, world = self.rng, self.world
        what = rng.choice(["make", "make", "edit", "move", "move", "move", "delete", "bit"])
        nodes = self.nodes(Kind.FILE if what in {"edit", "bit"} else None)
        folders = [ROOT, *(node.id for node in self.nodes(Kind.FOLDER))]
        parent, name = rng.choice(folders), rng.choice(NAMES)
        if what == "make":
            if world.state.remote_child(parent, name) is None:
                token = None if rng.random() < 0.4 else self.token()
                node = world.there(name, token, parent)
                if token is not None and rng.random() < 0.3:
                    world.hide(node.id)
            return
        if not nodes:
            return
        node = rng.choice(nodes)
        if what == "edit":
            world.edit_there(node.id, sha256=self.token(), mtime_ms=rng.randint(1, 9) * 10**6)
            if rng.random() < 0.3:
                world.hide(node.id)
        elif what == "bit":
            world.edit_there(node.id, executable=not node.executable)
        elif what == "delete":
            world.delete_there(node.id)
        elif world.state.remote_child(parent, name) is None and not self.is_in(parent, node.id):
            world.edit_there(node.id, parent_id=parent, name=name)

    def is_in(self, at: str | None, folder: str) -> bool:
        while at is not None:
            if at == folder:
                return True
            node = self.world.state.remote(at)
            at = None if node is None else node.parent_id
        return False

    # On this device

    def edit_here(self) -> None:
        rng, world = self.rng, self.world
        what = rng.choice(["make", "make", "edit", "move", "move", "move", "delete", "bit"])
        lids = [lid for (lid,) in world.rows("SELECT lid FROM local ORDER BY lid")]
        folders = [ROOT_LID, *(lid for lid in lids if world.entry(lid).is_folder)]
        files = [lid for lid in lids if not world.entry(lid).is_folder]
        parent, name = rng.choice(folders), rng.choice(NAMES)
        if what == "make":
            if self.is_free(parent, name):
                world.here(name, None if rng.random() < 0.4 else self.token(), parent, is_read=rng.random() < 0.5)
        elif what in {"edit", "bit"} and files:
            lid = rng.choice(files)
            if what == "edit":
                world.edit_here(lid, self.token(), is_read=rng.random() < 0.5)
            else:
                world.touch_here(lid, executable=not world.entry(lid).stat.executable)
        elif what == "delete" and lids:
            world.delete_here(rng.choice(lids))
        elif what == "move" and lids:
            self.move_here(rng.choice(lids), parent, name)

    def move_here(self, lid: int, parent: int, name: str) -> None:
        path = self.world.state.path_of
        if self.is_free(parent, name) and path(parent)[: len(path(lid))] != path(lid):
            self.world.move_here(lid, name, parent)

    def swap_here(self) -> None:
        """Let two entries of one folder change their names, which no single rename does."""
        lids = [lid for (lid,) in self.world.rows("SELECT lid FROM local WHERE parent = 0 ORDER BY lid")]
        if len(lids) >= 2:
            one, two = self.rng.sample(lids, 2)
            names = self.world.entry(one).name, self.world.entry(two).name
            self.world.move_here(one, "swapping", ROOT_LID)
            self.world.move_here(two, names[0], ROOT_LID)
            self.world.move_here(one, names[1], ROOT_LID)

    def swap_there(self) -> None:
        nodes = [node for node in self.nodes() if node.parent_id == ROOT]
        if len(nodes) >= 2:
            one, two = self.rng.sample(nodes, 2)
            self.world.edit_there(one.id, name="swapping")
            self.world.edit_there(two.id, name=one.name)
            self.world.edit_there(one.id, name=two.name)

    def is_free(self, parent: int, name: str) -> bool:
        taken = [child.name for child in self.world.state.local_children(parent)]
        return name not in taken if self.world.traits.case_sensitive else name.lower() not in map(str.lower, taken)

    def tell(self) -> None:
        """Edit both sides, and note what must be there at the end: all that is new or changed on either side."""
        for _ in range(self.rng.randint(1, 8)):
            self.rng.choice([self.edit_there, self.edit_here, self.edit_here, self.edit_there])()
        if self.rng.random() < 0.3:
            self.rng.choice([self.swap_here, self.swap_there])()
        state = self.world.state
        for node in self.nodes(Kind.FILE):
            base = state.synced(node.id)
            if base is None or base.version_id != node.version_id:
                self.must_live.add(self.world.true_content(node))
        for lid, content in self.world.content.items():
            entry, row = state.local(lid), state.synced_at(lid)
            if entry is not None and (row is None or row.sha256 != content):
                self.must_live.add(content)


def tokens(tree: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for value in tree.values():
        found.extend(tokens(value) if isinstance(value, dict) else [value])
    return found


def finish(story: Story, order: random.Random | None) -> dict[str, Any]:
    world = story.world
    last = world.run(order)
    assert world.plan_all().operations == []
    assert last.problems == []
    there, here = world.tree_there(), world.tree_here()
    if world.traits.case_sensitive:
        assert here == there
    else:
        assert sorted(tokens(here)) == sorted(tokens(there))
    assert story.must_live <= set(tokens(there))
    return there


@pytest.mark.parametrize("disk", DISKS)
@pytest.mark.parametrize("block", range(10))
def test_both_sides_come_to_one_tree_that_holds_all_that_is_new(block: int, disk: str) -> None:
    for seed in range(block * STORIES, block * STORIES + STORIES):
        story = Story(seed, DISKS[disk])
        story.tell()
        try:
            finish(story, chance(seed))
        except BaseException:
            print("seed", seed, disk)  # noqa: T201 - to play it again
            raise


def shape(tree: dict[str, Any]) -> Any:
    return sorted((name, shape(value) if isinstance(value, dict) else value) for name, value in tree.items())


@pytest.mark.parametrize("seed", range(80 * MORE))
def test_the_order_within_a_plan_does_not_matter(seed: int) -> None:
    ends = []
    for order in (None, chance(1), chance(2)):
        story = Story(seed, DISKS["linux"])
        story.tell()
        ends.append(shape(finish(story, order)))

    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("seed", range(40 * MORE))
def test_a_feed_that_tells_late_changes_nothing(seed: int) -> None:
    story = Story(seed, DISKS["linux"])
    story.tell()
    story.world.feed_is_late = True

    finish(story, chance(seed))


@pytest.mark.parametrize("seed", range(60 * MORE))
def test_nothing_is_deleted_without_a_base(seed: int) -> None:
    story = Story(seed, DISKS["linux"])
    story.tell()
    world = story.world
    world.state.clear_synced()
    world.state.mark_differences()
    before = set(tokens(world.tree_there())) | set(tokens(world.tree_here()))
    story.must_live = set()

    there = finish(story, chance(seed))

    kept = set(tokens(there)) | world.all_history()
    assert before <= kept
    assert not {"DeleteHere", "DeleteThere"} & set(world.names_done())


@pytest.mark.parametrize("seed", range(60 * MORE))
def test_edits_that_come_while_operations_run_are_kept(seed: int) -> None:
    story = Story(seed, DISKS["linux"])
    story.tell()
    world = story.world
    for _ in range(3):
        made = world.plan()
        operations = list(made.operations)
        story.rng.shuffle(operations)
        for operation in operations[: len(operations) // 2]:
            world.do(operation)
        world.tell_of_deletes()
        story.rng.choice([story.edit_here, story.edit_there])()
    story.must_live = set()

    finish(story, chance(seed))


@pytest.mark.parametrize("seed", range(10))
def test_a_plan_of_equal_trees_is_empty(seed: int) -> None:
    world = Story(seed, DISKS["linux"]).world

    made = world.plan_all()

    assert made.operations == []
    assert made.problems == []
