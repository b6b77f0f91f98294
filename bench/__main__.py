"""The command: measures, prints the table, and writes it into docs/performance.md if asked to."""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.inputs import MIB
from bench.measures import MEASURES, Plan
from bench.nginx import NginxMissingError
from bench.programs import NotStartedError
from bench.results import Result, notes, put_into, table
from bench.syncthing import SyncthingMissingError

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "performance.md"


def main() -> int:
    """Run the measurements that the command line names, one after another; return the exit code."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.names) - set(MEASURES):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}: choose of {', '.join(MEASURES)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    results: list[Result] = []
    try:
        for name in options.names or MEASURES:
            print(f"{name} …", file=sys.stderr, flush=True)
            results += _measure(name, options)
    except NginxMissingError:
        print("bench: nginx is not installed: on Debian and Ubuntu, apt install nginx.", file=sys.stderr)
        return 1
    except SyncthingMissingError:
        print("bench: syncthing is not installed: on Debian and Ubuntu, apt install syncthing.", file=sys.stderr)
        return 1
    except (NotStartedError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([result.as_json() for result in results], indent=1))
    else:
        print(_report(results, load))
    if options.write:
        _PAGE.write_text(put_into(_PAGE.read_text("utf-8"), _report(results, load)), "utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; all if left out")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of the large file; 1024")
    parser.add_argument(
        "--big", type=int, default=4096, metavar="MIB", help="of the files while memory is watched; 4096"
    )
    parser.add_argument("--files", type=int, default=10_000, metavar="N", help="small files; 10000")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="samples of each; 5")
    parser.add_argument("--nodes", type=int, default=1_000_000, metavar="N", help="of the large account; 1000000")
    parser.add_argument("--folder", type=Path, default=_ROOT / "build", help="a folder on the disk to be measured")
    parser.add_argument("--json", action="store_true", help="print every sample as JSON")
    parser.add_argument("--write", action="store_true", help="write the table into docs/performance.md")
    return parser


def _measure(name: str, options: argparse.Namespace) -> list[Result]:
    """Measure in a new folder, which is gone afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        plan = Plan(Path(folder), options.size * MIB, options.big * MIB, options.files, options.rounds, options.nodes)
        return MEASURES[name](plan)


def _report(results: list[Result], load: float) -> str:
    """Say where, when and beside what load; then the table, then what is to be known of single rows."""
    system = (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, {datetime.now(UTC):%Y-%m-%d}; load average before the run {load:.1f}"
    )
    return f"{system}\n\n{table(results)}\n{notes(results)}"


if __name__ == "__main__":
    sys.exit(main())
