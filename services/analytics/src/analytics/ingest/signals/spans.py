"""SPANS: what services did and how long it took, as OTLP. Pure.

A span is identified by its trace and its own id: the same export sent twice, or the same span in two exports, counts once, and
of two spans with equal ids the first one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.ingest import refusals
from analytics.ingest.items import Decoded, Item, Refusal, key_space
from analytics.ingest.signal import Exemplars, Lookup, Put, Signal
from analytics.rollup.observations import Observations
from analytics.spans import database_calls, otlp, red
from analytics.spans.common_attributes import CommonAttributes
from analytics.spans.gen_ai import CallReader
from analytics.spans.operation_limit import OTHER, OperationLimit
from analytics.spans.otlp import BadSpan
from analytics.spans.span import Span
from analytics.storage import error_rows, span_rows
from analytics.storage.minute_tables import SPAN_CHANGES
from analytics.storage.stream_states import StreamStates
from drishti.events import MAX_ITEMS, wrong_time
from drishti.messages import catalogue

_blake2b = hashlib.blake2b
_llm_calls = CallReader()
_common = CommonAttributes()
_limit = OperationLimit()


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    """The spans of one message of SPANS."""
    try:
        message = ResourceSpans.FromString(payload)
    except DecodeError as error:
        return [], [Refusal(f"not OTLP ResourceSpans: {error}", None)]
    total = otlp.count_spans(message)
    if total > MAX_ITEMS:
        return [], [refusals.too_many(total, ())]
    space = key_space("spans", tenant)
    arrived_s = arrived.timestamp()
    items: list[Item] = []
    bad: list[BadSpan] = []
    for span, scope, original in otlp.read_with_messages(message):
        if isinstance(span, str):
            bad.append(BadSpan(span, original, scope))
            continue
        second, rest = divmod(span.start_ns, 1_000_000_000)
        if (reason := wrong_time(second, arrived_s)) is not None:
            bad.append(BadSpan(f"start_time_unix_nano: {reason}", original, scope))
            continue
        started = datetime.fromtimestamp(second, UTC).replace(microsecond=rest // 1_000)
        operation = span_rows.operation_id(tenant, span.service, span.operation, span.kind, span.scope)
        if not _limit.admits(tenant, operation):
            span.operation = OTHER
            operation = span_rows.operation_id(tenant, span.service, OTHER, span.kind, span.scope)
        span.common, span.own = _common.share(tenant, operation, span.name, span.attributes)
        key = _blake2b(space + span.trace_id + span.span_id, digest_size=16).digest()
        items.append(Item(key, tenant, started, second, span, None))
    return items, _letters(message, bad, total)


def forget_quiet() -> None:
    """Forgets what was not seen for a while."""
    _common.forget_quiet()
    _limit.age()


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
    found: dict[int, tuple[Any, ...]] = {}
    for item in items:
        span: Span = item.body
        key = span_rows.operation_id(item.tenant, span.service, span.operation, span.kind, span.scope)
        if key not in found:
            found[key] = span_rows.operation_row(item.tenant, span)
    return found


def common_attributes(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_attributes`` by their id."""
    found: dict[int, tuple[Any, ...]] = {}
    for item in items:
        span: Span = item.body
        if span.common not in found:
            found[span.common] = span_rows.attributes_row(item.tenant, span)
    return found


def resources(items: Sequence[Item]) -> Mapping[int, tuple[Any, ...]]:
    """Rows of ``span_resources`` by their id."""
    found: dict[int, tuple[Any, ...]] = {}
    for item in items:
        span: Span = item.body
        key = span_rows.resource_id(item.tenant, span.resource.key)
        if key not in found:
            found[key] = span_rows.resource_row(item.tenant, span.resource)
    return found


def _letters(message: ResourceSpans, bad: Sequence[BadSpan], spans: int) -> list[Refusal]:
    """As :func:`refusals.letters`: many bad spans share one letter, which is no larger than the message was."""
    if not bad:
        return []
    reasons = [one.reason for one in bad]
    if len(bad) == spans:
        return [Refusal(refusals.summary(reasons, spans), None)]
    if len(bad) <= refusals.MAX_LETTERS:
        return [Refusal(one.reason, _only(message, [one])) for one in bad]
    return [Refusal(refusals.summary(reasons, spans), _only(message, bad))]


def _only(message: ResourceSpans, bad: Sequence[BadSpan]) -> bytes:
    """``bad`` spans as a message of their own, which can be sent again by itself."""
    alone = ResourceSpans(resource=message.resource, schema_url=message.schema_url)
    last = None
    for one in bad:
        if one.scope is not last:
            last = one.scope
            alone.scope_spans.add().scope.CopyFrom(one.scope)
        alone.scope_spans[-1].spans.append(one.span)
    return alone.SerializeToString()


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
)
