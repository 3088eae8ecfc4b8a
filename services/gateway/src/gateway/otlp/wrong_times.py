"""Spans, log records and data points with times that nobody keeps: left out, with the reason. Pure.

How this works
--------------
Hardly any message has one, so that is what must be cheap. The bytes of log records and data points are parsed once more, by a
type that knows their times and nothing else, in which scopes, metrics and items are each *one* message whose times are
repeated: protobuf merges a message that comes several times where one is expected, and so makes a list of all times. Only
where one of them is wrong are the items looked at one by one, from Python. Spans are seen all at once in
:mod:`gateway.otlp.valid_spans`.

Which times are wrong is said in :mod:`drishti.messages.event_times`, for analytics, too, which makes dead letters of what
comes to it another way. What is only too old, or too far in the future, is given back apart: it can be forwarded to where it is
kept.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.events import ArrivalNs
from drishti.messages.event_times import WrongTime
from gateway.otlp.fewer_items import points_of

_NO_TRACE = bytes(16)
_NO_SPAN = bytes(8)

_TIME = "time_unix_nano"

_POINTS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
"""The fields of a metric that have data points."""


class Rejected:
    """How many items of a request are left out, for each reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """``reason`` goes on after a number: ``without a name``."""
        self._counts[reason] += 1

    def total(self) -> int:
        return self._counts.total()

    def reasons(self) -> list[str]:
        """What to tell the sender."""
        return [f"{count} {reason}" for reason, count in sorted(self._counts.items())]


class Wrong(NamedTuple):
    """Why an item is left out. ``elsewhere``: it is right but for when it came, and others may keep it."""

    reason: str
    elsewhere: bool = False


class Sifted(NamedTuple):
    """Whether items were taken out of a message, and another message of its type with those that others may keep, if any."""

    changed: bool = False
    elsewhere: Any = None


_UNCHANGED = Sifted()
_NO_ID = Wrong("without a valid trace and span id")


def sift_spans(resource: ResourceSpans, when: ArrivalNs, rejected: Rejected) -> Sifted:
    """Takes the spans out of ``resource`` that no trace can hold, or that did not happen in ``when``."""

    def wrong(span: Any) -> Wrong | None:
        trace, ident = span.trace_id, span.span_id
        if len(trace) != 16 or len(ident) != 8 or trace == _NO_TRACE or ident == _NO_SPAN:
            return _NO_ID
        return _wrong(when.wrong_span(span.start_time_unix_nano, span.end_time_unix_nano))

    return _sift(resource, lambda of: [scope.spans for scope in of.scope_spans], wrong, rejected)


def sift_records(resource: ResourceLogs, payload: bytes, when: ArrivalNs, rejected: Rejected) -> Sifted:
    """Takes the log records out of ``resource``, whose bytes are ``payload``, that did not happen in ``when``.

    A record without a time has that of its arrival.
    """
    with contextlib.suppress(DecodeError):  # it is nested too deep where nobody reads it
        record = _LOGS.FromString(payload).scope.record
        if _all_right(record.time, when) and _all_right(record.observed, when):
            return _UNCHANGED

    def wrong(record: Any) -> Wrong | None:
        if (time := record.time_unix_nano) != 0:
            return _wrong_at(_TIME, time, when)
        return _wrong_at(f"observed_{_TIME}", record.observed_time_unix_nano, when)

    return _sift(resource, lambda of: [scope.log_records for scope in of.scope_logs], wrong, rejected)


def sift_points(resource: ResourceMetrics, payload: bytes, when: ArrivalNs, rejected: Rejected) -> Sifted:
    """The same for data points. A metric that has none left goes, too."""
    with contextlib.suppress(DecodeError):
        metric = _METRICS.FromString(payload).scope.metric
        if all(_all_right(getattr(metric, kind).point.time, when) for kind in _POINTS):
            return _UNCHANGED

    def points(of: ResourceMetrics) -> list[Any]:
        return [points_of(metric) for scope in of.scope_metrics for metric in scope.metrics]

    sifted = _sift(resource, points, lambda point: _wrong_at(_TIME, point.time_unix_nano, when), rejected)
    for message in (resource, sifted.elsewhere) if sifted.changed else ():
        for scope in () if message is None else message.scope_metrics:
            _keep(scope.metrics, [len(points_of(metric)) > 0 for metric in scope.metrics])
    return sifted


def _all_right(times: Any, when: ArrivalNs) -> bool:
    """Whether none of ``times`` is wrong, or 0, which may be written for a time that is not set."""
    if not times:
        return True
    listed = times[:]  # from Python, a list is read in a fraction of the time
    return bool(when.earliest <= min(listed) and max(listed) <= when.latest)


def _wrong(time: WrongTime | None) -> Wrong | None:
    return None if time is None else Wrong(f"whose {time.field} is {time.why}", time.of_arrival)


def _wrong_at(field: str, at_ns: int, when: ArrivalNs) -> Wrong | None:
    why = None if at_ns == 0 else when.wrong(at_ns)
    return None if why is None else _wrong(WrongTime(field, why))


def _sift(resource: Any, lists: Callable[[Any], list[Any]], wrong: Callable[[Any], Wrong | None], rejected: Rejected) -> Sifted:
    """Takes those out of the ``lists`` of ``resource`` of which something is ``wrong``."""
    found = [[wrong(item) for item in items] for items in lists(resource)]
    reasons = [one for each in found for one in each if one is not None]
    if not reasons:
        return _UNCHANGED
    for one in reasons:
        rejected.add(one.reason)
    elsewhere = None
    if any(one.elsewhere for one in reasons):
        elsewhere = type(resource)()
        elsewhere.CopyFrom(resource)
        for items, each in zip(lists(elsewhere), found, strict=True):
            _keep(items, [one is not None and one.elsewhere for one in each])
    for items, each in zip(lists(resource), found, strict=True):
        _keep(items, [one is None for one in each])
    return Sifted(True, elsewhere)


def _keep(items: Any, kept: Sequence[bool]) -> None:
    """Takes those out of ``items`` that are not ``kept``."""
    if not all(kept):
        items.extend(list(itertools.compress(items, kept)))
        del items[: len(kept)]  # all at once: one by one would take a time that grows with the square


def _type(levels: tuple[tuple[tuple[str, int], ...], ...], times: tuple[tuple[str, int], ...]) -> Any:
    """A message type: each of ``levels`` has fields whose type is the next one, and the last one ``times``."""
    of = FieldDescriptorProto
    package = "wrong_times_" + "_".join(name for name, _ in times)
    file = FileDescriptorProto(name=f"drishti/gateway/{package}.proto", package=package, syntax="proto2")
    for depth, fields in enumerate(levels):
        message = file.message_type.add(name=f"Level{depth}")
        for name, number in fields:
            message.field.add(
                name=name,
                number=number,
                type=of.TYPE_MESSAGE,
                type_name=f".{package}.Level{depth + 1}",
                label=of.LABEL_OPTIONAL,
            )
    last = file.message_type.add(name=f"Level{len(levels)}")
    for name, number in times:
        last.field.add(name=name, number=number, type=of.TYPE_FIXED64, label=of.LABEL_REPEATED)
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{package}.Level0"))


_LOGS = _type(((("scope", 2),), (("record", 2),)), (("time", 1), ("observed", 11)))
_METRICS = _type(
    ((("scope", 2),), (("metric", 2),), tuple(zip(_POINTS, (5, 7, 9, 10, 11), strict=True)), (("point", 1),)), (("time", 3),)
)
"""``ResourceLogs`` and ``ResourceMetrics`` as far as times go."""
