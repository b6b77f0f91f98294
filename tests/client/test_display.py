"""How a transfer is shown."""

import pytest

from client.display import duration_text, progress_line, size_text
from client.errors import ConflictError, LocalFileError
from client.progress import KEPT_FAILURES, Counts, Progress


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (2**50, "1024.0 TiB"),
    ],
)
def test_sizes_are_told_in_the_unit_that_suits_them(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599, "59:59"), (90_061, "25:01:01")])
def test_time_left_is_told_in_hours_minutes_and_seconds(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_line_tells_what_is_done_the_rate_and_the_time_left() -> None:
    counts = Counts(found_files=1200, found_bytes=3 * 1024**3, found_all=True, done_files=7, done_bytes=1024**3)

    line = progress_line("Sending", counts, 64 * 1024**2)

    assert line == "Sending 7 of 1,200 files, 1.0 GiB of 3.0 GiB, 64.0 MiB/s, 0:32 left"


def test_no_time_is_told_while_there_may_be_more_to_find() -> None:
    assert progress_line("Sending", Counts(found_bytes=5, done_bytes=1), 1.0).endswith("1 B/s")


def test_no_time_is_told_while_nothing_moves() -> None:
    assert progress_line("Sending", Counts(found_bytes=5, found_all=True), 0.0).endswith("0 B/s")


def test_a_failure_is_said_at_once_and_failures_of_one_kind_end_with_its_code() -> None:
    said: list[str] = []
    progress = Progress(said.append)

    progress.failed("/a", ConflictError("taken"))
    assert (said, progress.exit_code) == (["cairn: /a: taken"], 4)

    progress.failed("/b", LocalFileError("/b: gone"))
    assert (said[1:], progress.exit_code) == (["cairn: /b: gone"], 1)


def test_memory_for_failures_is_bounded() -> None:
    progress = Progress(lambda _: None)

    for number in range(KEPT_FAILURES + 5):
        progress.failed(f"/{number}", LocalFileError("no"))

    assert len(progress.failures) == KEPT_FAILURES
    assert progress.snapshot().failed == KEPT_FAILURES + 5
