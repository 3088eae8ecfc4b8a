"""Panels of what users do, as the questions about users are asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from drishti.dashboards.panel_parts import PanelBase
from drishti.measures.definition_checks import Fault
from drishti.messages.product.cohorts import CohortFilter
from drishti.messages.product.conditions import Name, PropertyCondition, PropertyOp, Text, wrong_comparison
from drishti.messages.product.event_selections import Breakdown, CalendarInterval, TimeZone
from drishti.messages.product.funnels import (
    SESSION_GAP_S,
    FunnelOrder,
    FunnelUnit,
    Limit,
    PropertyName,
    SessionGap,
    StepNumber,
    Window,
)
from drishti.messages.product.paths import Latency, MaxSteps, NodeName, Nodes
from drishti.messages.product.paths import Window as PathWindow
from drishti.messages.product.retention import Bracket, Periods, RetentionKind, WrongBrackets, columns_of
from drishti.messages.product.sessions import Campaign, Gap, Midnight, Zone

EventType = Annotated[str, Meta(min_length=1, max_length=256)]


class EventCondition(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A condition on a property of an event, as in a question: ``value`` of all operators but ``in``, which has ``values``, and
    ``exists``, which has none."""

    property: Name
    op: PropertyOp = "="
    value: Text = ""
    values: Annotated[tuple[Text, ...], Meta(max_length=100)] = ()


Conditions = Annotated[tuple[EventCondition, ...], Meta(max_length=16)]
EventTypes = Annotated[tuple[EventType, ...], Meta(max_length=50)]


class EventFilter(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Events of a type that meet all conditions."""

    event_type: EventType
    where: Conditions = ()


class EventBetween(EventFilter, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event that must not lie between two steps: ``from_step`` and ``to_step``, counted from 1; the first and the last, if
    they are not given."""

    from_step: StepNumber | None = None
    to_step: StepNumber | None = None


class FunnelPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="funnel"):
    """How many users do one step after another, the last within ``window_s`` of the first; ``breakdown`` is a property of the
    first step, of which the ``limit`` values with the most users are shown. ``account``: the property that tells accounts
    apart, where ``unit`` is ``account``.

    ``saved``: the name of a saved funnel, which is shown instead, with its own range of days, where there is one and the
    dashboard shows the present. Its numbers come as they change."""

    steps: Annotated[tuple[EventFilter, ...], Meta(min_length=2, max_length=12)]
    window_s: Window = 604_800
    order: FunnelOrder = "ordered"
    exclusions: Annotated[tuple[EventBetween, ...], Meta(max_length=4)] = ()
    unit: FunnelUnit = "user"
    gap_s: SessionGap = SESSION_GAP_S
    account: PropertyName = ""
    breakdown: PropertyName = ""
    cohort: CohortFilter = ""
    limit: Limit = 10
    saved: Annotated[str, Meta(max_length=64)] = ""


class EventChoice(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Events of one of ``event_types``, of any where none is given, that meet all conditions of ``where``."""

    event_types: EventTypes = ()
    where: Conditions = ()


class RetentionPanel(
    PanelBase,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag="retention",
    rename={"returning": "return"},
):
    """How many of the users who began in a period came back in later ones, as a heat map. ``retention_kind`` is the ``kind`` of
    the question; ``breakdown`` is a property of the start, whose values the panel offers to choose from."""

    interval: CalendarInterval = "week"
    tz: TimeZone = "UTC"
    start: EventChoice = EventChoice()
    returning: EventChoice = EventChoice()
    where: Conditions = ()
    cohort: CohortFilter = ""
    recurring: bool = False
    retention_kind: RetentionKind = "classic"
    periods: Periods = 8
    brackets: Annotated[tuple[Bracket, ...], Meta(max_length=92)] = ()
    breakdown: Breakdown = ""
    limit: Limit = 10


class JourneyAnchor(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event of this type, or of any, that meets all conditions."""

    event_type: Annotated[str, Meta(max_length=256)] = ""
    where: Conditions = ()


class JourneyGroup(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Names of steps that match ``pattern``, with `*` for any characters, are one step, called ``name`` or as the pattern."""

    pattern: Annotated[str, Meta(min_length=1, max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""


class JourneysPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="journeys"):
    """What users do one thing after another, from ``start`` on, before ``end``, or in each session, as a Sankey diagram."""

    event_types: EventTypes = ()
    where: Conditions = ()
    node: NodeName = "event_type"
    group: Annotated[tuple[JourneyGroup, ...], Meta(max_length=50)] = ()
    start: JourneyAnchor | None = None
    end: JourneyAnchor | None = None
    max_steps: MaxSteps = 5
    collapse_repeats: bool = True
    window_s: PathWindow | None = None
    gap_s: Gap = 1_800
    midnight: Midnight = False
    campaign: Campaign = False
    tz: Zone = "UTC"
    latency: Latency = "duration_ms"
    errors: bool = True
    cohort: CohortFilter = ""
    limit: Nodes = 10


ProductPanel = FunnelPanel | RetentionPanel | JourneysPanel

_PLACE = re.compile(r"\.([0-9]+)")
"""Of an item of a list, as questions name it; documents have brackets."""

_QUESTIONS = {"funnel": "funnel", "retention": "retention", "journeys": "paths"}
"""Their paths below ``/api/analytics``, by the kinds of panels."""


def question_of(panel: ProductPanel) -> tuple[str, dict[str, Any]]:
    """The path of the question below ``/api/analytics``, and the question without its range."""
    about = {*PanelBase.__struct_fields__, "kind", "saved"}
    asked = {name: value for name, value in msgspec.to_builtins(panel).items() if name not in about}
    if kind := asked.pop("retention_kind", None):
        asked["kind"] = kind
    return _QUESTIONS[str(panel.__struct_config__.tag)], asked


def product_faults(at: str, panel: ProductPanel) -> Iterator[Fault]:
    """What is wrong with a panel whose fields have the right types."""
    match panel:
        case FunnelPanel():
            for place, step in enumerate(panel.steps):
                yield from _condition_faults(f"{at}.steps[{place}].where", step.where)
            yield from _funnel_faults(at, panel)
        case RetentionPanel():
            yield from _condition_faults(f"{at}.start.where", panel.start.where)
            yield from _condition_faults(f"{at}.return.where", panel.returning.where)
            yield from _condition_faults(f"{at}.where", panel.where)
            try:
                columns_of(panel.retention_kind, panel.periods, panel.brackets)
            except WrongBrackets as wrong:
                field = _PLACE.sub(r"[\1]", wrong.field)
                yield Fault(f"{at}.{field}", str(wrong))
        case JourneysPanel():
            yield from _condition_faults(f"{at}.where", panel.where)
            if panel.start and panel.end:
                yield Fault(f"{at}.end", "cannot be asked for together with `start`: leave one of them out")
            for field, anchor in (("start", panel.start), ("end", panel.end)):
                if anchor and not anchor.event_type and not anchor.where:
                    yield Fault(f"{at}.{field}", "must have an event_type or a condition")
                yield from _condition_faults(f"{at}.{field}.where", anchor.where if anchor else ())


def _funnel_faults(at: str, panel: FunnelPanel) -> Iterator[Fault]:
    """What the question would be refused for, too."""
    if panel.unit == "account" and not panel.account:
        yield Fault(f"{at}.account", "must be the property that tells accounts apart")
    if panel.unit != "account" and panel.account:
        yield Fault(f"{at}.account", "is for funnels by account: ask with `unit: account`")
    if panel.order == "strict" and panel.exclusions:
        yield Fault(f"{at}.exclusions", "between steps of a strict funnel lies nothing anyway: leave exclusions out")
    last = len(panel.steps)
    for place, one in enumerate(panel.exclusions):
        field = f"{at}.exclusions[{place}]"
        yield from _condition_faults(f"{field}.where", one.where)
        after, before = one.from_step or 1, one.to_step or last
        if panel.order == "any" and (after, before) != (1, last):
            yield Fault(f"{field}.from_step", "steps in any order have none between which it could lie: leave it out")
        elif before > last:
            yield Fault(f"{field}.to_step", f"the funnel has {last} steps")
        elif after >= before:
            yield Fault(f"{field}.from_step", "must be less than `to_step`")


def _condition_faults(at: str, conditions: Iterable[EventCondition]) -> Iterator[Fault]:
    for place, one in enumerate(conditions):
        given = PropertyCondition(property=one.property, op=one.op, value=one.value, values=list(one.values))
        if wrong := wrong_comparison(given):
            field, error = wrong
            yield Fault(f"{at}[{place}].{field}", error)
