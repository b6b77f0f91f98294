"""The measurements of Cairn, one function each: they take a `Plan` and give rows."""

import shutil
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.account import measure_account
from bench.batch import count_batch
from bench.cairn import children_cpu_s, log_in, run_cairn
from bench.inputs import MIB, touch_memory, write_random, write_tree
from bench.keeping import measure_keeping
from bench.machine import measure_limits
from bench.nginx import run_nginx
from bench.programs import sync
from bench.results import Result
from bench.turns import compare, in_turns, rate, timed
from bench.webdav import measure_webdav

_SMALL = 4096
_STEPS_A_ROUND = 10
_SYNC_ROUNDS = 3
_DAV_FILES = 5_000


@dataclass(frozen=True)
class Plan:
    """How much to measure, and where: `folder` is empty at the start of each measurement, and removed by the caller.

    Attributes:
        size: bytes of the large file.
        big: bytes of the file that is under way while memory is watched.
        files: number of small files.
        rounds: how many pairs of samples; ten times as many of a step at an account.
        nodes: of the large account.
    """

    folder: Path
    size: int
    big: int
    files: int
    rounds: int
    nodes: int


def measure_machine(plan: Plan) -> list[Result]:
    """Measure what the machine can do at most."""
    return measure_limits(plan.folder, size=plan.size, rounds=plan.rounds)


def measure_put(plan: Plan) -> list[Result]:
    """Send a large file of random bytes: `cairn put` beside curl into nginx followed by a sync."""
    source = plan.folder / "source"
    ours, theirs, client_s, server_s = [], [], [], []
    with run_nginx(plan.folder / "nginx") as nginx, run_cairn(plan.folder / "cairn") as server:
        device = log_in(server, plan.folder / "home")

        def put_ours(number: int) -> None:
            client, served = children_cpu_s(), server.cpu_s()
            ours.append(rate(plan.size, lambda: device.put(source, f"/large-{number}")))
            client_s.append(children_cpu_s() - client)
            server_s.append(server.cpu_s() - served)

        def put_theirs(number: int) -> None:
            theirs.append(rate(plan.size, lambda: nginx.put(source, f"large-{number}")))
            nginx.forget(f"large-{number}")

        for number in range(plan.rounds):
            write_random(source, plan.size)
            for put in in_turns(number, (put_ours, put_theirs)):
                sync(plan.folder)
                touch_memory(plan.folder / "scratch", plan.size)
                put(number)
    note = (
        f"median processor time of one put: {statistics.median(client_s):.2f} s in the client (cut, hash, send),"
        f" {statistics.median(server_s):.2f} s in the server (receive, hash, write)"
    )
    name = f"put {plan.size // MIB:,} MiB of random bytes"
    return [Result(name, "MiB/s", ours, theirs, goal="ratio at least 0.8", note=note)]


def measure_get(plan: Plan) -> list[Result]:
    """Fetch a large file over HTTP into nothing: Cairn's content beside nginx's static file, both from the cache."""
    source = plan.folder / "source"
    write_random(source, plan.size)
    ours, theirs = [], []
    with run_nginx(plan.folder / "nginx") as nginx, run_cairn(plan.folder / "cairn") as server:
        device = log_in(server, plan.folder / "home")
        device.put(source, "/large")
        nginx.put(source, "large")
        target = plan.folder / "target"
        device.get_content("/large", str(target))
        compare(source, target)
        nginx.get("large", str(target))
        compare(source, target)
        target.unlink()
        sync(plan.folder)

        def get_ours(_: int) -> None:
            ours.append(rate(plan.size, lambda: device.get_content("/large")))

        def get_theirs(_: int) -> None:
            theirs.append(rate(plan.size, lambda: nginx.get("large")))

        for number in range(plan.rounds):
            for get in in_turns(number, (get_ours, get_theirs)):
                get(number)
    name = f"GET content of {plan.size // MIB:,} MiB"
    return [Result(name, "MiB/s", ours, theirs, goal="ratio at least 0.8")]


def measure_files(plan: Plan) -> list[Result]:
    """Send many small files: `cairn put -r` beside one curl with eight connections, then a sync."""
    source = plan.folder / "tree"
    ours, theirs = [], []
    with run_nginx(plan.folder / "nginx") as nginx, run_cairn(plan.folder / "cairn") as server:
        device = log_in(server, plan.folder / "home")

        def put_ours(number: int) -> None:
            ours.append(plan.files / timed(lambda: device.put_tree(source, f"/tree-{number}")))

        def put_theirs(number: int) -> None:
            theirs.append(plan.files / timed(lambda: nginx.put_tree(source, f"tree-{number}")))
            nginx.forget(f"tree-{number}")

        for number in range(plan.rounds):
            write_tree(source, files=plan.files, size=_SMALL)
            for put in in_turns(number, (put_ours, put_theirs)):
                sync(plan.folder)
                put(number)
            shutil.rmtree(source)
    goal = "at least 2,500 files/s, aim 5,000"
    note = "Cairn's files are each durable when acknowledged, nginx's after one sync at the end"
    return [Result(f"put -r {plan.files:,} files of 4 KiB", "files/s", ours, theirs, goal=goal, note=note)]


def measure_batch(plan: Plan) -> list[Result]:
    """Count what one commit of many uploads costs: barriers of the store, and transactions."""
    count = count_batch(plan.folder, files=min(plan.files, 1000))
    name = f"commit of a batch of {count.files:,} files"
    return [
        Result(f"{name}: barriers", "", [count.barriers], goal="at most 1"),
        Result(f"{name}: metadata commits", "", [count.commits], goal="at most 1"),
        Result(f"{name}: time", "ms", [count.passed_ms]),
    ]


def measure_memory(plan: Plan) -> list[Result]:
    """Watch the server's memory: after its start, and while big files go up and down and small ones go up."""
    names = ("sent", "fetched")
    for name in names:
        write_random(plan.folder / name, plan.big)
    write_tree(plan.folder / "tree", files=plan.files, size=_SMALL)
    with run_cairn(plan.folder / "cairn") as server:
        begun = server.memory_mib("VmRSS")
        device = log_in(server, plan.folder / "home")
        device.put(plan.folder / "fetched", "/fetched")
        _together(
            lambda: device.put(plan.folder / "sent", "/sent"),
            lambda: device.get_content("/fetched"),
            lambda: device.put_tree(plan.folder / "tree", "/tree"),
        )
        peak = server.memory_mib("VmHWM")
    load = f"{plan.big // MIB:,} MiB up, as much down and {plan.files:,} files up at once"
    return [
        Result("memory of the server after start", "MiB", [begun], goal="at most 90 MiB"),
        Result("memory of the server, peak", "MiB", [peak], goal="at most 200 MiB", note=load),
    ]


def measure_start(plan: Plan) -> list[Result]:
    """Time the way from the call of `cairn serve` on an empty folder to the first good answer of /readyz."""

    def start_ms(number: int) -> float:
        begun = time.perf_counter()
        with run_cairn(plan.folder / f"cairn-{number}", admin=False):
            return (time.perf_counter() - begun) * 1000

    samples = [start_ms(number) for number in range(plan.rounds)]
    return [Result("start on an empty folder until /readyz", "ms", samples, goal="under 1,000 ms")]


def measure_an_account(plan: Plan) -> list[Result]:
    """Time what a device asks for at an account of many nodes, beside the same at one of 1,000."""
    return measure_account(plan.folder, nodes=plan.nodes, samples=plan.rounds * _STEPS_A_ROUND)


def measure_sync(plan: Plan) -> list[Result]:
    """Time what two devices feel that keep a folder in step, beside two nodes of Syncthing."""
    rounds = min(plan.rounds, _SYNC_ROUNDS)
    return measure_keeping(plan.folder, files=plan.files, size=plan.size, rounds=rounds)


def measure_the_dav_door(plan: Plan) -> list[Result]:
    """Measure WebDAV beside nginx, rclone and wsgidav."""
    files = min(plan.files, _DAV_FILES)
    return measure_webdav(plan.folder, size=plan.size, files=files, rounds=plan.rounds)


MEASURES: dict[str, Callable[[Plan], list[Result]]] = {
    "machine": measure_machine,
    "start": measure_start,
    "put": measure_put,
    "get": measure_get,
    "files": measure_files,
    "batch": measure_batch,
    "memory": measure_memory,
    "account": measure_an_account,
    "sync": measure_sync,
    "webdav": measure_the_dav_door,
}


def _together(*acts: Callable[[], None]) -> None:
    """Do all at once, each to its end; raise what any of them raised."""
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()
