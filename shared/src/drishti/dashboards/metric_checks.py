"""What a dashboard asks of a tenant's metrics that they do not have. Pure.

An aggregate that a metric of its kind has not is a fault. A metric, or a dimension of one, may still come: dashboards are
often there before the first data, so what is not measured is said, and refused by nobody but who wants that.
"""

from __future__ import annotations

from collections.abc import Iterator

from drishti.dashboards import expression_variables
from drishti.dashboards.conversion_faults import nearest
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.panel_parts import PanelQuestion
from drishti.dashboards.panels import INSIGHT_PANELS, HistogramPanel, QueryPanel, StoredQuery, questions
from drishti.measures.definition_checks import Fault
from drishti.measures.definitions import Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.meaning import OF_NUMBERS
from drishti.measures.expressions.parser import Placed, parse
from drishti.measures.expressions.tree import Term
from drishti.measures.fields import fields_of, has_field, known_fields, percentile


def faults(document: DashboardDocument, metrics: TenantMetrics) -> Iterator[Fault]:
    """Aggregates that a metric cannot have."""
    for at, question in _asked(document):
        definition = metrics.find(question.metric)
        if definition is not None and not has_field(definition, question.field):
            yield Fault(f"{at}.field", _wrong_field(definition, question.field))
    for at, query in _queries(document):
        definition = metrics.find(_unversioned(query.metric))
        if definition is not None and not has_field(definition, query.aggregate):
            yield Fault(f"{at}.aggregate", _wrong_field(definition, query.aggregate))
        for term, placed in _terms(query):
            definition = metrics.find(_unversioned(term.name))
            if definition is not None and not has_field(definition, term.aggregate):
                yield Fault(f"{at}.expression", _wrong_field(definition, term.aggregate), placed.aggregate[0])
    for index, panel in enumerate(document.panels):
        if isinstance(panel, HistogramPanel):
            definition = metrics.find(panel.values.metric)
            if definition is not None and definition.kind is not Kind.DISTRIBUTION:
                error = f"{definition.name} is a {definition.kind}: only a distribution has values that are spread"
                yield Fault(f"panels[{index}].values.metric", error)


def not_measured(document: DashboardDocument, metrics: TenantMetrics) -> Iterator[Fault]:
    """Metrics that are not there, dimensions that they do not have, and aggregates that nothing has."""
    for index, variable in enumerate(document.variables):
        yield from _missing(f"variables[{index}]", variable.metric, {"dimension": (variable.dimension,)}, metrics)
    for at, question in _asked(document):
        labels = {"by": (question.by,) if question.by else (), "only": tuple(question.only), "without": tuple(question.without)}
        yield from _missing(at, question.metric, labels, metrics)
    for index, panel in enumerate(document.panels):
        if isinstance(panel, HistogramPanel):
            values = panel.values
            labels = {"only": tuple(values.only), "without": tuple(values.without)}
            yield from _missing(f"panels[{index}].values", values.metric, labels, metrics)
        elif isinstance(panel, INSIGHT_PANELS):
            for place, name in enumerate(panel.metrics):
                if metrics.find(name) is None:
                    yield Fault(f"panels[{index}].metrics[{place}]", _no_metric(name, metrics))
    for at, query in _queries(document):
        if query.metric:
            labels = {"group_by": query.group_by, "only": tuple(query.only), "without": tuple(query.without)}
            yield from _missing(at, query.metric, labels, metrics)
        for term, placed in _terms(query):
            yield from _missing_term(f"{at}.expression", term, placed, metrics)


def _missing(at: str, metric: str, labels: dict[str, tuple[str, ...]], metrics: TenantMetrics) -> Iterator[Fault]:
    definition = metrics.find(_unversioned(metric))
    if definition is None:
        yield Fault(f"{at}.metric", _no_metric(metric, metrics))
        return
    for field, names in labels.items():
        for name in names:
            if name not in definition.dimensions:
                has = nearest(name, definition.dimensions) if definition.dimensions else "; it has none"
                yield Fault(f"{at}.{field}", f"{definition.name} has no dimension {name!r}{has}")


def _missing_term(at: str, term: Term, placed: Placed, metrics: TenantMetrics) -> Iterator[Fault]:
    if metrics.find(_unversioned(term.name)) is not None:
        return
    yield Fault(at, f"{_no_metric(term.name, metrics)} It may be a type of events", placed.name[0])
    known = [*dict.fromkeys([*OF_NUMBERS, *known_fields(metrics.definitions.values())])]
    if term.aggregate not in known and percentile(term.aggregate) is None:
        yield Fault(at, f"nothing has an aggregate {term.aggregate!r}{nearest(term.aggregate, known)}", placed.aggregate[0])


def _no_metric(name: str, metrics: TenantMetrics) -> str:
    alike = metrics.nearest(name)
    meant = f"; do you mean {' or '.join(alike)}?" if alike else "."
    return f"there is no metric {name!r} yet{meant}"


def _wrong_field(definition: MetricDefinition, field: str) -> str:
    fields = fields_of(definition)
    more = ", and any percentile" if definition.kind is Kind.DISTRIBUTION else ""
    return f"{definition.name} has no aggregate {field!r}{nearest(field, fields)}{more}"


def _asked(document: DashboardDocument) -> Iterator[tuple[str, PanelQuestion]]:
    for index, panel in enumerate(document.panels):
        for place, question in questions(panel):
            yield f"panels[{index}].{place}", question
    for index, question in enumerate(document.feed):
        yield f"feed[{index}]", question


def _queries(document: DashboardDocument) -> Iterator[tuple[str, StoredQuery]]:
    for index, panel in enumerate(document.panels):
        if isinstance(panel, QueryPanel):
            yield from ((f"panels[{index}].queries[{place}]", query) for place, query in enumerate(panel.queries))


def _terms(query: StoredQuery) -> Iterator[tuple[Term, Placed]]:
    if query.expression:
        yield from parse(expression_variables.masked(query.expression)).places.items()


def _unversioned(name: str) -> str:
    """``signups`` of ``signups@1``, which is an earlier version of it."""
    return name.partition("@")[0]
