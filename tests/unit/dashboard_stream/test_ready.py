"""What the dashboards that every tenant has ask for."""

from __future__ import annotations

import pytest

from dashboard_stream.boards.dashboards import dashboard_of
from dashboard_stream.boards.ready import ready
from drishti.dashboards.documents import DashboardDocument
from drishti.measures.registry import MetricRegistry

METRICS = MetricRegistry().of("acme")


@pytest.mark.parametrize("document", ready(METRICS)[:3], ids=lambda document: document.name)
def test_a_page_knows_whether_anything_was_received(document: DashboardDocument) -> None:
    """The page shows how to send a first event where both are known to be nothing."""
    totals = {reading.name for reading in dashboard_of(document, METRICS).readings if reading.total}
    assert {"events.count.24h", "requests.count.24h"} <= totals
