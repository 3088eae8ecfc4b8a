"""The dashboards that every tenant has: documents in ``ready/``, and one that follows from the tenant's own metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

import yaml

from dashboard_stream.boards.own_metrics import own_metrics
from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.measures.definitions import MetricDefinition

_FILES = ("system_overview", "user_analytics", "dharma_insights")


def _read(name: str) -> DashboardDocument:
    text = files("dashboard_stream.boards").joinpath("ready", f"{name}.yaml").read_text(encoding="utf-8")
    return document_reading.given(yaml.safe_load(text))


_READY = tuple(_read(name) for name in _FILES)

READY = (*(document.name for document in _READY), own_metrics({}).name)
"""Their names, in the order in which they are listed."""


def ready(metrics: Mapping[str, MetricDefinition]) -> tuple[DashboardDocument, ...]:
    """The documents, of a tenant whose registry has these metrics."""
    return (*_READY, own_metrics(metrics))
