"""Sessions by HTTP: what was stored is counted at once, as SQL counts it, and a wrong question is told what to change."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs.analytics import event
from rigs.product_questions import Asker, asking

DAY_MS = 86_400_000
START = datetime.fromtimestamp(time.time() // 86_400 * 86_400 - 4 * 86_400, UTC)
START_MS = int(START.timestamp() * 1000)
RANGE = {"from": START_MS + DAY_MS, "to": START_MS + 3 * DAY_MS}

SESSIONS_SQL = """
WITH after AS (
    SELECT user_id, time, event_id, data ->> 'page' AS page,
        CASE WHEN time - lag(time) OVER w <= $2::interval
            AND (NOT $3 OR (time AT TIME ZONE $4)::date = (lag(time) OVER w AT TIME ZONE $4)::date) THEN 0 ELSE 1 END AS begins
    FROM events WHERE tenant = $1 WINDOW w AS (PARTITION BY user_id ORDER BY time, event_type, data ->> 'page')
), numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY user_id ORDER BY time, page) AS session FROM after
), sessions AS (
    SELECT user_id, min(time) AS began, max(time) - min(time) AS lasted, count(*) AS events,
        (array_agg(page ORDER BY time, page))[1] AS entry, (array_agg(page ORDER BY time DESC, page DESC))[1] AS exit
    FROM numbered GROUP BY user_id, session
)
SELECT user_id, began, extract(epoch FROM lasted) * 1000, events, entry, exit FROM sessions WHERE began >= $5 AND began < $6
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def viewed(user: int, ms: int, page: str, **data: Any) -> AnalyticsEvent:
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return event(event_type="page_view", user_id=f"user {user}", timestamp=at, data={"page": page, **data})


async def check(asker: Asker, gap_s: int, midnight: bool) -> list[Any]:
    tz = "Asia/Kolkata"
    first, end = START + timedelta(days=1), START + timedelta(days=3)
    wanted = await asker.rows(SESSIONS_SQL, timedelta(seconds=gap_s), midnight, tz, first, end)
    given = {"gap_s": gap_s, "midnight": midnight, "tz": tz}
    answer = await asker.answer("/sessions", **given, page="page", interval="day", breakdown="page", limit=100)
    lasted, depths = sorted(int(row[2]) for row in wanted), sorted(row[3] for row in wanted)
    assert answer["sessions"] == len(wanted)
    assert answer["users"] == len({row[0] for row in wanted})
    assert answer["bounce_rate"] == pytest.approx(depths.count(1) / len(depths))
    for measure, values in (("duration_ms", lasted), ("depth", depths)):
        assert answer[measure]["mean"] == pytest.approx(sum(values) / len(values))
        assert answer[measure]["p50"] == values[-(-len(values) // 2) - 1]
        assert answer[measure]["p90"] == values[-(-len(values) * 9 // 10) - 1]
    for place, ends in ((4, "entries"), (5, "exits")):
        pages = [row[place] for row in wanted]
        assert {page["value"]: page["sessions"] for page in answer[ends]} == {page: pages.count(page) for page in set(pages)}
    entries = {group["value"]: (group["sessions"], group["users"]) for group in answer["groups"]}
    assert entries == {
        page: (sum(row[4] == page for row in wanted), len({row[0] for row in wanted if row[4] == page}))
        for page in {row[4] for row in wanted}
    }
    for period in answer["series"]:
        own = [row for row in wanted if period["start"] <= row[1].timestamp() * 1000 < period["end"]]
        assert (period["sessions"], period["users"]) == (len(own), len({row[0] for row in own}))
    assert sum(period["sessions"] for period in answer["series"]) == len(wanted)
    bounced = await asker.answer("/sessions/users", **given, bounced=True, page="page", entry="/1", limit=1000)
    by_sql = {row[0] for row in wanted if row[3] == 1 and row[4] == "/1"}
    assert (bounced["total"], set(bounced["users"])) == (len(by_sql), by_sql)
    return wanted


async def test_sessions_are_those_of_sql_and_late_events_repair_them(asker: Asker) -> None:
    chance = random.Random(3)
    events = [
        viewed(chance.randrange(40), START_MS + chance.randrange(4 * DAY_MS), f"/{chance.randrange(5)}") for _ in range(1_500)
    ]
    for place in range(0, len(events), 500):
        await asker.analytics.publish(*events[place : place + 500])
        await asker.analytics.wait_settled()
        for gap_s, midnight in ((1_800, False), (7_200, True)):
            assert len(await check(asker, gap_s, midnight)) > 20

    status, none = await asker.post("/sessions", where=[{"property": "page", "value": "/no"}])
    assert (status, none["sessions"], none["users"]) == (200, 0, 0)
    some = await asker.answer("/sessions", where=[{"property": "page", "value": "/1"}])
    every = await asker.answer("/sessions")
    assert 0 < some["sessions"] < every["sessions"]
    sample = await asker.answer("/sessions", sample=True)
    assert (sample["sampled"], 0 < sample["sessions"] < every["sessions"]) == (1 / 16, True)


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    await asker.analytics.publish(viewed(1, RANGE["from"] + 1, "/tea", plan="free"))
    await asker.analytics.wait_settled()
    assert (await asker.answer("/sessions"))["sessions"] == 1

    answer = await asker.refused("/sessions", 404, "event_types.0", event_types=["page_vew"])
    assert answer["nearest"] == ["page_view"]
    answer = await asker.refused("/sessions", 404, "breakdown", breakdown="plam")
    assert answer["nearest"] == ["plan"]
    await asker.refused("/sessions", 404, "page", page="; DROP TABLE events")
    await asker.refused("/sessions", 404, "where.0.property", where=[{"property": "pagge", "value": "1"}])
    await asker.refused("/sessions", 422, "where.0.value", where=[{"property": "page", "op": "<", "value": "tea"}])
    await asker.refused("/sessions", 422, "gap_s", gap_s=0)
    await asker.refused("/sessions", 422, "gap_s", gap_s=10**9)
    await asker.refused("/sessions", 422, "tz", tz="Mars/Olympus")
    await asker.refused("/sessions", 422, "interval", interval="fortnight")
    await asker.refused("/sessions", 422, "interval", interval="day", **{"from": 0})
    await asker.refused("/sessions", 422, "limit", limit=0)
    await asker.refused("/sessions", 422, "from", **{"from": RANGE["to"], "to": RANGE["from"]})
    await asker.refused("/sessions", 422, "from", **{"from": 0, "to": DAY_MS})
    await asker.refused("/sessions/users", 422, "page", entry="/tea")
    await asker.refused("/sessions/users", 422, "breakdown", value="free")
    await asker.refused("/sessions/users", 422, "without_value", breakdown="plan", value="free", without_value=True)
    found = await asker.answer("/sessions/users", breakdown="plan", value="free")
    assert (found["total"], found["users"]) == (1, ["user 1"])
    assert (await asker.answer("/sessions/users", breakdown="plan", value="no such"))["total"] == 0
    assert (await asker.answer("/sessions/users", breakdown="plan", without_value=True))["total"] == 0
