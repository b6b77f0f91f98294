"""Shows how a transfer goes: a bar on a terminal, a line now and then elsewhere, nothing if asked."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from client.progress import Counts, Progress

LINE_EVERY_S = 10.0
BAR_EVERY_S = 0.1
_STEP = 1024


@contextmanager
def showing(verb: str, *, quiet: bool) -> Iterator[Progress]:
    """Give a Progress whose state shows on standard error until the block ends."""
    if not quiet and sys.stderr.isatty():
        with _bar(verb) as progress:
            yield progress
        return
    progress = Progress(say=_print_error)
    if quiet:
        yield progress
        return
    with _ticking(LINE_EVERY_S, _Lines(verb, progress).show):
        yield progress


@contextmanager
def _bar(verb: str) -> Iterator[Progress]:
    from rich.console import Console  # noqa: PLC0415 -- a command without a terminal starts sooner
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, refresh_per_second=1 / BAR_EVERY_S) as bar:
        progress = Progress(say=lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True))
        task = bar.add_task(verb)

        def show() -> None:
            counts = progress.snapshot()
            files = f"{verb} {counts.done_files:,} of {counts.found_files:,} files"
            total = counts.found_bytes if counts.found_all else None
            bar.update(task, description=files, completed=counts.done_bytes, total=total)

        with _ticking(BAR_EVERY_S, show):
            yield progress


class _Lines:
    """The state as a line of text, with the rate since the line before."""

    def __init__(self, verb: str, progress: Progress) -> None:
        self._verb = verb
        self._progress = progress
        self._before_s = time.monotonic()
        self._before_bytes = 0

    def show(self) -> None:
        counts = self._progress.snapshot()
        now_s = time.monotonic()
        rate = (counts.done_bytes - self._before_bytes) / max(now_s - self._before_s, 0.001)
        self._before_s, self._before_bytes = now_s, counts.done_bytes
        _print_error(progress_line(self._verb, counts, rate))


def progress_line(verb: str, counts: Counts, rate: float) -> str:
    """Return the state in words; `rate` is in bytes a second."""
    line = (
        f"{verb} {counts.done_files:,} of {counts.found_files:,} files, "
        f"{size_text(counts.done_bytes)} of {size_text(counts.found_bytes)}, {size_text(int(rate))}/s"
    )
    left = counts.found_bytes - counts.done_bytes
    if not counts.found_all or rate <= 0 or left <= 0:
        return line
    return f"{line}, {duration_text(left / rate)} left"


def size_text(size: int) -> str:
    """Return a number of bytes as a person reads it: 1.5 GiB."""
    number = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < _STEP:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= _STEP
    return f"{number:.1f} TiB"


def duration_text(seconds: float) -> str:
    """Return a time span as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def _ticking(every_s: float, show: Callable[[], None]) -> Iterator[None]:
    """Call `show` at intervals from a thread of its own until the block ends."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(every_s):
            show()

    thread = threading.Thread(target=tick, name="display", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _print_error(text: str) -> None:
    sys.stderr.write(text + "\n")
