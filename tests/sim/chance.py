"""Where all chance of a run comes from."""

import random


def seeded(*parts: object) -> random.Random:
    """Return chance that follows from these, and from nothing else."""
    return random.Random(" ".join(map(str, parts)))  # noqa: S311 -- a failure must come back with its seed
