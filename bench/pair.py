"""Runs two devices of one account that keep a folder in step by `cairn sync`, and the server between them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cairn import CAIRN, Device, log_in, run_cairn
from bench.programs import NotStartedError

_START_S = 30


@dataclass(frozen=True)
class Pair:
    """Two folders that are kept in step, and the processes that do it."""

    one: Path
    other: Path
    processes: tuple[subprocess.Popen[bytes], ...]

    def cpu_s(self) -> float:
        """Give the processor time of both devices so far."""
        return sum(_cpu_s(process.pid) for process in self.processes)


@contextmanager
def run_pair(folder: Path) -> Iterator[Pair]:
    """Start server and devices, and end them afterwards."""
    with ExitStack() as stack:
        server = stack.enter_context(run_cairn(folder / "cairn"))
        folders, processes = [], []
        for name in ("one", "other"):
            device = log_in(server, folder / name / "home")
            shared = folder / name / "files"
            shared.mkdir(parents=True)
            folders.append(shared)
            processes.append(stack.enter_context(_syncing(device, shared, folder / name / "log")))
        yield Pair(folders[0], folders[1], tuple(processes))


@contextmanager
def _syncing(device: Device, folder: Path, log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log_path.open("wb") as log:
        process = subprocess.Popen([CAIRN, "sync", folder], env=device.environ, stdout=log, stderr=log)
    try:
        _wait_until_in_step(device, folder, process, log_path)
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_until_in_step(device: Device, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + _START_S
    while time.monotonic() < limit and process.poll() is None:
        asked = subprocess.run(
            [CAIRN, "status", folder, "--json"], env=device.environ, capture_output=True, text=True, check=False
        )
        if '"in_step"' in asked.stdout:
            return
    raise NotStartedError(f"cairn sync did not come in step: {log.read_text('utf-8', 'replace')}")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime (proc(5))
