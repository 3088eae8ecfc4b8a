"""LOGS: log records of OTLP, counted by service, severity and template, and kept for some days. Pure.

**What counts once.** A record is known by its message (a hash of all of it) and its place there. So an export that is sent
again, byte for byte, changes nothing, and two equal lines of one export are two records; equal records in different messages
are different ones.

**Events.** A record with an event name is an analytics event, too: its row of ``events``, and what it says about metrics, come
with the row of the record, out of one item with one key. So it counts once, or not at all.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as RecordMessage
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs

from analytics.ingest import person_edges, property_changes, refusals
from analytics.ingest.items import Decoded, Item, Refusal, key_space
from analytics.ingest.signal import Exemplars, Lookup, Put, Signal
from analytics.ingest.signals import events
from analytics.logs.otlp import EVENT_NAME, BadRecord, count_records, read
from analytics.logs.record import ERROR, LogRecord, severity_name
from analytics.rollup.observations import Observations, Series
from analytics.spans import conventions
from analytics.storage import log_counts, span_rows
from analytics.storage.stream_states import StreamStates
from analytics.storage.tables import LOG_RECORDS
from drishti.events import MAX_ITEMS, AnalyticsEvent, wrong_time
from drishti.messages import attributes, catalogue, subjects
from drishti.telemetry import spans

USER_IDS = ("user.id", "enduser.id")
SESSION_ID = "session.id"
MAX_ID = 256
MAX_VERSION = 64

_encode = msgspec.json.Encoder().encode

_Bad = tuple[str, RecordMessage, ScopeLogs]


class Body(Struct, frozen=True, gc=False):
    """What an item of LOGS says: the record, and the event that it is, if it is one."""

    record: LogRecord
    event: AnalyticsEvent | None

    @property
    def service(self) -> str:
        return self.record.resource.service

    @property
    def service_name(self) -> str | None:
        return self.record.resource.service_name


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    """The records of one message of LOGS."""
    try:
        message = ResourceLogs.FromString(payload)
    except DecodeError as error:
        return [], [Refusal(f"not OTLP ResourceLogs: {error}", None)]
    total = count_records(message)
    if total > MAX_ITEMS:
        return [], [refusals.too_many(total, ())]
    arrived_s = arrived.timestamp()
    space = key_space("logs", tenant) + hashlib.blake2b(payload, digest_size=16).digest()
    items: list[Item] = []
    bad: list[_Bad] = []
    for place, found in enumerate(read(message)):
        if isinstance(found, BadRecord):
            bad.append((found.reason, found.record, found.scope))
            continue
        record = found.record
        time, at_s = arrived, arrived_s
        if record.time_ns:
            at_s = record.time_ns / 1e9
            if (reason := wrong_time(at_s, arrived_s)) is not None:
                bad.append((f"time_unix_nano: {reason}", found.message, found.scope))
                continue
            time = datetime.fromtimestamp(record.time_ns // 1_000_000_000, UTC).replace(
                microsecond=record.time_ns % 1_000_000_000 // 1_000
            )
        key = hashlib.blake2b(space + place.to_bytes(4, "big"), digest_size=16).digest()
        event = _event(record, key) if record.event_name else None
        traceparent = None if event is None or not spans.sampled(event.traceparent) else event.traceparent
        items.append(Item(key, tenant, time, int(at_s), Body(record, event), traceparent))
    return items, _letters(message, bad, total)


def dead_letters(_payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
    """The whole message: those of its records that are stored count once, also when it is sent again."""
    return [Refusal(bad[0][1], None)]


def rows(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``log_records``."""
    return [_row(item, item.body.record) for item in items]


def counts(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows for ``put_log_counts``."""
    return log_counts.rows((item.tenant, item.second, item.time, item.body.record) for item in items)


def resources(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_resources`` by their id: spans and log records of one sender share one."""
    found: dict[int, tuple[Any, ...]] = {}
    for item in items:
        resource = item.body.record.resource
        key = span_rows.resource_id(item.tenant, resource.key)
        if key not in found:
            found[key] = span_rows.resource_row(item.tenant, resource)
    return found


def event_items(items: Sequence[Item]) -> list[Item]:
    """Those of ``items`` that are events, as EVENTS has them."""
    return [
        Item(item.key, item.tenant, item.time, item.second, item.body.event, item.traceparent)
        for item in items
        if item.body.event is not None
    ]


def observe(items: Sequence[Item], exemplars: Exemplars, observations: Observations, states: StreamStates) -> None:
    """Counts of records, and what their events say."""
    counts = Counter((item.tenant, item.second, item.body.record.service, item.body.record.severity) for item in items)
    for (tenant, second, service, severity), count in counts.items():
        series = Series(tenant, "log_records", (service, severity_name(severity)), second)
        observations.count(series, count, errors=count if severity >= ERROR else 0)
    if those := event_items(items):
        events.observe(those, exemplars, observations, states)


def _row(item: Item, record: LogRecord) -> tuple[Any, ...]:
    body = record.body
    structured = body is not None and not isinstance(body, str)
    return (
        item.tenant,
        item.time,
        int.from_bytes(item.key[:8], "big", signed=True),
        record.service,
        record.severity,
        record.severity_text or None,
        record.template.id,
        record.trace_id,
        record.span_id,
        record.event_name or None,
        record.scope or None,
        span_rows.resource_id(item.tenant, record.resource.key),
        _encode(body).decode() if structured else body,
        structured,
        _encode(record.attributes).decode() if record.attributes else None,
    )


def _event(record: LogRecord, key: bytes) -> AnalyticsEvent:
    """The event that a record is. Its data are the record's attributes, and the fields of its body where that has such."""
    data = dict(record.body) if isinstance(record.body, dict) else {}
    data.update(record.attributes)
    data.pop(EVENT_NAME, None)
    users = (data.get(name) for name in USER_IDS)
    version = record.resource.attributes.get(attributes.SERVICE_VERSION)
    return AnalyticsEvent(
        event_id=key.hex(),
        event_type=subjects.token(record.event_name),
        user_id=next((str(user)[:MAX_ID] for user in users if _is_id(user)), None),
        session_id=str(session)[:MAX_ID] if _is_id(session := data.get(SESSION_ID)) else None,
        data=data,
        service=record.service,
        service_name=record.service_name,
        version=version[:MAX_VERSION] if isinstance(version, str) and version else None,
        traceparent=record.traceparent,
    )


def _is_id(value: Any) -> bool:
    return value != "" and isinstance(value, str | int) and not isinstance(value, bool)


def _letters(message: ResourceLogs, bad: Sequence[_Bad], records: int) -> list[Refusal]:
    """As :func:`refusals.letters`: many bad records share one letter, which is no larger than the message was."""
    if not bad:
        return []
    reasons = [reason for reason, _, _ in bad]
    if len(bad) == records:
        return [Refusal(refusals.summary(reasons, records), None)]
    if len(bad) <= refusals.MAX_LETTERS:
        return [Refusal(one[0], _only(message, [one])) for one in bad]
    return [Refusal(refusals.summary(reasons, records), _only(message, bad))]


def _only(message: ResourceLogs, bad: Iterable[_Bad]) -> bytes:
    """``bad`` records (in the order of ``message``) as a message of their own, which can be sent again by itself."""
    alone = ResourceLogs(resource=message.resource, schema_url=message.schema_url)
    for _, group in itertools.groupby(bad, key=lambda one: id(one[2])):
        those = list(group)
        scope = alone.scope_logs.add(scope=those[0][2].scope, schema_url=those[0][2].schema_url)
        scope.log_records.extend(record for _, record, _ in those)
    return alone.SerializeToString()


def users(item: Item) -> set[str]:
    """The users that a record names in its attributes, and in its body where that is structured."""
    record: LogRecord = item.body.record
    found = conventions.users_of(record.attributes)
    if isinstance(record.body, dict):
        found |= conventions.users_of(record.body)
    return found


SIGNAL = Signal(
    message=catalogue.message("logs"),
    decode=decode,
    dead_letters=dead_letters,
    observe=observe,
    tables={
        LOG_RECORDS: rows,
        log_counts.LOG_COUNTS: lambda _items: [],
        events.TABLE: lambda items: events.rows(event_items(items)),
    },
    puts=(
        Put("put_log_counts", counts, log_counts.LIMITS, "log_templates"),
        events.PERSON_EDGES._replace(rows=lambda items: person_edges.rows(event_items(items))),
        events.PROPERTY_CHANGES._replace(rows=lambda items: property_changes.rows(event_items(items))),
    ),
    lookups=(Lookup("put_span_resources", resources),),
    events=event_items,
    users=users,
)
