"""Random histories of a user on a real folder: at rest, the local tree is the folder, and moves kept their numbers."""

import os
import random
import shutil
from pathlib import Path

import pytest

from client.sync.model import Kind
from client.sync.seams.files import Hint
from tests.sync.observe.world import World, world

NAMES = ("a", "b", "c", "d")
SEEDS = range(16)


class User:
    """Does random things, and lets most of them be heard of."""

    def __init__(self, here: World, chance: random.Random) -> None:
        self.here = here
        self.chance = chance
        self.done: list[str] = []
        self.lost = False
        self.fresh = 0

    def paths(self, *, folders: bool | None = None) -> list[str]:
        found = []
        for folder, inner, files in os.walk(self.here.top):
            inner[:] = sorted(each for each in inner if each != ".cairn")
            base = Path(folder).relative_to(self.here.top)
            if folders is not False:
                found += [str(base / each) for each in inner]
            if folders is not True:
                found += [str(base / each) for each in sorted(files)]
        return found

    def place(self) -> str:
        folder = self.chance.choice(["", *self.paths(folders=True)])
        return str(Path(folder) / self.chance.choice(NAMES))

    def tell(self, what: str, *paths: str) -> None:
        self.done.append(f"{what} {' '.join(paths)}")
        for path in paths:
            if what != "relocate" and self.chance.random() < 0.1:
                self.lost = True
            else:
                self.here.observer.hint(Hint(tuple(path.split("/")), closed=self.chance.random() < 0.5))

    def act(self) -> None:
        acts = (
            self.write,
            self.write,
            self.save,
            self.backup,
            self.rename,
            self.rename,
            self.delete,
            self.make,
            self.touch,
        )
        try:
            self.chance.choice(acts)()
        except (NotADirectoryError, IsADirectoryError, FileExistsError, shutil.Error, OSError) as error:
            self.done.append(f"refused: {type(error).__name__}")

    def write(self) -> None:
        path = self.place()
        (self.here.top / path).write_text("x" * self.chance.randint(0, 9))
        self.tell("write", path)

    def save(self) -> None:
        path = self.chance.choice(self.paths(folders=False) or [self.place()])
        (self.here.top / f"{path}.tmp").write_text("saved" * self.chance.randint(0, 3))
        (self.here.top / f"{path}.tmp").replace(self.here.top / path)
        self.tell("save", f"{path}.tmp", path)

    def backup(self) -> None:
        path = self.chance.choice(self.paths(folders=False) or [self.place()])
        (self.here.top / path).replace(self.here.top / f"{path}~")
        self.tell("backup", path, f"{path}~")
        if self.chance.random() < 0.5:
            self.wait()
        (self.here.top / path).write_text("again")
        self.tell("anew", path)

    def rename(self) -> None:
        source, target = self.chance.choice(self.paths() or ["none"]), self.place()
        if not (self.here.top / target).exists() and not f"{target}/".startswith(f"{source}/"):
            (self.here.top / source).rename(self.here.top / target)
            self.tell("rename", source, target)

    def delete(self) -> None:
        path = self.chance.choice(self.paths() or ["none"])
        whole = self.here.top / path
        if whole.is_dir():
            shutil.rmtree(whole)
        else:
            whole.unlink()
        self.tell("delete", path)

    def make(self) -> None:
        path = self.place()
        (self.here.top / path).mkdir()
        self.tell("make", path)

    def touch(self) -> None:
        path = self.chance.choice(self.paths() or ["none"])
        if self.chance.random() < 0.5:
            (self.here.top / path).chmod(self.chance.choice((0o700, 0o755)))
        else:
            os.utime(self.here.top / path, (self.chance.randint(0, 2_000_000_000),) * 2)
        self.tell("touch", path)

    def relocate(self) -> None:
        """Move something to a name that nothing ever had."""
        paths = self.paths()
        if not paths:
            return
        source = self.chance.choice(paths)
        folder = self.chance.choice(
            ["", *(each for each in self.paths(folders=True) if not f"{each}/".startswith(f"{source}/"))]
        )
        self.fresh += 1
        target = str(Path(folder) / f"fresh{self.fresh}")
        (self.here.top / source).rename(self.here.top / target)
        self.tell("relocate", source, target)

    def wait(self) -> None:
        kind = self.chance.random()
        if kind < 0.4:
            self.here.run(self.chance.choice((0.05, 0.2, 1.0, 3.0, 12.0)))
        elif kind < 0.7:
            self.here.observer.step(self.chance.randint(1, 3))
        elif kind < 0.8:
            self.here.observer.scan_all()
            self.here.observer.step(self.chance.randint(1, 3))

    def rest(self) -> None:
        if self.lost:
            self.here.observer.hint(Hint(None))
            self.lost = False
        self.here.settle()


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_at_rest_the_local_tree_is_the_folder(tmp_path: Path, seed: int, *, once: bool) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test from a seed
    with world(tmp_path, once=once) as here:
        user = User(here, chance)
        here.scan()
        for number in range(6):
            for _ in range(chance.randint(1, 12)):
                user.act()
                user.wait()
            user.rest()
            told = (seed, number, user.done[-20:])
            assert differences(here) == {}, told
            assert all(here.observer.is_certain(lid) for lid in here.state.all_lids()), told
            if chance.random() < 0.2:
                here.restart()
                here.scan()


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_moved_keeps_its_number(tmp_path: Path, seed: int, *, once: bool) -> None:
    chance = random.Random(1000 + seed)  # noqa: S311 - a test from a seed
    with world(tmp_path, once=once) as here:
        user = User(here, chance)
        here.scan()
        for _ in range(25):
            user.act()
        user.rest()
        for number in range(6):
            lids, inside = numbers(here)
            user.done.clear()
            for _ in range(chance.randint(1, 6)):
                user.relocate()
                user.wait()
            user.rest()
            after, inside_after = numbers(here)
            for inode, lid in lids.items():  # the number of an inode proves little of a folder that others left
                if inside[inode] <= inside_after[inode]:
                    assert after[inode] == lid, (seed, number, inode, user.done)
            assert differences(here) == {}


def numbers(here: World) -> tuple[dict[int, int | None], dict[int, set[int]]]:
    """By inode: the number of an entry, and the inodes in it."""
    tree = here.tree()
    inside: dict[int, set[int]] = {stat.inode: set() for stat in tree.values()}
    for path, stat in tree.items():
        if "/" in path:
            inside[tree[path.rpartition("/")[0]].inode].add(stat.inode)
    return {stat.inode: here.lid(path) for path, stat in tree.items()}, inside


def differences(here: World) -> dict[str, object]:
    """What the tree and the folder do not agree on; of folders only what tells one from another."""
    tree, disk = here.tree(), here.on_disk()
    found: dict[str, object] = {}
    for path in sorted({*tree, *disk}):
        one, other = tree.get(path), disk.get(path)
        is_same = one == other
        if one is not None and other is not None and one.kind is other.kind is Kind.FOLDER:
            is_same = one.inode == other.inode
        if not is_same:
            found[path] = (one, other)
    return found
