"""Attributes named as secrets or as content of messages: dropped before anything is stored or forwarded. Pure.

How this works
--------------
:mod:`gateway.otlp.sensitive_names` lists the names. Most payloads hold none of them, so that is what must be cheap: one search
for its fragments, of which every such name contains one, in the bytes as they came. Only where
one is found are the attributes looked at, one by one: those of the resource, the scopes, spans with their events and links, log
records, data points of metrics with their exemplars, and the keys of objects inside values and bodies. Of spans and log records
only those are looked at in whose bytes one is found.

In attributes named as addresses what is secret in the address is replaced (:mod:`gateway.otlp.url_secrets`).

How many were dropped is added to ``dropped_attributes_count`` of what they belonged to, as OTLP has it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, MatchKind
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.errors import InvalidPayload
from gateway.otlp import url_secrets, wire
from gateway.otlp.fewer_items import points_of
from gateway.otlp.merged_points import merge
from gateway.otlp.sensitive_names import EVENTS_OF_CONTENT, FRAGMENTS, is_secret, kind_of
from gateway.otlp.unknown_fields import has_unknown_fields

_TOKEN = FRAGMENTS.index("token")
_AFTER_TOKEN = frozenset(b"s_.")
"""What follows in names that do not end so, like the counts of tokens that every call of a language model has."""
_GROUP_AFTER_TOKEN = ord("s")
"""What follows a name in protobuf is the key of a field. This is the key of a group, too, which OTLP has nowhere: it is an
unknown field then. The others are no keys."""

MAX_OTHER_FIELDS = 1000
"""Of a resource or scope that has more fields beside its items, all items are looked at: to find them would take longer."""

_REPEATED = 2
"""``ResourceSpans.scope_spans`` and ``ScopeSpans.spans``, ``ResourceLogs.scope_logs`` and ``ScopeLogs.log_records``."""

KEPT_APART = 16
"""So many dropped attributes of one owner are taken out one by one; of more, the others are put into a new list."""


ALL_TENANTS = "*"


class Policy:
    """What is dropped of which tenant: everything, but for tenants that ``keep_content`` or ``keep_secrets``
    (:data:`ALL_TENANTS`: every one)."""

    def __init__(self, keep_content: Iterable[str] = (), keep_secrets: Iterable[str] = ()) -> None:
        self._keep_content, self._keep_secrets = frozenset(keep_content), frozenset(keep_secrets)
        self._kinds = {(c, s): Sensitive(content=c, secrets=s) for c in (False, True) for s in (False, True)}

    def of(self, tenant: str) -> Sensitive:
        either = {tenant, ALL_TENANTS}
        return self._kinds[self._keep_content.isdisjoint(either), self._keep_secrets.isdisjoint(either)]


MAX_COUNT = 2**32 - 1
"""What a count of dropped attributes can hold."""


class Changes(NamedTuple):
    """How many attributes were taken out, in how many others something was replaced, and how many data points are left out:
    they differed from others only in that."""

    dropped: int = 0
    redacted: int = 0
    points: int = 0

    @property
    def any(self) -> bool:
        return self.dropped > 0 or self.redacted > 0


NOTHING = Changes()


class _Found:
    """What one message has had so far."""

    __slots__ = ("dropped", "redacted")

    def __init__(self) -> None:
        self.dropped = self.redacted = 0


class Sensitive:
    """What is dropped: attributes of content, secrets, or both.

    ``kinds`` are those of :data:`~gateway.otlp.sensitive_names.Kind`. :meth:`may_be_in` is the cheap question about bytes;
    where it says no, there is nothing to drop.
    """

    def __init__(self, *, content: bool = True, secrets: bool = True) -> None:
        self._content, self._secrets = content, secrets
        self.kinds = frozenset(("content",) * content + ("secret", "token") * secrets)
        # Leftmost matches are what the library finds with the processor's vector instructions.
        self._fragments = BytesAhoCorasick(
            [text.encode() for text in (*FRAGMENTS, *EVENTS_OF_CONTENT)], matchkind=MatchKind.LeftmostFirst
        )

    def may_be_in(self, payload: bytes, kind: Any) -> bool:
        """Whether attributes to be dropped may be in ``payload``, which is a message of the type ``kind``."""
        return self._places(payload, kind) != []

    def _places(self, payload: bytes, kind: Any) -> list[int] | None:
        """Where in ``payload`` names or values of attributes to be dropped may be, in order; ``None`` is anywhere."""
        if not self.kinds:
            return []
        lowered = payload.lower()
        places: list[int] = []
        ambiguous = False
        for index, start, end in self._fragments.find_matches_as_indexes(lowered):
            if index != _TOKEN or end == len(lowered) or lowered[end] not in _AFTER_TOKEN:
                places.append(start)
            else:
                ambiguous = ambiguous or lowered[end] == _GROUP_AFTER_TOKEN
        if ambiguous and has_unknown_fields(payload, kind):
            return None
        if self._secrets and (hidden := [*url_secrets.logins(payload), *url_secrets.encoded_letters(payload)]):
            places = sorted(places + hidden)
        return places

    def drop_from_spans(self, resource: ResourceSpans, payload: bytes) -> Changes:
        """Takes them out of ``resource``, whose bytes are ``payload``."""
        found = _Found()
        places = self._places(payload, ResourceSpans)
        if places == []:
            return NOTHING
        self._drop(resource.resource, found)
        for scope, touched in zip(resource.scope_spans, _touched(payload, places, len(resource.scope_spans)), strict=True):
            self._drop(scope.scope, found)
            for span in _those(scope.spans, touched):
                self._drop(span, found)
                for part in (*span.events, *span.links):
                    self._drop(part, found)
        return Changes(found.dropped, found.redacted)

    def drop_from_logs(self, resource: ResourceLogs, payload: bytes) -> Changes:
        """The same for log records."""
        found = _Found()
        places = self._places(payload, ResourceLogs)
        if places == []:
            return NOTHING
        self._drop(resource.resource, found)
        for scope, touched in zip(resource.scope_logs, _touched(payload, places, len(resource.scope_logs)), strict=True):
            self._drop(scope.scope, found)
            for record in _those(scope.log_records, touched):
                self._drop(record, found)
                self._drop_from_body(record, found)
        return Changes(found.dropped, found.redacted)

    def drop_from_metrics(self, resource: ResourceMetrics, payload: bytes) -> Changes:
        """The same for data points, of which those are merged that differed in nothing else."""
        if not self.may_be_in(payload, ResourceMetrics):
            return NOTHING
        found = _Found()
        self._drop(resource.resource, found)
        points = 0
        for scope in resource.scope_metrics:
            self._drop(scope.scope, found)
            for metric in scope.metrics:
                self._drop_pairs(metric.metadata, found)
                before = found.dropped + found.redacted
                for point in points_of(metric):
                    self._drop_pairs(point.attributes, found)
                    for exemplar in getattr(point, "exemplars", ()):  # a summary's points have none
                        self._drop_pairs(exemplar.filtered_attributes, found)
                if found.dropped + found.redacted > before:
                    points += merge(metric)
        return Changes(found.dropped, found.redacted, points)

    def _drop(self, owner: Any, found: _Found) -> None:
        """Takes them out of the attributes of ``owner`` and counts them there."""
        if not owner.attributes:
            return
        before = found.dropped
        self._drop_pairs(owner.attributes, found)
        _count(owner, found.dropped - before)

    def _drop_from_body(self, record: Any, found: _Found) -> None:
        if not record.HasField("body"):
            return
        before = found.dropped
        if self._content and _event_name(record) in EVENTS_OF_CONTENT:
            record.ClearField("body")
            found.dropped += 1
        else:
            self._drop_within(record.body, found)
        _count(record, found.dropped - before)

    def _drop_pairs(self, pairs: Any, found: _Found) -> None:
        named: list[int] = []
        for index, pair in enumerate(pairs):
            kind = kind_of(pair.key)
            if kind in self.kinds and (kind == "secret" or not _is_number(pair.value)):
                named.append(index)
            elif kind == "url" and self._secrets:
                self._redact(pair.value, found)
            else:
                self._drop_within(pair.value, found)
        found.dropped += len(named)
        if len(named) > KEPT_APART:
            there = set(named)
            kept = [pair for index, pair in enumerate(pairs) if index not in there]
            del pairs[:]
            pairs.extend(kept)
        else:
            for index in reversed(named):
                del pairs[index]

    def _redact(self, value: Any, found: _Found) -> None:
        """Replaces what is secret in an address, or in each of several."""
        kind = value.WhichOneof("value")
        if kind == "string_value":
            address = url_secrets.redacted(value.string_value, is_secret)
            if address != value.string_value:
                value.string_value = address
                found.redacted += 1
        elif kind == "bytes_value":
            text = value.bytes_value.decode("latin-1")  # gives the same bytes again, whatever they are
            if (address := url_secrets.redacted(text, is_secret)) != text:
                value.bytes_value = address.encode("latin-1")
                found.redacted += 1
        elif kind == "array_value":
            for part in value.array_value.values:
                self._redact(part, found)
        else:
            self._drop_within(value, found)

    def _drop_within(self, value: Any, found: _Found) -> None:
        """Takes them out of the objects that ``value`` holds."""
        kind = value.WhichOneof("value")
        if kind == "kvlist_value":
            self._drop_pairs(value.kvlist_value.values, found)
        elif kind == "array_value":
            for part in value.array_value.values:
                self._drop_within(part, found)


def _touched(payload: bytes, places: list[int] | None, scopes: int) -> list[Collection[int] | None]:
    """For each of the ``scopes`` of a ``ResourceSpans`` or ``ResourceLogs``: which of its spans or log records hold one of
    ``places``; ``None`` is all.

    A repeated field has its items in the order of the bytes, so the bytes say which one holds a place, without looking at the
    others, most of which hold none.
    """
    everything: list[Collection[int] | None] = [None] * scopes
    if places is None:
        return everything
    try:
        found = [_items_at(payload, places, start, end) for start, end in _values(payload, 0, len(payload))]
    except InvalidPayload:  # groups, which protobuf keeps, or thousands of fields that are no items
        return everything
    return [*found] if len(found) == scopes else everything


def _items_at(payload: bytes, places: list[int], start: int, end: int) -> Collection[int]:
    here = places[bisect_left(places, start) : bisect_left(places, end)]
    ends = [end for _, end in _values(payload, start, end)] if here else []
    # What lies between two items belongs to none: looking at the second is harmless.
    return {item for place in here if (item := bisect_right(ends, place)) < len(ends)}


def _values(payload: bytes, start: int, end: int) -> list[tuple[int, int]]:
    return wire.values(payload, _REPEATED, start, end, MAX_OTHER_FIELDS)


def _those(items: Sequence[Any], touched: Collection[int] | None) -> Iterable[Any]:
    return items if touched is None else [items[index] for index in touched]


def _count(owner: Any, dropped: int) -> None:
    if dropped:
        owner.dropped_attributes_count = min(owner.dropped_attributes_count + dropped, MAX_COUNT)


def _is_number(value: Any) -> bool:
    return value.WhichOneof("value") in ("int_value", "double_value", "bool_value")


def _event_name(record: Any) -> str:
    if record.event_name:
        return str(record.event_name)
    return next((pair.value.string_value for pair in record.attributes if pair.key == "event.name"), "")
