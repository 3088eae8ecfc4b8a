"""OTLP/gRPC on a real NATS, called by gRPC's own client: what is stored, what is refused and how, and what it may cost."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import psutil
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.events import BatchDecoder, RequestEvent
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running, running_process
from rigs.waiting import DEADLINE_S, wait_until

SERVICES = {
    "traces": ("opentelemetry.proto.collector.trace.v1.TraceService", ExportTraceServiceResponse),
    "metrics": ("opentelemetry.proto.collector.metrics.v1.MetricsService", ExportMetricsServiceResponse),
    "logs": ("opentelemetry.proto.collector.logs.v1.LogsService", ExportLogsServiceResponse),
}


class Client:
    """A channel to the gateway, with a key."""

    def __init__(self, target: str, key: str = "") -> None:
        self.channel = grpc.aio.insecure_channel(target, options=[("grpc.max_send_message_length", -1)])
        self.metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {key}"),) if key else ()

    async def __call__(self, signal_name: str, body: Any, **options: Any) -> Any:
        """The answer; raises ``AioRpcError``."""
        service, response = SERVICES[signal_name]
        call = self.channel.unary_unary(f"/{service}/Export", response_deserializer=response.FromString)
        content = body if isinstance(body, bytes) else body.SerializeToString()
        return await call(content, **{"metadata": self.metadata, "timeout": DEADLINE_S, **options})

    async def refused(self, signal_name: str, body: Any, **options: Any) -> grpc.aio.AioRpcError:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self(signal_name, body, **options)
        return caught.value


@pytest.fixture(scope="module")
async def served(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server, otlp_body_bytes=2_000_000, otlp_inflated_bytes=4_000_000) as rig:
        yield rig


@pytest.fixture
async def rig(served: Rig) -> Rig:
    """The gateway, with a tenant of this test's own."""
    result = Rig(served.url, served.http, served.bus, served.gateway)
    result.admin = await result.key("admin")
    result.grpc = served.grpc
    return result


@pytest.fixture
async def client(rig: Rig) -> AsyncIterator[Client]:
    client = Client(rig.grpc, rig.admin)
    yield client
    await client.channel.close()


def traces(spans: int = 3, service: str = "shop", text: str = "v") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = service
    for number in range(1, spans + 1):
        span = resource.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), name="op")
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        span.attributes.add(key="k").value.string_value = text
    return request


def metrics() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="queue.length")
    metric.gauge.data_points.add(as_int=3, time_unix_nano=time.time_ns())
    return request


def logs() -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(severity_number=9).body.string_value = "hello"
    return request


@pytest.mark.parametrize("compression", list(grpc.Compression))
@pytest.mark.parametrize(
    ("name", "request_of", "stream"), [("traces", traces, "SPANS"), ("metrics", metrics, "METRICS"), ("logs", logs, "LOGS")]
)
async def test_what_is_accepted_is_stored_as_it_came(
    rig: Rig, client: Client, name: str, request_of: Any, stream: str, compression: grpc.Compression
) -> None:
    sent = request_of()
    answer = await client(name, sent, compression=compression)
    assert not answer.HasField("partial_success")
    stored = await rig.messages(stream, f"{'spans' if name == 'traces' else name}.v1.{rig.tenant}.>")
    resources = next(iter(sent.ListFields()))[1]
    assert [message.data for message in stored] == [resource.SerializeToString() for resource in resources]


async def test_both_transports_publish_the_same_message_once(rig: Rig, client: Client) -> None:
    sent = traces()
    await client("traces", sent)
    async with rig.http.post(
        f"{rig.url}/v1/traces",
        data=sent.SerializeToString(),
        headers={"x-api-key": rig.admin, "content-type": "application/x-protobuf"},
    ) as answer:
        assert answer.status == 200
    assert len(await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")) == 1


async def test_what_cannot_be_taken_is_said_and_the_rest_is_kept(rig: Rig, client: Client) -> None:
    sent = traces()
    sent.resource_spans[0].scope_spans[1].spans[0].trace_id = bytes(16)
    answer = await client("traces", sent)
    assert answer.partial_success.rejected_spans == 1
    assert "valid trace" in answer.partial_success.error_message
    (stored,) = await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")
    kept = ResourceSpans.FromString(stored.data)
    assert [span.span_id[-1] for scope in kept.scope_spans for span in scope.spans] == [1, 3]


async def test_empty_request_has_an_empty_answer(client: Client) -> None:
    for name in SERVICES:
        assert (await client(name, b"")).SerializeToString() == b""


async def test_keys(rig: Rig, client: Client) -> None:
    assert (await client.refused("traces", traces(), metadata=())).code() == grpc.StatusCode.UNAUTHENTICATED
    wrong = (("authorization", "Bearer wrong"),)
    assert (await client.refused("traces", traces(), metadata=wrong)).code() == grpc.StatusCode.UNAUTHENTICATED
    viewer = (("x-api-key", await rig.key("viewer")),)
    assert (await client.refused("traces", traces(), metadata=viewer)).code() == grpc.StatusCode.PERMISSION_DENIED
    await client("traces", traces(), metadata=(("x-api-key", await rig.key("producer")),))


@pytest.mark.parametrize("body", [b"\x0a\xff", b"hello", b"\x0a\x05\x12\x03abc", b"\xff" * 50])
async def test_bad_data_is_an_invalid_argument_and_not_to_be_sent_again(client: Client, body: bytes) -> None:
    for name in SERVICES:
        error = await client.refused(name, body)
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert retry_of(error) is None


async def test_too_large_is_refused_and_not_to_be_sent_again(client: Client) -> None:
    for body, options in ((bytes(2_000_001), {}), (bytes(4_000_001), {"compression": grpc.Compression.Gzip})):
        error = await client.refused("traces", body, **options)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert retry_of(error) is None


async def test_no_other_method_is_there(client: Client) -> None:
    for path in ("/x.Y/Z", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/opentelemetry.proto/Export"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.channel.unary_unary(path)(b"", metadata=client.metadata)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def retry_of(error: grpc.aio.AioRpcError) -> float | None:
    """The seconds of the ``RetryInfo`` that came with ``error``."""
    details = dict(error.trailing_metadata() or ()) | dict(error.initial_metadata() or ())
    text = details.get("grpc-status-details-bin")
    if text is None:
        return None
    retry = RetryInfo()
    status = Status.FromString(text)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    assert status.details[0].Unpack(retry)
    return float(retry.retry_delay.ToTimedelta().total_seconds())


async def test_too_much_at_once_is_to_be_sent_later(nats_server: NatsServer, nats_url: str) -> None:
    async with running(nats_server, otlp_in_flight_bytes=1000) as rig:
        client = Client(rig.grpc, rig.admin)
        error = await client.refused("traces", traces(100))
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (retry_of(error) or 0) >= 1
        assert rig.gateway is not None
        assert rig.gateway.admission.otlp_budget.bytes == rig.gateway.admission.otlp_budget.requests == 0
        await client("traces", traces(3))
        await client.channel.close()


async def test_without_the_bus_it_is_unavailable_and_to_be_sent_again(own_nats: NatsServer) -> None:
    async with running(own_nats) as rig:
        client = Client(rig.grpc, rig.admin)
        await client("traces", traces())
        await asyncio.to_thread(own_nats.stop)
        error = await client.refused("traces", traces(4))
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert (retry_of(error) or 0) >= 1
        await asyncio.to_thread(own_nats.start)

        async def accepted() -> bool:
            try:
                await client("traces", traces(5))
            except grpc.aio.AioRpcError:
                return False
            return True

        await wait_until(accepted)
        await client.channel.close()


async def test_key_that_expires_is_refused_from_then_on(rig: Rig, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await rig.key_until(datetime.now(UTC) + timedelta(hours=1), "producer")
    metadata = (("authorization", f"Bearer {text}"),)
    await client("traces", traces(), metadata=metadata)
    rig.advance(monkeypatch, 3_600)
    error = await client.refused("traces", traces(), metadata=metadata)
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    assert "the API key expired at " in (error.details() or "")


async def test_keys_that_come_twice_and_metadata_that_is_binary(rig: Rig, client: Client) -> None:
    """Of a repeated key the last one counts, as in HTTP; other metadata may be any bytes."""
    good, bad = client.metadata, (("authorization", "Bearer dk_wrong"),)
    await client("traces", traces(), metadata=(*bad, *good, ("x-any-bin", bytes(range(256)))))
    error = await client.refused("traces", traces(), metadata=(*good, *bad))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    for wrong in ("Bearer", "Bearer ", "Basic " + rig.admin, rig.admin + " " + rig.admin):
        error = await client.refused("traces", traces(), metadata=(("authorization", wrong),))
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    error = await client.refused("traces", traces(), metadata=(("authorization-bin", rig.admin.encode()),))
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_deadlines_that_expire_cost_the_call_alone(rig: Rig, client: Client) -> None:
    assert rig.gateway is not None
    budget = rig.gateway.admission.otlp_budget
    ended: Counter[grpc.StatusCode] = Counter()
    while ended[grpc.StatusCode.DEADLINE_EXCEEDED] < 20:  # a call may be over before anybody looks whether its time is
        try:
            await client("traces", traces(2_000, text="x" * 100), timeout=0.0005)
            ended[grpc.StatusCode.OK] += 1
        except grpc.aio.AioRpcError as error:
            ended[error.code()] += 1
    assert ended.keys() <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}
    await client("traces", traces(service="after"))
    await wait_until(lambda: budget.requests, equals=0)
    assert budget.bytes == 0
    assert len(await rig.messages("SPANS", f"spans.v1.{rig.tenant}.after")) == 1


async def test_calls_are_recorded_as_requests_of_the_tenant(rig: Rig, client: Client) -> None:
    await client("traces", traces())
    await client.refused("traces", b"\x0a\xff")

    async def recorded() -> list[tuple[str, str, int]]:
        stored = await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.>")
        requests = [one for message in stored for one in BatchDecoder(RequestEvent).decode(message.data)]
        return [(one.method, one.route, one.status) for one in requests]

    route = f"/{SERVICES['traces'][0]}/Export"
    await wait_until(recorded, equals=[("POST", route, 200), ("POST", route, 400)])


async def test_many_clients_at_once_and_nothing_is_lost(rig: Rig) -> None:
    clients = [Client(rig.grpc, rig.admin) for _ in range(5)]

    async def send(number: int) -> None:
        await clients[number % 5]("traces", traces(20, service=f"s{number}", text="x" * 1000))

    await asyncio.gather(*map(send, range(200)))
    subjects = {message.subject for message in await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")}
    assert len(subjects) == 200
    for client in clients:
        await client.channel.close()


async def test_sigterm_answers_what_has_begun(nats_server: NatsServer, nats_url: str) -> None:
    port = free_port()
    async with running_process(nats_server, GATEWAY_OTLP_GRPC_PORT=str(port)) as (rig, process):
        client = Client(f"127.0.0.1:{port}", rig.admin)
        await client("traces", traces())
        accepted = 0
        ended: list[grpc.StatusCode] = []

        async def send(number: int) -> None:
            nonlocal accepted
            while not ended:
                try:
                    await client("traces", traces(1, service=f"s{number}-{accepted}"), wait_for_ready=False)
                except grpc.aio.AioRpcError as error:
                    ended.append(error.code())
                    return
                accepted += 1

        sending = [asyncio.create_task(send(number)) for number in range(8)]
        await wait_until(lambda: accepted > 50)
        process.send_signal(signal.SIGTERM)
        await asyncio.gather(*sending)
        assert set(ended) == {grpc.StatusCode.UNAVAILABLE}
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0
        stored = await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")
        assert len(stored) >= accepted + 1
        await client.channel.close()


async def test_hostile_calls_cost_no_memory(nats_server: NatsServer, nats_url: str) -> None:
    port = free_port()
    async with running_process(nats_server, GATEWAY_OTLP_GRPC_PORT=str(port)) as (rig, process):
        target = f"127.0.0.1:{port}"
        client = Client(target, rig.admin)
        await client("traces", traces(500, text="x" * 100), compression=grpc.Compression.Gzip)
        memory = psutil.Process(process.pid).memory_info
        before = memory().rss
        peak = 0

        async def watch() -> None:
            nonlocal peak
            while True:
                peak = max(peak, memory().rss)
                await asyncio.sleep(0.02)

        watching = asyncio.create_task(watch())
        large = bytes(60_000_000)
        for metadata, options in (((), {}), (client.metadata, {}), (client.metadata, {"compression": grpc.Compression.Gzip})):
            errors = await asyncio.gather(*(client.refused("traces", large, metadata=metadata, **options) for _ in range(4)))
            assert {error.code() for error in errors} <= {
                grpc.StatusCode.UNAUTHENTICATED,
                grpc.StatusCode.RESOURCE_EXHAUSTED,
            }
        writers = []
        for _ in range(1000):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            writers.append(writer)
        await client("traces", traces())
        watching.cancel()
        for writer in writers:
            writer.transport.abort()
        assert peak - before < 100_000_000, f"{(peak - before) / 1e6:.0f} MB more than before"
        await client.channel.close()
