"""Handlers of Python's logging that OpenTelemetry puts at the root."""

from __future__ import annotations

import logging
import os

LEVEL = "OTEL_PYTHON_LOG_HANDLER_LEVEL"


def ours() -> list[logging.Handler]:
    """Those that are there: the application's log records are sent by them already."""
    return [each for each in logging.getLogger().handlers if type(each).__module__.startswith("opentelemetry.")]


def leave_out_details() -> None:
    """Has records below ``INFO`` sent only where :data:`LEVEL` asks for it: libraries log whole requests and answers there."""
    if not os.environ.get(LEVEL, "").strip():
        for handler in ours():
            handler.setLevel(max(handler.level, logging.INFO))


def keep_last_resort() -> None:
    """Has warnings of an application without any other handler printed as before. Python does so only while there is none."""
    for handler in ours():
        if not any(isinstance(each, _LastResort) for each in handler.filters):
            handler.addFilter(_LastResort(handler))


class _LastResort(logging.Filter):
    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and self._is_only_one(record.name):
            last.handle(record)
        return True

    def _is_only_one(self, name: str) -> bool:
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None:
            if any(each is not self._handler for each in logger.handlers):
                return False
            logger = logger.parent if logger.propagate else None
        return True
