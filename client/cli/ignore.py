"""cairn ignore: what this device leaves out by name."""

from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, note, print_json, printable
from client.cli.root import find_root, reload, split_words
from client.errors import UsageError
from client.sync.settings import Settings

ACTIONS = ("list", "add", "remove")


def run(arguments: Sequence[str]) -> int:
    """List, add or remove patterns of this device."""
    parser = Parser(
        "ignore",
        "List, add or remove patterns of names that this device leaves out of sync; they are written as in .gitignore."
        " For all devices at once write them into the file .cairnignore at the top of the folder. What is left out "
        "stays where it is, on both sides.",
    )
    parser.add_argument("words", metavar="[DIR] list|add|remove PATTERN", nargs="*", help="list if left out")
    options = parser.parse_args(arguments)

    folder, action, patterns = split_words(options.words, ACTIONS)
    if (action == "list") != (not patterns):
        raise UsageError("add and remove take patterns, and list takes none.")
    root = find_root(folder)
    settings = root.settings
    if action != "list":
        change = _added if action == "add" else _removed
        settings = root.change(lambda now: msgspec.structs.replace(now, ignore=change(now, patterns)))
        if not reload(root):
            note("It counts from the next `cairn sync` on.", quiet=options.quiet)
    if options.json:
        print_json(settings.ignore)
    elif action == "list":
        for pattern in settings.ignore:
            print(printable(pattern))
    return 0


def _added(settings: Settings, patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if not pattern.strip() or not pattern.isprintable():
            raise UsageError(f"{pattern!r} is no pattern: write one as in .gitignore.")
    return [*settings.ignore, *(pattern for pattern in dict.fromkeys(patterns) if pattern not in settings.ignore)]


def _removed(settings: Settings, patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if pattern not in settings.ignore:
            raise UsageError(f"{pattern!r} is not on the list of this device: `cairn ignore` shows it.")
    return [pattern for pattern in settings.ignore if pattern not in patterns]
