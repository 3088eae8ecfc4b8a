"""Panels of what users do, as the questions about users are asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from drishti.dashboards.panel_parts import PanelBase
from drishti.measures.definition_checks import Fault
from drishti.messages.product.conditions import Name, PropertyCondition, PropertyOp, Text, wrong_comparison
from drishti.messages.product.funnels import Limit, Window

EventType = Annotated[str, Meta(min_length=1, max_length=256)]


class EventCondition(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A condition on a property of an event, as in a question: ``value`` of all operators but ``in``, which has ``values``, and
    ``exists``, which has none."""

    property: Name
    op: PropertyOp = "="
    value: Text = ""
    values: Annotated[tuple[Text, ...], Meta(max_length=100)] = ()


class EventFilter(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Events of a type that meet all conditions."""

    event_type: EventType
    where: Annotated[tuple[EventCondition, ...], Meta(max_length=16)] = ()


class FunnelPanel(PanelBase, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="funnel"):
    """How many users do one step after another, the last within ``window_s`` of the first; ``breakdown`` is a property of the
    first step, of which the ``limit`` values with the most users are shown."""

    steps: Annotated[tuple[EventFilter, ...], Meta(min_length=2, max_length=12)]
    window_s: Window = 604_800
    breakdown: Annotated[str, Meta(max_length=205)] = ""
    limit: Limit = 10


ProductPanel = FunnelPanel


def question_of(panel: ProductPanel) -> tuple[str, dict[str, Any]]:
    """The path of the question below ``/api/analytics``, and the question without its range."""
    about = {*PanelBase.__struct_fields__, "kind"}
    asked = msgspec.to_builtins(panel)
    return panel.__struct_config__.tag, {name: value for name, value in asked.items() if name not in about}  # type: ignore[return-value]


def product_faults(at: str, panel: ProductPanel) -> Iterator[Fault]:
    """What is wrong with a panel whose fields have the right types."""
    for place, step in enumerate(panel.steps):
        yield from _condition_faults(f"{at}.steps[{place}].where", step.where)


def _condition_faults(at: str, conditions: Iterable[EventCondition]) -> Iterator[Fault]:
    for place, one in enumerate(conditions):
        given = PropertyCondition(property=one.property, op=one.op, value=one.value, values=list(one.values))
        if wrong := wrong_comparison(given):
            field, error = wrong
            yield Fault(f"{at}[{place}].{field}", error)
