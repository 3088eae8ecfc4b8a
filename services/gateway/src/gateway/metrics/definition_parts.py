"""What a definition is made of, and how it can be drawn before it is stored. Pure."""

from __future__ import annotations

from msgspec import Struct

from drishti.measures import kpis
from drishti.measures.definition_checks import Fault
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.meaning import MetricTerm
from drishti.measures.expressions.tree import quoted


class Part(Struct, omit_defaults=True, kw_only=True):
    """One term of a KPI, or the events that a metric is drawn from: ``term`` as it is written in an expression.

    It is about a ``metric`` by name (``expression``: that one's own, where it is a KPI itself) or about the events of the type
    ``events``; ``nearest`` are metrics that may be meant instead. The name stands at ``character``, from 0.
    """

    term: str
    metric: str = ""
    expression: str = ""
    events: str = ""
    nearest: list[str] = []
    character: int | None = None
    length: int | None = None


class Checked(Struct, omit_defaults=True, kw_only=True):
    """What storing a definition would say: every fault, none where it can be stored. ``token`` is what its name becomes.

    ``preview``: an expression whose answer is what the metric would have been, where the definition means something so far.
    """

    faults: list[Fault]
    token: str = ""
    version: int = 1
    made_of: list[Part] = []
    preview: str = ""


def checked(definition: MetricDefinition, faults: list[Fault], beside: TenantMetrics) -> Checked:
    """The answer about ``definition``, which has ``faults``."""
    wrong = {fault.field.partition(".")[0] for fault in faults}
    preview = "" if wrong & {"expression", "source", "kind"} else preview_of(definition)
    return Checked(
        faults=faults,
        token=definition.token if "name" not in wrong else "",
        made_of=parts_of(definition, beside),
        preview=preview,
    )


def parts_of(definition: MetricDefinition, beside: TenantMetrics) -> list[Part]:
    """What ``definition`` is computed or drawn from; nothing of what is measured as it is, or means nothing."""
    if definition.source is not None:
        return [Part(term=_term(definition.kind, definition.source), events=definition.source.event)]
    if definition.kind is not Kind.DERIVED:
        return []
    try:
        terms = kpis.terms(definition, beside.find)
    except ExpressionError:
        return []
    parts = []
    for term, placed, meaning in terms:
        character, length = placed.name
        part = Part(term=str(term), character=character, length=length)
        if isinstance(meaning, MetricTerm):
            metric = beside.find(meaning.metric)
            part.metric = meaning.metric if metric is None else metric.name
            part.expression = "" if metric is None else metric.expression
        else:
            part.events = meaning.event_type
            part.nearest = beside.nearest(meaning.event_type)
        parts.append(part)
    return parts


def preview_of(definition: MetricDefinition) -> str:
    """The expression that asks for what ``definition`` would measure; empty of what only arrives under its own name."""
    if definition.source is not None:
        return _term(definition.kind, definition.source)
    return definition.expression


def _term(kind: Kind, source: EventSource) -> str:
    """The events of ``source`` as a term: of what is counted the rate, of a distribution its 95th percentile."""
    taken = source.unique or source.value
    name = quoted(f"{source.event}.{taken}" if taken else source.event)
    if kind is Kind.COUNTER:
        aggregate = "sum" if taken else "rate"
    else:
        aggregate = {Kind.DISTRIBUTION: "p95", Kind.GAUGE: "avg", Kind.UNIQUE: "uniques"}.get(kind, "count")
    return f"{aggregate}({name}{f' where {source.where}' if source.where else ''})"
