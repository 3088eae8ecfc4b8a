"""METRICS: what services measure, as OTLP, every metric of every type. Pure.

A point is identified by its stream (tenant, resource, scope, metric, attributes) and its time: the same export sent twice
counts once. The CPU and memory of processes are Drishti's own metrics (:data:`BUILT_IN`); every other metric keeps its name.

What a point comes to, in the second of its time: a gauge one value; a counter its increase; a distribution its observations, of
which the histogram is made out of buckets. Increases of cumulative streams are made against the last point, which the store
keeps (:mod:`.otlp.temporality`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics

from analytics.ingest import refusals
from analytics.ingest.items import Decoded, Item, Refusal
from analytics.ingest.signal import Exemplars, Signal
from analytics.ingest.signals.otlp import temporality
from analytics.ingest.signals.otlp.buckets import Distribution, histograms
from analytics.ingest.signals.otlp.points import Bad, Mode, Point, Streams, count_points, point_key
from analytics.ingest.signals.otlp.temporality import State, accumulate, advance
from analytics.rollup.cells import MOST, Cell
from analytics.rollup.observations import Observations, Series
from analytics.storage.stream_states import StreamStates
from drishti.events import MAX_ITEMS, wrong_time
from drishti.measures.definitions import Kind
from drishti.messages import catalogue

_streams = Streams()

Drawn = tuple[Series, Distribution, str | None]
"""A distribution that becomes a cell, with its exemplar."""


def decode(tenant: str, payload: bytes, arrived: datetime, _traceparent: str | None) -> Decoded:
    """The points of one message of METRICS."""
    try:
        message = ResourceMetrics.FromString(payload)
    except DecodeError as error:
        return [], [Refusal(f"not OTLP ResourceMetrics: {error}", None)]
    total = count_points(message)
    if total > MAX_ITEMS:
        return [], [refusals.too_many(total, ())]
    items: list[Item] = []
    bad: list[Bad] = []
    arrived_s = arrived.timestamp()
    time_ns, time, second, reason = -1, arrived, 0, None
    for read in _streams.read(tenant, message):
        if isinstance(read, Bad):
            bad.append(read)
            continue
        point, metric, data = read
        if point.state.time == 0:
            at_ns = int(arrived_s * 1_000) * 1_000_000
            point.state = msgspec.structs.replace(point.state, time=at_ns)
        if point.state.time != time_ns:  # points of one export have one time
            time_ns = point.state.time
            at_s = time_ns / 1e9
            reason = wrong_time(at_s, arrived_s)
            if reason is None:
                time, second = datetime.fromtimestamp(at_s, UTC), time_ns // 1_000_000_000
        if reason is not None:
            bad.append(Bad(f"{metric.name}: timestamp: {reason}", metric, data))
            continue
        items.append(Item(point_key(point), tenant, time, second, point, None))
    return items, _letters(message, bad, total)


def dead_letters(_payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
    """The whole message: those of its points that are stored count once, also when it is sent again."""
    return [Refusal(bad[0][1], None)]


def streams(items: Sequence[Item]) -> dict[bytes, str]:
    """The streams, with their tenants, whose states :func:`observe` compares with."""
    return {item.body.stream.key: item.tenant for item in items if item.body.stream.mode is not Mode.VALUE}


def observe(items: Sequence[Item], _exemplars: Exemplars, observations: Observations, states: StreamStates) -> None:
    """Each point in the second of its time."""
    drawn: list[Drawn] = []
    compared: dict[bytes, list[Item]] = {}
    for item in items:
        point: Point = item.body
        stream, state = point.stream, point.state
        if stream.mode is not Mode.VALUE:
            compared.setdefault(stream.key, []).append(item)
        elif stream.kind is Kind.DISTRIBUTION:
            more = Distribution(state.count, state.sum, state.low, state.high, state.buckets)
            drawn.append((_series(item), more, point.exemplar))
        elif stream.kind is Kind.COUNTER:
            observations.add(_series(item), _counter(round(state.sum or 0), state.sum or 0, point.exemplar))
        else:
            observations.add(_series(item), _gauge(state.sum or 0, point.exemplar))
    for key, those in compared.items():
        those.sort(key=lambda item: item.body.state.time)
        _compare(key, those, states, observations, drawn)
    for (series, more, exemplar), spread in zip(drawn, histograms([more for _, more, _ in drawn]), strict=True):
        cell = Cell(
            count=more.count,
            sum=spread.sum,
            min=spread.min,
            max=spread.max,
            histogram=spread.histogram,
            exemplar=exemplar,
        )
        observations.add(series, cell)


def _compare(key: bytes, items: Sequence[Item], states: StreamStates, observations: Observations, drawn: list[Drawn]) -> None:
    """The points of one stream, in the order of their times, with what is known of it."""
    stored = states.get(key)
    state: State | None = None if stored is None else temporality.decode(stored)
    for item in items:
        point: Point = item.body
        if point.stream.mode is Mode.LEVEL:
            state = accumulate(state, point.state)
            observations.add(_series(item), _gauge(state.sum or 0, point.exemplar))
            continue
        state, more, _ = step = advance(state, point.state, states.known_from)
        if more is None:
            states.passed_over += step.outcome in temporality.PASSED_OVER
        elif point.stream.kind is Kind.DISTRIBUTION:
            drawn.append((_series(item), more, point.exemplar))
        else:
            observations.add(_series(item), _counter(more.count, more.sum or 0, point.exemplar))
    if state is not None:
        states.put(key, items[0].tenant, temporality.encode(state))


def _series(item: Item) -> Series:
    point: Point = item.body
    stream = point.stream
    if stream.built_in is not None:
        return Series(item.tenant, stream.built_in, (stream.service,), item.second)
    return Series(item.tenant, stream.token, point.labels, item.second)


def _counter(whole: int, more: float, exemplar: str | None) -> Cell:
    return Cell(count=min(whole, MOST), sum=float(more), exemplar=exemplar)


def _gauge(value: float, exemplar: str | None) -> Cell:
    value = float(value)
    return Cell(count=1, sum=value, min=value, max=value, exemplar=exemplar)


def _letters(message: ResourceMetrics, bad: Sequence[Bad], points: int) -> list[Refusal]:
    """As :func:`refusals.letters`: many bad points share one letter, which is no larger than the message was."""
    if not bad:
        return []
    reasons = [one.reason for one in bad]
    if len(bad) == points:
        return [Refusal(refusals.summary(reasons, points), None)]
    if len(bad) <= refusals.MAX_LETTERS:
        return [Refusal(one.reason, _only(message, [one])) for one in bad]
    return [Refusal(refusals.summary(reasons, points), _only(message, bad))]


def _only(message: ResourceMetrics, points: Iterable[Bad]) -> bytes:
    """``points`` (in the order of ``message``) as a message of their own, which can be sent again by itself."""
    alone = ResourceMetrics(resource=message.resource)
    scope = alone.scope_metrics.add()
    for _, group in itertools.groupby(points, key=lambda one: id(one.metric)):
        data: Any = None
        for one in group:
            if data is None:
                data = _without_points(one.metric, scope.metrics.add())
            data.append(one.point)
    return alone.SerializeToString()


def _without_points(metric: Metric, copied: Metric) -> Any:
    """Makes ``copied`` the same metric without its points; returns the list of these, which is empty."""
    copied.CopyFrom(metric)
    points = getattr(copied, copied.WhichOneof("data") or "gauge").data_points
    del points[:]
    return points


SIGNAL = Signal(
    message=catalogue.message("metrics"),
    decode=decode,
    dead_letters=dead_letters,
    observe=observe,
    streams=streams,
    forget_quiet=_streams.forget_quiet,
    open_metrics=True,
)
