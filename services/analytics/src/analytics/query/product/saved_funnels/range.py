"""The question that a saved funnel is at a moment. Pure."""

from __future__ import annotations

from drishti.messages.product.funnels import FunnelDefinition, FunnelQuery
from drishti.messages.product.saved_funnels import RecentFunnel

DAY_MS = 86_400_000


def query_of(tenant: str, funnel: RecentFunnel, now_s: float) -> FunnelQuery:
    """About its last days of UTC, to the end of the one in which ``now_s`` (seconds since 1970) lies: so the answer changes
    with events, and at midnight."""
    tomorrow = (int(now_s * 1000) // DAY_MS + 1) * DAY_MS
    of_definition = {name: getattr(funnel, name) for name in FunnelDefinition.__struct_fields__}
    return FunnelQuery(tenant=tenant, from_ms=tomorrow - funnel.days * DAY_MS, to_ms=tomorrow, **of_definition)
