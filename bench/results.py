"""Owns what a measurement gives: samples of one quantity, for Cairn and for what it is compared with."""

import re
import statistics
from dataclasses import dataclass, field
from typing import Any

_TABLE = re.compile(r"(?<=<!-- bench begins -->\n).*(?=<!-- bench ends -->)", re.DOTALL)


@dataclass(frozen=True)
class Result:
    """One row of the table: samples in the order in which they were taken, pairs side by side.

    Attributes:
        name: what was measured.
        unit: of every sample.
        samples: Cairn's, or the machine's where it is a limit.
        peer: that of what it stands beside, one for each of ours; empty where there is nothing to compare.
        goal: what the issue asked for, in words.
        note: what one should know to read the figure.
    """

    name: str
    unit: str
    samples: list[float]
    peer: list[float] = field(default_factory=list)
    goal: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one of our samples."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """The middle one of the ratios of each pair: above 1, Cairn is faster."""
        pairs = zip(self.samples, self.peer, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs) if self.peer else None

    def as_json(self) -> dict[str, Any]:
        """Give the row with all its samples, for programs."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "samples": self.samples,
            "peer": self.peer,
            "ratio": self.ratio,
            "goal": self.goal,
            "note": self.note,
        }


def table(results: list[Result]) -> str:
    """Render the rows as a Markdown table, which reads well on a terminal too."""
    head = ("measured", "median", "lowest to highest", "peer, median", "ratio of pairs", "goal")
    rows = [head, *(_cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines) + "\n"


def notes(results: list[Result]) -> str:
    """Render what is to be said about single rows, one line each."""
    return "".join(f"- {result.name}: {result.note}\n" for result in results if result.note)


def put_into(page: str, report: str) -> str:
    """Return a page with `report` in the place that its two comments mark."""
    return _TABLE.sub(lambda _: report, page)


def _cells(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        f"{_number(result.median)} {result.unit}".strip(),
        f"{_number(min(result.samples))} to {_number(max(result.samples))}" if len(result.samples) > 1 else "",
        f"{_number(statistics.median(result.peer))} {result.unit}" if result.peer else "",
        f"{result.ratio:.2f}" if result.ratio is not None else "",
        result.goal,
    )


def _number(value: float) -> str:
    """Three digits that count, and all of a larger whole part."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004
