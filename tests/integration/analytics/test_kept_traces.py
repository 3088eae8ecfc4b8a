"""Which traces are still there when their hour is over: failed, slow, sampled, cited and pinned ones."""

from __future__ import annotations

import time
import uuid

import msgspec
import pytest

from analytics import maintenance
from analytics.storage import span_lookups
from drishti.events import AnomalyInsight, QueryFailure, encode
from drishti.messages import subjects
from drishti.messages.traces import KeepTrace, KeepWindow, TraceAnswer, TraceKept, TraceQuery, WindowKept
from rigs import otlp_spans as making
from rigs.analytics import Rig, now_ms
from rigs.waiting import wait_until

MS = making.MS
HOURS_AGO = 30


class Hour:
    """Traces of an hour that is over: 60 good ones of 10 ms, three failed ones, and a slow one, each of two spans."""

    def __init__(self) -> None:
        begun = (time.time_ns() // 3_600_000_000_000 - HOURS_AGO) * 3_600_000_000_000
        self.ids = [trace_id for trace_id, _ in making.random_ids(7, 64)]
        self.failed, self.slow = self.ids[:3], self.ids[3]
        roots, children = [], []
        for place, trace in enumerate(self.ids):
            at = begun + place * 1_000 * MS
            error = "no tea" if trace in self.failed else None
            ms = 5_000 if trace == self.slow else 10
            roots.append(making.span(trace, b"\1" * 8, "GET /tea", start_ns=at, duration_ms=ms))
            children.append(
                making.span(
                    trace, b"\2" * 8, "brew", parent=b"\1" * 8, kind="internal", start_ns=at, duration_ms=5, error=error
                )
            )
        self.begun_ms = begun // MS
        self.messages = [making.resource_spans("web", roots), making.resource_spans("kitchen", children)]


async def send(world: Rig, hour: Hour) -> None:
    for message in hour.messages:
        await world.admin.publish(subjects.spans(world.tenant, "web"), message.SerializeToString())
    await world.wait_settled()


async def spans_of(world: Rig) -> dict[bytes, int]:
    """Spans of this tenant by trace, wherever they are."""
    connection = await world.connect()
    try:
        records = await connection.fetch(
            "SELECT trace_id, count(*)::int AS spans FROM all_spans AS s JOIN span_operations AS o ON o.id = s.operation "
            "WHERE tenant = $1 GROUP BY 1",
            world.tenant,
        )
    finally:
        await connection.close()
    return {record["trace_id"]: record["spans"] for record in records}


async def faded(world: Rig) -> bool:
    """Whether the hour of all spans is gone, and what was kept of it is there."""
    connection = await world.connect()
    try:
        left = await connection.fetchval(
            "SELECT count(*) FROM spans AS s JOIN span_operations AS o ON o.id = s.operation WHERE tenant = $1", world.tenant
        )
    finally:
        await connection.close()
    return left == 0 and len(await spans_of(world)) > 0


async def waits_to_fade(world: Rig) -> bool:
    connection = await world.connect()
    try:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_locks WHERE relation = 'kept_traces'::regclass AND mode = 'ShareLock' AND NOT granted"
            )
        )
    finally:
        await connection.close()


async def ask(world: Rig, name: str, question: msgspec.Struct) -> bytes:
    msg = await world.gateway.request(subjects.query(name), encode(question), timeout_s=10)
    return msg.data


async def test_an_hour_leaves_its_failed_slow_sampled_pinned_and_cited_traces(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "EVERY_S", 0.3)
    hour = Hour()
    pinned, unpinned = hour.ids[40], hour.ids[41]
    async with world.running(spans_hours=10_000.0, traces_days=1_000.0, events_days=1_000.0):
        await send(world, hour)
        kept = msgspec.json.decode(
            await ask(world, "keep_trace", KeepTrace(tenant=world.tenant, trace_id=pinned.hex())), type=TraceKept
        )
        assert kept.kept == ["pinned"]
        for keep in (True, False):
            await ask(world, "keep_trace", KeepTrace(tenant=world.tenant, trace_id=unpinned.hex(), keep=keep))
        for tenant, trace in ((world.tenant, b"\x77" * 16), ("somebody-else", pinned)):
            failure = msgspec.json.decode(
                await ask(world, "keep_trace", KeepTrace(tenant=tenant, trace_id=trace.hex())), type=QueryFailure
            )
            assert failure.code == "unknown"
        cited_from = hour.begun_ms + 50_000
        window = KeepWindow(tenant=world.tenant, from_ms=cited_from, to_ms=cited_from + 2_000, services=["kitchen"])
        cited = msgspec.json.decode(await ask(world, "keep_window", window), type=WindowKept)
        assert cited.traces == 2
        again = msgspec.json.decode(await ask(world, "keep_window", window), type=WindowKept)
        assert again.traces == 0
    sampled, late = min(hour.ids), hour.ids[45]
    marking = await world.connect()
    await marking.execute("BEGIN; LOCK TABLE kept_traces IN ROW EXCLUSIVE MODE")  # as whoever looks for what to keep
    async with world.running(spans_hours=1.0, traces_days=1_000.0, events_days=1_000.0):
        await wait_until(lambda: waits_to_fade(world), "the hour to wait until that is marked")
        await marking.execute("INSERT INTO kept_traces (tenant, trace_id, reason) VALUES ($1, $2, 'cited')", world.tenant, late)
        await marking.execute("COMMIT")
        await marking.close()
        await wait_until(lambda: faded(world))
        left = await spans_of(world)
        assert set(left) == {*hour.failed, hour.slow, sampled, pinned, late, *hour.ids[50:52]}
        assert set(left.values()) == {2}
        payload = await ask(world, "trace", TraceQuery(tenant=world.tenant, trace_id=hour.slow.hex()))
        answer = msgspec.json.decode(payload, type=TraceAnswer)
        assert ("slow" in answer.kept, len(answer.spans)) == (True, 2)
        await send(world, hour)  # sent again: all were counted, and nothing comes back
        assert await spans_of(world) == left


async def test_what_no_span_refers_to_any_more_is_forgotten_and_its_room_given_back(
    world: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour = Hour()
    names = "SELECT array_agg(DISTINCT service) FROM span_operations WHERE tenant = $1"
    sets = "SELECT count(*) FROM span_attributes WHERE tenant = $1"
    async with world.running(spans_hours=10_000.0):
        await send(world, hour)
        call = making.span(hour.ids[41], b"\3" * 8, "lone", parent=b"\1" * 8, kind="internal", start_ns=hour.begun_ms * MS)
        lone = making.resource_spans("lone", [call])
        await world.admin.publish(subjects.spans(world.tenant, "lone"), lone.SerializeToString())
        await world.wait_settled()
        assert await world.fetchval(names, world.tenant) == ["kitchen", "lone", "web"]
        known = await world.fetchval(sets, world.tenant)
    for module, name, value in (
        (maintenance, "EVERY_S", 0.3),
        (span_lookups, "EVERY_S", 0.0),
        (span_lookups, "UNSEEN_S", 0.0),
        (span_lookups, "SWEPT_FROM", 0),
    ):
        monkeypatch.setattr(module, name, value)

    async def forgotten() -> bool:
        """Table by table, each in a transaction of its own."""
        return bool(
            await world.fetchval(names, world.tenant) == ["kitchen", "web"] and await world.fetchval(sets, world.tenant) < known
        )

    async with world.running(spans_hours=1.0, traces_days=1_000.0):
        await wait_until(forgotten)
        payload = await ask(world, "trace", TraceQuery(tenant=world.tenant, trace_id=hour.failed[0].hex()))
        assert [span.service for span in msgspec.json.decode(payload, type=TraceAnswer).spans] == ["web", "kitchen"]


async def test_an_anomaly_that_opens_keeps_the_traces_of_its_service(world: Rig) -> None:
    now = time.time_ns()
    traces = {service: making.random_ids(len(service), 5) for service in ("shop", "kitchen")}
    insight = AnomalyInsight(
        insight_id=uuid.uuid4().hex, tenant=world.tenant, at=now_ms(), model="m", metric="requests", field="rate",
        labels={"service": "shop"}, state="ready", phase="opened",
    )  # fmt: skip
    async with world.running():
        for service, ids in traces.items():
            spans = [making.span(trace, span, start_ns=now - 60_000 * MS) for trace, span in ids]
            message = making.resource_spans(service, spans)
            await world.admin.publish(subjects.spans(world.tenant, service), message.SerializeToString())
        await world.wait_settled()
        await world.admin.publish(subjects.insights(world.tenant, "anomaly", "requests"), encode(insight))
        query = "SELECT count(*) FROM kept_traces WHERE tenant = $1 AND reason = 'cited'"

        async def cited() -> bool:
            return int(await world.fetchval(query, world.tenant)) == len(traces["shop"])

        await wait_until(cited)
        kept = await world.fetchval(
            "SELECT array_agg(encode(trace_id, 'hex')) FROM kept_traces WHERE tenant = $1", world.tenant
        )
    assert set(kept) == {trace.hex() for trace, _ in traces["shop"]}
