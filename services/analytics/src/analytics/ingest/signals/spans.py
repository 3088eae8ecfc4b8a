"""SPANS: what services did and how long it took, as OTLP. Pure.

A span is identified by its trace and its own id: the same export sent twice, or the same span in two exports, counts once, and
of two spans with equal ids the first one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError

from analytics.ingest import refusals
from analytics.ingest.items import Decoded, Item, Refusal, key_space
from analytics.ingest.signal import Exemplars, Lookup, Put, Signal
from analytics.rollup.observations import Observations
from analytics.spans import conventions, database_calls, otlp_parts, red
from analytics.spans.alike import Read, SpanReader
from analytics.spans.gen_ai import CallReader
from analytics.storage import error_rows, span_rows
from analytics.storage.minute_tables import SPAN_CHANGES
from analytics.storage.stream_states import StreamStates
from drishti.events import MAX_ITEMS, wrong_time
from drishti.messages import catalogue

_blake2b = hashlib.blake2b
_llm_calls = CallReader()
_spans = SpanReader(span_rows.operation_id)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    """The spans of one message of SPANS."""
    try:
        message = otlp_parts.ResourceSpans.FromString(payload)
        total = sum(len(scope.spans) for scope in message.scope_spans)
        if total > MAX_ITEMS:
            return [], [refusals.too_many(total, ())]
        items, bad = _items(tenant, message, arrived.timestamp())
        return items, _letters(message, bad, total)
    except DecodeError as error:
        return [], [Refusal(f"not OTLP ResourceSpans: {error}", None)]


def _items(tenant: str, message: Any, arrived_s: float) -> tuple[list[Item], list[Read]]:
    """The spans of a message, those that are right, and the others."""
    space = key_space("spans", tenant)
    items: list[Item] = []
    bad: list[Read] = []
    for read in _spans.read(tenant, message):
        span = read.span
        if isinstance(span, str):
            bad.append(read)
            continue
        second, rest = divmod(span.start_ns, 1_000_000_000)
        if (reason := wrong_time(second, arrived_s)) is not None:
            bad.append(read._replace(span=f"start_time_unix_nano: {reason}"))
            continue
        started = _EPOCH + timedelta(0, second, rest // 1_000)
        key = _blake2b(space + span.trace_id + span.span_id, digest_size=16).digest()
        items.append(Item(key, tenant, started, second, span, None))
    return items, bad


def forget_quiet() -> None:
    """Forgets what was not seen for a while."""
    _spans.forget_quiet()


def dead_letters(_payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
    """The whole message: those of its spans that are stored count once, also when it is sent again."""
    return [Refusal(bad[0][1], None)]


def observe(items: Sequence[Item], _exemplars: Exemplars, observations: Observations, _states: StreamStates) -> None:
    """What spans say about metrics: how long operations take, and calls of databases and language models."""
    red.observe(items, observations)
    database_calls.observe(items, observations)
    _llm_calls.observe(items, observations)


def rows(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``spans``."""
    row_of = span_rows.row_of
    return [row_of(item.tenant, item.time, item.body) for item in items]


def changed_minutes(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``span_changes``: the minutes in which spans begin."""
    minutes = {(item.tenant, item.second // 60) for item in items}
    return [(datetime.fromtimestamp(minute * 60, UTC), tenant) for tenant, minute in minutes]


def errors(items: Sequence[Item]) -> list[tuple[Any, ...]]:
    """Rows of ``span_errors``, of the spans that have one."""
    return error_rows.rows([(item.tenant, item.time, item.body) for item in items])


def operations(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_operations`` by their id."""
    first = {item.body.operation_id: item for item in items}
    return {key: span_rows.operation_row(item.tenant, item.body) for key, item in first.items()}


def common_attributes(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_attributes`` by their id."""
    first = {item.body.common: item for item in items}
    return {key: span_rows.attributes_row(item.tenant, item.body) for key, item in first.items()}


def resources(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_resources`` by their id."""
    first = {(item.tenant, item.body.resource.key): item.body.resource for item in items}
    rows = [span_rows.resource_row(tenant, resource) for (tenant, _), resource in first.items()]
    return {row[0]: row for row in rows}


def _letters(message: Any, bad: Sequence[Read], spans: int) -> list[Refusal]:
    """As :func:`refusals.letters`: many bad spans share one letter, which is no larger than the message was."""
    if not bad:
        return []
    reasons = [str(one.span) for one in bad]
    if len(bad) == spans:
        return [Refusal(refusals.summary(reasons, spans), None)]
    if len(bad) <= refusals.MAX_LETTERS:
        return [Refusal(reason, _only(message, [one])) for reason, one in zip(reasons, bad, strict=True)]
    return [Refusal(refusals.summary(reasons, spans), _only(message, bad))]


def _only(message: Any, bad: Sequence[Read]) -> bytes:
    """``bad`` spans as a message of their own, which can be sent again by itself."""
    alone = otlp_parts.ResourceSpans(resource=message.resource, schema_url=message.schema_url)
    last = None
    for one in bad:
        if one.scope is not last:
            last = one.scope
            alone.scope_spans.add().scope.CopyFrom(one.scope)
        alone.scope_spans[-1].spans.append(one.raw)
    payload: bytes = alone.SerializeToString()
    return payload


SIGNAL = Signal(
    message=catalogue.message("spans"),
    decode=decode,
    dead_letters=dead_letters,
    observe=observe,
    tables={span_rows.SPANS: rows, SPAN_CHANGES: changed_minutes, error_rows.ERRORS: lambda _items: []},
    puts=(Put("put_span_errors", errors, error_rows.LIMITS, "errors"),),
    lookups=(
        Lookup("put_span_operations", operations),
        Lookup("put_span_resources", resources),
        Lookup("put_span_attributes", common_attributes),
    ),
    forget_quiet=forget_quiet,
    users=lambda item: conventions.users_of(item.body.attributes),
)
