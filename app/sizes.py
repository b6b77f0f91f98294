"""Sizes as people read them."""


def shown(size: float) -> str:
    """Return a number of bytes in the unit that fits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - of binary units
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} TiB"
