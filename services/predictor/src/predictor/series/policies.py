"""What a tenant's definitions say about watching and forecasting a metric. Pure."""

from __future__ import annotations

from drishti.events import Aggregate, Insight
from drishti.measures.definitions import MetricDefinition
from drishti.measures.effective import MetricsOf


class Policies:
    """Asked for every aggregate and forecast: a change of a definition counts from the next one on."""

    def __init__(self, metrics_of: MetricsOf) -> None:
        self._metrics_of = metrics_of

    def learnt(self, aggregate: Aggregate) -> bool:
        """Whether its series are of use: for anomalies, or for forecasts."""
        metric = self._of(aggregate)
        return metric is not None and metric.enabled and (metric.watched or metric.forecast)

    def watched(self, aggregate: Aggregate) -> bool:
        """Whether anomalies in it are reported."""
        metric = self._of(aggregate)
        return metric is not None and metric.watched

    def forecast(self, insight: Insight) -> bool:
        """Whether this forecast is published."""
        metric = self._of(insight)
        return metric is not None and metric.enabled and metric.forecast

    def _of(self, message: Aggregate | Insight) -> MetricDefinition | None:
        return self._metrics_of(message.tenant).get(message.metric)
