"""What the terms of a question are: each one field of one metric over the rows that meet its condition. Pure.

Every question is an expression: an aggregate of a metric is one of a single term. Errors name the field of the question and, in
an expression or a condition, the characters that are wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from analytics.query import versions
from analytics.query.bins import MAX_BINS
from analytics.query.readings import HISTOGRAMS, Reading
from analytics.storage.label_conditions import SERVICE, by_tokens, jsonpath, required
from drishti.errors import QueryError
from drishti.events import LabelFilter, Question
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.measures.effective import TenantMetrics, kpi_faults
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
    Not,
    Number,
    Prefix,
    Term,
)
from drishti.measures.expressions.tree import terms as terms_of
from drishti.measures.fields import SHARE, fields_of, has_field, percentile, unit_of
from drishti.measures.kpis import hidden_metric

EVENTS, EVENT_TYPE = "events", "event_type"
"""The metric that counts all events, and its label."""

MAX_GROUP_BY = 3
MAX_TOP = 100
MAX_FILTERS = 20
MAX_VALUES = 100


class PlannedTerm(NamedTuple):
    """One term: ``field`` of ``metric`` out of ``whole``; of a share, ``part`` are the observations that it counts."""

    metric: MetricDefinition
    field: str
    whole: Reading
    part: Reading | None = None

    @property
    def grouped(self) -> Reading:
        """The reading whose groups are those of the answer."""
        return self.part if self.part is not None and self.field == SHARE else self.whole


class PlannedQuestion(NamedTuple):
    """A question as an expression over its terms. ``field`` is its path in the request; ``metric`` is the token of the one that
    it is about, if it is; ``services`` are those it names."""

    question: Question
    field: str
    metric: str
    expression: Expression
    terms: dict[Term, PlannedTerm]
    unit: str
    services: frozenset[str]


def asks_events(question: Question, metrics: TenantMetrics) -> bool:
    """Whether a name in its expression is no metric, so that :func:`planned` has to know the tenant's types of events."""
    try:
        return (
            any(metrics.find(term.name) is None for term in parse(question.expression).places) if question.expression else False
        )
    except ExpressionError:
        return False


def planned(
    question: Question, field: str, metrics: TenantMetrics, event_types: frozenset[str] = frozenset()
) -> PlannedQuestion:
    """The plan for ``question`` of a tenant that has ``metrics`` and sent events of ``event_types``.

    Raises :class:`QueryError` with a path that begins with ``field``.
    """
    if bool(question.metric) == bool(question.expression):
        raise QueryError("give a metric and its aggregate, or an expression: one of the two", field=f"{field}metric")
    if len(question.group_by) > MAX_GROUP_BY:
        raise QueryError(f"at most {MAX_GROUP_BY} labels", field=f"{field}group_by")
    if len(set(question.group_by)) < len(question.group_by):
        raise QueryError("each label may be there once", field=f"{field}group_by")
    if question.top is not None:
        if not 1 <= question.top <= MAX_TOP:
            raise QueryError(f"must be 1 to {MAX_TOP}", field=f"{field}top")
        if not question.group_by:
            raise QueryError("is for groups: name the labels in group_by", field=f"{field}top")
    if question.bins is not None:
        if not 2 <= question.bins <= MAX_BINS:
            raise QueryError(f"must be 2 to {MAX_BINS}", field=f"{field}bins")
        if not question.metric or percentile(question.aggregate) is None:
            raise QueryError(
                "are of the values of a distribution: give its metric, and a percentile such as p50", field=f"{field}bins"
            )
    expression: Expression = (
        _single(question, field, metrics) if question.metric else _expression(question, field, metrics, event_types)
    )
    at = f"{field}{'metric' if question.metric else 'expression'}"
    metric = metrics.find(question.metric) if question.metric else None
    kpi = metric or (metrics.find(expression.name) if isinstance(expression, Term) else None)
    unit = kpi.unit if kpi is not None and kpi.kind is Kind.DERIVED else ""
    expression = _without_kpis(expression, question, field, at, metrics)
    terms = {term: _term(term, question, field, at, metrics) for term in terms_of(expression)}
    services = {
        str(value)
        for term in terms
        for name, values in _compared(by_tokens_or_none(term.condition))
        if name == SERVICE
        for value in values
    }
    token = "" if metric is None else versions.key_of(metric, metrics)
    return PlannedQuestion(question, field, token, expression, terms, unit or _unit(expression, terms), frozenset(services))


def _without_kpis(expression: Expression, question: Question, field: str, at: str, metrics: TenantMetrics) -> Expression:
    """``expression`` with what KPIs are computed from in their places."""
    if isinstance(expression, Negative):
        return Negative(_without_kpis(expression.operand, question, field, at, metrics))
    if isinstance(expression, Arithmetic):
        left, right = (_without_kpis(one, question, field, at, metrics) for one in (expression.left, expression.right))
        return Arithmetic(expression.operator, left, right)
    kpi = metrics.find(expression.name) if isinstance(expression, Term) else None
    if kpi is None or kpi.kind is not Kind.DERIVED:
        return expression
    computed = metrics.kpis.get(versions.key_of(kpi, metrics))
    if computed is None:
        wrong = kpi_faults(kpi, metrics)
        reason = f"its expression is wrong: {wrong[0].error}" if wrong else "it is switched off"
        raise QueryError(f"{kpi.name} cannot be computed: {reason}", field=at)
    if computed.hidden and question.group_by:
        raise QueryError(
            f"{kpi.name} is computed from events, which are counted without labels for it: define metrics on the events with "
            "the dimensions to group by, and ask for an expression over those",
            field=f"{field}group_by",
        )
    return computed.expression


def by_tokens_or_none(condition: Condition | None) -> Condition | None:
    return None if condition is None else by_tokens(condition)


def _single(question: Question, field: str, metrics: TenantMetrics) -> Term:
    """A metric's aggregate as the one term of an expression."""
    metric = _metric(question.metric, f"{field}metric", metrics)
    if not question.aggregate:
        raise QueryError(f"is missing; {_fields(metric)}", field=f"{field}aggregate")
    if not has_field(metric, question.aggregate):
        raise QueryError(f"{_fields(metric)}, not {_shown(question.aggregate)}", field=f"{field}aggregate")
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
        raise QueryError(f"{_dimensions(metric)}: cannot filter by {_shown(given.label)}", field=f"{field}.label")
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
                f"there is no metric {_shown(term.name)}, and no event of this type was seen; {hint}GET /api/analytics/metrics "
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


def _term(term: Term, question: Question, field: str, at: str, metrics: TenantMetrics) -> PlannedTerm:
    metric = _metric(term.name, at, metrics)
    if question.group_by and metric.token in metrics.hidden:
        raise QueryError(
            "a term of events is counted without labels: define a metric on the events with the dimensions to group by, and "
            "ask for that",
            field=f"{field}group_by",
        )
    for label in question.group_by:
        if label not in metric.dimensions:
            raise QueryError(f"{_dimensions(metric)}: cannot group by {_shown(label)}", field=f"{field}group_by")
    names, key = tuple(question.group_by), versions.key_of(metric, metrics)
    share = metric.share(term.aggregate)
    if share is not None:
        _check_share(share, term, question, field, at)
        counted = Compare(share.dimension, "=", share.value)
        part = counted if term.condition is None else Both(term.condition, counted)
        return PlannedTerm(
            metric,
            term.aggregate,
            _reading(metric, key, "count", term.condition, names),
            _reading(metric, key, "count", part, names),
        )
    if term.aggregate == SHARE:
        if not names:
            raise QueryError(
                "share is the part that each group has in all: name the labels to group by", field=f"{field}group_by"
            )
        whole = _reading(metric, key, "count", term.condition, ())
        return PlannedTerm(metric, SHARE, whole, _reading(metric, key, "count", term.condition, names))
    return PlannedTerm(metric, term.aggregate, _reading(metric, key, term.aggregate, term.condition, names))


def _check_share(share: Share, term: Term, question: Question, field: str, at: str) -> None:
    if share.dimension in question.group_by:
        error = f"{share.name} is a share over {share.dimension}: it cannot be grouped by it, too"
        raise QueryError(error, field=f"{field}group_by")
    if any(name == share.dimension for name, _ in _compared(term.condition)):
        raise QueryError(f"{share.name} is a share over {share.dimension}: it cannot be filtered by it, too", field=at)


def _reading(metric: MetricDefinition, key: str, field: str, condition: Condition | None, names: tuple[str, ...]) -> Reading:
    statement = "counts_by_step"
    if metric.kind is Kind.UNIQUE:
        statement = "uniques_by_step"
    elif percentile(field) is not None:
        statement = HISTOGRAMS
    tokens = by_tokens_or_none(condition)
    labels = msgspec.json.encode(required(tokens)).decode()
    return Reading(statement, key, labels, "" if tokens is None else jsonpath(tokens), names)


def _compared(condition: Condition | None) -> Iterable[tuple[str, tuple[object, ...]]]:
    """Every label that a condition is about, with the whole values that it names."""
    if condition is None:
        return
    if isinstance(condition, Not):
        yield from _compared(condition.condition)
    elif isinstance(condition, Compare):
        yield condition.name, (condition.value,)
    elif isinstance(condition, Member):
        yield condition.name, condition.values
    elif isinstance(condition, Prefix | Exists):
        yield condition.name, ()
    else:
        yield from _compared(condition.left)
        yield from _compared(condition.right)


def _unit(expression: Expression, terms: Mapping[Term, PlannedTerm]) -> str:
    """The unit of what comes out, as far as it follows from those of the terms; else empty."""
    if isinstance(expression, Term):
        return unit_of(terms[expression].metric, expression.aggregate)
    if isinstance(expression, Negative):
        return _unit(expression.operand, terms)
    if isinstance(expression, Number):
        return ""
    left, right = _unit(expression.left, terms), _unit(expression.right, terms)
    if expression.operator in ("+", "-"):
        return left if left == right else ""
    if expression.operator == "/" and left and left == right:
        return "1"
    if isinstance(expression.right, Number):
        return left
    return right if expression.operator == "*" and isinstance(expression.left, Number) else ""


def _metric(name: str, field: str, metrics: TenantMetrics) -> MetricDefinition:
    metric = metrics.find(name)
    if metric is None:
        if error := versions.unknown(name, metrics):
            raise QueryError(error, field=field)
        nearest = metrics.nearest(name)
        everywhere = "the page Metrics, `drishti metrics list` and GET /api/analytics/metrics list all"
        hint = f"is it {' or '.join(nearest)}?" if nearest else everywhere
        raise QueryError(f"there is no metric {_shown(name)}; {hint}", field=field, nearest=nearest)
    return metric


def _fields(metric: MetricDefinition) -> str:
    more = ", and any other percentile such as p99.9" if metric.kind is Kind.DISTRIBUTION else ""
    return f"{metric.name} has {', '.join(fields_of(metric))}{more}"


def _dimensions(metric: MetricDefinition) -> str:
    return (
        f"{metric.name} has the labels {', '.join(metric.dimensions)}" if metric.dimensions else f"{metric.name} has no labels"
    )


def _shown(name: str) -> str:
    return repr(name if len(name) <= 64 else name[:63] + "…")


def _located(error: ExpressionError, field: str) -> QueryError:
    return QueryError(error.message, field=field, character=error.at, length=error.length)
