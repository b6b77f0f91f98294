"""cairn service: let the system keep a folder in step from login on."""

import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from client.cli.common import Parser, device_home, note, print_json
from client.cli.root import find_root, split_words
from client.cli.units import Kind, Unit, make_unit, shell_line
from client.errors import ClientError, LocalFileError, UsageError

ACTIONS = ("install", "uninstall", "show")


def run(arguments: Sequence[str]) -> int:
    """Install, uninstall or show what starts the sync of a folder."""
    parser = Parser(
        "service",
        "Let the system keep a folder in step from login on: `install` writes what it needs to know and starts it, "
        "`uninstall` ends and removes that, `show` prints it.",
    )
    parser.add_argument("words", metavar="[DIR] install|uninstall|show", nargs="*")
    parser.add_argument("--for", dest="kind", choices=get_args(Kind), help="another system than this one; with show")
    options = parser.parse_args(arguments)

    folder, action, rest = split_words(options.words, ACTIONS)
    if rest or (options.kind is not None and action != "show"):
        raise UsageError(f"{action} takes nothing more; a folder stands before it, and --for goes with show.")
    root = find_root(folder)
    home = device_home().folder.absolute()
    kind = options.kind or _kind_here()
    unit = make_unit(kind, root.id, root.settings.root, home=home, state=root.state.absolute(), places=_places(kind))
    if action == "show":
        if options.json:
            print_json({"path": str(unit.path), "content": unit.content})
        else:
            print(unit.content, end="")
    else:
        left = _install(unit) if action == "install" else _uninstall(unit)
        _tell(unit, left, installed=action == "install", options=options)
    return 0


def _tell(unit: Unit, left: Sequence[str], *, installed: bool, options: Namespace) -> None:
    if options.json:
        print_json({"path": str(unit.path), "installed": installed, "to_run": left})
    elif not options.quiet:
        print(f"{'Wrote' if installed else 'Removed'} {unit.path}.")
        if unit.kind == "systemd" and installed:
            print("It runs while you are logged in; with `loginctl enable-linger` it runs always.")
    if left:
        note(f"The system was not told: run {' and '.join(f'`{line}`' for line in left)}.", quiet=options.quiet)


def _kind_here() -> Kind:
    return "launchd" if sys.platform == "darwin" else "windows" if sys.platform == "win32" else "systemd"


def _places(kind: Kind) -> Path:
    """Return where this user's units lie (systemd.unit(5), launchd.plist(5))."""
    if kind == "launchd":
        return Path.home() / "Library" / "LaunchAgents"
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd" / "user"


def _install(unit: Unit) -> list[str]:
    """Write the file and let the system take it up; return what is left for the person to run."""
    try:
        unit.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = unit.path.with_name(f".{unit.path.name}.new")
        temporary.write_text(unit.content, "utf-8")
        temporary.replace(unit.path)
    except OSError as error:
        raise LocalFileError(f"{unit.path} cannot be written: {error.strerror}.") from error
    return _run(unit.take_up)


def _uninstall(unit: Unit) -> list[str]:
    if not unit.path.exists():
        raise ClientError(f"{unit.path} is not there: nothing is installed for this folder.")
    left = _run(unit.let_go)
    try:
        unit.path.unlink(missing_ok=True)
    except OSError as error:
        raise LocalFileError(f"{unit.path} cannot be removed: {error.strerror}.") from error
    return left


def _run(commands: Sequence[Sequence[str]]) -> list[str]:
    """Run commands of the system one after the other; return those from the first that cannot be run, or fails, on."""
    for number, command in enumerate(commands):
        program = shutil.which(command[0])
        if program is None or subprocess.run([program, *command[1:]], capture_output=True, check=False).returncode:  # noqa: S603 -- fixed commands with names of ours
            return [shell_line(command) for command in commands[number:]]
    return []
