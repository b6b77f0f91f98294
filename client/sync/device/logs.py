"""What the engine logs, on standard error: nothing of a server or of a name may steer a terminal there."""

import logging
import sys

from client.names import shown


class LogFormatter(logging.Formatter):
    """A message on one line, a traceback on more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's own name
        """Return the line of a record."""
        return f"cairn: {shown(record.getMessage())}"

    def formatException(self, ei: "logging._SysExcInfoType") -> str:  # noqa: N802 -- logging's own name
        """Return the traceback of an exception."""
        return "\n".join(map(shown, super().formatException(ei).split("\n")))


def log_to_stderr() -> None:
    """Let warnings and errors go to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
