"""What goes to standard error: a person's terminal, which nothing of a server or of a name may steer."""

import sys

from client.names import shown


def tell(text: str) -> None:
    """Write a sentence to standard error, on one line whatever it holds."""
    sys.stderr.write(f"cairn: {shown(text)}\n")
