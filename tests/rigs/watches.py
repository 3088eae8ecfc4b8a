"""How the predictor judges the built-in metrics."""

from __future__ import annotations

from drishti.measures.built_in import FED
from predictor.series.watch import Watch, watches_of

WATCHES: tuple[Watch, ...] = tuple(watch for definition in FED.values() for watch in watches_of(definition))


def watch(metric: str, field: str) -> Watch:
    """That of one field."""
    return next(watch for watch in WATCHES if (watch.metric, watch.field) == (metric, field))
