"""What the gateway asks analytics about what one person did, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, ServiceNames, Token
from drishti.messages.product.people import UserId
from drishti.messages.product.sessions import EventTypes, Gap

TimelineKind = Literal["event", "request", "error"]


class TimelineQuery(Struct, omit_defaults=True, kw_only=True, rename={"to_ms": "to"}):
    """A question to analytics: what did this person do, under any of their ids, newest first?

    ``kinds``: of these alone; ``event_types``: of events those of these types; ``before``: what is before the last page, by
    its answer."""

    tenant: Token
    user_id: UserId
    to_ms: (
        Annotated[int, Meta(ge=0, le=253_370_764_800_000, description="ms since 1970; up to the newest if not given")] | None
    ) = None
    kinds: Annotated[list[TimelineKind], Meta(max_length=3, description="all if none is given")] = []
    event_types: EventTypes = []
    gap_s: Gap = 1_800
    limit: Annotated[int, Meta(ge=1, le=200, description="entries in the answer")] = 50
    before: Annotated[str, Meta(max_length=512)] = ""


class TimelineEntry(Struct, omit_defaults=True, kw_only=True):
    """One event (``name`` is its type, ``data`` all of its data), one served request (``name`` is its method and route,
    ``duration_ms`` how long it took, ``failed`` whether its status is 500 or more or it has an ``error``), or one error of a
    span (``name`` is its title). ``user_id`` is the id under which it was sent, ``session`` when the session began in which it
    lies."""

    kind: TimelineKind
    id: str
    time_ms: EpochMs
    user_id: str | None = None
    name: str
    service: str | None = None
    version: str | None = None
    trace_id: str | None = None
    session: EpochMs | None = None
    data: dict[str, Any] = {}
    status: int | None = None
    duration_ms: float | None = None
    model: str | None = None
    error: str | None = None
    failed: bool = False
    fingerprint: str | None = None


class TimelineSession(Struct, omit_defaults=True, kw_only=True):
    """A session, by the definition of questions about sessions, with all of its events, those on other pages among them.
    ``began_before``: it began even earlier, so far back that this was not looked for; ``goes_on``: it ended later."""

    start_ms: EpochMs
    end_ms: EpochMs
    events: int
    began_before: bool = False
    goes_on: bool = False


class TimelineTrace(Struct, kw_only=True):
    """A trace of an entry, as far as its spans are stored."""

    trace_id: str
    service: str
    operation: str
    start_ms: float
    duration_ms: float
    spans: int
    errors: int


class TimelineAnswer(Struct, omit_defaults=True, kw_only=True):
    """The answer to a :class:`TimelineQuery`. ``entries`` are in the order of time, newest first; ``before`` asks for those
    before them, and is empty where there are none. ``searched_from``: the time was over before the whole past was searched;
    what happened from there on was, and ``before`` goes on from there. ``sessions`` and ``traces`` are those of the entries."""

    as_of: EpochMs
    person_id: str
    entries: list[TimelineEntry]
    sessions: list[TimelineSession] = []
    traces: list[TimelineTrace] = []
    before: str = ""
    searched_from: EpochMs | None = None
    service_names: ServiceNames = {}
