"""cairn select: which folders of the server this device leaves out."""

from collections.abc import Sequence

import msgspec

from client.cli.common import Parser, logged_in, note, print_json, printable
from client.cli.root import find_root, reload, split_words
from client.errors import UsageError
from client.names import parse_remote
from client.protocol import File
from client.remote import Remote
from client.sync.device.roots import other_account
from client.sync.settings import Settings

ACTIONS = ("list", "leave", "take")
_MOST_LEVELS = 256


def run(arguments: Sequence[str]) -> int:
    """List, leave out or take in folders."""
    parser = Parser(
        "select",
        "List the folders of the server that this device leaves out, `leave` out more, or `take` some in again. What "
        "is left out stays at the server; here its files go, but for those that the server does not hold as they are.",
    )
    parser.add_argument("words", metavar="[DIR] list|leave|take PATH", nargs="*", help="a path at the server")
    options = parser.parse_args(arguments)

    folder, action, entries = split_words(options.words, ACTIONS)
    if (action == "list") != (not entries):
        raise UsageError("leave and take need paths at the server, and list takes none.")
    root = find_root(folder)
    paths = [parse_remote(entry) for entry in entries]
    with logged_in() as (remote, login):
        settings = root.settings
        refusal = other_account(settings, login.server, login.username)
        if refusal is not None:
            raise refusal
        if action != "list":
            ids = _ids(remote, settings, paths, leaves=action == "leave")
            chosen = _left if action == "leave" else _taken
            settings = root.change(lambda now: msgspec.structs.replace(now, excluded=chosen(now.excluded, ids)))
            if not reload(root):
                note("It is done by the next `cairn sync`.", quiet=options.quiet)
        listed = {file_id: remote.find_by_id(file_id) for file_id in settings.excluded}
    if options.json:
        print_json([{"file_id": file_id, "path": file and file.path} for file_id, file in listed.items()])
    elif action == "list":
        for file_id, file in listed.items():
            print(printable(file.path) if file is not None else f"{file_id} (not at the server any more)")
    return 0


def _ids(remote: Remote, settings: Settings, paths: Sequence[str], *, leaves: bool) -> list[str]:
    ids = []
    for path in paths:
        file = remote.get_file(path)
        if file.kind != "folder":
            raise UsageError(f"{path} is a file: folders are left out or taken, `cairn ignore` leaves out by name.")
        if leaves and not _is_below(remote, file, settings):
            raise UsageError(f"{path} is not in {settings.remote}, with which {settings.root} is in step.")
        if not leaves and file.file_id not in settings.excluded:
            raise UsageError(f"{path} is not left out here: `cairn select` lists what is.")
        ids.append(file.file_id)
    return ids


def _is_below(remote: Remote, file: File, settings: Settings) -> bool:
    """Tell whether a folder is below the one that the root stands for, wherever that is by now."""
    above: File | None = file
    for _ in range(_MOST_LEVELS):
        if above is None or above.parent_id is None:
            return False
        if above.parent_id == settings.remote_id:
            return True
        above = remote.find_by_id(above.parent_id)
    return False


def _left(excluded: Sequence[str], ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*excluded, *ids)))


def _taken(excluded: Sequence[str], ids: Sequence[str]) -> list[str]:
    return [file_id for file_id in excluded if file_id not in ids]
