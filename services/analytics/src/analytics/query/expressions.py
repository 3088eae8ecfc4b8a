"""The expression of a question: its own, or that of its metric, aggregate and filters, with every name checked. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from analytics.query import versions
from drishti.errors import QueryError
from drishti.events import LabelFilter, Question
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.meaning import EventTerm, check_labels, meanings
from drishti.measures.expressions.parser import Parsed, parse, placed_condition
from drishti.measures.expressions.tree import (
    Arithmetic,
    Both,
    Compare,
    Condition,
    Exists,
    Expression,
    Member,
    Negative,
    Prefix,
    Term,
)
from drishti.measures.fields import fields_of, has_field
from drishti.measures.kpis import hidden_metric

EVENTS, EVENT_TYPE = "events", "event_type"
"""The metric that counts all events, and its label."""

MAX_FILTERS = 20
MAX_VALUES = 100


def expression_of(question: Question, field: str, metrics: TenantMetrics, event_types: frozenset[str]) -> Expression:
    """What ``question`` asks of a tenant that has ``metrics`` and sent events of ``event_types``.

    Raises :class:`QueryError` with a path that begins with ``field``.
    """
    return _single(question, field, metrics) if question.metric else _expression(question, field, metrics, event_types)


def _single(question: Question, field: str, metrics: TenantMetrics) -> Term:
    """A metric's aggregate as the one term of an expression."""
    metric = find_metric(question.metric, f"{field}metric", metrics)
    if not question.aggregate:
        raise QueryError(f"is missing; {_fields(metric)}", field=f"{field}aggregate")
    if not has_field(metric, question.aggregate):
        raise QueryError(f"{_fields(metric)}, not {shown(question.aggregate)}", field=f"{field}aggregate")
    condition: Condition | None = None
    if len(question.filters) > MAX_FILTERS:
        raise QueryError(f"{len(question.filters)} are more than {MAX_FILTERS}", field=f"{field}filters")
    for place, given in enumerate(question.filters):
        one = _filter(given, f"{field}filters.{place}", metric)
        condition = one if condition is None else Both(condition, one)
    if question.where:
        one = _where(question.where, f"{field}where", metric)
        condition = one if condition is None else Both(condition, one)
    return Term(question.aggregate, question.metric, condition)


def _filter(given: LabelFilter, field: str, metric: MetricDefinition) -> Condition:
    if given.label not in metric.dimensions:
        raise QueryError(f"{dimensions_in_words(metric)}: cannot filter by {shown(given.label)}", field=f"{field}.label")
    values = given.values if given.op == "in" else [given.value]
    if given.op == "in" and not 1 <= len(values) <= MAX_VALUES:
        raise QueryError(f"`in` needs 1 to {MAX_VALUES} values", field=f"{field}.values")
    if given.op != "in" and given.values:
        raise QueryError("is for `in` only: put the one value into `value`", field=f"{field}.values")
    if any("\0" in value for value in values):
        raise QueryError("text must not contain the character U+0000", field=f"{field}.value")
    if given.op == "exists":
        return Exists(given.label)
    if given.op == "in":
        return Member(given.label, tuple(values))
    if given.op == "prefix":
        return Prefix(given.label, given.value)
    return Compare(given.label, given.op, given.value)


def _where(text: str, field: str, metric: MetricDefinition) -> Condition:
    try:
        condition, places = placed_condition(text)
        check_labels(condition, places, metric.name, metric.dimensions)
    except ExpressionError as error:
        raise _located(error, field) from None
    return condition


def _expression(question: Question, field: str, metrics: TenantMetrics, event_types: frozenset[str]) -> Expression:
    for name in ("aggregate", "filters", "where"):
        if getattr(question, name):
            raise QueryError(
                'belongs to a metric; in an expression, write it inside: p95(request_duration_ms where service = "shop")',
                field=f"{field}{name}",
            )
    try:
        parsed = parse(question.expression)
        known = _Known(metrics, event_types)
        _check_names(parsed, known, f"{field}expression")
        of_events = {
            term: _of_events(meaning, parsed.places[term].name, metrics)
            for term, meaning in meanings(parsed, known).items()
            if isinstance(meaning, EventTerm)
        }
    except ExpressionError as error:
        raise _located(error, f"{field}expression") from None
    if not parsed.places:
        raise QueryError(
            "is a number only: it needs a term such as count(requests)",
            field=f"{field}expression",
            character=0,
            length=max(1, len(question.expression)),
        )
    return _with(parsed.expression, of_events)


def _with(expression: Expression, replaced: Mapping[Term, Term]) -> Expression:
    if isinstance(expression, Term):
        return replaced.get(expression, expression)
    if isinstance(expression, Negative):
        return Negative(_with(expression.operand, replaced))
    if isinstance(expression, Arithmetic):
        return Arithmetic(expression.operator, _with(expression.left, replaced), _with(expression.right, replaced))
    return expression


def _of_events(meaning: EventTerm, place: tuple[int, int], metrics: TenantMetrics) -> Term:
    """The metric that counts what a term of events asks for; raises :class:`ExpressionError` where there is none."""
    if meaning.property is None and meaning.condition is None:
        return Term(meaning.aggregate, EVENTS, Compare(EVENT_TYPE, "=", meaning.event_type))
    hidden = hidden_metric(meaning)
    if hidden.token in metrics.hidden:
        return Term(meaning.aggregate, hidden.token)
    raise ExpressionError(
        f"nothing counts this of {meaning.event_type} yet: define a KPI with this expression (PUT "
        "/api/analytics/metrics/<name>), or a metric that is drawn from these events; its history is filled from the events "
        "that are stored",
        *place,
    )


def _check_names(parsed: Parsed, known: _Known, field: str) -> None:
    """Raises :class:`QueryError` at the first name that is neither a metric nor a type of events."""
    for term, placed in parsed.places.items():
        if not known.has(term.name):
            if error := known.unknown_version(term.name):
                raise QueryError(error, field=field, character=placed.name[0], length=placed.name[1])
            nearest = known.nearest(term.name)
            hint = f"is it {' or '.join(nearest)}? " if nearest else ""
            raise QueryError(
                f"there is no metric {shown(term.name)}, and no event of this type was seen; {hint}GET /api/analytics/metrics "
                "lists all metrics",
                field=field,
                character=placed.name[0],
                length=placed.name[1],
                nearest=nearest,
            )


class _Known:
    """A tenant's metrics, as the meaning of expressions asks for them."""

    def __init__(self, metrics: TenantMetrics, event_types: frozenset[str]) -> None:
        self._metrics = metrics
        drawn_from = (*metrics.definitions.values(), *metrics.hidden.values())
        self._types = event_types | {metric.source.event for metric in drawn_from if metric.source is not None}

    def has(self, name: str) -> bool:
        """Whether it is a metric, a type of events, or a property of these."""
        return self._metrics.find(name) is not None or name in self._types or name.partition(".")[0] in self._types

    def unknown_version(self, name: str) -> str:
        """Why there is no such version; empty where ``name`` is none."""
        return versions.unknown(name, self._metrics)

    def nearest(self, name: str) -> list[str]:
        """What ``name`` may be meant to be."""
        types = difflib.get_close_matches(name.partition(".")[0], self._types, n=2, cutoff=0.6)
        return list(dict.fromkeys([*types, *self._metrics.nearest(name)]))[:3]

    def aggregates(self, metric: str) -> Sequence[str] | None:
        found = self._metrics.find(metric)
        return None if found is None else fields_of(found)

    def dimensions(self, metric: str) -> Sequence[str]:
        found = self._metrics.find(metric)
        return () if found is None else found.dimensions

    def metrics(self) -> Iterable[str]:
        return [definition.name for definition in self._metrics.definitions.values()]

    def event_types(self) -> Iterable[str]:
        return self._types


def find_metric(name: str, field: str, metrics: TenantMetrics) -> MetricDefinition:
    metric = metrics.find(name)
    if metric is None:
        if error := versions.unknown(name, metrics):
            raise QueryError(error, field=field)
        nearest = metrics.nearest(name)
        everywhere = "the page Metrics, `drishti metrics list` and GET /api/analytics/metrics list all"
        hint = f"is it {' or '.join(nearest)}?" if nearest else everywhere
        raise QueryError(f"there is no metric {shown(name)}; {hint}", field=field, nearest=nearest)
    return metric


def _fields(metric: MetricDefinition) -> str:
    more = ", and any other percentile such as p99.9" if metric.kind is Kind.DISTRIBUTION else ""
    return f"{metric.name} has {', '.join(fields_of(metric))}{more}"


def dimensions_in_words(metric: MetricDefinition) -> str:
    return (
        f"{metric.name} has the labels {', '.join(metric.dimensions)}" if metric.dimensions else f"{metric.name} has no labels"
    )


def shown(name: str) -> str:
    return repr(name if len(name) <= 64 else name[:63] + "…")


def _located(error: ExpressionError, field: str) -> QueryError:
    return QueryError(error.message, field=field, character=error.at, length=error.length)
