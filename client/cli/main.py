"""From a command line to an exit code. Each command is a module of its own, loaded only when it is called."""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import cast

from client.errors import ClientError, StoppedError, UsageError
from client.telling import tell

COMMANDS = {
    "login": "make this machine a device of an account",
    "logout": "end this device's login",
    "devices": "list and revoke what is signed in to the account",
    "app-password": "make a password for WebDAV and apps",
    "passwd": "change the account's password",
    "totp": "turn the second factor on or off",
    "put": "send a file, or with -r a folder",
    "get": "fetch a file, or with -r a folder",
    "ls": "list a folder",
    "cat": "write a file's content to standard output",
    "mkdir": "make a folder",
    "mv": "rename or move a file or folder",
    "cp": "copy a file, or with -r a folder, without sending a byte",
    "rm": "move a file, or with -r a folder, to the trash",
    "trash": "list the trash, restore from it, purge it",
    "search": "find files and folders by name",
    "storage": "tell what takes how much room",
    "versions": "list what a file was",
    "restore": "make a version of a file its content again",
    "rewind": "put a folder back as it was at a time",
    "undo": "take back what one device, person or link did",
    "share": "share folders with people, and end that",
    "link": "make, list, pause and end links for people without an account",
    "events": "print what changes at the server as it changes",
    "sync": "keep a folder here and one at the server in step",
    "status": "tell whether a folder is in step, and what is in the way",
    "pause": "let the sync of a folder rest",
    "resume": "let a paused folder go on",
    "conflicts": "list conflict copies, and keep one side or both",
    "ignore": "choose names that this device leaves out",
    "select": "choose folders of the server that this device leaves out",
    "held": "list deletes that wait for you, and let them go on or not",
    "damaged": "list files that the disk here has damaged, and fetch them anew",
    "limit": "limit how much of the line sync takes",
    "service": "keep a folder in step from login on",
}
SERVER_COMMANDS = {
    "serve": "run the server",
    "user": "add and manage accounts",
    "fsck": "check a data folder",
    "gc": "collect chunks that nothing uses",
    "store": "tell where chunks lie, and move them",
    "keys": "rotate the keys of signed URLs",
    "encrypt": "encrypt what is stored, and tell how it is",
    "tls": "make a certificate of the server's own",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong use, 3 refused, 4 conflict, 5 out of reach."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()  # here a disk that is full can still be told of
    except ClientError as error:
        tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        tell("Stopped. The same command goes on where this one was.")
        return StoppedError.exit_code
    except BrokenPipeError:
        # The reader of our output has gone, as in `cairn ls / | head`.
        _write_no_more()
        return ClientError.exit_code
    except OSError as error:  # the disk under the output or under this device's state
        _write_no_more()
        tell(f"{error.filename or 'The output'} cannot be used: {error.strerror or error}.")
        return ClientError.exit_code
    except SystemExit as ended:  # argparse: --help, or a usage it refused
        return ended.code if isinstance(ended.code, int) else 0
    return code


def _write_no_more() -> None:
    """Let what is left of the output go nowhere: at exit Python would try to write it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in {"-h", "--help"}:
        print(_overview())
        return 0 if arguments else UsageError.exit_code
    if name == "--version":
        from importlib.metadata import version  # noqa: PLC0415 -- slow to load, and only this needs it

        print(f"cairn {version('cairn')}")
        return 0
    if name in SERVER_COMMANDS:
        return _server_main()(arguments)
    if name not in COMMANDS:
        raise UsageError(f"There is no command {name!r}: `cairn --help` lists them.")
    return cast("int", _load(f"client.cli.{name.replace('-', '_')}").run(arguments[1:]))


def _server_main() -> Callable[[Sequence[str]], int]:
    """Return the entry of the server's own commands, the one thing that the client knows of the server."""
    try:
        module = _load("app.cli")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The server is not installed here ({error.name} is missing): pip install 'cairn[server]'."
        ) from None
    return cast("Callable[[Sequence[str]], int]", module.main)


def _load(module: str) -> ModuleType:
    return importlib.import_module(module)


def _overview() -> str:
    width = max(map(len, (*COMMANDS, *SERVER_COMMANDS)))

    def listed(commands: dict[str, str]) -> str:
        return "\n".join(f"  {name:<{width}}  {what}" for name, what in commands.items())

    return (
        "usage: cairn COMMAND …\n\n"
        f"On a device:\n{listed(COMMANDS)}\n\n"
        f"On the server:\n{listed(SERVER_COMMANDS)}\n\n"
        "`cairn COMMAND --help` explains a command; `cairn --version` tells the version."
    )
