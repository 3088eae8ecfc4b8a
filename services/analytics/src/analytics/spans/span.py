"""A span as analytics sees it, whichever way it came. Pure.

Times are whole nanoseconds since 1970, as OTLP has them; ids are the bytes that OTLP has: 16 of a trace, 8 of a span.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Attributes = Mapping[str, Any]
"""By name: a text, a truth value, an integer, a float, bytes as base64 text, or lists and objects of these."""


class SpanKind(enum.IntEnum):
    """``span.kind`` of OTLP, by its number."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Status(enum.IntEnum):
    """``span.status.code`` of OTLP, by its number."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Resource(Struct, frozen=True, gc=False):
    """Who sends: one for all spans of a message. ``service`` is the token of ``service_name``, which is ``None`` where the
    sender gave none; ``key`` is a hash of everything in it, equal in every process."""

    key: int
    service: str
    service_name: str | None
    attributes: Attributes


class Scope(Struct, frozen=True, gc=False):
    """The instrumentation library that a span comes from."""

    name: str
    version: str = ""


class SpanEvent(Struct, frozen=True, gc=False):
    """Something that happened at a moment of a span; ``exception`` is the name of one that was thrown."""

    time_ns: int
    name: str
    attributes: Attributes


class SpanLink(Struct, frozen=True, gc=False):
    """Another span that this one has to do with, mostly of another trace: a message that a batch holds."""

    trace_id: bytes
    span_id: bytes
    attributes: Attributes
    trace_state: str = ""


class Derived(Struct, frozen=True, gc=False):
    """What follows from service, name, kind and attributes of a span: equal for all spans in which these are alike
    (:mod:`analytics.spans.derived`)."""

    operation: str
    labels: tuple[str, str, str]
    """Service, operation and kind, as metrics have them."""
    database: tuple[str, str, str] | None
    """Service, system and class of the statement, where the span is a call of a database."""
    is_llm_call: bool
    tells_error: bool
    """Whether attributes alone say that it failed, where its status says nothing."""
    status_code: int | None
    error_type: str | None


class Span(Struct, gc=False, kw_only=True):
    """One timed operation. ``parent_id`` is ``None`` at the root; ``duration_ns`` is never negative.

    ``operation`` is what it counts under: ``name`` without what makes every call different
    (:mod:`analytics.spans.operations`)."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes | None
    resource: Resource
    name: str
    operation: str
    kind: SpanKind
    start_ns: int
    duration_ns: int
    status: Status
    status_message: str = ""
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    scope: Scope
    trace_state: str = ""
    flags: int = 0
    common: int = 0
    """The id of what its attributes and its name have in common with other spans, where it is to be stored."""
    own: Attributes = {}
    """Its other attributes, then."""
    operation_id: int = 0
    """The id of its operation, where it is to be stored."""
    derived: Derived | None = None
    """What is known already because another span was like it."""

    @property
    def end_ns(self) -> int:
        return self.start_ns + self.duration_ns

    @property
    def service(self) -> str:
        """The token of the service."""
        return self.resource.service

    @property
    def service_name(self) -> str | None:
        return self.resource.service_name

    @property
    def is_error(self) -> bool:
        return self.status is Status.ERROR
