"""Names as people are shown them, so that none looks like what it is not (security.md, O5)."""

import re

DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Characters that turn the direction of text (Unicode, Bidi_Control), for a class of a regular expression."""

_TURNS = re.compile(f"[{DIRECTION}]")


def shown(text: str) -> str:
    """Return `text` with every control of direction written out."""
    return _TURNS.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
