"""cairn status: whether a folder is in step, what is missing, and what is in the way."""

import shutil
import sys
import time
from collections.abc import Callable, Sequence

from client.cli.common import Parser
from client.cli.root import device_roots, find_root, status_of
from client.errors import UsageError
from client.sync.device.roots import Root
from client.sync.screen import render
from client.sync.status import encode, report

EVERY_S = 1.0
_CLEAR = "\x1b[H\x1b[2J"


def run(arguments: Sequence[str]) -> int:
    """Print the status of one folder, or of all, once or again and again."""
    parser = Parser(
        "status",
        "Tell whether a folder is in step with the server, what is under way, what is not yet safe there, and what is "
        "in the way. Without a folder: the one that the current folder is in, else all.",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", help="a folder that is kept in step")
    parser.add_argument("--watch", action="store_true", help="go on until interrupted, each time something changes")
    options = parser.parse_args(arguments)

    roots = _roots(options.folder)
    text = _as_json if options.json else _as_screen
    if not options.watch:
        print(text(roots))
        return 0
    try:
        _watch(lambda: text(roots), clears=sys.stdout.isatty() and not options.json)
    except KeyboardInterrupt:
        return 0
    raise AssertionError("this has no end")


def _roots(folder: str | None) -> Sequence[Root]:
    try:
        return [find_root(folder)]
    except UsageError:
        roots = device_roots().list()
        if folder is None and roots:
            return roots
        raise


def _as_screen(roots: Sequence[Root]) -> str:
    width = shutil.get_terminal_size((100, 24)).columns
    return "\n\n".join(render(status_of(root), width, time.time_ns() // 1_000_000) for root in roots)


def _as_json(roots: Sequence[Root]) -> str:
    """Return an object a line."""
    return "\n".join(encode(report(status_of(root))).decode() for root in roots)


def _watch(text: Callable[[], str], *, clears: bool) -> None:
    before = ""
    while True:
        now = text()
        if now != before:
            print(f"{_CLEAR}{now}" if clears else now, flush=True)
        before = now
        time.sleep(EVERY_S)
