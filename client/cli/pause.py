"""cairn pause: let a folder rest."""

from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, print_json
from client.cli.root import find_root, reload


def run(arguments: Sequence[str]) -> int:
    """Let the sync of a folder rest, until `cairn resume`."""
    return set_paused("pause", arguments, paused=True)


def set_paused(command: str, arguments: Sequence[str], *, paused: bool) -> int:
    """Run `pause` or `resume`."""
    parser = Parser(
        command,
        "Let the sync of a folder rest: what is under way ends, nothing new begins, until `cairn resume`."
        if paused
        else "Let a paused folder go on: it is looked through, and what was missed is done.",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", help="a folder that is kept in step")
    options = parser.parse_args(arguments)

    root = find_root(options.folder)
    settings = root.change(lambda now: msgspec.structs.replace(now, paused=paused))
    running = reload(root)
    if options.json:
        print_json({"root": settings.root, "paused": paused, "running": running})
    elif not options.quiet:
        end = "" if running else f" No process keeps it in step now: `cairn sync {settings.root}` starts one."
        print(f"{settings.root} {'is paused' if paused else 'goes on'}.{end}")
    return 0
