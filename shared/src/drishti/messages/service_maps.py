"""What the gateway asks analytics about who calls whom, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import MAX_ALTERNATIVES, EpochMs, ServiceNames, Token

NodeKindName = Literal["service", "database", "cache", "broker", "model", "external", "entry"]


class ServiceMapQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: the service map of the minutes that begin in ``[from, to)``; with ``service``, only it, whom it
    calls and who calls it. Of several ``services``, what any of them has to do with."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: str = ""
    services: Annotated[list[str], Meta(max_length=MAX_ALTERNATIVES, description="several, with all their neighbours")] = []


class Traffic(Struct, omit_defaults=True, kw_only=True):
    """``calls``, a second ``rate`` of them, and how many of them were ``errors``. Times are in milliseconds, percentiles within
    1 %; ``None`` where there are no calls."""

    calls: int = 0
    errors: int = 0
    rate: float = 0.0
    error_rate: float = 0.0
    mean_ms: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


class MapNode(Struct, omit_defaults=True, kw_only=True):
    """A service by its token, or whom services call: a database, cache, broker, model or external host. ``entry`` is who calls
    from outside: ``user`` begins traces, ``unreported`` hands on a trace and sends no spans here."""

    id: str
    kind: NodeKindName
    name: str
    traffic: Traffic


class MapEdge(Struct, omit_defaults=True, kw_only=True):
    """Calls of one node by another, by ``id``, timed as the caller saw them. ``share``: of all calls that the caller makes."""

    caller: str
    callee: str
    share: float
    traffic: Traffic


class ServiceMapAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`ServiceMapQuery`, the busiest first. ``complete_to``: minutes from there on are not counted yet.
    Rates are by ``covered_s`` seconds, which is the range without the time before the first span and that after
    ``complete_to``. ``folded`` nodes and edges are drawn together as ``(other)``."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    complete_to: EpochMs
    covered_s: float = 0.0
    nodes: list[MapNode]
    edges: list[MapEdge]
    folded: int = 0
    service_names: ServiceNames = {}
