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

# Visitors by the day of their first page, and those of them with a page so many days later, or with a failed one.
RETENTION_SQL = """
WITH seen AS (
    SELECT DISTINCT user_id, (time AT TIME ZONE 'UTC')::date AS day, (data ->> 'status')::int >= 400 AS failed
    FROM events WHERE tenant = $1 AND event_type = 'page_view'
), began AS (
    SELECT user_id, min(day) AS cohort FROM seen GROUP BY user_id
)
SELECT cohort, day - cohort AS after, count(DISTINCT user_id), count(DISTINCT user_id) FILTER (WHERE failed)
FROM began JOIN seen USING (user_id) GROUP BY 1, 2 ORDER BY 1, 2
"""
# Visitors with three pages or more and no failed one, all of them by the pages that they saw.
COHORT_SQL = """
SELECT user_id, count(*) FROM events WHERE tenant = $1 AND event_type = 'page_view' GROUP BY user_id
HAVING count(*) >= 3 AND sum((data ->> 'bytes')::bigint) > 100000 AND bool_and((data ->> 'status')::int < 400)
"""


class Site:
    """The site's visitors, stored; ``start``: the first midnight of its four days."""

    def __init__(self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, keys: dict[str, str], start: datetime) -> None:
        self.start = start
        self._analytics = analytics
        self._gateway = gateway
        self._keys = keys

    async def ask(self, path: str, **document: Any) -> Any:
        """The answer about these days, unless ``document`` says others."""
        asked = {"from": self.start.isoformat(), "to": (self.start + timedelta(days=4)).isoformat(), **document}
        return await self._answer("POST", "viewer", path, json=asked)

    async def get(self, path: str, **parameters: Any) -> Any:
        return await self._answer("GET", "viewer", path, params=parameters)

    async def save(self, path: str, **document: Any) -> None:
        await self._answer("POST", "editor", path, json=document)

    async def _answer(self, verb: str, role: str, path: str, **sent: Any) -> Any:
        url, headers = f"{self._gateway.url}/api/analytics{path}", {"authorization": f"Bearer {self._keys[role]}"}
        async with self._gateway.http.request(verb, url, headers=headers, **sent) as answer:
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
        keys = {role: await gateway.key(role) for role in ("viewer", "editor")}  # type: ignore[arg-type]
        yield Site(analytics, gateway, keys, start)


async def test_the_recorded_visitors_are_counted_as_sql_counts_them(site: Site) -> None:
    async def stored() -> tuple[int, int]:
        (row,) = await site.fetch("SELECT count(*), count(DISTINCT user_id) FROM events WHERE tenant = $1")
        return tuple(row)

    await wait_until(stored, equals=(web_logs.REQUESTS, web_logs.VISITORS))
    for window in (timedelta(minutes=1), timedelta(minutes=30), timedelta(days=3)):
        await check_funnel(site, window)
    await check_retention(site)
    await check_cohort(site)


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


async def check_retention(site: Site) -> None:
    """Who came back on which of the next three days, to any page and to one that failed."""
    rows = [tuple(row) for row in await site.fetch(RETENTION_SQL)]
    days = [site.start.date() + timedelta(days=place) for place in range(4)]
    failed = {"event_types": ["page_view"], "where": [{"property": "status", "op": ">=", "value": "400"}]}
    for column, returning in ((2, {"event_types": ["page_view"]}), (3, failed)):
        wanted = {(row[0], row[1]): row[column] for row in rows}
        sizes = {row[0]: row[2] for row in rows if row[1] == 0}
        answer = await site.ask(
            "/retention", interval="day", periods=4, start={"event_types": ["page_view"]}, **{"return": returning}
        )
        assert [cohort["size"] for cohort in answer["cohorts"]] == [sizes[day] for day in days]
        for day, cohort in zip(days, answer["cohorts"], strict=True):
            later = [wanted.get((day, after), 0) for after in range(1, 4)]
            assert cohort["users"] == [cohort["size"], *later], (day, returning)
    assert sum(row[2] for row in rows if row[1] > 0) > 0


async def check_cohort(site: Site) -> None:
    """A saved set of visitors, its size, and a funnel of them."""
    members = dict(await site.fetch(COHORT_SQL))
    page = {"event_types": ["page_view"]}
    condition = {
        "all": [
            {"did": page | {"at_least": 3}},
            {"metric": page | {"function": "sum", "property": "bytes", "op": ">", "value": 100_000}},
            {"not": {"did": page | {"where": [{"property": "status", "op": ">=", "value": "400"}]}}},
        ]
    }
    await site.save("/cohorts/content", condition=condition)
    listed = await site.get("/cohorts/content/users", limit=1000)
    assert {*listed["users"]} == members.keys()
    assert listed["total"] == len(members) > 50
    answer = await site.ask("/sessions", cohort="content", event_types=["page_view"])
    assert answer["users"] == len(members)
    assert answer["depth"]["mean"] * answer["sessions"] == pytest.approx(sum(members.values()))
