"""What the gateway asks analytics about what requests wait for, and the answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, ServiceNames, Token, WithoutService
from drishti.messages.traces import SpanKindName

TraceId = Annotated[str, Meta(description="32 hexadecimal digits")]
Quantile = Annotated[float, Meta(ge=0.0, lt=1.0, description="0.95: traces at and above the 95th percentile are the slow ones")]
Limit = Annotated[int, Meta(ge=1, le=100)]


class BottlenecksQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """A question to analytics: what requests waited for that began in the minutes of ``[from, to)``, by root operation.

    ``service`` and ``operation`` choose root operations, but for those of ``without_service``; ``quantile`` is the one above
    which traces count as slow; ``limit``: root operations in the answer, and parts of each. Trends compare with the same range
    a day earlier.
    """

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: str = ""
    operation: str = ""
    quantile: Quantile = 0.95
    limit: Limit = 20
    without_service: WithoutService = []


class OperationName(Struct, omit_defaults=True, kw_only=True):
    """What spans count under."""

    service: str
    operation: str
    kind: SpanKindName


class PartOfRoot(Struct, omit_defaults=True, kw_only=True):
    """What an operation has to do with the time of a root operation.

    ``share`` is its own time on the critical path of all traces, ``slow_share`` on that of the slow ones. With ``waiting`` it
    is the time before its spans began, after what caused them had ended: in a queue, for a worker. ``path_ms`` and ``gain_ms``
    are of an average trace: its own time on the path, and what would be gained if it were half as long. ``trend`` is how much
    ``path_ms`` has changed since a day earlier: 0.5 is half as much again; ``None`` where it was not there. Where only a sample
    of traces was walked, the true shares are within ``share_margin`` and ``slow_share_margin`` of those given, with a
    probability of 95 %.
    """

    operation: OperationName
    summary: str
    waiting: bool = False
    share: float
    slow_share: float
    share_margin: float | None = None
    slow_share_margin: float | None = None
    path_ms: float
    gain_ms: float
    gain_share: float
    spans: int = 0
    errors: int = 0
    spans_each: float = 0.0
    mean_ms: float | None = None
    trend: float | None = None
    path_ms_before: float | None = None
    example: TraceId = ""


class CallPattern(Struct, omit_defaults=True, kw_only=True):
    """Calls of one span that could be fewer (``repeated``: one query for each item) or that could be made at once (``serial``).

    Seen in ``traces`` traces, with ``calls_each`` calls on average and ``most`` at once. ``gain_ms`` is what could be saved in
    an average one of those traces, at most."""

    kind: Literal["repeated", "serial"]
    summary: str
    caller: OperationName
    callees: list[OperationName]
    traces: int
    share_of_traces: float
    calls_each: float
    most: int
    time_ms: float
    gain_ms: float
    examples: list[TraceId]


class RootBottlenecks(Struct, omit_defaults=True, kw_only=True):
    """One root operation: ``traces`` of it that were walked, and what they waited for, the largest part first.

    ``time_share``: of the time of all root operations. ``slow_traces`` took ``slow_from_ms`` at least: the step of 10 % that
    has the quantile asked for, and those above. ``trend``: how much ``mean_ms`` has changed since a day earlier."""

    operation: OperationName
    summary: str
    traces: int
    errors: int
    time_share: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    slow_from_ms: float
    slow_traces: int
    trend: float | None = None
    parts: list[PartOfRoot]
    patterns: list[CallPattern]
    examples: list[TraceId]


class BottlenecksAnswer(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`BottlenecksQuery`: root operations by their time in all. ``traces_walked`` of ``traces_seen``
    traces are in it. ``complete_to``: minutes from there on are not counted yet. ``method`` says how gains are estimated."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    complete_to: EpochMs
    traces_seen: int
    traces_walked: int
    method: str
    roots: list[RootBottlenecks]
    root_operations: int
    service_names: ServiceNames = {}
