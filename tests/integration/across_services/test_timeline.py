"""What one person did, by HTTP: page by page the rows that SQL finds, in their sessions, whatever is late, merged or erased."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from analytics.query.product.timeline_rows import Position, cursor_of
from drishti.events import AnalyticsEvent, RequestEvent
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.analytics import event, request
from rigs.waiting import wait_until

DAY_MS = 86_400_000
END_US = int(time.time()) * 1_000_000
START_MS = int(time.time()) // 86_400 * DAY_MS - 4 * DAY_MS
ADA = "ada & co/é?#%2F <b>"
IDS = [ADA, "device 1", "device 2"]

ROWS_SQL = """
SELECT kind, id FROM (
    SELECT 'event' AS kind, event_id AS id, time FROM events
    WHERE tenant = $1 AND user_id = ANY ($2) AND event_type <> 'identify'
    UNION ALL SELECT 'request', event_id, time FROM requests WHERE tenant = $1 AND user_id = ANY ($2)
) AS rows ORDER BY time DESC, kind COLLATE "C" DESC, id COLLATE "C" DESC
"""
SESSIONS_SQL = """
WITH marked AS (
    SELECT time, CASE WHEN time - lag(time) OVER (ORDER BY time) <= $3::interval THEN 0 ELSE 1 END AS begins
    FROM events WHERE tenant = $1 AND user_id = ANY ($2)
), numbered AS (SELECT time, sum(begins) OVER (ORDER BY time) AS session FROM marked)
SELECT min(time), max(time), count(*) FROM numbered GROUP BY session ORDER BY 1 DESC
"""


class Timelines(NamedTuple):
    """Asks for whole timelines, a page at a time; ``keys`` by role."""

    analytics: analytics_rig.Rig
    gateway: gateway_rig.Rig
    keys: dict[str, str]

    async def ask(self, method: str, path: str, role: str = "viewer", **given: Any) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.keys[role]}", **given.pop("headers", {})}
        async with self.gateway.http.request(method, self.gateway.url + path, headers=headers, **given) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, **parameters: Any) -> tuple[int, Any]:
        return await self.ask("GET", f"/api/analytics{path}", params=parameters)

    async def pages(self, user: str, **parameters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        before: dict[str, str] = {}
        while True:
            status, answer = await self.get("/timeline", user_id=user, **before, **parameters)
            assert status == 200, answer
            found.append(answer)
            if not answer.get("before"):
                return found
            before = {"before": answer["before"]}

    async def rows(self, query: str, *values: Any) -> list[Any]:
        connection = await self.analytics.connect()
        try:
            return [tuple(row) for row in await connection.fetch(query, self.analytics.tenant, *values)]
        finally:
            await connection.close()

    async def send_spans(self, spans: list[Any]) -> None:
        headers = {"content-type": "application/x-protobuf"}
        body = ExportTraceServiceRequest(resource_spans=[making.resource_spans("wisdom", spans)]).SerializeToString()
        url, key = f"{self.gateway.url}/v1/traces", self.keys["producer"]
        async with self.gateway.http.post(url, data=body, headers={**headers, "authorization": f"Bearer {key}"}) as answer:
            assert answer.status == 200

    async def erase(self, user: str) -> None:
        status, receipt = await self.ask("DELETE", f"/api/users/{quote(user, safe='')}", "admin")
        assert status == 202, receipt

        async def state() -> Any:
            return (await self.ask("GET", f"/api/erasures/{receipt['id']}", "admin"))[1].get("state")

        await wait_until(state, equals="done")


@pytest.fixture
async def timelines(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Timelines]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        roles = ("viewer", "producer", "admin")
        keys = {role: await gateway.key(role, analytics.tenant) for role in roles}  # type: ignore[arg-type]
        yield Timelines(analytics, gateway, keys)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def some(chance: random.Random, count: int) -> list[AnalyticsEvent | RequestEvent]:
    """What people do in bursts, many things at the same instant."""
    found: list[AnalyticsEvent | RequestEvent] = []
    for _ in range(count):
        user = chance.choice([*IDS, "eve", "bob"])
        when = at(START_MS + chance.randrange(40) * DAY_MS // 10 + chance.randrange(60) * 60_000)
        if chance.random() < 0.3:
            found.append(request(user_id=user, timestamp=when, status=chance.choice([200, 200, 500]), model="small"))
        else:
            found.append(event(event_type=chance.choice(["view", "ask"]), user_id=user, timestamp=when, data={"n": "x'\"<"}))
    return found


async def check(timelines: Timelines, ids: list[str]) -> None:
    wanted = await timelines.rows(ROWS_SQL, ids)
    for limit in (7, 200):
        pages = await timelines.pages(ids[-1], limit=str(limit), kinds="event", event_types=["view", "ask"])
        events = [entry for page in pages for entry in page["entries"]]
        assert [("event", entry["id"]) for entry in events] == [row for row in wanted if row[0] == "event"]
        assert all(len(page["entries"]) == limit for page in pages[:-1])
    pages = await timelines.pages(ids[0], limit="50", kinds=["event", "request"])
    entries = [entry for page in pages for entry in page["entries"] if entry["name"] != "identify"]
    assert [(entry["kind"], entry["id"]) for entry in entries] == wanted
    sessions = {
        start: (int(end.timestamp() * 1000), events)
        for first, end, events in await timelines.rows(SESSIONS_SQL, ids, timedelta(minutes=30))
        if (start := int(first.timestamp() * 1000))
    }
    shown = {one["start_ms"]: one for page in pages for one in page.get("sessions", ())}
    assert {start: (one["end_ms"], one["events"]) for start, one in shown.items()} == sessions
    assert not any("began_before" in one or "goes_on" in one for one in shown.values())
    for entry in entries:
        if entry["kind"] == "event":
            assert entry["session"] <= entry["time_ms"] <= shown[entry["session"]]["end_ms"]


async def test_pages_have_the_rows_that_sql_finds_and_late_events_and_merges_count(timelines: Timelines) -> None:
    chance = random.Random(5)
    for _ in range(2):
        items = some(chance, 250)
        events = [item for item in items if isinstance(item, AnalyticsEvent)]
        await timelines.analytics.publish(*events)
        await timelines.analytics.publish(*events)
        await timelines.analytics.publish_requests(*(item for item in items if isinstance(item, RequestEvent)))
        await timelines.analytics.wait_settled()
        for one in IDS:
            await check(timelines, [one])
    known = [
        event(event_type="identify", user_id=ADA, timestamp=at(START_MS), data={"anonymous_id": device}) for device in IDS[1:]
    ]
    await timelines.analytics.publish(*known)
    await timelines.analytics.wait_settled()
    await check(timelines, IDS)

    status, answer = await timelines.get("/timeline", user_id="device 2", kinds="request", limit="1")
    (entry,) = answer["entries"]
    assert (status, answer["person_id"], entry["kind"], entry["model"]) == (200, ADA, "request", "small")
    assert entry.get("failed", False) == (entry["status"] >= 500)
    middle = START_MS + 2 * DAY_MS
    (page, *_) = await timelines.pages(ADA, to=str(middle), limit="200")
    assert page["entries"]
    assert all(entry["time_ms"] < middle for entry in page["entries"])

    status, person = await timelines.get("/person", user_id="device 1")
    everything = await timelines.rows(ROWS_SQL, IDS)
    by_sql = await timelines.rows(SESSIONS_SQL, IDS, timedelta(minutes=30))
    assert (person["sessions"], person["events"]) == (len(by_sql), sum(row[2] for row in by_sql))
    assert person["requests"] == sum(row[0] == "request" for row in everything)
    assert sum(day.get("events", 0) for day in person["days"]) == person["events"]
    assert sum(day.get("requests", 0) for day in person["days"]) == person["requests"]
    assert sum(day.get("failed_requests", 0) for day in person["days"]) == person["failed_requests"] > 0

    eve = await timelines.pages("eve", limit="200")
    await timelines.erase("device 1")
    for one in IDS:
        assert (await timelines.get("/timeline", user_id=one))[0] == 404
        assert (await timelines.get("/person", user_id=one))[0] == 404
    assert [page["entries"] for page in await timelines.pages("eve", limit="200")] == [page["entries"] for page in eve]


async def test_large_events_make_short_pages_and_are_all_there(timelines: Timelines) -> None:
    events = [event(user_id=ADA, timestamp=at(START_MS + place), data={"text": '\u00e9"' * 25_000}) for place in range(30)]
    for one in events:
        await timelines.analytics.publish(one)
    await timelines.analytics.wait_settled()
    pages = await timelines.pages(ADA)
    assert len(pages) > 3
    assert [entry["id"] for page in pages for entry in page["entries"]] == [one.event_id for one in reversed(events)]
    assert {entry["data"]["text"] for page in pages for entry in page["entries"]} == {'\u00e9"' * 25_000}


async def test_errors_of_spans_and_traces_are_there(timelines: Timelines) -> None:
    trace = bytes(range(16))
    now = time.time_ns() - 60_000_000_000
    served = making.span(
        trace, b"\1" * 8, "POST /ask", start_ns=now, duration_ms=50, error="failed", attributes={"user.id": ADA}
    )
    failed = making.span(
        trace,
        b"\2" * 8,
        "lookup",
        parent=b"\1" * 8,
        kind="internal",
        start_ns=now + making.MS,
        duration_ms=9,
        error="no answer",
    )
    await timelines.send_spans([served, failed])
    parent = f"00-{trace.hex()}-{'01' * 8}-01"
    when = datetime.fromtimestamp(now / 1e9, UTC)
    await timelines.analytics.publish_requests(request("r", user_id=ADA, timestamp=when, traceparent=parent, error="failed"))
    await timelines.analytics.wait_settled()

    async def answer() -> Any:
        return (await timelines.get("/timeline", user_id=ADA))[1]

    async def kinds() -> list[str]:
        return sorted(entry["kind"] for entry in (await answer()).get("entries", ()))

    await wait_until(kinds, equals=["error", "request"])
    found = await answer()
    by_kind = {entry["kind"]: entry for entry in found["entries"]}
    assert {entry["trace_id"] for entry in found["entries"]} == {trace.hex()}
    assert by_kind["request"]["failed"] is by_kind["error"]["failed"] is True
    assert by_kind["error"]["id"] == trace.hex() + "02" * 8
    assert "no answer" in by_kind["error"]["name"]
    (shown,) = found["traces"]
    assert (shown["trace_id"], shown["service"], shown["operation"], shown["spans"]) == (trace.hex(), "wisdom", "POST /ask", 2)
    status, error = await timelines.get(f"/errors/{by_kind['error']['fingerprint']}")
    assert status == 200, error
    assert (await timelines.get("/timeline", user_id=ADA, kinds="event"))[1]["entries"] == []


async def test_what_is_asked_wrongly_is_told_what_to_change(timelines: Timelines) -> None:
    await timelines.analytics.publish(event(user_id="eve", timestamp=at(START_MS)))
    await timelines.analytics.wait_settled()
    for wrong, code, field in (
        ({"user_id": "nobody"}, 404, "user_id"),
        ({"user_id": ""}, 422, "user_id"),
        ({"user_id": "eve", "limit": "0"}, 422, "limit"),
        ({"user_id": "eve", "limit": "201"}, 422, "limit"),
        ({"user_id": "eve", "kinds": "span"}, 422, "kinds.0"),
        ({"user_id": "eve", "before": "%%"}, 422, "before"),
        ({"user_id": "eve", "before": "WzEsImV2ZW50Il0x"}, 422, "before"),
        ({"user_id": "eve", "before": cursor_of(Position(END_US, "event", "\0"))}, 422, "before"),
        ({"user_id": "eve", "event_types": "dharma_qery"}, 404, "event_types.0"),
        ({"user_id": "eve", "gap_s": "0"}, 422, "gap_s"),
        ({"user_id": "eve", "to": "-1"}, 422, "to"),
        ({"user_id": "eve", "to": "9" * 30}, 422, "to"),
    ):
        status, answer = await timelines.get("/timeline", **wrong)
        assert (status, answer.get("field")) == (code, field), (wrong, answer)
    status, answer = await timelines.get("/timeline", user_id="eve", to=str(START_MS))
    assert (status, answer["entries"]) == (200, [])
