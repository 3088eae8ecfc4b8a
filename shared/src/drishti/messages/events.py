"""What producers send: events and served requests. Pure."""

from __future__ import annotations

import enum
from typing import Annotated, Any

from msgspec import Meta, Struct

from drishti.messages.field_types import Identifier, Instant, ServiceName, Token, Traceparent

MAX_ITEMS = 10_000
"""Items of one message on EVENTS, REQUESTS or METRICS; a message with more is refused whole."""

EVENT_BYTES = 128 * 1024
"""The largest event that the gateway and the SDK take: two of them fit into a message, also with what the gateway adds."""


class AnalyticsEventType(enum.StrEnum):
    """The event types that Drishti itself draws metrics from. The set is open: any valid token is accepted."""

    DHARMA_QUERY = "dharma_query"
    WISDOM_GENERATED = "wisdom_generated"
    MEDITATION_SESSION = "meditation_session"
    FEEDBACK = "feedback"
    SESSION_START = "session_start"
    SESSION_END = "session_end"
    PAGE_VIEW = "page_view"
    LLM_CALL = "llm_call"
    CACHE_ACCESS = "cache_access"
    ERROR = "error"


class AnalyticsEvent(Struct, gc=False, omit_defaults=True, kw_only=True):
    """Something that a user or the application did.

    Sending the same ``event_id`` again changes nothing. Without ``timestamp`` the instant at which the bus stored the event
    counts. Metrics are drawn from these keys of ``data``, whatever the type: ``satisfaction`` (number), ``wisdom_score``
    (number), ``topic`` (text); of ``llm_call``: ``model``, ``input_tokens``, ``output_tokens``, ``duration_ms``,
    ``time_to_first_token_ms``, ``cached_tokens``, ``cache_write_tokens``, ``response_model``, ``cost_usd``, ``error``; of
    ``cache_access``: ``cache``, ``hit``.
    """

    event_id: Identifier
    event_type: Token
    user_id: Annotated[str, Meta(max_length=256)] | None = None
    data: dict[str, Any] = {}
    timestamp: Instant | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    service: Token | None = None
    service_name: ServiceName | None = None
    version: Annotated[str, Meta(max_length=64)] | None = None
    traceparent: Traceparent | None = None


class RequestEvent(Struct, gc=False, omit_defaults=True, kw_only=True):
    """One served request. ``route`` is the template (``/items/{id}``), never the path with its values.

    ``timestamp`` is when the answer ended: a slow request counts where it is known how slow it was, not in a closed window.
    """

    event_id: Identifier
    service: Token
    method: Annotated[str, Meta(max_length=16)]
    route: Annotated[str, Meta(max_length=256)]
    status: Annotated[int, Meta(ge=0, le=999)]
    duration_ms: Annotated[float, Meta(ge=0)]
    timestamp: Instant | None = None
    error: Annotated[str, Meta(max_length=256)] | None = None
    user_id: Annotated[str, Meta(max_length=256)] | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    model: Annotated[str, Meta(max_length=128)] | None = None
    traceparent: Traceparent | None = None
    service_name: ServiceName | None = None
