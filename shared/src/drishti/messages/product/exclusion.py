"""What the gateway asks analytics about people who are left out by rule, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.conditions import PropertyCondition

USER_ID = "user_id"
"""A property of conditions of rules: the id under which an event was sent."""

ExcludedUsers = Annotated[int, Meta(description="people who were left out by rule, of the days that were read")]


class ExclusionRule(Struct, omit_defaults=True, kw_only=True):
    """People with an event that meets all conditions of ``where`` are left out. There, the property ``user_id`` is the id under
    which the event was sent, with the operators `=`, `in` and `prefix`. ``bots``: the event's `user_agent` must be one by which
    crawlers, monitors and other programs are known."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$(?!\n)")]
    where: Annotated[list[PropertyCondition], Meta(max_length=16)] = []
    bots: bool = False


Rules = Annotated[list[ExclusionRule], Meta(max_length=50)]


class ExclusionQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: who is left out of answers about users?"""

    tenant: Token


class SetExclusion(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: these rules, and no others, say from now on who is left out. ``revision`` is that of the rules
    which they replace: 0 where there are none."""

    tenant: Token
    rules: Rules
    revision: Annotated[int, Meta(ge=0)]


class Exclusion(Struct, omit_defaults=True, kw_only=True):
    """The rules by which people are left out, and since when."""

    rules: Rules
    revision: int
    changed_ms: EpochMs | None = None
