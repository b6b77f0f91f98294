"""cairn resume: let a paused folder go on."""

from collections.abc import Sequence

from client.cli.pause import set_paused


def run(arguments: Sequence[str]) -> int:
    """Let a paused folder go on."""
    return set_paused("resume", arguments, paused=False)
