"""The dashboard of wisdom quality says what SQL over the rows says: each number of each panel, as its document asks for it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from drishti.dashboards import document_files
from drishti.dashboards.panels import QueryPanel
from drishti.events import AnalyticsEvent
from drishti.measures.definition_files import read
from drishti.measures.definitions import Kind
from drishti.measures.registry import opened
from drishti_local.servers import NatsServer
from rigs.product_questions import Asker, asking
from rigs.waiting import wait_until
from wisdom.habits import Crowd
from wisdom.story import Story

QUALITY = Path(__file__).parents[3] / "examples" / "wisdom" / "quality"
DAYS = 6
START = datetime.combine(datetime.now(UTC).date(), time(), UTC) - timedelta(days=DAYS + 1)
RANGE = {"from": int(START.timestamp() * 1000), "to": int((START + timedelta(days=DAYS)).timestamp() * 1000)}

# Questions by what came before them, and answers by what came after, from times and texts alone.
QUESTIONS_SQL = """
SELECT data ->> 'prompt_version', data ->> 'topic',
    coalesce(time - lag(time) OVER (PARTITION BY user_id ORDER BY time) <= interval '10 minutes', false),
    coalesce(time - lag(time) OVER (
        PARTITION BY user_id, btrim(regexp_replace(lower(data ->> 'query'), '\\W+', ' ', 'g')) ORDER BY time
    ) <= interval '24 hours', false)
FROM events WHERE tenant = $1 AND event_type = 'dharma_query'
"""
ANSWERS_SQL = """
WITH asked AS (
    SELECT user_id, time, lead(time) OVER own AS next_at,
        btrim(regexp_replace(lower(data ->> 'query'), '\\W+', ' ', 'g')) AS question,
        lead(btrim(regexp_replace(lower(data ->> 'query'), '\\W+', ' ', 'g'))) OVER own AS next_question
    FROM events WHERE tenant = $1 AND event_type = 'dharma_query' WINDOW own AS (PARTITION BY user_id ORDER BY time)
)
SELECT a.data ->> 'model', a.data ->> 'prompt_version', a.data ->> 'topic', (a.data ->> 'wisdom_score')::float8,
    coalesce(q.next_at - q.time <= interval '10 minutes', false),
    coalesce(q.next_at - q.time <= interval '10 minutes' AND EXISTS (
        SELECT FROM asked AS e WHERE e.user_id = a.user_id AND e.question = q.next_question AND e.time < q.next_at
            AND q.next_at - e.time <= interval '24 hours'
    ), false)
FROM events AS a CROSS JOIN LATERAL (
    SELECT * FROM asked WHERE asked.user_id = a.user_id AND asked.time < a.time ORDER BY time DESC LIMIT 1
) AS q WHERE a.tenant = $1 AND a.event_type = 'wisdom_generated'
"""
RATINGS_SQL = """
SELECT data ->> 'model', data ->> 'prompt_version', data ->> 'topic', (data ->> 'satisfaction')::float8
FROM events WHERE tenant = $1 AND event_type = 'feedback' AND data ? 'satisfaction'
"""


def happened() -> list[AnalyticsEvent]:
    """Some days of the sample application, the same whatever the day: moved from days on which they are known."""
    known = date(2026, 3, 1)
    later = START - datetime.combine(known, time(), UTC)
    story = Story(Crowd(108), known)
    told = [one for _ in range(DAYS) for one in story.next_day()]
    return [msgspec.structs.replace(one.event, timestamp=one.at + later) for one in told]


async def define(asker: Asker) -> None:
    world = asker.analytics
    async with opened(world.admin) as known:
        for wanted in read([QUALITY / "metrics.yaml"]):
            metric = wanted.definition
            assert metric is not None
            await known.put(world.tenant, metric, known.revision(world.tenant, metric.token))
            if metric.kind is not Kind.DERIVED:
                counted = "SELECT EXISTS (SELECT FROM event_metrics WHERE tenant = $1 AND token = $2)"
                await wait_until(lambda token=metric.token, query=counted: world.fetchval(query, world.tenant, token))


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


Groups = dict[str | None, list[tuple[Any, ...]]]


def grouped(rows: list[tuple[Any, ...]], place: int | None) -> Groups:
    groups: defaultdict[str | None, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        groups[None if place is None else row[place]].append(row)
    return groups


async def by_sql(asker: Asker) -> dict[tuple[str, str], dict[str | None, float]]:
    """By expression and label what each group of rows comes to."""
    questions, answers, ratings = [await asker.rows(query) for query in (QUESTIONS_SQL, ANSWERS_SQL, RATINGS_SQL)]
    assert min(len(questions), len(answers), len(ratings)) > 100
    found: dict[tuple[str, str], dict[str | None, float]] = {}
    for label, of_question, of_answer in (("", None, None), ("model", None, 0), ("prompt_version", 0, 1), ("topic", 1, 2)):
        asked, answered, rated = grouped(questions, of_question), grouped(answers, of_answer), grouped(ratings, of_answer)
        for name, groups, place in (("answers", answered, 3), ("ratings", rated, 3)):
            found[f"avg(wisdom_{name})", label] = {one: sum(r[place] for r in rows) / len(rows) for one, rows in groups.items()}
            found[f"count(wisdom_{name})", label] = {one: len(rows) for one, rows in groups.items()}
        for name, place in (("followed_up", 4), ("asked_again", 5)):
            shares = {one: sum(row[place] for row in rows) / len(rows) for one, rows in answered.items()}
            found[f"count(wisdom_{name}) / count(wisdom_answers)", label] = shares
        found["count(wisdom_questions)", label] = {one: len(rows) for one, rows in asked.items()}
        for name, place in (("follow_up", 2), ("repeat", 3)):
            shares = {one: sum(row[place] for row in rows) / len(rows) for one, rows in asked.items()}
            found[f"value(wisdom_{name}_rate)", label] = shares
        found["value(wisdom_rating_coverage)", label] = {one: len(rated[one]) / len(rows) for one, rows in asked.items()}
    return found


async def test_each_number_of_the_dashboard_is_that_of_sql(asker: Asker) -> None:
    await define(asker)
    events = sorted(happened(), key=lambda one: one.event_type)
    for _, of_type in itertools.groupby(events, key=lambda one: one.event_type):
        await asker.analytics.publish(*of_type)
    await asker.analytics.wait_settled()

    dashboards = document_files.read([QUALITY / "dashboard.yaml"], tenant=asker.analytics.tenant)
    async with opened(asker.analytics.admin) as known:
        assert document_files.check_metrics(dashboards, known.view, strict=True) == []
    panels = [panel for dashboard in dashboards for panel in dashboard.document.panels]
    queries = [query for panel in panels if isinstance(panel, QueryPanel) for query in panel.queries]
    assert len(queries) >= len(panels) == 11
    wanted = await by_sql(asker)
    by_version = wanted["avg(wisdom_answers)", "prompt_version"]
    assert by_version["v2"] > by_version["v1"]  # as it is planted
    shares = [wanted[f"value(wisdom_{name})", ""][None] for name in ("rating_coverage", "follow_up_rate", "repeat_rate")]
    assert all(0.01 < share < 0.99 for share in shares)
    assert any(wanted["count(wisdom_asked_again) / count(wisdom_answers)", "model"].values())
    compared = 0
    for query in queries:
        question = {"expression": query.expression, "group_by": list(query.group_by)}
        found = await asker.answer("/query", questions=[question])
        (answer,) = found["answers"]
        series = {one["labels"].get(query.group_by[0]) if query.group_by else None: one["total"] for one in answer["series"]}
        own = wanted[query.expression.replace("100 * ", ""), query.group_by[0] if query.group_by else ""]
        factor = 100 if query.expression.startswith("100") else 1
        assert series == {value: pytest.approx(factor * total, rel=1e-9) for value, total in own.items()}
        compared += len(series)
    assert compared > 50
