"""Counts what the server does, for Prometheus: numbers about the whole, with no name, no id and no address in them."""

import hmac
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.config import SettingsError
from app.errors import NotFoundError, UnauthenticatedError

LEAST_TOKEN = 32
KIB = 1024
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number as it is now."""

    name: str
    about: str
    read: Callable[[], float]


class Metrics:
    """What was counted since the start, and who may see it.

    The number of lines is bounded by the route table: a path or method that no route has is counted as `-`.
    """

    def __init__(self, gauges: Iterable[Gauge], *, token: str, is_open: bool) -> None:
        """Begin at nought.

        Args:
            gauges: numbers that others keep; read when somebody asks.
            token: what a reader must present; empty if there is none.
            is_open: everybody may see them.
        """
        self._gauges = (*gauges, *_of_process())
        self._token = token.encode()
        self._is_open = is_open
        self._received = 0
        self._requests: defaultdict[Labels, int] = defaultdict(int)
        self._seconds: defaultdict[Labels, float] = defaultdict(float)

    def count(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Note a request that was answered; `route` is its line of the route table, None where it has none."""
        place = (("method", method if route else "-"), ("route", route or "-"))
        self._requests[(*place, ("status", f"{status // 100}xx"))] += 1
        self._seconds[place] += seconds

    def receive(self, size: int) -> None:
        """Note bytes of a request's body that came in."""
        self._received += size

    def require(self, token: str | None) -> None:
        """Refuse whoever may not see them.

        Raises:
            NotFoundError: nobody may; the answer is that of a path without a route.
            UnauthenticatedError: the token is missing or wrong.
        """
        if self._is_open:
            return
        if not self._token:
            raise NotFoundError("There is nothing here.")
        if not hmac.compare_digest(self._token, (token or "").encode(errors="surrogateescape")):
            raise UnauthenticatedError("The metrics need the header 'Authorization: Bearer TOKEN'.")

    def text(self) -> str:
        """Return all in the text format of Prometheus, version 0.0.4."""
        lines: list[str] = []
        for gauge in self._gauges:
            lines += _family(gauge.name, gauge.about, {(): gauge.read()})
        lines += _family("cairn_received_bytes_total", "Bytes of bodies that came in.", {(): self._received})
        lines += _family("cairn_requests_total", "Requests that were answered.", self._requests)
        lines += _family("cairn_request_seconds_total", "Time until they were answered, waits included.", self._seconds)
        return "\n".join(lines) + "\n"


def read_token(path: str) -> str:
    """Return the token in the file at `path`; the empty one for no path.

    Raises:
        SettingsError: the file cannot be read, or what it holds could be guessed.
    """
    if not path:
        return ""
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"metrics.token_file: {path} cannot be read as text.") from error
    if len(token) < LEAST_TOKEN:
        raise SettingsError(f"metrics.token_file: {path} must hold at least {LEAST_TOKEN} random characters.")
    return token


def _family(name: str, about: str, values: Mapping[Labels, float]) -> Iterator[str]:
    kind = "counter" if name.endswith("_total") else "gauge"
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"
    for labels, value in sorted(values.items()):
        inside = ",".join(f'{label}="{text}"' for label, text in labels)
        yield f"{name}{{{inside}}} {value:.17g}" if inside else f"{name} {value:.17g}"


def _of_process() -> tuple[Gauge, ...]:
    begun_s = time.time()
    return (
        Gauge("process_start_time_seconds", "When the server started, Unix time.", lambda: begun_s),
        Gauge("process_cpu_seconds_total", "Processor time that the server used.", time.process_time),
        Gauge("process_resident_memory_bytes", "Memory that the server holds.", _memory),
        Gauge("process_open_fds", "Descriptors that the server has open.", _descriptors),
    )


def _memory() -> float:
    """Return the resident bytes; where the system does not tell, the most that there were."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * KIB


def _descriptors() -> float:
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 - names are enough; one is this very look
    except OSError:
        return float("nan")
