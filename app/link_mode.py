"""What a link is for."""

from enum import IntEnum


class Mode(IntEnum):
    """What may be done through a link; the numbers stand in the database."""

    VIEW = 0
    DROP = 1
