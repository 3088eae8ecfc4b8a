"""Series for which there is no room: told once of each metric of a tenant, and counted as an OpenTelemetry metric.

``drishti.predictor.refused`` counts the values that were not looked at because their metric has as many living series as it
may (``PREDICTOR_MAX_SERIES``), by tenant and metric.
"""

from __future__ import annotations

import logging

from opentelemetry import metrics

from drishti.messages import attributes

log = logging.getLogger(__name__)


class Refusals:
    """What one replica refused since it began."""

    def __init__(self) -> None:
        meter = metrics.get_meter("drishti.predictor")
        self._counter = meter.create_counter(
            attributes.PREDICTOR_REFUSED, "{value}", "values of series that are beyond the limit and not watched"
        )
        self._told: set[tuple[str, str]] = set()

    def note(self, tenant: str, metric: str, values: int, *, limit: int) -> None:
        """Counts ``values`` that were refused, 1 or more."""
        self._counter.add(values, {attributes.TENANT: tenant, attributes.METRIC: metric})
        if (tenant, metric) not in self._told:
            self._told.add((tenant, metric))
            about = {"tenant": tenant, "metric": metric, "limit": limit}
            log.warning("too many series of a metric: new ones are not watched", extra=about)
