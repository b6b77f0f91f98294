"""The names under which entries wait in `.cairn/parked`: each tells whose it is, also after a crash.

An entry is renamed first and noted then. What is found there without a row was parked right before a stop.
"""

_PREFIX = "parked-"


def parked_name(lid: int) -> str:
    """Return the name under which an entry waits."""
    return f"{_PREFIX}{lid}"


def parked_lid(name: str) -> int | None:
    """Return the entry that waits under a name; None for a name that is none of ours."""
    digits = name.removeprefix(_PREFIX)
    return int(digits) if digits != name and digits.isascii() and digits.isdigit() else None
