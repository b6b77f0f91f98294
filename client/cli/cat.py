"""cairn cat: a file's content on standard output."""

import sys
from collections.abc import Sequence

from client.cli.common import Parser, logged_in
from client.download import stream_content
from client.errors import UsageError
from client.names import parse_remote

CHUNKS_AT_ONCE = 4


def run(arguments: Sequence[str]) -> int:
    """Write content as it comes, each chunk checked before its first byte is written."""
    parser = Parser("cat", "Write a file's content to standard output. --json and --quiet change nothing here.")
    parser.add_argument("path", metavar="PATH", help="a file at the server")
    options = parser.parse_args(arguments)

    with logged_in() as (remote, _):
        file = remote.get_file(parse_remote(options.path))
        if file.kind != "file":
            raise UsageError(f"{file.path} is a folder: `cairn ls` lists it.")
        for piece in stream_content(remote, file, CHUNKS_AT_ONCE):
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return 0
