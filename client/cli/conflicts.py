"""cairn conflicts: files that were changed in two places at once, of which both are kept until a person chooses."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path as LocalPath
from typing import cast, get_args

from client.cli.common import Parser, print_json, printable, time_text
from client.cli.root import device_roots, find_root, split_words
from client.errors import ClientError, LocalFileError, UsageError
from client.sync.conflicts import Choice, Conflict, find_conflicts, resolve
from client.sync.device.disk import DiskFs
from client.sync.device.roots import Root
from client.sync.device.system_clock import SystemChance
from client.sync.model import Path
from client.sync.seams.files import Fs, FsError, Trouble
from client.sync.status import encode

ACTIONS = ("list", *get_args(Choice))


def run(arguments: Sequence[str]) -> int:
    """List conflict copies, or resolve some."""
    parser = Parser(
        "conflicts",
        "List files of which a conflict copy lies beside, since they were changed in two places at once. `mine PATH` "
        "keeps the content of the copy, `theirs PATH` that of the file that has the plain name, `both PATH` gives the "
        "copy a plain name of its own. What is not kept goes to .cairn/trash in the folder.",
    )
    parser.add_argument("words", metavar="[DIR] list | mine|theirs|both PATH", nargs="*", help="list if left out")
    options = parser.parse_args(arguments)

    folder, action, entries = split_words(options.words, ACTIONS)
    if (action == "list") != (not entries):
        raise UsageError("mine, theirs and both take the path of a file here, and list takes none.")
    if action == "list":
        _list(find_root(folder), as_json=options.json, quiet=options.quiet)
        return 0
    done = [_resolve(entry, cast("Choice", action)) for entry in entries]
    if options.json:
        print_json([{"path": path} for path in done])
    elif not options.quiet:
        for path in done:
            print(f"Kept {printable(path)}.")
    return 0


@contextmanager
def _files(root: Root) -> Iterator[Fs]:
    """Give the files of a root; what the disk refuses is told in a sentence."""
    try:
        fs = DiskFs(root.settings.root)
        try:
            yield fs
        finally:
            fs.close()
    except FsError as error:
        why = (
            "something stands there already" if error.trouble is Trouble.EXISTS else error.reason or error.trouble.value
        )
        raise LocalFileError(f"{'/'.join(error.path) or root.settings.root}: {why}.") from error


def _list(root: Root, *, as_json: bool, quiet: bool) -> None:
    with _files(root) as fs:
        found = list(find_conflicts(fs))
    if as_json:
        print(encode([_as_json(conflict) for conflict in found]).decode())
        return
    for conflict in found:
        print(f"{time_text(conflict.copy_stat.mtime_ms)} {conflict.copy_stat.size:>15,}  {_shown(conflict.copy)}")
        plain = conflict.plain_stat
        if plain is None:
            print(f"{'(gone)':>16} {'':>15}  {_shown(conflict.plain)}")
        else:
            print(f"{time_text(plain.mtime_ms)} {plain.size:>15,}  {_shown(conflict.plain)}")
    if not found and not quiet:
        print("There are no conflict copies.")


def _as_json(conflict: Conflict) -> dict[str, object]:
    plain = conflict.plain_stat
    return {
        "copy": "/".join(conflict.copy),
        "copy_size": conflict.copy_stat.size,
        "copy_mtime_ms": conflict.copy_stat.mtime_ms,
        "path": "/".join(conflict.plain),
        "size": None if plain is None else plain.size,
        "mtime_ms": None if plain is None else plain.mtime_ms,
    }


def _resolve(entry: str, choice: Choice) -> str:
    """Resolve the conflict that a path here names, by the copy or by the plain file; return what is kept where."""
    given = LocalPath(entry)
    real = LocalPath(os.path.realpath(given.parent)) / given.name
    root = device_roots().find_around(real.parent)
    if root is None:
        raise UsageError(f"{entry} is in no folder that is kept in step.")
    path: Path = real.relative_to(root.settings.root).parts
    with _files(root) as fs:
        conflict = _conflict_at(fs, path, entry)
        kept = resolve(fs, conflict, choice, day=time.strftime("%Y-%m-%d"), chance=SystemChance())
    return "/".join(kept)


def _conflict_at(fs: Fs, path: Path, entry: str) -> Conflict:
    beside = [found for found in find_conflicts(fs, path[:-1]) if path in (found.copy, found.plain)]
    if not beside:
        raise ClientError(f"{entry} has no conflict copy: `cairn conflicts` lists them.")
    if len(beside) > 1:
        raise UsageError(f"{entry} has several conflict copies: name one of them, as `cairn conflicts` lists them.")
    return beside[0]


def _shown(path: Path) -> str:
    return printable("/".join(path).encode("utf-8", "backslashreplace").decode())
