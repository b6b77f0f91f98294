"""The measurements of WebDAV: beside nginx where that can do it, else beside rclone and wsgidav."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.cairn import USER, Device, log_in, run_cairn
from bench.dav import HOW_TO_INSTALL, TRANSFERS, Dav, count_responses, find_program, run_rclone, run_wsgidav
from bench.inputs import MIB, touch_memory, write_flat, write_random, write_tree
from bench.nginx import Nginx, run_nginx
from bench.programs import sync
from bench.results import Result
from bench.turns import WrongContentError, compare, in_turns, rate, timed

_SMALL = 4096
_MANY_ROUNDS = 3


def measure_webdav(folder: Path, *, size: int, files: int, rounds: int) -> list[Result]:
    """Measure one large file up and down, many small ones up, and the listing of a folder of them."""
    with _cairn(folder / "large") as (ours, _), run_nginx(folder / "nginx") as nginx:
        results = [*_put(ours, nginx, folder, size, rounds), *_get(ours, nginx, folder, size, rounds)]
    if find_program("rclone") is None:
        _say("rclone is not installed: nothing was copied with it")
    else:
        results += _copy(folder, files, min(rounds, _MANY_ROUNDS))
    if find_program("wsgidav") is None:
        _say("wsgidav is not installed: nothing was listed or copied beside it")
    else:
        results += _list(folder, files, rounds)
    return results


def _put(ours: Dav, nginx: Nginx, folder: Path, size: int, rounds: int) -> list[Result]:
    source, samples, peer = folder / "source", [], []

    def put_ours(number: int) -> None:
        samples.append(rate(size, lambda: ours.put(source, f"large-{number}")))

    def put_theirs(number: int) -> None:
        peer.append(rate(size, lambda: nginx.put(source, f"large-{number}")))
        nginx.forget(f"large-{number}")

    for number in range(rounds):
        write_random(source, size)
        for put in in_turns(number, (put_ours, put_theirs)):
            sync(folder)
            touch_memory(folder / "scratch", size)
            put(number)
    note = "durable when acknowledged; nginx's is followed by a sync. curl on both sides"
    name = f"WebDAV: PUT of {size // MIB:,} MiB of random bytes"
    return [Result(name, "MiB/s", samples, peer, goal="ratio at least 1", note=note)]


def _get(ours: Dav, nginx: Nginx, folder: Path, size: int, rounds: int) -> list[Result]:
    source, target = folder / "source", folder / "target"
    nginx.put(source, "large")
    samples, peer = [], []
    last = f"large-{rounds - 1}"
    for get, name in ((ours.get, last), (nginx.get, "large")):
        get(name, str(target))
        compare(source, target)
    target.unlink()
    sync(folder)

    def get_ours(_: int) -> None:
        samples.append(rate(size, lambda: ours.get(last)))

    def get_theirs(_: int) -> None:
        peer.append(rate(size, lambda: nginx.get("large")))

    for number in range(rounds):
        for get_one in in_turns(number, (get_ours, get_theirs)):
            get_one(number)
    return [Result(f"WebDAV: GET of {size // MIB:,} MiB", "MiB/s", samples, peer, goal="ratio at least 0.8")]


def _copy(folder: Path, files: int, rounds: int) -> list[Result]:
    """Copy a tree with rclone to each side in turn; wsgidav is left out where it is not installed."""
    source = folder / "tree"
    with ExitStack() as stack:
        ours, _ = stack.enter_context(_cairn(folder / "small"))
        sides = {"cairn": ours, "rclone": stack.enter_context(run_rclone(folder / "rclone"))}
        if find_program("wsgidav") is not None:
            sides["wsgidav"] = stack.enter_context(run_wsgidav(folder / "wsgidav"))
        samples: dict[str, list[float]] = {name: [] for name in sides}
        for number in range(rounds):
            write_tree(source, files=files, size=_SMALL)
            for name in in_turns(number, list(sides)):
                sync(folder)
                tree = f"tree-{number}"
                samples[name].append(files / timed(partial(sides[name].copy_tree, source, tree)))
                if name != "cairn":
                    _require_all(folder / name / "files" / tree, files)
                    shutil.rmtree(folder / name / "files" / tree)
            shutil.rmtree(source)
    what = f"WebDAV: rclone copy of {files:,} files of 4 KiB"
    note = (
        f"{TRANSFERS} transfers, no pacer; Cairn's files are each durable when acknowledged, the others' never synced"
    )
    return [
        Result(f"{what}, beside {program}", "files/s", samples["cairn"], samples[name], goal=goal, note=note)
        for name, program, goal in (
            ("rclone", "rclone serve webdav", "ratio at least 1"),
            ("wsgidav", "wsgidav", "ratio at least 5"),
        )
        if name in samples
    ]


def _list(folder: Path, files: int, rounds: int) -> list[Result]:
    source, answer = folder / "many", folder / "answer"
    write_flat(source, files=files)
    samples: list[float] = []
    peer: list[float] = []
    with _cairn(folder / "listed") as (ours, device), run_wsgidav(folder / "wsgidav-listed") as theirs:
        device.put_tree(source, "/many")
        shutil.copytree(source, folder / "wsgidav-listed" / "files" / "many")

        def list_one(side: Dav) -> float:
            passed = timed(lambda: side.list_folder("many", answer))
            if count_responses(answer) != files + 1:
                raise WrongContentError(f"a listing of {files} files spoke of {count_responses(answer)} resources")
            return files / passed

        for number in range(rounds):
            for into, side in in_turns(number, ((samples, ours), (peer, theirs))):
                into.append(list_one(side))
    name = f"WebDAV: PROPFIND depth 1 of {files:,} files"
    return [Result(name, "entries/s", samples, peer, goal="ratio at least 5", note="the peer is wsgidav")]


@contextmanager
def _cairn(folder: Path) -> Iterator[tuple[Dav, Device]]:
    """Run a server, with a device, and a person who shows an app password at its WebDAV door."""
    with run_cairn(folder) as server:
        device = log_in(server, folder / "home")
        yield Dav(f"{server.url}/dav", USER, device.make_app_password()), device


def _require_all(folder: Path, files: int) -> None:
    """Hold what a peer has written against what it was sent; Cairn checks sizes itself before it answers."""
    if (found := sum(path.is_file() for path in folder.rglob("*"))) != files:
        raise WrongContentError(f"of {files} files {found} came")


def _say(text: str) -> None:
    print(f"bench: {text} ({HOW_TO_INSTALL})", file=sys.stderr)
