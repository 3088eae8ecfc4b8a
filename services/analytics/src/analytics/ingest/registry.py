"""The signals of this service: one module in :mod:`analytics.ingest.signals` for each durable in the catalogue. Pure."""

from __future__ import annotations

from importlib import import_module

from analytics.ingest import signals
from analytics.ingest.signal import Signals
from drishti.messages.catalogue import ANALYTICS, durables


def load_signals() -> Signals:
    """All signals, in the catalogue's order. Raises :class:`ImportError` where a durable has no module."""
    names = [durable.purpose.replace("-", "_") for _, durable in durables(ANALYTICS)]
    return Signals(import_module(f"{signals.__name__}.{name}").SIGNAL for name in names)
