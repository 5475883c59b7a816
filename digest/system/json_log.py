"""Write a log as JSON, an object a line, so that a collector of logs can search it by run and by edition."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

# Lines hold no address by their own rules; this is the last look, because a log is kept and copied elsewhere.
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_EDITION = re.compile(r"(?:[a-z]+: )?edition (\d{1,18})\b")


def json_line(at: datetime, level: str, logger: str, message: str, about: Mapping[str, Any]) -> str:
    """Return a line without its end. `about` holds what is known beside: run, edition, error; None is left out.

    The edition that the message itself begins with counts before that of `about`.
    """
    named = _EDITION.match(message)
    facts = {**about, **({"edition": int(named[1])} if named else {})}
    line = {
        "time": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level,
        "logger": logger,
        "message": without_addresses(message),
        **{name: value for name, value in facts.items() if value is not None},
    }
    return json.dumps(line)


def without_addresses(text: str) -> str:
    """Return a text with "…" for each e-mail address."""
    return _ADDRESS.sub("…", text)


class JsonFormatter(logging.Formatter):
    """Format a record of Python's logging; `about` returns the run and the edition under way."""

    def __init__(self, about: Callable[[], Mapping[str, Any]]) -> None:
        super().__init__()
        self._about = about

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record; of an exception its kind and where it was raised, because its words quote."""
        at = datetime.fromtimestamp(record.created, UTC)
        error = record.exc_info[1] if record.exc_info else None
        about = {**self._about(), **(error_facts(error) if error else {})}
        return json_line(at, record.levelname, record.name, record.getMessage(), about)


def error_facts(error: BaseException) -> dict[str, Any]:
    """Return the kind of an exception, and where it was raised, innermost last; without its words and values."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "raised": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def use_json(about: Callable[[], Mapping[str, Any]]) -> None:
    """Let Python's logging of this process write JSON lines to stderr, warnings of the interpreter too."""
    use_text()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(about))
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)


def use_text() -> None:
    """Take back what `use_json` did."""
    if handlers := json_handlers():
        logging.captureWarnings(False)
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


def json_handlers() -> list[logging.Handler]:
    """Return the handlers that write JSON."""
    return [handler for handler in logging.getLogger().handlers if isinstance(handler.formatter, JsonFormatter)]
