"""docs/webdav.md is true: its commands are run as they stand, and what it links to is there."""

import os
import re
from pathlib import Path

import pytest

from tests.api.people import Person
from tests.dav.clients.programs import rclone, run
from tests.dav.clients.test_rclone import credentials
from tests.dav.conftest import Dav
from tests.tree.keeper import trash_of, tree_below

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "webdav.md").read_text("utf-8")


def script(name: str, dav: Dav) -> str:
    """Give the commands between two markers, with the server's own address in them."""
    found = re.search(rf"<!-- {name} begins -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1].replace("https://cairn.example/", f"http://127.0.0.1:{dav.port}/")


async def as_typed(name: str, dav: Dav, folder: Path) -> str:
    """Run a script as a person would type it, but stop at the first command that fails."""
    environment = {
        "APP_PASSWORD": credentials(dav)[1],
        "RCLONE_CONFIG": str(folder / "rclone.conf"),
        "PATH": f"{rclone().resolve().parent}:{os.environ['PATH']}",
    }
    done = await run("bash", "-euo", "pipefail", "-c", script(name, dav), environment=environment, folder=folder)
    assert done.code == 0, done.err
    return done.out


async def test_commands_of_rclone(dav: Dav, ada: Person, tmp_path: Path) -> None:
    for name in ("2025/old.raw", "2026/a.raw", "2026/b.raw"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_text(name * 1000)
    output = await as_typed("rclone", dav, tmp_path)

    assert output.count("2026/a.raw") > 10
    assert "Archive/2025/old.raw" in output
    assert "/Archive/2025/old.raw" in await tree_below(ada)
    assert await trash_of(ada) == []


async def test_commands_of_curl(dav: Dav, ada: Person, tmp_path: Path) -> None:
    assert await as_typed("curl", dav, tmp_path) == "a walk in the hills\n"
    assert list(await tree_below(ada)) == ["/walk.txt"]


@pytest.mark.parametrize("page", ["webdav.md", "webdav-past.md"])
def test_links_lead_somewhere(page: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text("utf-8"))

    assert [target for target in targets if not (DOCS / target).exists()] == []
