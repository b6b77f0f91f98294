"""Ignore rules: what gitignore(5) says, compared with git itself, and what is ours."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from client.sync.observe.rules import BUILT_IN, MOST_GROUPS, MOST_LINES, Rules

SEEDS = range(8)
WORDS = ("a", "b", "ab", "foo", "foo.o", "bar", "b a", "[x]", "a-b", "1", "A", "!x", "#y")
PIECES = (
    "a",
    "b",
    "foo",
    "bar",
    "*",
    "**",
    "?",
    "[ab]",
    "[!a]",
    "[^b]",
    "[a-f]",
    "[[:digit:]]",
    "[]a]",
    ".",
    "o",
    "\\*",
)
PIECES_RARE = ("[", "\\", "[[:nope:]]", "[a-", "\\[", "\\!", "\\ ", " ", "-", "***", "[\\]x]", "[z-a]", "[a\\-c]")


def pattern_of(chance: random.Random) -> str:
    parts = []
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3))):
        pieces = chance.choices(
            (*PIECES, *PIECES_RARE), [6] * len(PIECES) + [1] * len(PIECES_RARE), k=chance.randint(1, 3)
        )
        parts.append("".join(pieces))
    lead = chance.choice(("", "", "", "/", "!", "!/", "**/"))
    return lead + "/".join(parts) + chance.choice(("", "", "", "/", "/**", "/*", "  "))


def tree_of(chance: random.Random) -> dict[tuple[str, ...], bool]:
    """Paths, and whether each is a folder."""
    entries: dict[tuple[str, ...], bool] = {}
    folders: list[tuple[str, ...]] = [()]
    while len(entries) < 120:
        path = (*chance.choice(folders), chance.choice(WORDS))
        if path in entries or len(path) > 4:
            continue
        entries[path] = chance.random() < 0.45
        if entries[path]:
            folders.append(path)
    return entries


def ignored_by_git(folder: Path, lines: list[str], paths: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    (folder / ".gitignore").write_text("\n".join(lines) + "\n")
    wanted = b"\0".join("/".join(path).encode() for path in paths)
    reply = subprocess.run(
        ["git", "-c", "core.excludesFile=", "check-ignore", "-z", "--stdin", "--no-index"],
        cwd=folder,
        input=wanted,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert reply.returncode in {0, 1}, reply.stderr
    return {tuple(name.decode().split("/")) for name in reply.stdout.split(b"\0") if name}


@pytest.mark.parametrize("seed", SEEDS)
def test_patterns_mean_what_they_mean_to_git(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test from a seed
    entries = tree_of(chance)
    for path, is_folder in entries.items():
        if is_folder:
            tmp_path.joinpath(*path).mkdir()
        else:
            tmp_path.joinpath(*path).write_bytes(b"")
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    for number in range(60):
        lines = [pattern_of(chance) for _ in range(chance.choice((1, 1, 2, 3, 5)))]
        rules = Rules(lines)

        ours = {path for path, is_folder in entries.items() if rules.is_ignored(path, is_folder)}

        theirs = ignored_by_git(tmp_path, lines, list(entries))
        assert ours == theirs, (seed, number, lines, sorted(ours - theirs)[:5], sorted(theirs - ours)[:5])


@pytest.mark.parametrize(
    ("lines", "path", "is_folder", "ignored"),
    [
        (["*.o"], "x/y.o", False, True),
        (["*.o", "!y.o"], "x/y.o", False, False),
        (["!y.o", "*.o"], "x/y.o", False, True),
        (["/top"], "x/top", False, False),
        (["build/"], "build", False, False),
        (["build/"], "build", True, True),
        (["build/", "!build/keep"], "build/keep", False, True),
        (["doc/*.txt"], "doc/a/b.txt", False, False),
        (["doc/**/b.txt"], "doc/b.txt", False, True),
        (["doc/**/b.txt"], "doc/a/c/b.txt", False, True),
        (["**/logs"], "a/b/logs", True, True),
        (["a/**"], "a", True, False),
        (["\\#x"], "#x", False, True),
        (["\\!x"], "!x", False, True),
        (["x\\ "], "x ", False, True),
        (["x  "], "x", False, True),
        (["# note"], "# note", False, False),
        (["f[0-9].b"], "f7.b", False, True),
        (["[[:upper:]]x"], "Qx", False, True),
        (["?"], "ä", False, True),
        (["x\r"], "x", False, True),
    ],
)
def test_a_rule_of_the_manual(lines: list[str], path: str, *, is_folder: bool, ignored: bool) -> None:
    assert Rules(lines).is_ignored(tuple(path.split("/")), is_folder) is ignored


@pytest.mark.parametrize(
    "name", ["._x", ".DS_Store", "Thumbs.db", "~$doc.docx", ".~lock.a.odt#", ".x.swp", "4913", "a.part", ".nfs0001"]
)
def test_built_in_names_are_ignored_everywhere(name: str) -> None:
    assert Rules().is_ignored(("deep", "er", name), is_folder=False)


def test_a_built_in_name_can_be_taken_in_again() -> None:
    assert not Rules(["!*.part"]).is_ignored(("a.part",), is_folder=False)
    assert not Rules([], own=["!*.part"]).is_ignored(("a.part",), is_folder=False)


@pytest.mark.parametrize(
    "path", [(".cairn",), (".cairn", "root"), (".CAIRN", "root"), ("a", ".cairn-tmp-1"), ("a", ".cairnignore")]
)
def test_our_own_names_stay_ignored_whatever_the_rules_say(path: tuple[str, ...]) -> None:
    assert Rules(["!*", "!.cairn*", "!/.cairn/"]).is_ignored(path, is_folder=False)


def test_the_rules_themselves_are_synced() -> None:
    assert not Rules().is_ignored((".cairnignore",), is_folder=False)


def test_the_list_of_the_device_has_the_last_word() -> None:
    assert not Rules(["*.log"], own=["!keep.log"]).is_ignored(("keep.log",), is_folder=False)


def test_other_rules_have_another_digest() -> None:
    assert Rules(["a"]).digest == Rules(["a"]).digest
    assert Rules(["a"]).digest != Rules(["b"]).digest
    assert len(Rules(list(BUILT_IN)).digest) == 64


def test_a_text_may_come_from_windows() -> None:
    assert Rules.of_text("\ufeffx\r\n*.y\r\n").is_ignored(("a.y",), is_folder=False)
    assert Rules.of_text("\ufeffx\r\n").is_ignored(("x",), is_folder=False)


@pytest.mark.parametrize("pattern", ["a*" * 30 + "b", "*a" * 30 + "b", "**/a/" * 20 + "b", "[a-z]*" * 30 + "Q"])
def test_no_pattern_takes_forever(pattern: str) -> None:
    rules = Rules([pattern])
    began = time.process_time()

    assert not rules.is_ignored(("a",) * 60 + ("a" * 255,), is_folder=False)
    assert time.process_time() - began < 2


def test_more_rules_than_any_person_writes_are_told_apart() -> None:
    assert not Rules.are_too_many("\n".join(["# why", "", "*.o"] * MOST_LINES))
    assert Rules.are_too_many("\n".join(["*.o"] * (MOST_LINES + 1)))
    assert Rules.are_too_many("\n".join(["*.o", "!a.o"] * (MOST_GROUPS // 2 + 1)))
    assert not Rules.are_too_many("\n".join(["*.o", "!a.o"] * (MOST_GROUPS // 2)))
