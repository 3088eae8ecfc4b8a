"""What the gateway accepts by OTLP goes on to a second place, which can fail in any way and slows nobody."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from drishti.settings import Secret
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from gateway.settings import ForwardSettings
from rigs.gateway import Rig, running, running_process
from rigs.posts import PostServer
from rigs.waiting import wait_until

PROTOBUF = "application/x-protobuf"
Answer = tuple[int, dict[str, str], Any]


class Target:
    """An OTLP endpoint that keeps what comes, and answers with the next of ``answers``, and 200 when there is none left."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Answer] = []
        self.gate = threading.Event()
        self.gate.set()
        self._server = PostServer(self._post, port)
        self.url = self._server.url

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.requests.append((path, headers, body))
        self.gate.wait()
        return self.answers.pop(0) if self.answers else (200, {}, None)

    def names(self) -> list[str]:
        """The spans that came, also those that were refused."""
        bodies = [body for path, _, body in self.requests if path.endswith("/v1/traces")]
        resources = [r for body in bodies for r in ExportTraceServiceRequest.FromString(body).resource_spans]
        return [span.name for resource in resources for scope in resource.scope_spans for span in scope.spans]

    def close(self) -> None:
        self.gate.set()
        self._server.close()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()


def traces(*names: str, services: int = 1, text: str = "") -> bytes:
    """Each name is a span of each service."""
    request = ExportTraceServiceRequest()
    for service in range(services):
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = f"s{service}"
        scope = resource.scope_spans.add()
        for number, name in enumerate(names):
            span = scope.spans.add(trace_id=b"t" * 16, span_id=(number + 1).to_bytes(8, "big"), name=name)
            span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
            span.attributes.add(key="gen_ai.prompt").value.string_value = "a prompt"
            span.attributes.add(key="text").value.string_value = text
    return request.SerializeToString()


async def send(rig: Rig, *names: str, **kind: Any) -> None:
    status, _ = await post(rig, traces(*names, **kind))
    assert status == 200


async def post(rig: Rig, body: bytes, path: str = "/v1/traces", **headers: str) -> tuple[int, bytes]:
    sent = {"authorization": f"Bearer {rig.admin}", "content-type": PROTOBUF} | headers
    async with rig.http.post(rig.url + path, data=body, headers=sent) as answer:
        return answer.status, await answer.read()


def outcomes(rig: Rig, signal: Any = "traces") -> dict[str, int]:
    assert rig.gateway is not None
    return dict(rig.gateway.admission.forwarder.statistics()[signal])


def to(target: Target, **settings: Any) -> ForwardSettings:
    return ForwardSettings(url=target.url, **settings)


async def test_all_signals_go_on_as_they_were_stored_without_the_senders_key(own_nats: NatsServer, target: Target) -> None:
    forward = to(target, headers=Secret("x-target=a%20key"))
    async with running(own_nats, forward=forward) as rig:
        await send(rig, "op", services=3)
        gauge = ExportMetricsServiceRequest()
        metric = gauge.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
        metric.gauge.data_points.add(as_int=5, time_unix_nano=time.time_ns())
        assert (await post(rig, gauge.SerializeToString(), "/v1/metrics"))[0] == 200
        log = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "said"}}]}]}]}
        zipped = gzip.compress(json.dumps(log).encode())
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        assert (await post(rig, zipped, "/v1/logs", **headers))[0] == 200
        await wait_until(lambda: len({path for path, _, _ in target.requests}) == 3)
        stored = {
            stream: [message.data for message in await rig.messages(stream.upper(), f"{stream}.v1.{rig.tenant}.>")]
            for stream in ("spans", "metrics", "logs")
        }
        key = rig.admin
    came = {path: body for path, _, body in target.requests}
    spans = ExportTraceServiceRequest.FromString(came["/v1/traces"]).resource_spans
    assert sorted(resource.SerializeToString() for resource in spans) == sorted(stored["spans"])
    (metrics,) = ExportMetricsServiceRequest.FromString(came["/v1/metrics"]).resource_metrics
    assert [metrics.SerializeToString()] == stored["metrics"]
    (logs,) = ExportLogsServiceRequest.FromString(came["/v1/logs"]).resource_logs
    assert [logs.SerializeToString()] == stored["logs"]
    for _, headers, body in target.requests:
        assert headers["content-type"] == PROTOBUF
        assert headers["x-target"] == "a key"
        assert key not in str(headers)
        assert b"a prompt" not in body


async def test_what_is_too_old_to_be_stored_is_rejected_and_goes_on_all_the_same(own_nats: NatsServer, target: Target) -> None:
    request = ExportTraceServiceRequest.FromString(traces("young", "old", "never"))
    _, old, never = request.resource_spans[0].scope_spans[0].spans
    old.start_time_unix_nano = 1
    never.end_time_unix_nano = 0
    async with running(own_nats, forward=to(target)) as rig:
        status, answer = await post(rig, request.SerializeToString())
        assert (status, ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans) == (200, 2)
        await wait_until(lambda: sorted(target.names()), equals=["old", "young"])
        (stored,) = await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")
    assert [span.name for span in ResourceSpans.FromString(stored.data).scope_spans[0].spans] == ["young"]
    assert not any(b"a prompt" in body for _, _, body in target.requests)


async def test_requests_are_put_together_over_connections_that_stay_open(own_nats: NatsServer, target: Target) -> None:
    target.gate.clear()
    async with running(own_nats, forward=to(target)) as rig:
        for number in range(30):
            await send(rig, f"op {number}")
        target.gate.set()
        await wait_until(lambda: outcomes(rig).get("sent"), equals=30)
        assert sorted(target.names()) == sorted(f"op {number}" for number in range(30))
        assert len(target.requests) < 10


async def test_busy_target_gets_everything_once_it_has_time(own_nats: NatsServer, target: Target) -> None:
    target.answers = [(status, {}, None) for status in (429, 502, 503, 504)]
    async with running(own_nats, forward=to(target)) as rig:
        await send(rig, "kept")
        await wait_until(lambda: outcomes(rig).get("sent"), equals=1)
    assert target.names() == ["kept"] * 5


async def test_target_that_is_not_there_yet_gets_everything_when_it_is(
    own_nats: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    async with running(own_nats, forward=ForwardSettings(url=f"http://127.0.0.1:{port}")) as rig:
        await send(rig, "early")
        await wait_until(lambda: "forwarding waits for the target" in caplog.messages)
        target = Target(port)
        try:
            await wait_until(lambda: outcomes(rig).get("sent"), equals=1)
        finally:
            target.close()
    assert target.names() == ["early"]


async def test_retry_after_is_waited_for(own_nats: NatsServer, target: Target) -> None:
    target.answers = [(503, {"Retry-After": "2"}, None)]
    async with running(own_nats, forward=to(target)) as rig:
        await send(rig, "op")
        await wait_until(lambda: len(target.requests) == 1)
        began = time.monotonic()
        await wait_until(lambda: outcomes(rig).get("sent"), equals=1)
        assert time.monotonic() - began > 1.5, "the first pause without it is half a second at most"


@pytest.mark.parametrize("status", [400, 401, 413, 500, 302])
async def test_other_answers_drop_the_batch_and_the_next_goes_on(
    own_nats: NatsServer, target: Target, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    target.answers = [(status, {"Location": target.url}, None)]
    caplog.set_level(logging.WARNING, "gateway.forwarding")
    async with running(own_nats, forward=to(target)) as rig:
        await send(rig, "refused")
        await wait_until(lambda: outcomes(rig).get("refused"), equals=1)
        await send(rig, "next")
        await wait_until(lambda: outcomes(rig).get("sent"), equals=1)
    assert target.names() == ["refused", "next"]
    assert f"status {status}" in str([record.__dict__ for record in caplog.records])


async def test_signal_that_the_target_does_not_take_is_left_alone_for_a_while(own_nats: NatsServer, target: Target) -> None:
    target.answers = [(404, {}, None)]
    async with running(own_nats, forward=to(target)) as rig:
        await send(rig, "not taken")
        await wait_until(lambda: outcomes(rig).get("refused"), equals=1)
        for _ in range(3):
            await send(rig, "not even tried")
        assert outcomes(rig)["refused"] == 4
    assert target.names() == ["not taken"]


async def test_partial_success_of_the_target_is_said(
    own_nats: NatsServer, target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    partial = ExportTraceServiceResponse()
    partial.partial_success.rejected_spans, partial.partial_success.error_message = 7, "too old"
    target.answers = [(200, {"Content-Type": PROTOBUF}, partial.SerializeToString())]
    async with running(own_nats, forward=to(target)) as rig:
        await send(rig, "op")
        await wait_until(lambda: outcomes(rig).get("sent"), equals=1)
    (said,) = [record for record in caplog.records if "rejected a part" in record.message]
    assert (said.__dict__["count"], said.__dict__["reason"]) == (7, "too old")


async def test_only_the_signals_that_are_asked_for_go_on(own_nats: NatsServer, target: Target) -> None:
    async with running(own_nats, forward=to(target, signals=("logs",))) as rig:
        await send(rig, "op")
        log = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "marker"}}]}]}]}
        assert (await rig.post("/v1/logs", log))[0] == 200
        await wait_until(lambda: outcomes(rig, "logs").get("sent"), equals=1)
    assert {path for path, _, _ in target.requests} == {"/v1/logs"}


async def test_what_a_gateway_has_forwarded_is_stored_and_not_forwarded_again(own_nats: NatsServer, target: Target) -> None:
    async with running(own_nats, forward=to(target)) as behind:
        key = await behind.key("producer")
        onwards = ForwardSettings(url=behind.url, headers=Secret(f"authorization=Bearer%20{key}"))
        async with running(own_nats, forward=onwards) as first:
            await send(first, "went through two")
            await wait_until(lambda: outcomes(first).get("sent"), equals=1)
        assert await behind.messages("SPANS", f"spans.v1.{behind.tenant}.>")
        await send(behind, "marker")
        await wait_until(lambda: outcomes(behind).get("sent"), equals=1)
    assert target.names() == ["marker"]


async def test_target_that_hangs_slows_no_request_and_what_is_too_much_gives_way(own_nats: NatsServer, target: Target) -> None:
    """The answers come while nothing at all is forwarded: none of them waits for it."""
    target.gate.clear()
    async with running(own_nats, forward=to(target, queue_bytes=200_000)) as rig:
        for number in range(60):
            await send(rig, f"{number:02}", text="x" * 20_000)
        await wait_until(lambda: outcomes(rig).get("overflow"))
        counted = outcomes(rig)
        assert counted["waiting_bytes"] <= 200_000
        assert counted.get("sent", 0) == 0
        target.gate.set()
        await wait_until(lambda: outcomes(rig)["waiting"], equals=0)
        assert outcomes(rig)["sent"] + outcomes(rig)["overflow"] == 60
        assert len(await rig.messages("SPANS", f"spans.v1.{rig.tenant}.>")) == 60, "all of it is stored"
    assert "59" in target.names(), "the newest are kept"


async def test_what_waits_goes_out_before_the_gateway_ends(own_nats: NatsServer, target: Target) -> None:
    target.answers = [(503, {"Retry-After": "60"}, None)]
    async with running_process(own_nats, DRISHTI_FORWARD_OTLP=target.url) as (rig, process):
        await send(rig, "first")
        await wait_until(lambda: len(target.requests) == 1)
        await send(rig, "last")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert target.names().count("last") == 1
    assert target.names().count("first") == 2, "it did not wait for the minute"


async def test_gateway_ends_in_time_while_the_target_hangs(
    own_nats: NatsServer, target: Target, capfd: pytest.CaptureFixture[str]
) -> None:
    target.gate.clear()
    async with running_process(own_nats, DRISHTI_FORWARD_OTLP=target.url) as (rig, process):
        await send(rig, "op")
        await wait_until(lambda: len(target.requests) == 1)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert "outcome=unsent" in capfd.readouterr().err


async def test_gateway_that_is_to_forward_to_itself_does_not_start(own_nats: NatsServer) -> None:
    port = free_port()
    environ = {"GATEWAY_PORT": str(port), "DRISHTI_FORWARD_OTLP": f"http://localhost:{port}"}
    with pytest.raises(AssertionError, match="the gateway ended with 2"):
        async with running_process(own_nats, **environ):
            pass
