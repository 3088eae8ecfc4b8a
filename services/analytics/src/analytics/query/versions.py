"""Earlier versions of a tenant's own metrics, which can be asked for as ``name@1``. Pure.

The rows of a metric that was drawn from other events stay under a name of their own; a KPI's earlier expression is computed
from the metrics as they are now, and from the rows of the terms that it alone had. For a question that names them, such
versions are metrics beside the others: called by their token and number, in which no token can be mistaken for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

import msgspec

from drishti.events import QuestionSet
from drishti.measures import kpis
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import parse

SEPARATOR = "@"
_VERSIONED = re.compile(r"(.+)@([0-9]{1,9})", re.DOTALL)


def with_earlier(asked: QuestionSet, metrics: TenantMetrics) -> TenantMetrics:
    """``metrics``, with those versions that ``asked`` names."""
    found: dict[str, MetricDefinition] = {}
    computed, hidden = dict(metrics.kpis), dict(metrics.hidden)
    for name in dict.fromkeys(_names(asked)):
        there = _version(name, metrics)
        if there is None:
            continue
        metric, number = there
        if number == metric.version:
            found[name] = metric
            continue
        earlier = metrics.earlier.get(metric.token, {}).get(number)
        if earlier is None:
            continue
        definition = msgspec.structs.replace(earlier, name=f"{metric.token}{SEPARATOR}{number}")
        found[name] = found[definition.name] = definition
        if definition.kind is Kind.DERIVED and (resolved := kpis.resolution(definition, metrics.find).resolved) is not None:
            computed[definition.name] = resolved
            hidden |= {term.token: term for term in resolved.hidden}
    if not found:
        return metrics
    return msgspec.structs.replace(
        metrics,
        definitions=MappingProxyType({**metrics.definitions, **found}),
        kpis=MappingProxyType(computed),
        hidden=MappingProxyType(hidden),
    )


def key_of(metric: MetricDefinition, metrics: TenantMetrics) -> str:
    """By what ``metrics`` finds it: its token, or that with its number where it is an earlier version."""
    return metric.name if is_earlier(metric, metrics) else metric.token


def is_earlier(metric: MetricDefinition, metrics: TenantMetrics) -> bool:
    """Whether it is an earlier version, out of :func:`with_earlier`."""
    return SEPARATOR in metric.name and metrics.definitions.get(metric.name) is metric


def unknown(name: str, metrics: TenantMetrics) -> str:
    """Why there is no such version of a metric; empty where ``name`` is none of a metric that there is."""
    there = _version(name, metrics)
    if there is None:
        return ""
    metric, number = there
    known = sorted({*metrics.earlier.get(metric.token, {}), metric.version})
    listed = ", ".join(map(str, known))
    what = f"the versions {listed}" if len(known) > 1 else f"version {listed} only"
    return f"{metric.name} has no version {number} that is known: it has {what}"


def _version(name: str, metrics: TenantMetrics) -> tuple[MetricDefinition, int] | None:
    """The metric and the number of ``name@number``; ``None`` where it is the name of a metric itself, or of none."""
    match = _VERSIONED.fullmatch(name)
    if match is None or metrics.find(name) is not None:
        return None
    metric = metrics.find(match[1])
    return None if metric is None else (metric, int(match[2]))


def _names(asked: QuestionSet) -> Iterator[str]:
    """What may be the name of a version in ``asked``."""
    for question in asked.questions:
        if SEPARATOR in question.metric:
            yield question.metric
        if SEPARATOR in question.expression:
            try:
                yield from (term.name for term in parse(question.expression).places)
            except ExpressionError:  # said by who plans the question
                continue
