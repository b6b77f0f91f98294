"""What starts a sync at login, for each kind of system: a systemd unit, a launchd agent, a Windows task."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from client.errors import UsageError

Kind = Literal["systemd", "launchd", "windows"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A file that makes the system start a sync, and the commands that take it up and let it go."""

    kind: Kind
    path: Path
    content: str
    take_up: list[list[str]]
    let_go: list[list[str]]


def program() -> list[str]:
    """Return how `cairn` is called on this machine: its script beside this Python, else the package by name."""
    script = Path(sys.executable).with_name("cairn")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "client"]


def make_unit(kind: Kind, root_id: str, folder: str, *, home: Path, state: Path, places: Path) -> Unit:
    """Return what starts the sync of a root at login.

    Args:
        kind: of system.
        root_id: names it.
        folder: of the root.
        home: $CAIRN_HOME.
        state: the state folder of the root, in which the sync is started, and where a Windows task's file is put.
        places: this user's folder that the system looks for units in, for the other kinds.
    """
    command = [*program(), "sync", folder]
    directory = str(Path(__file__).parents[2] if "-m" in command[:-2] else state)  # `-m client` looks for it there
    for text in (*command, directory, str(home)):
        if not text.isprintable():
            raise UsageError(f"{text!r} holds what does not print: no system can start that.")
    name = f"cairn-sync-{root_id}"
    if kind == "systemd":
        unit = f"{name}.service"
        content = _fill(
            "systemd.service",
            folder=folder.replace("%", "%%"),
            command=" ".join(_systemd_quoted(word, variables=number > 0) for number, word in enumerate(command)),
            directory=directory.replace("%", "%%"),
            home=_systemd_quoted(f"CAIRN_HOME={home}", variables=False),
        )
        take_up = [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", unit]]
        let_go = [["systemctl", "--user", "disable", "--now", unit]]
        return Unit(kind, places / unit, content, take_up, let_go)
    if kind == "launchd":
        path = places / f"{name}.plist"
        words = "\n".join(f"        <string>{escape(word)}</string>" for word in command)
        content = _fill("launchd.plist", name=name, command=words, directory=escape(directory), home=escape(str(home)))
        return Unit(kind, path, content, [["launchctl", "load", "-w", str(path)]], [["launchctl", "unload", str(path)]])
    path = state / f"{name}.xml"
    content = _fill(
        "windows.xml",
        folder=escape(folder),
        program=escape(command[0]),
        arguments=escape(subprocess.list2cmdline(command[1:])),
        directory=escape(directory),
    )
    take_up = [["schtasks", "/Create", "/TN", name, "/XML", str(path), "/F"], ["schtasks", "/Run", "/TN", name]]
    return Unit(kind, path, content, take_up, [["schtasks", "/Delete", "/TN", name, "/F"]])


def _fill(template: str, **values: str) -> str:
    text = (files("client.sync.device") / "service" / template).read_text("utf-8")
    return Template(text).substitute(values)


def _systemd_quoted(text: str, *, variables: bool) -> str:
    """Return a word as systemd reads it whole (systemd.syntax(7), systemd.service(5) on `%` and `$`).

    Variables are replaced in the arguments of a command, and neither in its program nor in an environment.
    """
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{quoted.replace("$", "$$") if variables else quoted}"'


def shell_line(words: Sequence[str]) -> str:
    """Return a command as a person would type it."""
    return " ".join(f'"{word}"' if " " in word else word for word in words)
