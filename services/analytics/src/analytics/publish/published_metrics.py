"""What is published of each tenant: its metrics by the names of their rollups, its KPIs, and which KPIs a metric is part of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from analytics.publish.kpis import PublishedKpi, published_kpi
from analytics.rollup.windows import Window
from analytics.storage.rows import SEPARATOR, token_of
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import MetricsOf, TenantMetrics


class TenantMetricsView(NamedTuple):
    """Of one tenant. ``metrics`` by the names of their rollups, and KPIs by their tokens; ``kpis`` by token.

    ``dependents``: the tokens of KPIs by the names of the rollups that they are computed from, hidden metrics included.
    """

    metrics: Mapping[str, MetricDefinition]
    kpis: Mapping[str, PublishedKpi]
    dependents: Mapping[str, tuple[str, ...]]


class PublishedMetrics:
    """Follows the definitions of metrics. The view of a tenant is computed again when one of them has changed.

    ``definitions`` are those of a tenant, ``stored`` the metrics by the names of their rollups, ``name`` gives that name, and
    ``drawn`` is another object when names have changed. ``clock``: epoch seconds.
    """

    def __init__(
        self,
        definitions: Callable[[str], TenantMetrics],
        stored: MetricsOf,
        name: Callable[[str, MetricDefinition], str],
        drawn: Callable[[str], object] = lambda _tenant: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._definitions = definitions
        self._stored = stored
        self._name = name
        self._drawn = drawn
        self._clock = clock
        self._views: dict[str, tuple[object, object, object, TenantMetricsView]] = {}
        self._versions: dict[tuple[str, str], tuple[int, float]] = {}

    def of(self, tenant: str) -> TenantMetricsView:
        """What is published of ``tenant`` now."""
        definitions, stored, drawn = self._definitions(tenant), self._stored(tenant), self._drawn(tenant)
        cached = self._views.get(tenant)
        if cached is not None and cached[0] is definitions and cached[1] is stored and cached[2] is drawn:
            return cached[3]
        kpis: dict[str, PublishedKpi] = {}
        dependents: dict[str, list[str]] = {}
        for token, resolved in definitions.kpis.items():
            kpi = published_kpi(
                definitions.definitions[token], resolved, definitions.find, lambda metric: self._name(tenant, metric)
            )
            if kpi is not None:
                kpis[token] = kpi
                for source in kpi.sources:
                    dependents.setdefault(source, []).append(token)
        view = TenantMetricsView(stored, kpis, {name: tuple(tokens) for name, tokens in dependents.items()})
        self._note_versions(tenant, definitions)
        self._views[tenant] = definitions, stored, drawn, view
        return view

    def windows(self, changed: Window) -> Iterator[Window]:
        """The windows that are published because rollups changed: that of the metric itself and those of the KPIs that are
        computed from it. Of a metric that is not known (any more) there is none."""
        view = self.of(changed.tenant)
        if changed.metric in view.metrics and self._is_of_this_version(changed):
            yield changed
        for token in view.dependents.get(changed.metric, ()):
            window = changed._replace(metric=token)
            if self._is_of_this_version(window):
                yield window

    def is_known(self, window: Window) -> bool:
        """Whether anything is published of these rollups. ``False`` of a metric that is drawn from events may mean that this
        process has not heard of it yet."""
        view = self.of(window.tenant)
        return window.metric in view.metrics or window.metric in view.dependents or SEPARATOR not in window.metric

    def has_silence(self, tenant: str, metric: str) -> bool:
        """Whether a second in which nothing happened has a number: of counters, and of KPIs that have a value of nothing."""
        view = self.of(tenant)
        kpi = view.kpis.get(metric)
        if kpi is not None:
            return kpi.has_silence
        definition = view.metrics.get(metric)
        return definition is not None and definition.kind is Kind.COUNTER

    def _is_of_this_version(self, window: Window) -> bool:
        """Whether the window ended after the present version began: what ended before keeps the numbers of the version then."""
        known = self._versions.get((window.tenant, token_of(window.metric)))
        return known is None or window.end > known[1] * 1000

    def _note_versions(self, tenant: str, definitions: TenantMetrics) -> None:
        """Remembers since when a version is counted that this process saw begin."""
        for token, definition in definitions.definitions.items():
            if definition.version > 1 or definition.kind is Kind.DERIVED or definition.source is not None:
                known = self._versions.get((tenant, token))
                if known is None or known[0] != definition.version:
                    self._versions[tenant, token] = definition.version, 0.0 if known is None else self._clock()
