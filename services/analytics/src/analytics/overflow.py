"""What went beyond a bound of this service: counted by the bound's name, here and as an OpenTelemetry metric, and logged.

``drishti.analytics.overflow`` counts by bound and tenant. The log names a bound and a tenant at once, and then no more than
every :data:`LOG_EVERY_S`.
"""

from __future__ import annotations

import logging
from collections import Counter

from opentelemetry import metrics

from drishti.measures.definitions import OTHER
from drishti.messages import attributes
from drishti.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0
TENANTS = 100
"""Tenants that the metric and the log name; further ones are ``other``."""

BOUNDS = {
    "series": "observations of series beyond the limit of a metric and hour, stored as `other`",
    "published_series": "series beyond the limit of a message, published as `other`",
    "active_series": "series beyond the limit of those whose silence is published",
    "waiting_windows": "windows that were stored and not published, because too many waited",
    "unpublishable": "messages that the bus will never take",
    "metrics": "data points of metrics beyond the limit of a tenant, not counted",
    "metric_conflicts": "data points whose metric is defined otherwise or cannot be, not counted",
    "passed_over_points": "data points of cumulative streams that came late or twice, or overlap, and add nothing",
    "items": "items of messages with more of them than one may hold, refused whole",
    "tenants": "messages of tenants beyond the limit, refused",
    "service_names": "names of services beyond the limit of a tenant, which pages show by their tokens",
    "errors": "spans with errors of kinds beyond the limit of a tenant, counted as `other`",
    "log_templates": "log records of templates beyond the limit of a minute, counted as other",
    "old_spans": "spans that are too old to be stored, and count in metrics alone",
    "deployments": "versions and deployments of services beyond the limits, not reported",
    "questions": "questions that were not answered, because too many of their tenant waited",
}
"""Every bound by name, and what is counted of it."""


class Overflows:
    """The counters of one replica. Threads may share it."""

    def __init__(self) -> None:
        meter = metrics.get_meter("drishti.analytics")
        self._counter = meter.create_counter(attributes.ANALYTICS_OVERFLOW, "1", "what went beyond a bound, by its name")
        self._counts: Counter[str] = Counter(dict.fromkeys(BOUNDS, 0))
        self._tenants: set[str] = set()
        self._log: dict[tuple[str, str], RateLimitedLog] = {}

    def note(self, bound: str, amount: int, *, tenant: str = "") -> None:
        """Counts ``amount`` of what ``bound`` is about; 0 is nothing. ``tenant``: whose it is, where that is known."""
        if not amount:
            return
        self._counts[bound] += amount
        if tenant and tenant not in self._tenants:
            if len(self._tenants) < TENANTS:
                self._tenants.add(tenant)
            else:
                tenant = OTHER
        about = {attributes.BOUND: bound} | ({attributes.TENANT: tenant} if tenant else {})
        self._counter.add(amount, about)
        if self._log.setdefault((bound, tenant), RateLimitedLog(LOG_EVERY_S)).due():
            log.warning("beyond a bound: %s", BOUNDS[bound], extra={"bound": bound, "tenant": tenant, "count": amount})

    def statistics(self) -> dict[str, int]:
        """How much in all since the start, by bound."""
        return {f"overflow_{bound}": count for bound, count in self._counts.items()}
