"""What of a tenant's metrics is beyond its limits: said to whoever sends it. Pure.

A tenant has so many metrics, and a metric so many series. Data points of further metrics are not counted, so they are rejected
here. Those of further series are counted together as ``other``: nothing is rejected, but the answer says so.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import NamedTuple

from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from drishti.messages import attributes, subjects
from gateway.otlp.fewer_items import points_of

SHOWN = 5
"""Metrics that a reason names."""

SHOWN_LENGTH = 100

_BUILT_IN = frozenset({attributes.PROCESS_CPU_UTILIZATION, attributes.PROCESS_MEMORY_USAGE})
"""They become metrics of Drishti itself, and need no place."""


class Limits(NamedTuple):
    """How things stand for one tenant. ``known``: the tokens of its metrics where it may have no further ones; ``None`` where
    it may. ``crowded``: the tokens of metrics with series that are counted as ``other``, with the number of the others."""

    known: Container[str] | None = None
    most: int = 0
    crowded: Mapping[str, int] = {}


class Beyond:
    """What of one request is beyond ``limits``."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names: dict[str, None] = {}
        self._crowded: dict[str, int] = {}
        self.points = 0

    def drop(self, resource: ResourceMetrics) -> bool:
        """Takes the metrics out of ``resource`` that have no place; whether there are any."""
        known, crowded = self._limits.known, self._limits.crowded
        if known is None and not crowded:
            return False
        dropped = False
        for scope in resource.scope_metrics:
            for index in reversed(range(len(scope.metrics))):
                metric = scope.metrics[index]
                token = subjects.token(metric.name)
                if known is not None and token not in known and metric.name not in _BUILT_IN:
                    self._names[metric.name] = None
                    self.points += len(points_of(metric))
                    del scope.metrics[index]
                    dropped = True
                elif token in crowded:
                    self._crowded[metric.name] = crowded[token]
        return dropped

    def reasons(self) -> list[str]:
        """What to tell the sender."""
        reasons = []
        if self._names:
            reasons.append(
                f"{self.points} of {len(self._names)} metrics beyond the {self._limits.most:,} of a tenant: "
                f"{_listed(self._names)}; delete definitions that nobody uses, or send fewer metrics"
            )
        if self._crowded:
            reasons.append(
                f"of {_listed(self._crowded)}, the {max(self._crowded.values()):,} series of an hour that came first are kept "
                "apart, and further ones are counted together as `other`: send fewer attributes, or define the dimensions"
            )
        return reasons


def _listed(names: Mapping[str, object]) -> str:
    shown = [repr(name if len(name) <= SHOWN_LENGTH else name[: SHOWN_LENGTH - 1] + "…") for name in sorted(names)[:SHOWN]]
    return ", ".join(shown) + (", …" if len(names) > SHOWN else "")
