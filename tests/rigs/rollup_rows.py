"""Rows of rollups as the driver gives them."""

from __future__ import annotations

from typing import Any

from analytics.storage import rows
from analytics.storage.rows import NamedRow


def record_of(row: NamedRow) -> dict[str, Any]:
    """The inverse of :func:`analytics.storage.rows.row_of`."""
    cell = row.cell
    return {
        "resolution": row.window.resolution,
        "tenant": row.window.tenant,
        "metric": row.window.metric,
        "window_start": rows.instant(row.window.start),
        "labels": rows.label_text(row.window.metric, row.labels),
        "count": cell.count,
        "errors": cell.errors,
        "sum": cell.sum,
        "min": cell.min,
        "max": cell.max,
        "histogram": None if cell.histogram is None else cell.histogram.to_bytes(),
        "uniques": cell.sketch,
        "exemplar": cell.exemplar,
    }
