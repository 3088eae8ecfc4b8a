"""Saved funnels, and their results as they change: what the gateway asks analytics about them. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Token
from drishti.messages.product.funnels import FunnelAnswer, FunnelDefinition

MAX_SAVED_FUNNELS = 50
"""Of one tenant."""

MAX_BYTES = 64 * 1024
"""Of a funnel as it is stored."""

MAX_RESULT_BYTES = 512 * 1024
"""Of a result as it is published."""


class RecentFunnel(FunnelDefinition, omit_defaults=True, kw_only=True):
    """A funnel of which the first step lies in the last ``days`` days of UTC, today among them."""

    days: Annotated[int, Meta(ge=1, le=400)] = 30


class SavedFunnelsQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: the tenant's saved funnels."""

    tenant: Token


class SavedFunnelQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: one saved funnel with its result."""

    tenant: Token
    name: Token


class PutSavedFunnel(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: store a funnel in place of ``revision`` (0: there is none yet)."""

    tenant: Token
    name: Token
    title: Annotated[str, Meta(max_length=100)] = ""
    description: Annotated[str, Meta(max_length=1000)] = ""
    funnel: RecentFunnel
    revision: Annotated[int, Meta(ge=0)] = 0


class DeleteSavedFunnel(Struct, omit_defaults=True, kw_only=True):
    """An order to analytics: delete a saved funnel that is at ``revision``."""

    tenant: Token
    name: Token
    revision: Annotated[int, Meta(ge=1)]


class FunnelResult(Struct, omit_defaults=True, kw_only=True, frozen=True):
    """What the question ``funnel`` answers for a saved funnel at ``revision``, or the ``error`` that it answers.

    ``as_of`` is when the events were read, all that were stored by then."""

    name: str
    title: str
    revision: int
    funnel: RecentFunnel
    as_of: EpochMs
    answer: FunnelAnswer | None = None
    error: str = ""


class SavedFunnel(Struct, omit_defaults=True, kw_only=True):
    """A funnel as it is stored. ``result``: the newest of this revision; none until it was first counted, and in lists."""

    name: str
    title: str
    description: str
    revision: int
    changed_ms: EpochMs
    funnel: RecentFunnel
    result: FunnelResult | None = None


class SavedFunnelList(Struct, omit_defaults=True, kw_only=True):
    """All saved funnels of a tenant by name."""

    funnels: list[SavedFunnel]
