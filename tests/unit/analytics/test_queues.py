"""How long messages wait, and how long the work takes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from analytics.spans import queue_answers
from analytics.spans.queues import OTHER, Queue, Queues, queues
from analytics.spans.span import Span, SpanKind, SpanLink, Status
from analytics.spans.trace import assemble_all
from rigs.spans import MS, START_NS, span

KAFKA: dict[str, Any] = {"messaging.system": "kafka", "messaging.destination.name": "orders"}
BILLING = Queue("kafka", "orders", "billing")


def sent(
    span_id: bytes = b"p", trace: bytes = b"t", at_ms: float = 0, kind: SpanKind = SpanKind.PRODUCER, **attributes: Any
) -> Span:
    return span(
        trace_id=trace * 16, span_id=span_id * 8, kind=kind, start_ns=START_NS + int(at_ms * MS), duration_ns=2 * MS,
        attributes=KAFKA | attributes,
    )  # fmt: skip


def worked(
    at_ms: float, parent: bytes | None = b"p", span_id: bytes = b"c", *links: tuple[bytes, bytes], **attributes: Any
) -> Span:
    return span(
        service="billing", span_id=span_id * 8, parent_id=parent and parent * 8, kind=SpanKind.CONSUMER,
        start_ns=START_NS + int(at_ms * MS), duration_ns=7 * MS, attributes=KAFKA | attributes,
        links=tuple(SpanLink(trace * 16, one * 8, {}) for trace, one in links),
    )  # fmt: skip


def waits(*spans: Span, linked: tuple[Span, ...] = ()) -> tuple[int, int, float, int, float]:
    """Messages; how many waits are known and what they come to in milliseconds; spans of work and their time."""
    (sums,) = queues(assemble_all(spans), linked).queues.values()
    return sums.messages, sums.waited.calls, sums.waited.total_ns / MS, sums.worked.calls, sums.worked.total_ns / MS


def test_a_message_waits_from_the_end_of_sending_to_the_start_of_the_work() -> None:
    assert list(queues(assemble_all([sent(), worked(52)])).queues) == [BILLING]
    assert waits(sent(), worked(52)) == (1, 1, 50.0, 1, 7.0)
    assert waits(sent(kind=SpanKind.CLIENT), worked(52)) == (1, 1, 50.0, 1, 7.0)
    assert waits(sent(), worked(1)) == (1, 1, 0.0, 1, 7.0), "clocks differ"


def test_a_client_that_fetches_and_links_to_who_sent_takes_messages() -> None:
    fetched = worked(52, None, b"c", (b"u", b"q"), **{"messaging.operation": "receive"})
    fetched.kind = SpanKind.CLIENT
    assert waits(fetched, linked=(sent(b"q", b"u", at_ms=10),)) == (1, 1, 47.0, 1, 7.0), "until the end of receiving"
    fetched.links = ()
    assert not queues(assemble_all([fetched])).queues


def test_every_message_of_a_batch_waits() -> None:
    linked = (sent(b"q", b"u", at_ms=10), sent(b"r", b"v", at_ms=20))
    batch = worked(52, None, b"c", (b"u", b"q"), (b"v", b"r"), (b"v", b"x"))
    assert waits(batch, linked=linked) == (3, 2, 40.0 + 30.0, 1, 7.0), "of one message nobody knows who sent it"
    more = worked(52, None, b"c", (b"u", b"q"), **{"messaging.batch.message_count": 5})
    assert waits(more, linked=linked) == (5, 1, 40.0, 1, 7.0)
    assert waits(sent(), worked(52, b"p", b"c", (b"t", b"p"))) == (1, 1, 50.0, 1, 7.0), "parent and link are one message"


@pytest.mark.parametrize(
    ("attributes", "known", "wait_ms"),
    [
        ({}, 0, 0.0),
        ({"messaging.servicebus.message.enqueued_time": START_NS // 10**9 - 3}, 1, 3_000.0),
        ({"messaging.kafka.message.timestamp": START_NS // MS - 250}, 1, 250.0),
        ({"kafka.record.queue_time_ms": 80}, 1, 80.0),
        ({"messaging.eventhubs.message.enqueued_time": START_NS // 10**9 + 60}, 0, 0.0),
        ({"kafka.record.queue_time_ms": "soon"}, 0, 0.0),
    ],
)
def test_where_nobody_is_known_to_have_sent_it_the_broker_may_have_noted_when(
    attributes: dict[str, Any], known: int, wait_ms: float
) -> None:
    assert waits(worked(0, None, **attributes)) == (1, known, wait_ms, 1, 7.0)


def test_receiving_is_no_work_where_others_work_on_it() -> None:
    received = worked(40, **{"messaging.operation.type": "receive"})
    assert waits(sent(), received) == (1, 1, 45.0, 1, 7.0), "to the end of receiving"
    processed = worked(52, b"c", b"d", (b"t", b"p"), **{"messaging.operation.type": "process"})
    assert waits(sent(), received, processed) == (1, 1, 50.0, 1, 7.0)
    settled = worked(60, b"d", b"e", **{"messaging.operation.type": "settle"})
    assert waits(sent(), received, processed, settled)[0] == 1


def test_a_minute_has_the_work_that_began_in_it() -> None:
    minute = START_NS // 60_000_000_000
    trace = assemble_all([sent(), worked(52), worked(120_052, b"p", b"d")])
    assert [queues(trace, (), minute + n).queues[BILLING].messages for n in (0, 2)] == [1, 1]
    assert queues(trace, (), minute + 1).queues == {}


def test_sums_merge_in_any_order_and_come_back_from_storage() -> None:
    rng = random.Random(2)
    traces = []
    for n in range(60):
        trace = n.to_bytes(1, "big")
        one = worked(rng.randrange(3, 900), b"p", b"c", **{"messaging.destination.name": rng.choice(["a", "b"])})
        one.trace_id = trace * 16
        one.status = rng.choice([Status.ERROR, Status.UNSET])
        traces += assemble_all([sent(trace=trace), one])
    whole, merged = queues(traces), Queues()
    for part in (traces[40:], traces[:15], traces[15:40]):
        merged.merge(Queues.decode(queues(part).encode()))
    assert merged == whole
    assert Queues.decode(whole.scaled(3).encode()).queues[Queue("kafka", "a", "billing")].messages == (
        3 * whole.queues[Queue("kafka", "a", "billing")].messages
    )
    bounded = whole.bounded(1).queues
    assert len(bounded) == 2
    assert bounded[Queue(OTHER, OTHER, OTHER)].messages + max(sums.messages for sums in bounded.values()) == 60


def test_an_answer_says_how_much_of_the_time_is_waiting() -> None:
    found = queues(assemble_all([sent(), worked(23)]))
    answer = queue_answers.answer(found, from_ms=0, to_ms=60_000, as_of=60_000, complete_to=30_000, covered_s=30.0)
    (queue,) = answer.queues
    assert (queue.system, queue.destination, queue.service) == BILLING
    assert (queue.messages, queue.errors, queue.wait_share) == (1, 0, 0.75)
    assert queue.rate == pytest.approx(1 / 30)
    assert (queue.wait.mean_ms, queue.work.mean_ms) == (21.0, 7.0)
    assert queue.wait.p95_ms == pytest.approx(21.0, rel=0.01)
    assert queue_answers.answer(found, from_ms=0, to_ms=1, as_of=1, complete_to=1, covered_s=0.001, service="shop").queues == []
