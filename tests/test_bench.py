"""The bench runs on small sizes, measures what it says, and leaves nothing behind."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.dav import find_program
from bench.measures import MEASURES
from bench.results import Result, put_into, table

ROOT = Path(__file__).parents[1]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def _dav_rows() -> list[str]:
    """Return the rows that need programs which are on few machines."""
    copied = "WebDAV: rclone copy of 20 files of 4 KiB, beside"
    is_there = find_program("wsgidav") is not None
    rows = [f"{copied} rclone serve webdav", *([f"{copied} wsgidav"] if is_there else [])]
    return [
        *(rows if find_program("rclone") is not None else []),
        *(["WebDAV: PROPFIND depth 1 of 20 files"] if is_there else []),
    ]


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_every_measurement_runs_on_small_sizes_and_cleans_up(tmp_path: Path) -> None:
    names = [name for name in MEASURES if name != "sync"]
    done = _bench(
        *names, "--size=2", "--big=2", "--files=20", "--nodes=500", "--rounds=1", "--json", f"--folder={tmp_path}"
    )

    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert all(sample > 0 for row in rows.values() for sample in row["samples"] + row["peer"])
    assert [name for name, row in rows.items() if row["ratio"]] == [
        "put 2 MiB of random bytes",
        "GET content of 2 MiB",
        "put -r 20 files of 4 KiB",
        "WebDAV: PUT of 2 MiB of random bytes",
        "WebDAV: GET of 2 MiB",
        *_dav_rows(),
    ]
    assert rows["commit of a batch of 20 files: barriers"]["samples"] == [1]
    assert rows["commit of a batch of 20 files: metadata commits"]["samples"] == [1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.soak  # two nodes of Syncthing look for each other, and both sides let files rest
@pytest.mark.skipif(shutil.which("syncthing") is None, reason="syncthing is not installed")
def test_two_devices_are_measured_beside_two_nodes_of_syncthing(tmp_path: Path) -> None:
    done = _bench("sync", "--size=2", "--files=20", "--rounds=1", "--json", f"--folder={tmp_path}")

    assert done.returncode == 0, done.stderr
    assert all(row["ratio"] > 0 for row in json.loads(done.stdout))
    assert list(tmp_path.iterdir()) == []


def test_unknown_measurement_is_refused_with_those_there_are() -> None:
    done = _bench("speed")

    assert done.returncode == 2
    assert done.stderr.endswith(f"there is no measurement speed: choose of {', '.join(MEASURES)}\n")


def test_ratio_is_that_of_pairs_and_not_of_medians() -> None:
    result = Result("put", "MiB/s", samples=[10, 20, 90], peer=[10, 40, 30])

    assert result.ratio == 1
    assert Result("start", "ms", samples=[1]).ratio is None


def test_table_shows_median_span_and_ratio() -> None:
    text = table([Result("put", "MiB/s", samples=[1234.5, 0.2, 50], peer=[1234.5, 0.1, 50], goal="0.8")])

    assert [cell.strip() for cell in text.splitlines()[2].split("|")[1:-1]] == [
        "put",
        "50 MiB/s",
        "0.2 to 1,234",
        "50 MiB/s",
        "1.00",
        "0.8",
    ]


def test_table_takes_the_place_that_the_page_keeps_for_it() -> None:
    page = (ROOT / "docs" / "performance.md").read_text("utf-8")

    once = put_into(page, "first\n")

    assert "<!-- bench begins -->\nfirst\n<!-- bench ends -->" in once
    assert put_into(once, "second\n") == put_into(page, "second\n")
