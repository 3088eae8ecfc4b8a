"""Where a trouble began, asked of the product: spans, log lines and processor use go in, and a suspect comes out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.query.traces.root_causes import first_minute
from analytics.traces import minute_job
from drishti.events import encode
from drishti.messages import subjects
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery
from rigs import log_records
from rigs import otlp_spans as making
from rigs.analytics import Rig, now_ms
from rigs.waiting import wait_until

MS, MINUTE = making.MS, 60_000
QUIET, TROUBLE = 6, 2
"""Minutes."""

TRACES = 20
"""Of a minute."""


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes are counted as soon as nothing has come for a moment."""
    for name, seconds in (("EVERY_S", 0.1), ("QUIET_S", 0.0), ("UNCHANGED_S", 0.2)):
        monkeypatch.setattr(minute_job, name, seconds)


def requests(start_ns: int, *, fails: bool) -> Iterator[tuple[ResourceSpans, ResourceSpans, ResourceLogs]]:
    """Of one minute: web asks shop, which logs twice. Where it fails, it logs once, and an exception ends both."""
    for place, (trace, root) in enumerate(making.random_ids(start_ns, TRACES)):
        at, long = start_ns + place * 2_000 * MS, place % 3
        call, served = b"\1" * 8, b"\2" * 8
        error = "no tea" if fails else None
        web = [
            making.span(trace, root, "GET /tea", start_ns=at, duration_ms=20 + long, error=error),
            making.span(trace, call, "GET", parent=root, kind="client", start_ns=at + MS, duration_ms=17 + long),
        ]
        shop = making.span(trace, served, "GET /stock", parent=call, start_ns=at + 2 * MS, duration_ms=15 + long, error=error)
        if fails:
            event = shop.events.add(name="exception", time_unix_nano=at + 9 * MS)
            event.attributes.extend(making.pairs({"exception.type": "NoTea"}))
        lines = [("looking for tea", 9), ("the kettle is cold", 17) if fails else ("found some", 9)]
        yield (
            making.resource_spans("web", web),
            making.resource_spans("shop", [shop]),
            log_records.message(
                *(
                    log_records.record(
                        text, time_unix_nano=at + (4 + n) * MS, severity_number=severity, trace_id=trace, span_id=served
                    )
                    for n, (text, severity) in enumerate(lines)
                ),
                service="shop",
            ),
        )


def processors(service: str, start_ns: int, cores: float) -> ResourceMetrics:
    message = ResourceMetrics()
    message.resource.attributes.extend(making.pairs({"service.name": service}))
    point = message.scope_metrics.add().metrics.add(name="k8s.pod.cpu.usage", unit="{cpu}").gauge.data_points.add()
    point.time_unix_nano, point.as_double = start_ns + 1_000 * MS, cores
    return message


async def ask(world: Rig, from_ms: int, to_ms: int) -> RootCauseAnswer:
    question = RootCauseQuery(tenant=world.tenant, from_ms=from_ms, to_ms=to_ms, usual_minutes=QUIET)
    msg = await world.gateway.request(subjects.query("root_cause"), encode(question), timeout_s=10)
    assert (msg.headers or {})["Drishti-Status"] == "ok", msg.data
    return msgspec.json.decode(msg.data, type=RootCauseAnswer)


@pytest.mark.parametrize(
    ("from_s", "to_s", "first"), [(600, 780, 10), (629, 780, 10), (630, 780, 11), (650, 660, 10), (650, 661, 11)]
)
def test_minutes_are_looked_at_from_the_one_that_is_mostly_trouble(from_s: int, to_s: int, first: int) -> None:
    assert first_minute(from_s * 1000, to_s * 1000) == first


async def test_a_failing_service_is_the_suspect_and_what_speaks_against_it_is_said(world: Rig, soon: None) -> None:
    trouble = now_ms() // MINUTE * MINUTE - 4 * MINUTE
    begin = trouble - QUIET * MINUTE

    async def counted() -> bool:
        waiting = await world.fetchval("SELECT count(*) FROM span_changes WHERE tenant = $1", world.tenant)
        done = await world.fetchval("SELECT count(DISTINCT minute) FROM span_minutes WHERE tenant = $1", world.tenant)
        return waiting == 0 and done == QUIET + TROUBLE

    async with world.running():
        nothing = await ask(world, trouble, trouble + TROUBLE * MINUTE)
        assert (nothing.clear, nothing.note, nothing.suspects) == (False, "no traces in the window", [])
        for minute in range(QUIET + TROUBLE):
            start_ns = (begin + minute * MINUTE) * MS
            for web, shop, lines in requests(start_ns, fails=minute >= QUIET):
                await world.admin.publish(subjects.logs(world.tenant, "shop"), lines.SerializeToString())
                await world.admin.publish(subjects.spans(world.tenant, "web"), web.SerializeToString())
                await world.admin.publish(subjects.spans(world.tenant, "shop"), shop.SerializeToString())
            for service, cores in (("web", 0.2), ("shop", 0.2 if minute < QUIET else 3.0)):
                message = processors(service, start_ns, cores)
                await world.admin.publish(subjects.metrics(world.tenant, service), message.SerializeToString())
        await world.wait_settled()
        await wait_until(counted)
        found = await ask(world, trouble, trouble + TROUBLE * MINUTE)
        quiet = await ask(world, trouble - MINUTE, trouble)
    assert (found.clear, found.note, found.sampled) == (True, "", 1.0)
    assert (found.traces, found.usual_traces, found.usual_from) == (TROUBLE * TRACES, QUIET * TRACES, begin)
    first = found.suspects[0]
    assert (first.service, first.path) == ("shop", ["web", "shop"])
    assert {"errors", "log_lines", "gauge"} <= {reason.kind for reason in first.evidence}
    said = [reason.summary for reason in first.evidence]
    assert f"GET /stock ends with NoTea {TROUBLE * TRACES} of {TROUBLE * TRACES} times, usually 0 of {QUIET * TRACES}" in said
    assert any("“looking for tea” is followed by “the kettle is cold”" in one for one in said)
    assert any("cpu" in one and "3 instead of 0.2" in one for one in said)
    assert not quiet.clear
