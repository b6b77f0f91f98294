"""cairn held: deletes that are too many to be believed without asking."""

from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, printable
from client.cli.root import find_root, reload, split_words, status_of
from client.errors import ClientError, UsageError
from client.sync.device.roots import Root
from client.sync.known import Confirmed, Held
from client.sync.status import encode

ACTIONS = ("list", "confirm", "refuse")
_SIDES = {
    "there": "they are gone here, and would go at the server: refuse fetches them again",
    "here": "they are gone at the server, and would go here: refuse sends them again",
}


def run(arguments: Sequence[str]) -> int:
    """List what is held, let it go on, or bring the files back."""
    parser = Parser(
        "held",
        "List deletes that wait for you, since there are so many at once; nothing of them is done before you say so. "
        "`confirm` lets those go on that are shown now, `refuse` brings the files back on the side that they are gone "
        "from.",
    )
    parser.add_argument("words", metavar="[DIR] list|confirm|refuse", nargs="*", help="list if left out")
    options = parser.parse_args(arguments)

    folder, action, rest = split_words(options.words, ACTIONS)
    if rest:
        raise UsageError(f"{action} takes nothing more: it means all that `cairn held` lists.")
    root = find_root(folder)
    held = status_of(root).held
    if action != "list":
        _decide(root, held, confirms=action == "confirm", quiet=options.quiet or options.json)
    if options.json:
        print(encode(held).decode())
    elif action == "list":
        for hold in held:
            _print(hold)
        if not held and not options.quiet:
            print("Nothing is held.")
    return 0


def _decide(root: Root, held: Sequence[Held], *, confirms: bool, quiet: bool) -> None:
    if not held:
        raise ClientError("Nothing is held: `cairn status` tells how things are.")
    shown = [Confirmed(hold.reason, hold.side, hold.files) for hold in held]
    root.change(
        lambda now: msgspec.structs.replace(now, may_delete=shown if confirms else None, bring_back=not confirms)
    )
    running = reload(root)
    if not quiet:
        number = sum(hold.files for hold in held)
        done = f"What was shown goes on, up to {number:,} files" if confirms else "The files come back"
        print(f"{done}{'' if running else ' with the next `cairn sync`'}.")


def _print(hold: Held) -> None:
    what = "Deletes" if hold.reason == "held_deletes" else "Files that became empty"
    print(f"{what}: {hold.files:,} of {hold.tracked:,} files; {_SIDES.get(hold.side, hold.side)}.")
    for path in hold.examples:
        print(f"  {printable(path)}")
    if len(hold.examples) < hold.files:
        print("  …")
