"""The tests bite: a program that lacks one precaution fails the test that the table of `mutants` names.

The normal run holds the table itself: every mutant still fits the source, no sync of ours is without one, and
docs/testing.md tells of each. To try them all takes some minutes and is a soak test.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.mutants import MUTANTS, SYNC_CALLS, Mutant

PROJECT = Path(__file__).parents[2]
PARTS = ("app", "storage", "client", "web", "tests", "bench")
SYNC = re.compile(r"\.(?:_?fsync|_?syncfs|sync_folder)\(")
THE_DISK_ITSELF = ("            os.fsync(descriptor)", "            self.fsync(descriptor)")
"""Lines of LocalDisk: what the calls lead to, counted by the kernel in test_syncs."""
FAILED = 1  # exit code of pytest where tests ran and some failed


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.lacks)
def test_the_source_still_has_what_a_mutant_lacks(mutant: Mutant) -> None:
    for edit in mutant.edits:
        assert (PROJECT / edit.file).read_text().count(edit.old) == 1, f"{edit.file}: {edit.old}"
    assert (PROJECT / mutant.test.partition("::")[0]).is_file()


def test_every_sync_of_ours_has_a_mutant() -> None:
    spans = []
    for edit in (edit for mutant in SYNC_CALLS for edit in mutant.edits):
        begin = (PROJECT / edit.file).read_text().index(edit.old)
        spans.append((edit.file, begin, begin + len(edit.old)))
    without = []
    for path in (*(PROJECT / "app").rglob("*.py"), *(PROJECT / "storage").rglob("*.py")):
        name, text = str(path.relative_to(PROJECT)), path.read_text()
        for call in SYNC.finditer(text):
            line = text[text.rfind("\n", 0, call.start()) + 1 : text.index("\n", call.start())]
            covered = any(name == file and begin <= call.start() < end for file, begin, end in spans)
            if not covered and line not in THE_DISK_ITSELF:
                without.append(f"{name}: {line.strip()}")
    assert without == []


def test_the_documentation_tells_of_every_mutant() -> None:
    rows = [f"| {mutant.lacks} | `{mutant.test}` |" for mutant in MUTANTS]

    text = (PROJECT / "docs" / "testing.md").read_text()

    assert [row for row in rows if row not in text] == []


@pytest.mark.soak
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.lacks)
def test_a_program_that_lacks_it_fails(mutant: Mutant, tmp_path: Path) -> None:
    for part in PARTS:
        shutil.copytree(PROJECT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "config.example.toml"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    for edit in mutant.edits:
        path = tmp_path / edit.file
        path.write_text(path.read_text().replace(edit.old, edit.new))

    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", mutant.test]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=280)

    assert done.returncode == FAILED, done.stdout.decode()
