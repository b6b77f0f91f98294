"""cairn damaged: files whose bytes changed here though nobody wrote to them."""

from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, printable
from client.cli.root import find_root, reload, split_words, status_of
from client.errors import ClientError, UsageError
from client.sync.status import encode

ACTIONS = ("list", "fetch")
_CODE = "decayed"


def run(arguments: Sequence[str]) -> int:
    """List them, or have the server's versions put in their place."""
    parser = Parser(
        "damaged",
        "List files whose bytes changed here though no program wrote to them, as on a failing disk; they are never "
        "sent. `fetch` puts what the server has in their place, and lets go of what is here. If what is here is right, "
        "give that file a new time (`touch`): then it is sent.",
    )
    parser.add_argument("words", metavar="[DIR] list|fetch", nargs="*", help="list if left out")
    options = parser.parse_args(arguments)

    folder, action, rest = split_words(options.words, ACTIONS)
    if rest:
        raise UsageError(f"{action} takes nothing more: it means all that `cairn damaged` lists.")
    root = find_root(folder)
    found = [problem.path for problem in status_of(root).problems if problem.code == _CODE]
    if action == "fetch":
        if not found:
            raise ClientError("Nothing is known to be damaged: `cairn status` tells how things are.")
        root.change(lambda now: msgspec.structs.replace(now, fetch_decayed=True))
        running = reload(root)
        if not options.quiet and not options.json:
            print(f"What the server has is put in their place{'' if running else ' with the next `cairn sync`'}.")
    if options.json:
        print(encode(found).decode())
    elif action == "list":
        for path in found:
            print(printable(path))
        if not found and not options.quiet:
            print("Nothing is known to be damaged.")
    return 0
