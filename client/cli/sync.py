"""cairn sync: keep a folder here and a folder at the server in step."""

import socket
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from client.cli.common import Parser, device_home, logged_in, note, print_json
from client.cli.root import device_roots, find_root, last_status
from client.errors import ConflictError, NotLoggedInError, UsageError
from client.home import Login
from client.install import Installation
from client.names import parse_remote
from client.protocol import File
from client.remote import Remote
from client.sync.device.roots import Root, Roots, other_account
from client.sync.settings import Settings
from client.sync.status import encode, report

KEPT_WITHIN_S = 2.0
"""From the end of a device's old login to the note of its new one, at most."""


def run(arguments: Sequence[str]) -> int:
    """Make a folder a root where it is none yet, and keep it in step until stopped; with --once, until it is."""
    options = _parser().parse_args(arguments)
    if options.forget:
        if options.remote is not None or options.once:
            raise UsageError("--forget goes with a folder alone.")
        return _forget(options)
    login = device_home().get_login()
    roots = device_roots()
    root = find_root(None) if options.folder is None else roots.find(Path(options.folder))
    if root is None:
        root = _make(
            roots,
            Path(options.folder),
            parse_remote("/" if options.remote is None else options.remote),
            quiet=options.quiet,
        )
    else:
        _check(root, login, options.remote)
    from client.sync.device.daemon import run as run_daemon  # noqa: PLC0415 -- much to load for what is refused before

    def keep() -> int:
        installation = Installation(device_home(), login.device_id)
        return run_daemon(root, login, installation, once=options.once, quiet=options.quiet or options.json)

    code = keep()
    while code == NotLoggedInError.exit_code and (now := _login_after(login)) is not None:
        login = now
        _check(root, login, None)
        code = keep()
    last = last_status(root)
    if options.json and last is not None:
        print(encode(report(last)).decode())
    return code


def _login_after(ended: Login) -> Login | None:
    """Return the login by which a person has just replaced one: the server ends the old one before the new is kept."""
    until_s = time.monotonic() + KEPT_WITHIN_S
    while True:
        with suppress(NotLoggedInError):
            now = device_home().get_login()
            if now.token != ended.token:
                return now if (now.server, now.username) == (ended.server, ended.username) else None
        if time.monotonic() >= until_s:
            return None
        time.sleep(KEPT_WITHIN_S / 10)


def _parser() -> Parser:
    parser = Parser(
        "sync",
        "Keep a folder here and a folder at the server in step, both ways, until stopped. The first time joins both: "
        "what is on one side alone comes to the other, and where files differ both are kept; nothing is deleted.",
    )
    parser.add_argument("folder", metavar="DIR", nargs="?", help="a folder here; may be left out once there is one")
    parser.add_argument("--remote", metavar="PATH", help="the folder at the server, the first time; / if left out")
    parser.add_argument("--once", action="store_true", help="end when both sides agree")
    parser.add_argument("--forget", action="store_true", help="keep it in step no more; all files stay, on both sides")
    return parser


def _make(roots: Roots, folder: Path, path: str, *, quiet: bool) -> Root:
    """Make a root of a folder; the folder at the server is made if it is not there."""
    real = roots.check(folder)
    with logged_in() as (remote, login):
        there, made = _find_or_make(remote, path)
        if there.kind != "folder":
            raise UsageError(f"{path} at the server is a file: choose a folder.")
        root = roots.add(real, _settings(remote, login, there))
    note(
        f"{real} and {path} at {login.server}{', a new folder,' if made else ''} are now kept in step: what is on one "
        "side alone comes to the other, where files differ both are kept, and nothing is deleted by this.",
        quiet=quiet,
    )
    return root


def _find_or_make(remote: Remote, path: str) -> tuple[File, bool]:
    """Return what is at a path of the server, and whether this call made it a folder."""
    there = remote.find_file(path)
    if there is not None:
        return there, False
    try:
        return remote.make_folder(path, parents=True), True
    except ConflictError:
        there = remote.find_file(path)  # another device has just made it
        if there is None:
            raise
        return there, False


def _settings(remote: Remote, login: Login, folder: File) -> Settings:
    names = [device.name for device in remote.list_devices() if device.current]
    return Settings(
        root="",
        remote=folder.path,
        server=login.server,
        username=login.username,
        device_id=login.device_id,
        device_name=names[0] if names else socket.gethostname(),
        remote_id=folder.file_id,
    )


def _check(root: Root, login: Login, remote: str | None) -> None:
    """Refuse a root of another account or of another folder there; take over the device of a new login."""
    settings = root.settings
    refusal = other_account(settings, login.server, login.username)
    if refusal is not None:
        raise refusal
    if remote is not None and parse_remote(remote) != settings.remote:
        raise UsageError(
            f"{settings.root} is in step with {settings.remote}: to choose another folder there, first end that with "
            f"`cairn sync {settings.root} --forget`, which keeps all files."
        )
    if settings.device_id != login.device_id:
        root.change(lambda now: msgspec.structs.replace(now, device_id=login.device_id))


def _forget(options: Namespace) -> int:
    root = find_root(options.folder)
    folder = root.settings.root
    device_roots().remove(root.id)
    if options.json:
        print_json({"root": folder, "forgotten": True})
    elif not options.quiet:
        print(f"{folder} is kept in step no more. All files stay, here and at the server.")
    return 0
