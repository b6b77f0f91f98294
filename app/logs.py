"""The log on standard error: text for people, or one JSON object a line for programs."""

import json
import logging
import sys
from datetime import UTC, datetime

from app.config import Log

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a trace stands in it as text."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_logging(settings: Log) -> None:
    """Send all records of the set level to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=settings.level.upper(), handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.INFO)  # at debug it logs addresses with their signatures
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)  # at debug it logs statements with their values
