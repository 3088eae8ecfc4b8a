"""How each metric of each tenant is judged, by the definitions as they are now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from drishti.events import ForecastInsight
from drishti.measures.built_in import FED
from drishti.measures.definitions import MetricDefinition
from drishti.measures.effective import MetricsOf
from predictor.series.watch import Watch, watches_of

WatchesOf = Callable[[str, str], tuple[Watch, ...]]
"""The watches of a tenant's metric, by its token."""


class Policies:
    """Asked for every aggregate and forecast: a change of a definition counts from the next one on.

    ``only`` are names (``metric`` or ``metric.field``) that alone are watched; empty: everything that definitions say.
    """

    def __init__(self, metrics_of: MetricsOf = lambda _tenant: FED, only: Collection[str] = ()) -> None:
        self._metrics_of = metrics_of
        self._only = frozenset(only)
        self._known: dict[tuple[str, str], tuple[MetricDefinition, tuple[Watch, ...]]] = {}

    def watches(self, tenant: str, metric: str) -> tuple[Watch, ...]:
        """How the metric with the token ``metric`` is judged; empty: not at all."""
        definition = self._metrics_of(tenant).get(metric)
        if definition is None:
            self._known.pop((tenant, metric), None)
            return ()
        known = self._known.get((tenant, metric))
        if known is not None and known[0] is definition:
            return known[1]
        watches = tuple(watch for watch in watches_of(definition) if self._wanted(watch))
        if watches:
            self._known[tenant, metric] = definition, watches
        else:
            self._known.pop((tenant, metric), None)
        return watches

    def learnt(self, tenant: str, metric: str) -> bool:
        """Whether its series are of use: for anomalies, or for forecasts."""
        return bool(self.watches(tenant, metric))

    def forecast(self, insight: ForecastInsight) -> bool:
        """Whether this forecast is published."""
        return any(w.forecast and w.field == insight.field for w in self.watches(insight.tenant, insight.metric))

    def metrics(self, definitions: Mapping[str, MetricDefinition]) -> set[str]:
        """The tokens of those that are watched or forecast."""
        return {token for token, definition in definitions.items() if any(map(self._wanted, watches_of(definition)))}

    def _wanted(self, watch: Watch) -> bool:
        return not self._only or watch.name in self._only or watch.metric in self._only
