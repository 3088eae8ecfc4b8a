"""Logs are events with fields: one line each, ``key=value`` or JSON (``LOG_FORMAT=json``), with the trace id where one is."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
from opentelemetry import trace

from drishti.errors import SettingsError

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


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATTERS: dict[str, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def _text(value: Any) -> str:
    text = str(value)
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
    handler.setFormatter(FORMATTERS[form.lower()]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
