"""What the gateway asks analytics about traces, and the answers. Pure.

Times of spans are milliseconds since 1970 with three decimals, durations are milliseconds to the nanosecond.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import MAX_ALTERNATIVES, EpochMs, ServiceNames, Token, WithoutService, known_values

TraceId = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{32}$(?!\n)", description="the id of a trace: 32 hexadecimal digits")]
SpanKindName = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
StatusName = Literal["unset", "ok", "error"]
Text = Annotated[str, Meta(max_length=512)]
Texts = Annotated[list[Text], Meta(max_length=MAX_ALTERNATIVES, description="several, of which any may be met")]
Service = Annotated[str, Meta(max_length=256)]
Services = Annotated[list[Service], Meta(max_length=MAX_ALTERNATIVES, description="several, of which any may be met")]
MAX_ATTRIBUTE_CONDITIONS = 64
"""Of one search, those of which any may be met among them."""
Milliseconds = Annotated[float, Meta(ge=0, le=1e12)]
AttributeFilter = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_024,
        description="a condition on an attribute: name=value, name!=value, name~part, name>number, also >=, < and <=, or the "
        "name alone: it is there. Those of the resource begin with resource.",
    ),
]
AnyAttribute = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=16_384,
        description='a JSON list of conditions as of attribute, of which any may be met: ["size=1", "size=2"]',
    ),
]


class TraceQuery(Struct, omit_defaults=True, kw_only=True):
    """One trace, whole."""

    tenant: Token
    trace_id: TraceId


class TraceEvent(Struct, omit_defaults=True, kw_only=True):
    """An event of a span: an exception mostly."""

    time_ms: float
    name: str
    attributes: dict[str, Any] = {}


class TraceLink(Struct, omit_defaults=True, kw_only=True):
    """A link of a span to another, mostly of another trace."""

    trace_id: str
    span_id: str
    attributes: dict[str, Any] = {}


class TraceSpan(Struct, omit_defaults=True, kw_only=True):
    """One span of a trace. ``depth`` counts from 0 at a root; ``resource`` is a place in the list of the answer.

    ``self_ms`` is how long the whole trace waited for this span and for nothing below it: the times of all spans of the
    critical path add up to the duration of the trace's root. ``moved_ms``: its clock is taken to be off by so much, since it
    would lie outside of its parent. ``missing_parent``: the span names a parent that is not there.
    """

    span_id: str
    parent_id: str | None = None
    depth: int
    service: str
    name: str
    operation: str
    kind: SpanKindName
    start_ms: float
    duration_ms: float
    self_ms: float = 0.0
    moved_ms: float = 0.0
    missing_parent: bool = False
    status: StatusName = "unset"
    message: str = ""
    attributes: dict[str, Any] = {}
    events: list[TraceEvent] = []
    links: list[TraceLink] = []
    resource: int
    scope: str = ""
    trace_state: str = ""


class CriticalSection(Struct, kw_only=True):
    """A part of the critical path: what the trace waited for from ``start_ms`` to ``end_ms``. ``waiting``: the span had been
    asked for and had not begun."""

    span_id: str
    start_ms: float
    end_ms: float
    waiting: bool


class UserEvent(Struct, omit_defaults=True, kw_only=True):
    """An analytics event of the trace, or of its user or session at about that time."""

    event_id: str
    event_type: str
    time_ms: EpochMs
    user_id: str | None = None
    session_id: str | None = None
    data: dict[str, Any] = {}
    in_trace: bool = False


class TraceAnswer(Struct, omit_defaults=True, kw_only=True):
    """One trace. ``spans`` are in the order of a tree, parents first; ``start_ms`` and ``duration_ms`` are those of the root
    ``root``. ``truncated``: it has more spans than an answer; ``kept``: why it stays for days."""

    trace_id: str
    root: str
    start_ms: float
    duration_ms: float
    errors: int
    spans: list[TraceSpan]
    resources: list[dict[str, Any]]
    critical_path: list[CriticalSection]
    events: list[UserEvent] = []
    duplicates: int = 0
    truncated: bool = False
    kept: list[str] = []
    service_names: ServiceNames = {}


class SpanConditions(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """What a span must be like, all of it. ``text`` is looked for in messages of errors and in exceptions. ``root``: among root
    spans only. ``without_service``: tokens of services of which it is not. Of ``service`` and
    ``services`` together any may be met, and so of operations and texts."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: Service = ""
    operation: Text = ""
    kind: SpanKindName | None = None
    min_duration_ms: Milliseconds | None = None
    max_duration_ms: Milliseconds | None = None
    status: StatusName | None = None
    status_code: Annotated[int, Meta(ge=0, le=32_767)] | None = None
    user_id: Text = ""
    session_id: Text = ""
    attribute: Annotated[list[AttributeFilter], Meta(max_length=8)] = []
    text: Text = ""
    root: bool = False
    without_service: WithoutService = []
    services: Services = []
    operations: Texts = []
    texts: Texts = []
    any_attribute: Annotated[list[AnyAttribute], Meta(max_length=MAX_ATTRIBUTE_CONDITIONS)] = []


class TraceSearch(SpanConditions, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Traces with a span that meets all of these conditions; ``cursor`` is that of the answer before."""

    order: Literal["newest", "slowest"] = "newest"
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, Meta(max_length=128)] = ""


class ServiceSpans(Struct, kw_only=True):
    """How many spans of a trace one service has."""

    service: Token
    spans: int
    errors: int


class FoundTrace(Struct, omit_defaults=True, kw_only=True):
    """A trace in a list. ``service`` and ``operation`` are those of its root, or of its first span where that is missing
    (``missing_root``). ``matched`` is the span that met the conditions: of several, the newest or the slowest. ``services`` are
    those with the most spans; ``further_services`` are left out."""

    trace_id: str
    service: str
    operation: str
    start_ms: float
    duration_ms: float
    spans: int
    errors: int
    services: list[ServiceSpans]
    matched: FoundSpan
    missing_root: bool = False
    further_services: int = 0


class FoundSpan(Struct, omit_defaults=True, kw_only=True):
    """A span that met the conditions of a search."""

    span_id: str
    service: str
    operation: str
    start_ms: float
    duration_ms: float
    status: StatusName = "unset"


class TraceList(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`TraceSearch`. ``cursor`` asks for what follows; empty: nothing does.
    ``searched_from``: the time was over before the whole range was searched; spans from there on were. Newest first, the cursor
    goes on from there."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    traces: list[FoundTrace]
    cursor: str = ""
    searched_from: EpochMs | None = None
    service_names: ServiceNames = {}


class TraceFacets(SpanConditions, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """What the spans are that meet all of these conditions."""


class FacetValue(Struct, kw_only=True):
    """One value and how many spans have it."""

    value: str
    spans: int
    errors: int


class Facet(Struct, kw_only=True):
    """What one field or attribute is, most frequent values first."""

    name: str
    values: list[FacetValue]


class DurationBucket(Struct, omit_defaults=True, kw_only=True):
    """Spans of ``[from_ms, to_ms)`` milliseconds, with the traces of three of them: the slowest, the one in the middle, and
    the slowest that failed (empty: none did)."""

    from_ms: float
    to_ms: float
    spans: int
    errors: int
    trace_id: str
    median_trace_id: str = ""
    failed_trace_id: str = ""


class FacetAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to :class:`TraceFacets`. ``spans`` were read, the newest; ``sampled``: there are more, or may be, before
    ``searched_from``. Attributes are those of the newest ``attribute_spans`` of them."""

    as_of: EpochMs
    spans: int
    errors: int
    sampled: bool
    searched_from: EpochMs | None = None
    facets: list[Facet]
    attribute_spans: int
    attributes: list[Facet]
    durations: list[DurationBucket]
    service_names: ServiceNames = {}


KeepReason = Annotated[str, known_values("error", "slow", "sampled", "cited", "pinned")]


class KeepTrace(Struct, omit_defaults=True, kw_only=True):
    """A trace that is to be kept for days, as ``pinned`` by a person."""

    tenant: Token
    trace_id: TraceId
    keep: bool = True


class TraceKept(Struct, kw_only=True):
    """For which reasons a trace is kept; none: for as long as every other."""

    trace_id: str
    kept: list[KeepReason]


class KeepWindow(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A range of time whose traces are to be kept as ``cited``: of all services, or of some."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    services: Annotated[list[Token], Meta(max_length=100)] = []


class WindowKept(Struct, omit_defaults=True, kw_only=True):
    """How many traces of the window are kept that were not cited before; at most 100, failed ones and the slowest first.
    ``searched_from``: the window is so long that only what began from there on was looked at."""

    traces: int
    searched_from: EpochMs | None = None


class TraceAggregate(SpanConditions, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Traces with a span that meets all of these conditions, as one tree: the newest or slowest ``limit`` of them."""

    order: Literal["newest", "slowest"] = "newest"
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class PathTimes(Struct, kw_only=True):
    """What happened at one place in some traces. ``calls_each`` and times are of an average one of the ``traces`` that have it;
    ``path_ms`` is what a whole trace waited for there, ``share`` that part of the duration of all traces."""

    traces: int
    calls_each: float
    errors: int
    total_ms: float
    mean_ms: float
    path_ms: float
    share: float


class PathStep(Struct, omit_defaults=True, kw_only=True):
    """A place in the tree: an operation below the way to it. ``times`` are those of the traces, or of the left one of two;
    ``right`` of the other."""

    depth: int
    service: str
    operation: str
    kind: SpanKindName
    times: PathTimes | None = None
    right: PathTimes | None = None


class AggregateAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to :class:`TraceAggregate`: ``steps`` in the order of a tree, callers first. ``truncated``: the traces had
    more spans than were read, and some are cut. ``folded`` spans are counted with their callers.
    ``sampled``: more traces meet the conditions, or may; these are the newest or slowest that began from ``searched_from`` on,
    where that is given."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    traces: int
    mean_ms: float
    steps: list[PathStep]
    trace_ids: list[str]
    folded: int = 0
    truncated: bool = False
    sampled: bool = False
    searched_from: EpochMs | None = None
    service_names: ServiceNames = {}


class TraceComparison(Struct, omit_defaults=True, kw_only=True):
    """Two traces side by side."""

    tenant: Token
    left: TraceId
    right: TraceId


class ComparisonAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to :class:`TraceComparison`: ``steps`` that are in one of the traces only have nothing on the other side."""

    left: str
    right: str
    left_ms: float
    right_ms: float
    steps: list[PathStep]
    folded: int = 0
    truncated: bool = False
    service_names: ServiceNames = {}
