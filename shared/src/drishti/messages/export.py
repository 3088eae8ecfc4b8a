"""What the gateway asks analytics about the rows of a tenant, page by page, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Instant, Token

Exported = Literal["events", "requests"]

Cursor = Annotated[str, Meta(max_length=8_192, description="where the next page begins, as the page before says")]


class ExportQuery(Struct, omit_defaults=True, kw_only=True, rename={"from_": "from"}):
    """A question to analytics: the rows of a tenant whose time is in ``[from, to)``, as they are stored at the first page.

    ``type``: only events of these types. ``cursor`` is that of the page before; with it, range and snapshot are those of
    the first page."""

    tenant: Token
    rows: Exported
    from_: EpochMs
    to: EpochMs
    type: Annotated[list[Token], Meta(max_length=50)] = []
    cursor: Cursor = ""


class ExportPage(Struct, omit_defaults=True, kw_only=True):
    """One page of an export: rows as :class:`ExportedEvent` or :class:`ExportedRequest`, of which there may be none.

    ``cursor`` is empty at the end. ``done`` is how much of all pages on disk was read, 0 to 1."""

    rows: list[msgspec.Raw]
    cursor: Cursor
    done: Annotated[float, Meta(ge=0, le=1)]


class ExportedEvent(Struct, omit_defaults=True, kw_only=True):
    """A row of ``events``. ``data`` is an object as PostgreSQL keeps it."""

    event_id: str
    event_type: str
    timestamp: Instant
    user_id: str | None = None
    session_id: str | None = None
    service: str | None = None
    version: str | None = None
    data: Any = None
    trace_id: str | None = None


class ExportedRequest(Struct, omit_defaults=True, kw_only=True):
    """A row of ``requests``."""

    event_id: str
    service: str
    method: str
    route: str
    status: int
    duration_ms: float
    timestamp: Instant
    error: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    trace_id: str | None = None
