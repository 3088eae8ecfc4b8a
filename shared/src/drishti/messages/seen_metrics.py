"""What the gateway asks analytics about which metrics were seen, and the answer. Pure."""

from __future__ import annotations

from msgspec import Struct

from drishti.messages.field_types import EpochMs, Token


class CatalogueQuery(Struct, omit_defaults=True, kw_only=True):
    """A question to analytics: what was seen of a tenant's metrics, of all or of those whose tokens are in ``metrics``."""

    tenant: Token
    metrics: list[str] = []


class MetricSeen(Struct, omit_defaults=True, kw_only=True):
    """What was seen of one metric: the start of the newest window that has data, the number of ``series`` in the newest hour
    that has any, and the ``services`` in their labels, by token."""

    metric: Token
    last_seen: EpochMs
    series: int
    services: list[str] = []


class Backfill(Struct, omit_defaults=True, kw_only=True):
    """How far the history of a metric that is drawn from events is filled: back ``until`` an instant, ``percent`` of the range
    for which events are kept, out of so many ``rows`` of events. Of a KPI, that of what is least far."""

    metric: Token
    state: str
    until: EpochMs
    percent: float
    rows: int = 0


class CatalogueAnswer(Struct, kw_only=True):
    """The answer to a :class:`CatalogueQuery`: metrics that were never seen are absent. ``as_of`` as in a
    :class:`QueryAnswer`."""

    as_of: EpochMs
    metrics: list[MetricSeen]
    backfills: list[Backfill] = []
