"""Spans of analytics as an OTLP receiver sees them, and the traces that aggregates go on in."""

from __future__ import annotations

import asyncpg
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from drishti.events import Query, encode
from rigs.analytics import Rig, event, now_ms, request
from rigs.otlp_receiver import Receiver, attributes_of
from rigs.waiting import wait_until

PARENT = "b7ad6b7169203331"


def traceparent(letter: str, *, kept: bool = True) -> str:
    return f"00-{letter * 32}-{PARENT}-{'01' if kept else '00'}"


def exporting(receiver: Receiver) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.url}/v1/traces", "OTEL_BSP_SCHEDULE_DELAY": "100"}


async def test_a_batch_links_its_traces_and_each_kept_event_goes_on_in_its_own(world: Rig, receiver: Receiver) -> None:
    async with world.process(**exporting(receiver)), world.aggregates(metric="events") as seen:
        await world.publish(
            event("own", traceparent=traceparent("a")),
            event("header"),
            event("dropped", traceparent=traceparent("d", kept=False)),
            headers={"traceparent": traceparent("b")},
        )
        await world.publish_requests(request("request", traceparent=traceparent("c")))
        await wait_until(lambda: len(receiver.named("process EVENTS")) >= 2, seen=lambda: receiver.spans)
        await wait_until(lambda: receiver.named("process REQUESTS"), seen=lambda: receiver.spans)
        await wait_until(lambda: receiver.named("publish AGGREGATES"), seen=lambda: receiver.spans)
        await wait_until(lambda: any(headers for _, headers in seen), seen=seen)
    process = {s.trace_id.hex()[0]: s for s in receiver.named("process EVENTS") + receiver.named("process REQUESTS")}
    assert sorted(process) == ["a", "b", "c"], "a trace that is not kept gets no span"
    for span in process.values():
        assert span.parent_span_id.hex() == PARENT
        assert span.kind == Span.SPAN_KIND_CONSUMER
        about = attributes_of(span)
        assert (about["messaging.system"], about["messaging.operation.type"]) == ("nats", "process")
        assert about["drishti.tenant"] == world.tenant
    assert attributes_of(process["a"])["messaging.destination.name"] == "EVENTS"
    assert attributes_of(process["c"])["messaging.destination.name"] == "REQUESTS"
    batches = receiver.named("store batch")
    assert {link.trace_id.hex()[0] for batch in batches for link in batch.links} == {"a", "b", "c"}
    assert not any(batch.parent_span_id for batch in batches), "a batch is a trace of its own"
    assert sum(attributes_of(batch)["messaging.batch.message_count"] for batch in batches) == 4
    published = receiver.named("publish AGGREGATES")
    by_id = {s.span_id: s for s in process.values()}
    for span in published:
        assert span.parent_span_id in by_id, "goes on from the span that stored the exemplar"
        assert span.trace_id == by_id[span.parent_span_id].trace_id
        assert span.kind == Span.SPAN_KIND_PRODUCER
    sent = {f"00-{s.trace_id.hex()}-{s.span_id.hex()}-01" for s in published}
    carried = {headers["traceparent"] for _, headers in seen if headers and "traceparent" in headers}
    assert carried
    assert carried <= sent, "predictor and dashboard go on from the hop over the bus"


async def test_an_exemplar_is_published_once_for_a_metric(world: Rig, receiver: Receiver) -> None:
    async with world.process(**exporting(receiver)), world.aggregates(metric="events") as seen:
        await world.publish(event("traced", traceparent=traceparent("a")))
        await wait_until(lambda: any(a.final and a.series[0].count for a, _ in seen), seen=seen)
        await world.publish(event("plain"))
        await wait_until(lambda: any(a.final and a.series[0].count for a, _ in seen[-1:]), seen=seen)
    carried = [headers for a, headers in seen if headers and "traceparent" in headers]
    assert len(carried) == 1


async def test_without_an_exporter_an_aggregate_carries_the_events_own_context(world: Rig) -> None:
    async with world.running(), world.aggregates(metric="requests") as seen:
        await world.publish_requests(request(traceparent=traceparent("a")))
        _, headers = await wait_until(lambda: next((s for s in seen if s[1]), None), seen=seen)
    assert headers["traceparent"] == traceparent("a")


async def test_an_exemplar_belongs_to_what_it_is_an_example_of(world: Rig) -> None:
    async with world.running(), world.aggregates(metric="satisfaction") as seen:
        await world.publish(
            event(traceparent=traceparent("a")),
            event(data={"satisfaction": 4}),
            event(traceparent=traceparent("b"), data={"satisfaction": 5}),
        )
        _, headers = await wait_until(lambda: next((s for s in seen if s[1]), None), seen=seen)
    assert headers["traceparent"] == traceparent("b")


async def test_a_question_is_answered_in_the_askers_trace(world: Rig, receiver: Receiver) -> None:
    async with world.process(**exporting(receiver)):
        question = encode(
            Query(tenant=world.tenant, metric="events", aggregate="count", from_ms=now_ms() - 1000, to_ms=now_ms())
        )
        headers = {"traceparent": traceparent("e")}
        await world.gateway.request("query.v1.metrics", question, timeout_s=10, headers=headers)
        (span,) = await wait_until(lambda: receiver.named("answer query"))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == ("e" * 32, PARENT)
    assert span.kind == Span.SPAN_KIND_SERVER


async def test_spans_of_a_batch_that_could_not_be_stored_say_so_and_hold_no_content(world: Rig, receiver: Receiver) -> None:
    async with world.process(**exporting(receiver)):
        connection = await asyncpg.connect(world.database_url)
        try:
            await connection.execute("ALTER TABLE events ADD COLUMN more text NOT NULL")
            secret = event("secret-id", user_id="secret-user", traceparent=traceparent("b"), data={"query": "secret-text"})
            await world.publish(secret)

            def failed() -> list[Span]:
                return [s for s in receiver.named("process EVENTS") if s.status.code == Status.STATUS_CODE_ERROR]

            (span, *_) = await wait_until(failed, seen=lambda: receiver.spans)
            await connection.execute("ALTER TABLE events DROP COLUMN more")
        finally:
            await connection.close()
        await world.wait_exact(events=1)
    assert span.trace_id.hex() == "b" * 32
    assert attributes_of(span)["error.type"] == "NotNullViolationError"
    assert "secret" not in str(receiver.spans)
