"""What is wrong with the queries of a panel, as far as it can be said without knowing the tenant's metrics. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from drishti.dashboards import expression_variables
from drishti.dashboards.panels import QueryPanel, StoredQuery
from drishti.measures.definition_checks import Fault
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.parser import parse, parse_condition
from drishti.measures.fields import adds_up

INSIDE = 'belongs to a metric; an expression has its conditions inside: p95(request_duration_ms where service = "shop")'

LEVELS = frozenset({"avg", "value"})
"""Means of a level add up where the level does, as memory in use; whoever stacks them knows that."""


def query_faults(at: str, panel: QueryPanel, variables: Mapping[str, object]) -> Iterator[Fault]:
    """Every fault of ``panel``, whose place in the document is ``at``; ``variables`` are those of the dashboard by name."""
    for place, query in enumerate(panel.queries):
        here = f"{at}.queries[{place}]"
        yield from _faults(here, query, variables)
        if panel.show == "stat" and query.group_by:
            yield Fault(f"{here}.group_by", "a single number is of no groups: show bars, a table or lines, or group by nothing")
        of_parts = panel.show in ("pie", "stacked") and query.group_by and query.metric
        if of_parts and not (adds_up(query.aggregate) or (panel.show == "stacked" and query.aggregate in LEVELS)):
            yield Fault(f"{here}.aggregate", f"{query.aggregate} of the groups does not add up to that of the whole")


def _faults(at: str, query: StoredQuery, variables: Mapping[str, object]) -> Iterator[Fault]:
    if bool(query.metric) == bool(query.expression):
        yield Fault(f"{at}.metric", "give a metric and its aggregate, or an expression: one of the two")
    if query.expression:
        for name in ("aggregate", "only", "without", "where"):
            if getattr(query, name):
                yield Fault(f"{at}.{name}", INSIDE)
        yield from _text_faults(f"{at}.expression", query.expression, variables, parse)
    elif query.metric and not query.aggregate:
        yield Fault(f"{at}.aggregate", "is missing: count, rate, avg, p95, …, as the metric has them")
    if query.where:
        yield from _text_faults(f"{at}.where", query.where, variables, parse_condition)
    if query.top is not None and not query.group_by:
        yield Fault(f"{at}.top", "is for groups: name the labels in group_by")
    if len(set(query.group_by)) < len(query.group_by):
        yield Fault(f"{at}.group_by", "each label may be there once")


def _text_faults(at: str, text: str, variables: Mapping[str, object], parsed: Callable[[str], object]) -> Iterator[Fault]:
    try:
        expression_variables.check(text, variables, parsed)
    except ExpressionError as error:
        yield Fault(at, error.message, error.at)
