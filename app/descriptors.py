"""How many files and sockets the operating system lets this process have open."""

import logging
import resource
from dataclasses import replace

from app.config import Settings

logger = logging.getLogger(__name__)

WANTED = 65_536
OWN = 256
PER_CONNECTION = 2  # its socket, and another handle on it while a file is sent


def within_descriptors(settings: Settings) -> Settings:
    """Raise the limit as far as may be, and return the settings with no more connections than it then carries."""
    possible = max(1, (_raise_limit() - OWN) // PER_CONNECTION)
    if possible >= settings.limits.connections:
        return settings
    logger.warning(
        "%d connections at once, not %d: the limit of open files (ulimit -n) carries no more",
        possible,
        settings.limits.connections,
    )
    return replace(settings, limits=replace(settings.limits, connections=possible))


def _raise_limit() -> int:
    """Return the limit, which is now the hard one, or as much of that as this server can use."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS calls its hard limit infinite, and takes less
        return soft
    return wanted
