"""What the gateway asks analytics about log records, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Instant, ServiceNames, Token, WithoutService
from drishti.messages.traces import TraceId

MAX_TEMPLATES = 100
"""Of one answer."""

MAX_IDS = 50
"""Ids of templates in one question."""

TemplateId = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{16}$(?!\n)", description="the hash of a template's text: 16 hexadecimal digits")
]
ServiceGiven = Annotated[str, Meta(max_length=256, description="a service, by its name or token")]
LeastSeverity = Annotated[
    Literal["trace", "debug", "info", "warn", "error", "fatal"] | None, Meta(description="records of this severity and above")
]
SeverityNumber = Annotated[int, Meta(ge=0, le=24, description="as OpenTelemetry numbers severities; 0 where it is not set")]


class LogSearch(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """Log records that meet all of these conditions, the newest first.

    ``text`` is looked for in what a record says and in its exception, in upper or lower case; ``template``: ids of templates.
    Of a ``trace_id`` all records are asked for, whatever the range. ``cursor`` is that of the answer before.
    """

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: ServiceGiven = ""
    severity: LeastSeverity = None
    template: Annotated[list[TemplateId], Meta(max_length=MAX_IDS)] = []
    text: Annotated[str, Meta(max_length=256)] = ""
    trace_id: TraceId | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100
    cursor: Annotated[str, Meta(max_length=64)] = ""
    without_service: WithoutService = []


class FoundRecord(Struct, omit_defaults=True, kw_only=True):
    """One log record. ``body`` is what it says: a text, or a value of any kind. ``severity`` is trace, debug, info, warn,
    error, fatal or unset. ``cut``: it is too large for an answer, so only the beginning of its body is here, and no
    attributes. ``resource`` are the attributes of its sender."""

    id: str
    time: Instant
    service: Token
    severity: str
    severity_number: SeverityNumber = 0
    severity_text: str = ""
    template: TemplateId
    trace_id: TraceId | None = None
    span_id: str | None = None
    event_name: str = ""
    scope: str = ""
    body: Any = None
    attributes: dict[str, Any] = {}
    resource: dict[str, Any] = {}
    cut: bool = False


class LogList(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`LogSearch`. ``cursor`` asks for what follows; empty: nothing does."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    records: list[FoundRecord]
    cursor: str = ""
    service_names: ServiceNames = {}


class TemplateSearch(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The templates of log records that meet these conditions, those with the most records first: lines that differ in numbers,
    ids, names and the like alone are of one. Each with a count for each of ``steps`` equal parts of the range, which is widened
    to whole minutes, or, where it is longer than three hours, to whole hours; the parts are of whole ones, too."""

    tenant: Token
    from_ms: EpochMs
    to_ms: EpochMs
    service: ServiceGiven = ""
    severity: LeastSeverity = None
    limit: Annotated[int, Meta(ge=1, le=MAX_TEMPLATES)] = 20
    steps: Annotated[int, Meta(ge=1, le=120)] = 60
    without_service: WithoutService = []


class FoundTemplate(Struct, omit_defaults=True, kw_only=True):
    """Log records that say the same but for what differs each time. ``count`` of them, of which ``errors`` are of the severity
    error or more; ``severity`` is the highest. ``ids`` are the templates of the lines themselves, where several are one
    because they differ in a word that varies; as many as a :class:`LogSearch` takes. ``example`` is the body of the newest.
    ``counts`` has one number for each step."""

    id: TemplateId
    text: str
    service: Token
    severity: str
    count: int
    errors: int = 0
    first_seen: Instant
    last_seen: Instant
    example: str = ""
    ids: list[TemplateId] = []
    counts: list[int] = []


class TemplateList(Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to a :class:`TemplateSearch`: of ``count`` records, ``other`` are of templates that are not listed. The range
    is the widened one; it has one step more than asked for where it began amid a minute, or hour."""

    from_ms: EpochMs
    to_ms: EpochMs
    as_of: EpochMs
    step_ms: float
    count: int
    templates: list[FoundTemplate]
    other: int = 0
    service_names: ServiceNames = {}
