"""Dose and response by HTTP: who waits long for answers in the sample application comes back less, as it was planted, and each
number is that of SQL over the rows."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs.analytics import event
from rigs.compacting import compacted
from rigs.product_questions import Asker, asking
from wisdom.habits import Crowd
from wisdom.story import Story

START = datetime.combine(datetime.now(UTC).date(), time(), UTC) - timedelta(days=28)
END = START + timedelta(days=19)
EXPOSURE, WITHIN = timedelta(days=1), timedelta(days=7)
RANGE = {
    "from": int(START.timestamp() * 1000),
    "to": int(END.timestamp() * 1000),
    "exposure_s": int(EXPOSURE.total_seconds()),
    "within_s": int(WITHIN.total_seconds()),
}
ASKED = {"event_type": "dharma_query"}
WAIT = {"event_type": "wisdom_generated", "measure": "mean", "property": "duration_ms"}

USERS_SQL = """
WITH happened AS (
    SELECT coalesce(person.user_id, e.user_id) AS who, date_trunc('milliseconds', e.time) AS at, e.event_type, e.data
    FROM events AS e LEFT JOIN events AS person
        ON person.tenant = e.tenant AND person.event_type = 'identify' AND person.data ->> 'anonymous_id' = e.user_id
    WHERE e.tenant = $1
), first AS (
    SELECT who, min(at) AS at FROM happened WHERE event_type = 'dharma_query' AND at >= $2 AND at < $3 GROUP BY who
)
SELECT f.who,
    round(avg((data ->> 'duration_ms')::numeric) FILTER (WHERE h.event_type = 'wisdom_generated'
        AND h.at >= f.at AND h.at < f.at + $4::interval), 6)::float8,
    count(*) FILTER (WHERE h.event_type = 'error' AND h.at >= f.at AND h.at < f.at + $4::interval),
    count(DISTINCT (h.at AT TIME ZONE 'UTC')::date) FILTER (WHERE h.at >= f.at + $4::interval
        AND h.at < f.at + $4::interval + $5::interval),
    count(*) FILTER (WHERE h.event_type = 'feedback' AND h.at >= f.at + $4::interval
        AND h.at < f.at + $4::interval + $5::interval),
    min(data ->> 'prompt_version') FILTER (WHERE h.event_type = 'dharma_query' AND h.at = f.at)
FROM first AS f JOIN happened AS h USING (who) GROUP BY f.who
"""


@pytest.fixture
async def asker(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Asker]:
    async with asking(own_nats, postgres_url, RANGE) as asker:
        yield asker


def happened() -> list[AnalyticsEvent]:
    """Four weeks of the sample application, the same whatever the day: moved from a day on which they are known."""
    known = date(2026, 3, 1)
    later = START - datetime.combine(known, time(), UTC)
    story = Story(Crowd(108), known - timedelta(days=1))
    told = [one for _ in range(29) for one in story.next_day()]
    return [msgspec.structs.replace(one.event, timestamp=one.at + later) for one in told]


async def test_who_waits_long_comes_back_less_and_the_numbers_are_those_of_sql(asker: Asker) -> None:
    events = sorted(happened(), key=lambda one: one.event_type)
    for _, of_type in itertools.groupby(events, key=lambda one: one.event_type):
        for some in _batches(list(of_type)):
            await asker.analytics.publish(*some)
    await asker.analytics.wait_settled()
    await compacted(asker.analytics)
    rows = await asker.rows(USERS_SQL, START, END, EXPOSURE, WITHIN)
    assert len(rows) > 200

    edges = [800, 1600, 3200]
    answer = await asker.answer("/dose-response", start=ASKED, dose=WAIT, edges=edges, strata=["activity", "prompt_version"])
    dosed = [row for row in rows if row[1] is not None]
    assert (answer["users"], answer.get("not_yet")) == (len(dosed), 0)
    assert answer["without_dose"]["users"] == len(rows) - len(dosed)
    lows, highs = [float("-inf"), *edges], [*edges, float("inf")]
    for found, low, high in zip(answer["bins"], lows, highs, strict=True):
        own = [row for row in dosed if low <= row[1] < high]
        assert (found["users"], found["with_outcome"]) == (len(own), sum(row[3] > 0 for row in own))
        assert found["mean_dose"] == pytest.approx(sum(row[1] for row in own) / len(own))
        assert found["low"] < found["value"] < found["high"]
        chosen = {"from_dose": low, "to_dose": high} if low > 0 else {"to_dose": high}
        chosen = {name: edge for name, edge in chosen.items() if edge != float("inf")}
        gone = await asker.answer(
            "/dose-response/users", start=ASKED, dose=WAIT, with_outcome=False, as_of=answer["as_of"], limit=1000, **chosen
        )
        assert (gone["total"], set(gone["users"])) == (sum(row[3] == 0 for row in own), {row[0] for row in own if not row[3]})

    shares = [found["value"] for found in answer["bins"]]
    assert shares[0] > shares[1] > shares[3] < shares[2]  # what is planted: examples/README.md
    assert (answer["trend"]["z"] < 0, answer["trend"]["p"] < 1e-4, answer["spearman"] < -0.15) == (True, True, True)
    assert "The outcome falls as the dose rises (p < 0.001)." in answer["text"]
    assert answer["text"][-1].startswith("This is an association, not a cause")
    of_prompt = next(one for one in answer["confounders"] if one["name"] == "prompt_version")
    assert of_prompt["trend"]["p"] < 1e-3
    assert {one["value"]: one["users"] for one in of_prompt["strata"]} == {
        version: sum(row[5] == version for row in dosed) for version in ("v1", "v2")
    }

    failed = await asker.answer("/dose-response", start=ASKED, dose={"event_type": "error"}, edges=[1])
    assert [(one["users"], one["with_outcome"]) for one in failed["bins"]] == [
        (sum((row[2] > 0) == some for row in rows), sum((row[2] > 0) == some and row[3] > 0 for row in rows))
        for some in (False, True)
    ]
    assert failed["bins"][0]["value"] > failed["bins"][1]["value"]
    days = await asker.answer("/dose-response", start=ASKED, dose=WAIT, edges=[1600], outcome={"kind": "active_days"})
    for found, slow in zip(days["bins"], (False, True), strict=True):
        own = [row[3] for row in dosed if (row[1] >= 1600) == slow]
        assert found["value"] == pytest.approx(sum(own) / len(own))
    converted = await asker.answer(
        "/dose-response", start=ASKED, dose=WAIT, edges=[1600], outcome={"kind": "conversion", "event_type": "feedback"}
    )
    assert sum(one["with_outcome"] for one in converted["bins"]) == sum(row[4] > 0 for row in dosed)
    fifths = await asker.answer("/dose-response", start=ASKED, dose=WAIT)
    assert max(abs(one["users"] - len(dosed) / 5) for one in fifths["bins"]) <= 1
    chosen = {row[0] for row in rows[::2]}
    await asker.changed("/cohorts/chosen", users=sorted(chosen))
    inside = await asker.answer("/dose-response", start=ASKED, dose=WAIT, edges=edges, cohort="chosen")
    assert inside["users"] == sum(row[0] in chosen for row in dosed)
    told = await asker.answer("/dose-response", start=ASKED, dose=WAIT, edges=edges, strata=["cohort:chosen"])
    assert {one["value"]: one["users"] for one in told["confounders"][0]["strata"]} == {
        "true": inside["users"],
        "false": len(dosed) - inside["users"],
    }
    soon = await asker.answer("/dose-response", start=ASKED, dose=WAIT, to=RANGE["to"] + 8 * 86_400_000)
    assert soon["not_yet"] > 0


async def test_what_is_asked_wrongly_is_told_what_to_change(asker: Asker) -> None:
    at = START + timedelta(hours=1)
    await asker.analytics.publish(event(event_type="dharma_query", user_id="one", timestamp=at, data={"wait": 5, "word": "x"}))
    await asker.analytics.wait_settled()
    wait = {"event_type": "dharma_query", "measure": "mean", "property": "wait"}
    alone = await asker.answer("/dose-response", dose=wait)
    assert (alone["users"], alone["bins"][0]["few"], alone["bins"][0]["value"]) == (1, True, 0)
    assert any("fewer than 30 users" in line for line in alone["text"])
    nobody = await asker.answer("/dose-response", dose=wait | {"property": "word"})
    assert (nobody["users"], nobody["bins"], nobody["without_dose"]["users"]) == (0, [], 1)

    async def refused(code: int, field: str, **document: Any) -> dict[str, Any]:
        return await asker.refused("/dose-response", code, field, **{"dose": wait} | document)

    assert (await refused(404, "dose.property", dose=wait | {"property": "wayt"}))["nearest"] == ["wait"]
    assert (await refused(404, "start.event_type", start={"event_type": "dharma_kuery"}))["nearest"] == ["dharma_query"]
    await refused(404, "strata.1", strata=["activity", "; DROP TABLE events"])
    await refused(404, "outcome.event_type", outcome={"kind": "conversion", "event_type": "order"})
    await refused(422, "outcome.event_type", outcome={"kind": "conversion"})
    await refused(422, "outcome.kind", outcome={"event_type": "dharma_query"})
    await refused(422, "dose.property", dose={"measure": "mean"})
    await refused(422, "dose.property", dose={"property": "wait"})
    await refused(422, "dose.where.0.value", dose=wait | {"where": [{"property": "wait", "op": ">", "value": "x"}]})
    await refused(422, "exposure_s", exposure_s=0)
    await refused(422, "within_s", within_s=0)
    await refused(422, "within_s", within_s=10**9)
    await refused(422, "edges", edges=[2, 1])
    await refused(422, "edges", edges=[1, 1])
    await refused(422, "bins", bins=1)
    await refused(422, "from", **{"from": RANGE["to"], "to": RANGE["from"]})
    await refused(422, "from", **{"from": 0, "to": 1000})
    await refused(422, "strata", strata=["a"] * 6)
    await asker.refused("/dose-response/users", 422, "without_dose", dose=wait, without_dose=True, from_dose=1)
    await asker.refused("/dose-response/users", 422, "from_dose", dose=wait, from_dose=6, to_dose=5)
    await asker.refused("/dose-response/users", 422, "to_dose", dose=wait, to_dose="nan")
    found = await asker.answer("/dose-response/users", dose=wait, from_dose=5, to_dose=6)
    assert (found["total"], found["users"]) == (1, ["one"])
    assert (await asker.answer("/dose-response/users", dose=wait, to_dose=5))["total"] == 0


def _batches(events: list[Any]) -> list[list[Any]]:
    return [events[place : place + 500] for place in range(0, len(events), 500)]
