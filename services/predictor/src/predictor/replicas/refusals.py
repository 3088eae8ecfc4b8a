"""Series for which there is no room: reported once of each metric of a tenant, and counted as OpenTelemetry metrics.

``drishti.predictor.refused`` counts the values that were not looked at, by tenant and metric, because their metric has as many
living series as it may, or its share of what this replica watches (``PREDICTOR_MAX_SERIES``, ``PREDICTOR_SERIES``).
``drishti.predictor.series`` says how many series are watched, by tenant, and ``drishti.predictor.unwatched_series`` how many
are not, by tenant and metric.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from drishti.messages import attributes
from predictor.series.budget import Budget, Metric

log = logging.getLogger(__name__)

REPORT_S = 60.0
"""How often the number of unwatched series of a metric is reported again while it changes."""

REPEAT_S = 300.0
"""How often it is reported where it stays: who shows it takes a report for current for three times as long."""


class Unwatched(NamedTuple):
    """Of a metric: how many of its series are watched, and how many are not."""

    metric: Metric
    watched: int
    unwatched: int


class Refusals:
    """What one replica refused since it began, and what it does not watch now."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        meter = metrics.get_meter("drishti.predictor")
        self._counter = meter.create_counter(
            attributes.PREDICTOR_REFUSED, "{value}", "values of series that are beyond the limit and not watched"
        )
        meter.create_observable_gauge(attributes.PREDICTOR_SERIES, [self._watched], "{series}", "series that are watched")
        meter.create_observable_gauge(
            attributes.PREDICTOR_UNWATCHED, [self._not_watched], "{series}", "series that are beyond the budget and not watched"
        )
        self._logged: set[Metric] = set()
        self._reported: dict[Metric, tuple[int, float]] = {}

    def note(self, tenant: str, metric: str, values: int, *, limit: int) -> None:
        """Counts ``values`` that were refused, 1 or more."""
        self._counter.add(values, {attributes.TENANT: tenant, attributes.METRIC: metric})
        if (tenant, metric) not in self._logged:
            self._logged.add((tenant, metric))
            about = {"tenant": tenant, "metric": metric, "limit": limit, "budget": self._budget.series}
            log.warning("too many series of a metric: new ones are not watched", extra=about)

    def changes(self, at: float) -> list[Unwatched]:
        """The metrics of which, by second ``at``, another number of series is unwatched than was reported last, and those whose
        last report is so old that it is to be repeated."""
        unwatched = self._budget.unwatched()
        held = self._counts()
        changed = []
        for metric in {*unwatched, *self._reported}:
            count = unwatched.get(metric, 0)
            before, reported_at = self._reported.get(metric, (0, 0.0))
            wait = REPEAT_S if count == before else REPORT_S if before else 0.0
            if count and at < reported_at + wait:
                continue
            if count:
                self._reported[metric] = count, at
            else:
                del self._reported[metric]
            changed.append(Unwatched(metric, held.get(metric, 0), count))
        return changed

    def _counts(self) -> dict[Metric, int]:
        return {metric: count for table in self._budget.held() for metric, count in table.counts().items()}

    def _watched(self, _: CallbackOptions) -> Iterator[Observation]:
        tenants: dict[str, int] = {}
        for (tenant, _metric), count in self._counts().items():
            tenants[tenant] = tenants.get(tenant, 0) + count
        for tenant, count in tenants.items():
            yield Observation(count, {attributes.TENANT: tenant})

    def _not_watched(self, _: CallbackOptions) -> Iterator[Observation]:
        for (tenant, metric), count in self._budget.unwatched().items():
            yield Observation(count, {attributes.TENANT: tenant, attributes.METRIC: metric})
