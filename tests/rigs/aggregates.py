"""Aggregates as analytics publishes them: one function that builds any of them."""

from __future__ import annotations

from typing import Any

from drishti.events import RESOLUTION_MS, Aggregate, AggregateSeries, Resolution
from drishti.measures.built_in import FED

NOW_MS = 1_800_000_000_000 - 1_800_000_000_000 % 3_600_000 + 20 * 60_000
"""Twenty past a full hour: no boundary is near unless a test goes there."""


def aggregate(
    metric: str,
    start: int,
    series: list[tuple[dict[str, str], dict[str, Any]]] | dict[str, Any],
    *,
    resolution: Resolution = "1s",
    revision: int = 1,
    tenant: str = "default",
    published_at: int | None = None,
    final: bool = False,
) -> Aggregate:
    """One revision of one window; ``series`` as pairs of labels and numbers, or the numbers of the total alone."""
    pairs = [({}, series)] if isinstance(series, dict) else series
    return Aggregate(
        tenant=tenant,
        metric=metric,
        unit=FED[metric].unit if metric in FED else "1",
        resolution=resolution,
        window_start=start - start % RESOLUTION_MS[resolution],
        revision=revision,
        final=final,
        published_at=start if published_at is None else published_at,
        series=[AggregateSeries(labels=labels, **numbers) for labels, numbers in pairs],
    )


def second(offset_s: int) -> int:
    """The start of a second, counted from :data:`NOW_MS`."""
    return NOW_MS + offset_s * 1000
