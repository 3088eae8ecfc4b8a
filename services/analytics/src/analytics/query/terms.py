"""What the terms of a question are: each one field of one metric over the rows that meet its condition. Pure.

Every question is an expression: an aggregate of a metric is one of a single term. Errors name the field of the question and, in
an expression or a condition, the characters that are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from analytics.query import versions
from analytics.query.bins import MAX_BINS
from analytics.query.expressions import dimensions_in_words, expression_of, find_metric, shown
from analytics.query.readings import HISTOGRAMS, Reading
from analytics.storage.label_conditions import SERVICE, by_tokens, jsonpath, required
from drishti.errors import QueryError
from drishti.events import Question
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.measures.effective import TenantMetrics, kpi_faults
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import parse
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
from drishti.measures.fields import SHARE, percentile, unit_of

MAX_GROUP_BY = 3
MAX_TOP = 100


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
    expression = expression_of(question, field, metrics, event_types)
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


def _term(term: Term, question: Question, field: str, at: str, metrics: TenantMetrics) -> PlannedTerm:
    metric = find_metric(term.name, at, metrics)
    if question.group_by and metric.token in metrics.hidden:
        raise QueryError(
            "a term of events is counted without labels: define a metric on the events with the dimensions to group by, and "
            "ask for that",
            field=f"{field}group_by",
        )
    for label in question.group_by:
        if label not in metric.dimensions:
            raise QueryError(f"{dimensions_in_words(metric)}: cannot group by {shown(label)}", field=f"{field}group_by")
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
