"""KPIs: metrics of the kind ``derived``, an expression over metrics and events. Pure.

A term of events becomes a **hidden metric** that is drawn from them (:class:`~drishti.measures.definitions.EventSource`), one
for what several terms and KPIs need alike: ``avg`` and ``p95`` of one property under one condition are fields of one
distribution. A term that is another KPI (``value(other)``) is replaced by that one's expression. What is left is arithmetic
over metrics, whose cells are merged first: a ratio of sums, never a mean of ratios.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct

from drishti.measures.definition_checks import EVENT_TYPE, Fault, check
from drishti.measures.definitions import TENANT, EventSource, Kind, MetricDefinition
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.meaning import EventTerm, Meaning, MetricTerm, meanings
from drishti.measures.expressions.parser import Parsed, Placed, parse
from drishti.measures.expressions.tree import Arithmetic, Expression, Negative, Number, Term
from drishti.measures.fields import fields_of

HIDDEN = "term"
"""What the tokens of hidden metrics begin with."""

MAX_NESTED = 8
"""How deep KPIs may lie within KPIs."""

MAX_KPIS = 32
"""KPIs that one may be computed from, each within others or not."""

MAX_PARTS = 2_000
"""Of a KPI's whole expression."""

MAX_TERMS = 64
"""Different terms of a KPI, those of the KPIs within it among them."""

_HIDDEN = re.compile(rf"{HIDDEN}_[0-9a-f]{{30}}")

Find = Callable[[str], MetricDefinition | None]
"""The metric of a tenant by name or token."""


class Resolved(Struct, frozen=True):
    """A KPI's ``expression`` over metrics, and the ``hidden`` ones among these."""

    expression: Expression
    hidden: tuple[MetricDefinition, ...]


class Resolution(Struct, frozen=True):
    """What came of resolving ``definition``, a KPI: ``resolved``, or ``None`` where it cannot be computed.

    ``looked_up`` has every name that was asked for with the metric of that name: as long as these are the same, so is what
    comes of it.
    """

    definition: MetricDefinition
    looked_up: tuple[tuple[str, MetricDefinition | None], ...]
    resolved: Resolved | None

    @property
    def length(self) -> int:
        """Characters of its expression and of those of the KPIs within it."""
        within = {metric.token: metric for _, metric in self.looked_up if metric is not None and metric.kind is Kind.DERIVED}
        return len(self.definition.expression) + sum(len(kpi.expression) for kpi in within.values())

    def holds(self, find: Find) -> bool:
        """Whether ``find`` knows the same metrics."""
        return all((now := find(name)) is before or now == before for name, before in self.looked_up)


def resolution(definition: MetricDefinition, find: Find) -> Resolution:
    """The same as :func:`resolved`, as something to be kept."""
    looked_up: dict[str, MetricDefinition | None] = {}

    def look_up(name: str) -> MetricDefinition | None:
        if name not in looked_up:
            looked_up[name] = find(name)
        return looked_up[name]

    try:
        result = resolved(definition, look_up)
    except ExpressionError:  # a metric that it is computed from is gone: who asks for it gets that answer
        result = None
    return Resolution(definition, tuple(looked_up.items()), result)


def resolved(definition: MetricDefinition, find: Find) -> Resolved:
    """What ``definition``, a KPI, is computed from; raises :class:`ExpressionError` at the character of its expression."""
    hidden: dict[str, MetricDefinition] = {}
    expression = _Resolution(find, hidden).expression(definition, (definition.name,))
    if len(_terms(expression)) > MAX_TERMS:
        raise ExpressionError(
            f"with the KPIs in it, it has more than {MAX_TERMS} different terms", 0, len(definition.expression)
        )
    return Resolved(expression, tuple(hidden.values()))


def terms(definition: MetricDefinition, find: Find) -> list[tuple[Term, Placed, Meaning]]:
    """The terms of a KPI as they stand in its expression; raises :class:`ExpressionError` where one means nothing."""
    parsed = parse(definition.expression)
    return [(term, parsed.places[term], meaning) for term, meaning in meanings(parsed, _Known(parsed, find)).items()]


def faults(definition: MetricDefinition, find: Find) -> list[Fault]:
    """What is wrong with a KPI among the metrics of its tenant."""
    try:
        resolved(definition, find)
    except ExpressionError as error:
        return [Fault("expression", error.message, error.at)]
    return []


class _Resolution:
    """Of one KPI; each one within it is resolved once."""

    def __init__(self, find: Find, hidden: dict[str, MetricDefinition]) -> None:
        self._find = find
        self._hidden = hidden
        self._done: dict[str, Expression] = {}

    def expression(self, kpi: MetricDefinition, path: tuple[str, ...]) -> Expression:
        parsed = parse(kpi.expression)
        replaced: dict[Term, Expression] = {}
        for term, meaning in meanings(parsed, _Known(parsed, self._find)).items():
            place = parsed.places[term].name
            if isinstance(meaning, EventTerm):
                metric = hidden_metric(meaning)
                if wrong := check(metric):
                    raise ExpressionError(wrong[0].error, *place)
                self._hidden[metric.token] = metric
                replaced[term] = Term(term.aggregate, metric.token)
            elif (inner := self._find(meaning.metric)) is not None and inner.kind is Kind.DERIVED:
                replaced[term] = self._nested(inner, path, place)
            else:
                replaced[term] = _of_metric(meaning)
        whole = _with(parsed.expression, replaced)
        if _size(whole) > MAX_PARTS:
            raise ExpressionError(f"with the KPIs in it, it has more than {MAX_PARTS} parts", 0, len(kpi.expression))
        return whole

    def _nested(self, kpi: MetricDefinition, path: tuple[str, ...], place: tuple[int, int]) -> Expression:
        further = (*path, kpi.name)
        if kpi.name in path:
            raise _WithinItself(f"a KPI cannot be computed from itself: {' → '.join(further)}", *place)
        done = self._done.get(kpi.name)
        if done is not None:
            return done
        if len(further) > MAX_NESTED or len(self._done) >= MAX_KPIS:
            raise ExpressionError(f"at most {MAX_KPIS} KPIs within one, and {MAX_NESTED} within each other", *place)
        try:
            self._done[kpi.name] = done = self.expression(kpi, further)
        except _WithinItself as error:
            raise _WithinItself(error.message, *place) from None
        except ExpressionError as error:
            raise ExpressionError(f"{kpi.name} cannot be computed: {error.message}", *place) from None
        return done


class _WithinItself(ExpressionError):
    """A cycle; its message names the path."""


def _of_metric(meaning: MetricTerm) -> Term:
    return Term(meaning.aggregate, meaning.metric, meaning.condition)


def hidden_metric(term: EventTerm) -> MetricDefinition:
    """The metric that counts what ``term`` needs."""
    where = "" if term.condition is None else str(term.condition)
    if term.property is None:
        kind, source = Kind.COUNTER, EventSource(event=term.event_type, where=where)
    elif term.aggregate == "uniques":
        kind, source = Kind.UNIQUE, EventSource(event=term.event_type, where=where, unique=term.property)
    else:
        kind, source = Kind.DISTRIBUTION, EventSource(event=term.event_type, where=where, value=term.property)
    identity = hashlib.blake2b(msgspec.json.encode([kind, source]), digest_size=15).hexdigest()
    return MetricDefinition(name=f"{HIDDEN}_{identity}", kind=kind, source=source, origin=TENANT)


def is_hidden(token: str) -> bool:
    """Whether it is the token of a hidden metric, which no other metric may have."""
    return _HIDDEN.fullmatch(token) is not None


class _Known:
    """The metrics of a tenant, and as types of events all names in an expression that could be one: which there will be,
    nobody knows."""

    def __init__(self, parsed: Parsed, find: Find) -> None:
        self._find = find
        names = {term.name for term in parsed.places}
        self._types = {name for name in names | {name.partition(".")[0] for name in names} if EVENT_TYPE.match(name)}

    def aggregates(self, metric: str) -> Sequence[str] | None:
        definition = self._find(metric)
        return None if definition is None else fields_of(definition)

    def dimensions(self, metric: str) -> Sequence[str]:
        definition = self._find(metric)
        return () if definition is None else definition.dimensions

    def metrics(self) -> Iterable[str]:
        return ()

    def event_types(self) -> Iterable[str]:
        return self._types


def _with(expression: Expression, replaced: dict[Term, Expression]) -> Expression:
    if isinstance(expression, Term):
        return replaced[expression]
    if isinstance(expression, Negative):
        return Negative(_with(expression.operand, replaced))
    if isinstance(expression, Arithmetic):
        return Arithmetic(expression.operator, _with(expression.left, replaced), _with(expression.right, replaced))
    return expression


def _size(expression: Expression) -> int:
    if isinstance(expression, Negative):
        return 1 + _size(expression.operand)
    if isinstance(expression, Arithmetic):
        return 1 + _size(expression.left) + _size(expression.right)
    return 1


def _terms(expression: Expression) -> set[Term]:
    if isinstance(expression, Term):
        return {expression}
    if isinstance(expression, Number):
        return set()
    if isinstance(expression, Negative):
        return _terms(expression.operand)
    return _terms(expression.left) | _terms(expression.right)
