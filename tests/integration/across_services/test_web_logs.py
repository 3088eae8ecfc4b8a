"""Recorded visitors of a web site, sent by HTTP: what is counted of them is what SQL finds in the rows by the definitions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import web_logs
from rigs.waiting import wait_until

AT_ONCE = 2_000
GOOGLE, OWN = "http://www.google.", "http://www.semicomplete.com/"

FUNNEL_SQL = """
WITH step AS (
    SELECT user_id, time, data ->> 'status' AS status,
        event_type = 'page_view' AND data ->> 'referrer' LIKE 'http://www.google.%' AS first,
        event_type = 'asset_loaded' AND (data ->> 'status')::int < 400 AS second,
        event_type = 'page_view' AND data ->> 'referrer' LIKE 'http://www.semicomplete.com/%' AS third
    FROM events WHERE tenant = $1
), starts AS (
    SELECT a.user_id, a.time, a.status, min(b.time) AS second,
        (SELECT min(c.time) FROM step AS c
         WHERE c.user_id = a.user_id AND c.third AND c.time >= min(b.time) AND c.time <= a.time + $2::interval) AS third
    FROM step AS a LEFT JOIN step AS b
        ON b.user_id = a.user_id AND b.second AND b.time >= a.time AND b.time <= a.time + $2::interval
    WHERE a.first AND a.time >= $3 AND a.time < $4
    GROUP BY a.user_id, a.time, a.status
), users AS (  -- each by the latest start that got furthest
    SELECT DISTINCT ON (user_id) * FROM starts
    ORDER BY user_id, (third IS NOT NULL) DESC, (second IS NOT NULL) DESC, time DESC, status DESC
)
SELECT status, count(*), count(second), count(third), sum(extract(epoch FROM third - time) * 1000) FROM users GROUP BY 1
"""


class Site:
    """The site's visitors, stored; ``start``: the first midnight of its four days."""

    def __init__(self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, key: str, start: datetime) -> None:
        self.start = start
        self._analytics = analytics
        self._gateway = gateway
        self._key = key

    async def ask(self, path: str, **document: Any) -> Any:
        """The answer about these days, unless ``document`` says others."""
        asked = {"from": self.start.isoformat(), "to": (self.start + timedelta(days=4)).isoformat(), **document}
        url, headers = f"{self._gateway.url}/api/analytics{path}", {"authorization": f"Bearer {self._key}"}
        async with self._gateway.http.post(url, json=asked, headers=headers) as answer:
            found = await answer.json()
            assert answer.status == 200, found
            return found

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        """Rows by SQL about the tenant, ``$1``."""
        connection = await self._analytics.connect()
        try:
            return list(await connection.fetch(query, self._gateway.tenant, *values))
        finally:
            await connection.close()


@pytest.fixture
async def site(own_nats: NatsServer, postgres_url: str, drishti_data: Path) -> AsyncIterator[Site]:
    if not (drishti_data / web_logs.LOG).is_file():
        pytest.skip(f"no {web_logs.LOG} in {drishti_data}")
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        events = web_logs.events(drishti_data, datetime.now(UTC))
        for place in range(0, len(events), AT_ONCE):
            status, answer = await gateway.post("/api/events", events[place : place + AT_ONCE])
            assert (status, answer["accepted"]) == (202, AT_ONCE), answer
        first = datetime.fromisoformat(min(event["timestamp"] for event in events))
        start = first.replace(hour=0, minute=0, second=0, microsecond=0)
        yield Site(analytics, gateway, await gateway.key("viewer"), start)


async def test_the_recorded_visitors_are_counted_as_sql_counts_them(site: Site) -> None:
    async def stored() -> tuple[int, int]:
        (row,) = await site.fetch("SELECT count(*), count(DISTINCT user_id) FROM events WHERE tenant = $1")
        return tuple(row)

    await wait_until(stored, equals=(web_logs.REQUESTS, web_logs.VISITORS))
    for window in (timedelta(minutes=1), timedelta(minutes=30), timedelta(days=3)):
        await check_funnel(site, window)


async def check_funnel(site: Site, window: timedelta) -> None:
    """Who came from a search, was served style or pictures, and went on to another page, by the status of the first page."""
    end = site.start + timedelta(days=2)
    wanted = {row[0]: tuple(row)[1:] for row in await site.fetch(FUNNEL_SQL, window, site.start, end)}
    answer = await site.ask(
        "/funnel",
        to=end.isoformat(),
        steps=[
            {"event_type": "page_view", "where": [{"property": "referrer", "op": "prefix", "value": GOOGLE}]},
            {"event_type": "asset_loaded", "where": [{"property": "status", "op": "<", "value": "400"}]},
            {"event_type": "page_view", "where": [{"property": "referrer", "op": "prefix", "value": OWN}]},
        ],
        window_s=int(window.total_seconds()),
        breakdown="status",
    )
    found = {group["value"]: group for group in answer["groups"]}
    assert {status: tuple(step["users"] for step in group["steps"]) for status, group in found.items()} == {
        status: tuple(users) for status, (*users, _) in wanted.items()
    }
    users = [step["users"] for step in answer["steps"]]
    assert users == [sum(row[step] for row in wanted.values()) for step in range(3)]
    assert users[0] > users[1] > users[2] > 0
    took = sum(row[3] or 0 for row in wanted.values())
    assert answer["times"]["mean_ms"] * users[2] == pytest.approx(float(took))
