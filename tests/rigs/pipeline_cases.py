"""Random mixes of events, requests and OTLP points, the messages that carry them, and what has to come of them.

What counts is said twice and apart: :class:`Traffic` makes items and beside each of them the :class:`Fact` that it is; the
messages hold the items in any order and batching, some of them twice, some beside junk. All values are whole numbers, whose
sums are exact in any order.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from drishti.events import AnalyticsEvent, RequestEvent, encode
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.messages import subjects

DELTA, CUMULATIVE = 1, 2
SECONDS = {"1s": 1, "1m": 60, "1h": 3600}

Labels = tuple[tuple[str, str], ...]

PAID = MetricDefinition(
    name="paid", kind=Kind.COUNTER, dimensions=("country",), source=EventSource(event="order", where="price >= 50")
)
PRICE = MetricDefinition(name="price", kind=Kind.DISTRIBUTION, source=EventSource(event="order", value="price"))
RATIO = MetricDefinition(name="ratio", kind=Kind.DERIVED, expression="100 * count(order where price >= 50) / count(order)")
MEAN = MetricDefinition(name="mean", kind=Kind.DERIVED, expression="sum(request_duration_ms) / count(requests) + 1")
BOTH = MetricDefinition(name="both", kind=Kind.DERIVED, expression="value(ratio) + value(mean)")
DEFINED = (PAID, PRICE, RATIO, MEAN, BOTH)


class Fact(NamedTuple):
    """What one item says of one metric. ``loose``: in which window depends on the order of arrival, the sum of all does not."""

    metric: str
    labels: Labels
    second: int
    count: int = 1
    errors: int = 0
    sum: int = 1
    loose: bool = False


class Message(NamedTuple):
    subject: str
    payload: bytes


class _Item(NamedTuple):
    subject: str
    body: Any
    facts: Sequence[Fact]


class Traffic:
    """Everything that one tenant sends. ``start_ns``: since when cumulative streams count, which analytics must know of."""

    def __init__(self, rng: random.Random, tenant: str, start_ns: int) -> None:
        self._rng = rng
        self._tenant = tenant
        self._start_ns = start_ns
        self._now = start_ns // 1_000_000_000
        self.junk = 0
        items = [
            *(self._event(number) for number in range(rng.randint(60, 300))),
            *(self._request(number) for number in range(rng.randint(20, 200))),
            *(self._point(number) for number in range(rng.randint(20, 200))),
            *self._stream_points(),
        ]
        self.facts: list[Fact] = [fact for item in items for fact in item.facts]
        self.items = len(items)
        self.messages = self._messages(items)

    def _second(self) -> int:
        """Now mostly, else of some time before."""
        return self._now - self._rng.randrange(self._rng.choice((5, 60, 600, 7200)))

    def _event(self, number: int) -> _Item:
        rng, second = self._rng, self._second()
        kind = rng.choice(("order", "order", "feedback", f"kind{rng.randrange(14)}"))
        service = f"s{rng.randrange(3)}"
        facts = [Fact("events", (("event_type", kind), ("service", service)), second)]
        data: dict[str, Any] = {"n": number}
        if kind == "order":
            price, country = rng.randrange(100), rng.choice(("IN", "DE", "Ü", "x" * 128))
            data |= {"price": price, "country": country}
            facts.append(Fact(PRICE.token, (), second, sum=price))
            if price >= 50:
                facts.append(Fact(PAID.token, (("country", country),), second))
        elif kind == "feedback":
            data["satisfaction"] = rng.randint(1, 5)
            facts.append(Fact("satisfaction", (("event_type", kind),), second, sum=data["satisfaction"]))
        event = AnalyticsEvent(
            event_id=f"e{number}",
            event_type=kind,
            user_id=f"u{rng.randrange(30)}",
            service=service,
            timestamp=self._instant(second),
            data=data,
        )
        return _Item(subjects.events(self._tenant, kind), event, facts)

    def _request(self, number: int) -> _Item:
        rng, second = self._rng, self._second()
        service, route, status = f"s{rng.randrange(2)}", f"/r{rng.randrange(4)}", rng.choice((200, 200, 404, 500))
        duration = rng.randint(1, 500)
        labels = ("route", route), ("service", service), ("status", str(status))
        errors = int(status >= 500)
        facts = [
            Fact("requests", labels, second, errors=errors),
            Fact("request_duration_ms", labels, second, errors=errors, sum=duration),
        ]
        request = RequestEvent(
            event_id=f"r{number}",
            service=service,
            method="GET",
            route=route,
            status=status,
            duration_ms=float(duration),
            timestamp=self._instant(second),
        )
        return _Item(subjects.requests(self._tenant, service), request, facts)

    def _point(self, number: int) -> _Item:
        """One point of a delta counter, a gauge, or a delta histogram."""
        rng, second = self._rng, self._second()
        service, queue = f"s{rng.randrange(2)}", f"q{rng.randrange(6)}"
        message, metrics = _resource(service)
        name = rng.choice(("jobs", "depth", "took"))
        metric = metrics.add(name=name)
        count, total = 1, rng.randint(1, 50)
        if name == "jobs":
            metric.sum.is_monotonic = True
            metric.sum.aggregation_temporality = DELTA
            point = metric.sum.data_points.add(as_int=total)
            count = total
        elif name == "depth":
            point = metric.gauge.data_points.add(as_double=float(total))
        else:
            metric.histogram.aggregation_temporality = DELTA
            held = [rng.randrange(4) for _ in range(4)]
            count = sum(held)
            point = metric.histogram.data_points.add(
                count=count, sum=total, bucket_counts=held, explicit_bounds=(1.0, 5.0, 20.0)
            )
        point.time_unix_nano = second * 1_000_000_000 + number
        point.start_time_unix_nano = point.time_unix_nano - 1_000_000_000
        point.attributes.add(key="queue").value.string_value = queue
        labels = ("queue", queue), ("service", service)
        return _Item(subjects.metrics(self._tenant, service), message, [Fact(name, labels, second, count, sum=total)])

    def _stream_points(self) -> Iterable[_Item]:
        """Cumulative counters from their beginning, in some exports each."""
        rng = self._rng
        for queue in range(rng.randint(1, 5)):
            total = 0
            for export in range(1, rng.randint(2, 6)):
                more = rng.randint(0, 20)
                total += more
                message, metrics = _resource("worker")
                metric = metrics.add(name="done.total")
                metric.sum.is_monotonic = True
                metric.sum.aggregation_temporality = CUMULATIVE
                at = self._start_ns + export * 1_000_000_000
                point = metric.sum.data_points.add(as_int=total, start_time_unix_nano=self._start_ns, time_unix_nano=at)
                point.attributes.add(key="queue").value.string_value = f"q{queue}"
                labels = ("queue", f"q{queue}"), ("service", "worker")
                fact = Fact("done-total", labels, at // 1_000_000_000, more, sum=more, loose=True)
                yield _Item(subjects.metrics(self._tenant, "worker"), message, [fact])

    def _messages(self, items: Sequence[_Item]) -> list[Message]:
        """All of ``items`` and some twice, in any order, batched anyhow; some messages come twice."""
        rng = self._rng
        by_subject: defaultdict[str, list[Any]] = defaultdict(list)
        for item in [*items, *rng.choices(items, k=len(items) // 5)]:
            by_subject[item.subject].append(item.body)
        messages: list[Message] = []
        for subject, bodies in by_subject.items():
            rng.shuffle(bodies)
            while bodies:
                size = rng.choice((1, 2, 10, 60))
                some, bodies = bodies[:size], bodies[size:]
                messages.append(Message(subject, self._payload(some)))
        messages += rng.choices(messages, k=len(messages) // 5)
        rng.shuffle(messages)
        return messages

    def _payload(self, bodies: list[Any]) -> bytes:
        first = bodies[0]
        if isinstance(first, ResourceMetrics):
            together = ResourceMetrics(resource=first.resource)
            metrics = together.scope_metrics.add().metrics
            for body in bodies:
                metrics.extend(body.scope_metrics[0].metrics)
            return together.SerializeToString()
        if len(bodies) == 1 and self._rng.random() < 0.5:
            return encode(first)
        payload = encode(bodies)
        if self._rng.random() < 0.1:
            self.junk += 1
            payload = payload[:-1] + b',{"event_id":"junk","timestamp":"never"}]'
        return payload

    def _instant(self, second: int) -> datetime:
        return datetime.fromtimestamp(second + self._rng.randrange(1000) / 1000, UTC)


def _resource(service: str) -> tuple[ResourceMetrics, Any]:
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = service
    return message, message.scope_metrics.add().metrics


Numbers = dict[tuple[str, str, int], dict[Labels, tuple[int, int, int]]]
"""Counts, errors and sums, by metric, resolution and start of the window, and by labels."""


def added_up(facts: Iterable[tuple[str, str, int, Labels, int, int, int]]) -> Numbers:
    """By metric, resolution, window and labels."""
    found: Numbers = defaultdict(dict)
    for metric, resolution, start, labels, *numbers in facts:
        group = found[metric, resolution, start]
        before = group.get(labels, (0, 0, 0))
        group[labels] = (before[0] + numbers[0], before[1] + numbers[1], before[2] + numbers[2])
    return dict(found)


def wanted(facts: Iterable[Fact]) -> Numbers:
    """What has to be stored; of loose facts in no window, 0."""
    return added_up(
        (f.metric, resolution, 0 if f.loose else f.second // width * width, f.labels, f.count, f.errors, f.sum)
        for f in facts
        for resolution, width in SECONDS.items()
    )


def kpis(facts: Iterable[Fact]) -> Callable[[str], float | None]:
    """The value of each KPI over ``facts``."""
    known = list(facts)

    def total(metric: str, field: str = "count", having: Callable[[Fact], bool] = lambda _: True) -> int:
        return sum(getattr(fact, field) for fact in known if fact.metric == metric and having(fact))

    orders = total("events", having=lambda fact: ("event_type", "order") in fact.labels)
    requests = total("requests")
    ratio = 100 * total(PAID.token) / orders if orders else math.nan
    mean = total("request_duration_ms", "sum") / requests + 1 if requests else math.nan
    values = {"ratio": ratio, "mean": mean, "both": ratio + mean}
    return lambda name: None if math.isnan(values[name]) else values[name]
