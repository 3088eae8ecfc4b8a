"""Logs are events with fields: one line each, ``key=value`` or JSON (``LOG_FORMAT=json``), with the trace id where one is.

Nobody can fill the log: lines of one kind are limited in rate (:class:`RateLimit`), whoever writes them, libraries included.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from opentelemetry import trace

from drishti.errors import SettingsError

BURST = 20
"""Lines of one kind that are written within :data:`PERIOD_S`; further ones are counted."""

PERIOD_S = 10.0
KINDS = 1000
"""Kinds of lines that are remembered."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller passed as ``extra``, and the current trace id."""
    extra = {k: v for k, v in vars(record).items() if k not in _STANDARD}
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        extra["trace_id"] = f"{context.trace_id:032x}"
    return extra


class TextFormatter(logging.Formatter):
    """``2026-01-01T00:00:00.000Z INFO gateway.app listening port=8000``"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{at} {record.levelname} {record.name} {record.getMessage()}"
        line += "".join(f" {k}={_text(v)}" for k, v in fields(record).items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """The same as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **{k: v if isinstance(v, int | float | bool) else str(v) for k, v in fields(record).items()},
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


class RateLimit(logging.Filter):
    """Passes :data:`BURST` lines of one kind in :data:`PERIOD_S` seconds. Of a kind are lines with the same logger, level and
    text before its arguments are filled in.

    The first line of a kind after some were dropped says how many, in the field ``suppressed``. ``clock`` is monotonic, in
    seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, record.levelno, str(record.msg))
        now = self._clock()
        began, count = self._kinds.pop(kind, (now, 0))
        suppressed = 0
        if now >= began + PERIOD_S:
            suppressed = max(0, count - BURST)
            began, count = now, 0
        self._kinds[kind] = (began, count + 1)
        if len(self._kinds) > KINDS:
            self._kinds.popitem(last=False)
        if suppressed:
            record.suppressed = suppressed
        return count < BURST


QUOTING = ("hpack", "websockets", "urllib3")
"""Libraries that quote headers and addresses below INFO, and keys with them: they are silent there at any ``LOG_LEVEL``."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def _text(value: Any) -> str:
    text = str(value)
    if not text.isprintable():  # a line break in a value must not begin a line of the log
        text = text.encode("unicode_escape").decode("ascii")
    return f'"{text}"' if not text or " " in text else text


def configure(default_level: str = "INFO") -> None:
    """Sends every log line to standard error. ``LOG_LEVEL`` and ``LOG_FORMAT`` (text or json) decide which and how.

    Raises :class:`SettingsError` where one of them is none of what it may be.
    """
    level, form = os.environ.get("LOG_LEVEL") or default_level, os.environ.get("LOG_FORMAT") or "text"
    problems = []
    if level.upper() not in LEVELS:
        problems.append(f"LOG_LEVEL: {level!r} is none of {', '.join(LEVELS)}")
    if form.lower() not in FORMATTERS:
        problems.append(f"LOG_FORMAT: {form!r} is none of {', '.join(FORMATTERS)}")
    if problems:
        raise SettingsError(problems)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RateLimit())
    handler.setFormatter(FORMATTERS[form.lower()]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUOTING:
        logging.getLogger(name).setLevel(max(root.level, logging.INFO))
