"""A trace of many spans in one answer, and one of its spans in another: what the gateway asks analytics. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from drishti.messages.field_types import ServiceNames, Token
from drishti.messages.traces import SpanKindName, StatusName, TraceEvent, TraceId, TraceLink, UserEvent

SpanId = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}$(?!\n)", description="the id of a span: 16 hexadecimal digits")]


class OutlineQuery(Struct, omit_defaults=True, kw_only=True):
    """One trace, without the details of its spans."""

    tenant: Token
    trace_id: TraceId


class FailedSpan(Struct, omit_defaults=True, kw_only=True):
    """A span that failed, by its place, and the beginning of what its status says."""

    place: int
    message: str = ""


class PathSections(Struct, kw_only=True):
    """The critical path, as columns: what the trace waited for ``from_ms`` to ``to_ms`` after its start, by the span's place.
    ``waiting``: 1 where the span had been asked for and had not begun."""

    places: list[int]
    from_ms: list[float]
    to_ms: list[float]
    waiting: list[int]


class OutlineAnswer(Struct, omit_defaults=True, kw_only=True):
    """One trace of up to 10,000 spans, as columns: the n-th of each list is of the n-th span, in the order of a tree, parents
    first. A span's parent is the last one before it of the depth above.

    ``of_service`` and ``of_name`` are places in ``services`` and ``names``. ``starts_ms`` count from ``start_ms``, the start of
    the root, which others may be before. ``self_ms`` is how long the whole trace waited for the span and for nothing below it.
    ``missing_parent``: places of spans that name a parent that is not there. ``truncated``: the trace has more spans than
    an answer; long names may be cut. ``shortened_path``: the shortest sections of the critical path are left out.
    """

    trace_id: str
    root: str
    start_ms: float
    duration_ms: float
    services: list[str]
    names: list[str]
    span_ids: list[str]
    depths: list[int]
    of_service: list[int]
    of_name: list[int]
    starts_ms: list[float]
    durations_ms: list[float]
    self_ms: list[float]
    failed: list[FailedSpan]
    critical_path: PathSections
    missing_parent: list[int] = []
    events: list[UserEvent] = []
    duplicates: int = 0
    truncated: bool = False
    shortened_path: bool = False
    kept: list[str] = []
    service_names: ServiceNames = {}


class SpanQuery(Struct, omit_defaults=True, kw_only=True):
    """One span of a trace, with all that it says."""

    tenant: Token
    trace_id: TraceId
    span_id: SpanId


class SpanSearchQuery(Struct, omit_defaults=True, kw_only=True):
    """The spans of one trace in which ``text`` is, in capitals or not: in an attribute as ``name=value``, in one of the
    resource as ``resource.name=value``, or in the name or an attribute of an event."""

    tenant: Token
    trace_id: TraceId
    text: Annotated[str, Meta(min_length=1, max_length=200)]


class SpanSearchAnswer(Struct, omit_defaults=True, kw_only=True):
    """The ids of the spans found, the earliest first, among the first 10,000 of the trace, as an outline has them."""

    trace_id: str
    span_ids: list[str]


class SpanAnswer(Struct, omit_defaults=True, kw_only=True):
    """One span of a trace. ``start_ms`` is by the clock of its own host. ``truncated``: it says more than an answer carries."""

    trace_id: str
    span_id: str
    parent_id: str | None = None
    service: str
    name: str
    operation: str
    kind: SpanKindName
    start_ms: float
    duration_ms: float
    status: StatusName = "unset"
    message: str = ""
    attributes: dict[str, Any] = {}
    events: list[TraceEvent] = []
    links: list[TraceLink] = []
    resource: dict[str, Any] = {}
    scope: str = ""
    trace_state: str = ""
    truncated: bool = False
