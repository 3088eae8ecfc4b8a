"""Which events and which periods of the calendar questions about users mean. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.product.conditions import PropertyCondition

EventTypes = Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=50)]
Conditions = Annotated[list[PropertyCondition], Meta(max_length=16)]
CalendarInterval = Literal["day", "week", "month"]
TimeZone = Annotated[str, Meta(max_length=64, description="an IANA name, such as `Europe/Berlin`")]
Breakdown = Annotated[str, Meta(max_length=205, description="a property")]


class EventSelection(Struct, omit_defaults=True, kw_only=True):
    """Events of one of ``event_types``, of any where none is given, that meet all conditions of ``where``."""

    event_types: EventTypes = []
    where: Conditions = []
