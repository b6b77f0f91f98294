"""The code of others in this tree is what the lock says, with its licence, and no more than that."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK: dict[str, Any] = json.loads((ROOT / "web" / "vendor.lock.json").read_text("utf-8"))
FOLDERS = (ROOT / "web" / "static" / "vendor", ROOT / "tests" / "web" / "vendor")
ICON = re.compile(r"""\bicon\(\s*["'](\w[\w-]*)["']|\bicon: ["'](\w[\w-]*)["']|#(\w[\w-]*)"/>""")


def test_each_file_is_the_one_that_is_locked() -> None:
    found = {place: hashlib.sha256((ROOT / place).read_bytes()).hexdigest() for place in LOCK["files"]}

    assert found == LOCK["files"]


def test_nothing_lies_beside_them() -> None:
    there = {path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}

    assert there == LOCK["files"].keys() - {"web/static/icons.svg"}


def test_every_package_is_pinned_and_brings_its_licence() -> None:
    for name, package in LOCK["packages"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"]), name
        assert re.fullmatch(r"[0-9a-f]{64}", package["sha256"]), name
        assert "LICENSE" in package["files"], name


def test_every_icon_that_is_shown_is_in_the_sprite() -> None:
    web = ROOT / "web"
    shown = set()
    for path in (*(web / "static" / "js").rglob("*.js"), *(web / "templates").glob("*.html")):
        shown |= {next(filter(None, groups)) for groups in ICON.findall(path.read_text("utf-8"))}

    assert shown - set(LOCK["icons"]) == set()
