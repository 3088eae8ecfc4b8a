"""``/api/analytics/query`` over HTTP to the answer: what is asked is what plain SQL says over the raw rows."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import pytest

from drishti_local.servers import NatsServer, PostgresServer
from rigs import gateway
from rigs.analytics import Rig, event, now_ms, request, rig

QUERY = "/api/analytics/query"
HOUR = 3_600_000
SERVICES = ("wisdom", "shop", "cart")
ROUTES = ("/ask", "/pay", "/list", "/find", 'a"b\\c')
STATUSES = (200, 204, 404, 500, 503)


class World(NamedTuple):
    """An analytics and a gateway on one bus, and requests of some hours in the database."""

    analytics: Rig
    http: gateway.Rig
    viewer: str
    begins: int
    sql: asyncpg.Connection

    async def get(self, **parameters: Any) -> tuple[int, Any]:
        url, headers = self.http.url + QUERY, {"x-api-key": self.viewer}
        async with self.http.http.get(url, params={k: str(v) for k, v in parameters.items()}, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, body: Any) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.http.http.post(self.http.url + QUERY, data=data, headers={"x-api-key": self.viewer}) as answer:
            return answer.status, await answer.json()

    async def value(self, sql: str, *values: Any) -> Any:
        return await self.sql.fetchval(sql, self.analytics.tenant, *values)


@pytest.fixture(scope="module")
async def world(nats_server: NatsServer, nats_url: str, postgres_server: PostgresServer) -> AsyncIterator[World]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_server.url())
    await admin.execute(f"CREATE DATABASE {name}")
    url = postgres_server.url(name)
    try:
        async with rig(nats_server, url) as analytics, analytics.running(), gateway.running(nats_server) as http:
            begins = (now_ms() // HOUR - 4) * HOUR
            await _fill(analytics, begins)
            viewer = await http.key("viewer", analytics.tenant)
            sql = await asyncpg.connect(url)
            # Without the gateway's own requests, which are of now.
            sent = f"CREATE VIEW sent AS SELECT * FROM requests WHERE time < to_timestamp({begins + 4 * HOUR} / 1000.0)"
            await sql.execute(sent)
            yield World(analytics, http, viewer, begins, sql)
            await sql.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


async def _fill(analytics: Rig, begins: int) -> None:
    """Requests and events over four hours; durations are whole numbers, whose sums are exact."""
    rng = random.Random(5)
    for n, service in enumerate(SERVICES):
        await analytics.publish_requests(
            *(
                request(
                    f"r{n}-{i}",
                    service=service,
                    route=rng.choice(ROUTES),
                    status=rng.choice(STATUSES),
                    duration_ms=float(rng.randint(1, 2000)),
                    timestamp=_at(begins + rng.randrange(4 * HOUR)),
                    user_id=f"u{rng.randrange(40)}",
                )
                for i in range(400)
            )
        )
    await analytics.publish(
        *(
            event(
                f"e{i}",
                "feedback",
                timestamp=_at(begins + rng.randrange(4 * HOUR)),
                user_id=f"u{i % 30}",
                data={"satisfaction": i % 6},
            )
            for i in range(200)
        )
    )
    await analytics.wait_settled()


def _at(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


class Case(NamedTuple):
    """One question and what plain SQL has to say: a condition in both languages, labels, a range and a step."""

    where: str
    sql: str
    group_by: list[str]
    begins: int
    ends: int
    step: str


COLUMNS = {"service": "service", "route": "route", "status": "status::text"}
VALUES = {"service": SERVICES, "route": ROUTES, "status": tuple(map(str, STATUSES))}
STEPS = {"1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": HOUR}
VALUE = {
    "count": "count(*)",
    "errors": "count(*) FILTER (WHERE status >= 500)",
    "error_rate": "count(*) FILTER (WHERE status >= 500)::float8 / count(*)",
    "sum": "sum(duration_ms)",
    "avg": "sum(duration_ms) / count(*)",
    "min": "min(duration_ms)",
    "max": "max(duration_ms)",
}


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _condition(rng: random.Random, depth: int) -> tuple[str, str]:
    """A condition as an expression has it, and as SQL has it."""
    if depth and rng.random() < 0.6:
        one, other = _condition(rng, depth - 1), _condition(rng, depth - 1)
        if rng.random() < 0.2:
            return f"not ({one[0]})", f"NOT ({one[1]})"
        word = rng.choice(("and", "or"))
        return f"({one[0]} {word} {other[0]})", f"({one[1]} {word} {other[1]})"
    label = rng.choice(list(COLUMNS))
    column, value = COLUMNS[label], rng.choice(VALUES[label])
    match rng.randrange(6):
        case 0:
            return f"{label} = {json.dumps(value)}", f"{column} = {_quoted(value)}"
        case 1:
            return f"{label} != {json.dumps(value)}", f"{column} <> {_quoted(value)}"
        case 2:
            some = rng.sample(VALUES[label], 2)
            return (
                f'{label} in ({", ".join(map(json.dumps, some))}, "absent")',
                f"{column} IN ({', '.join(map(_quoted, some))}, 'absent')",
            )
        case 3:
            return f"{label} prefix {json.dumps(value[:2])}", f"starts_with({column}, {_quoted(value[:2])})"
        case 4:
            return f"{label} exists", "true"
    return f'{label} = "absent"', "false"


def _case(rng: random.Random, begins: int) -> Case:
    where, sql = _condition(rng, 2)
    step = rng.choice(list(STEPS))
    size = STEPS[step]
    first = rng.randrange(4 * HOUR // size)
    last = rng.randrange(first, 4 * HOUR // size) + 1
    return Case(where, sql, rng.sample(list(COLUMNS), rng.randrange(3)), begins + first * size, begins + last * size, step)


async def _wanted(world: World, case: Case, value: str, *, stepped: bool) -> dict[Any, Any]:
    """What plain SQL says, by group and, where ``stepped``, by step."""
    columns = [COLUMNS[label] for label in case.group_by]
    if stepped:
        columns.append(f"(extract(epoch FROM date_bin('{STEPS[case.step]} ms', time, 'epoch'::timestamptz)) * 1000)::bigint")
    by = ", ".join(f"{column} AS k{n}" for n, column in enumerate(columns))
    group = f"GROUP BY {', '.join(str(n + 1) for n in range(len(columns)))}" if columns else "HAVING count(*) > 0"
    records = await world.sql.fetch(
        f"SELECT {by}{', ' if by else ''}{value} AS value FROM sent WHERE tenant = $1 AND ({case.sql}) "
        f"AND time >= to_timestamp({case.begins} / 1000.0) AND time < to_timestamp({case.ends} / 1000.0) {group}",
        world.analytics.tenant,
    )
    return {tuple(record)[:-1]: record["value"] for record in records}


def _found(answer: Any, case: Case, *, stepped: bool) -> dict[Any, Any]:
    found = {}
    for series in answer["series"]:
        group = tuple(series["labels"][label] for label in case.group_by)
        if stepped:
            found |= {(*group, at): value for at, value in series["points"]}
        elif case.group_by or series["points"]:
            found[group] = series["total"]
    return found


async def test_any_question_is_answered_as_plain_sql_answers_it(world: World) -> None:
    rng = random.Random(20261128)
    for _ in range(12):
        case = _case(rng, world.begins)
        aggregates = rng.sample(list(VALUE), 3)
        questions = [
            {"metric": "request_duration_ms", "aggregate": name, "where": case.where, "group_by": case.group_by}
            for name in aggregates
        ]
        asked = {"questions": questions, "from": case.begins, "to": case.ends, "resolution": case.step}
        status, answers = await world.post(asked)
        assert status == 200, (case, answers)
        for name, answer in zip(aggregates, answers["answers"], strict=True):
            for stepped in (False, True):
                wanted = await _wanted(world, case, VALUE[name], stepped=stepped)
                assert _found(answer, case, stepped=stepped) == pytest.approx(wanted), (case, name, stepped)


async def test_percentiles_and_expressions_come_from_merged_cells(world: World) -> None:
    rng = random.Random(7)
    for _ in range(5):
        case = _case(rng, world.begins)
        questions = [
            {"metric": "request_duration_ms", "aggregate": "p90", "where": case.where, "group_by": case.group_by},
            {
                "expression": f"1000 * errors(requests where {case.where}) / sum(request_duration_ms where {case.where}) - 1",
                "group_by": case.group_by,
            },
        ]
        asked = {"questions": questions, "from": case.begins, "to": case.ends, "resolution": case.step}
        status, answers = await world.post(asked)
        assert status == 200, (case, answers)
        for answer, sql, near in (
            (answers["answers"][0], "percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_ms)", 0.0101),
            (answers["answers"][1], f"1000 * {VALUE['errors']} / sum(duration_ms) - 1", 1e-9),
        ):
            for stepped in (False, True):
                wanted = await _wanted(world, case, sql, stepped=stepped)
                assert _found(answer, case, stepped=stepped) == pytest.approx(wanted, rel=near), (case, sql, stepped)


async def test_the_rest_beyond_the_top_is_merged_and_not_added(world: World) -> None:
    range_ = {"from": world.begins, "to": world.begins + 4 * HOUR}
    asked = {"metric": "request_duration_ms", "aggregate": "p50", "group_by": ["route"], "top": 2, "bins": 12, **range_}
    status, answers = await world.post(asked)
    assert status == 200, answers
    (answer,) = answers["answers"]
    assert answer["merged"] == len(ROUTES) - 2
    top = [series["labels"]["route"] for series in answer["series"][:2]]
    median = "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) FROM sent WHERE tenant = $1 AND "
    assert answer["series"][2]["labels"] == {"route": "other"}
    wanted = await world.value(median + "route <> ALL ($2)", top)
    assert answer["series"][2]["total"] == pytest.approx(wanted, rel=0.0101)
    ranked = await world.sql.fetch(
        "SELECT route FROM sent WHERE tenant = $1 GROUP BY 1 "
        "ORDER BY percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms) DESC",
        world.analytics.tenant,
    )
    assert set(top) <= {record["route"] for record in ranked[:3]}  # within the 1 % of a percentile
    # Their values are counted in ranges, exactly, and those of the steps add up to those of all.
    edges = answer["edges"]
    up_to = "SELECT count(*)::float8 FROM sent WHERE tenant = $1 AND route = $2 AND duration_ms <= $3"
    for series in answer["series"][:2]:
        total = 0
        for edge, count in zip(edges[1:], series["counts"], strict=True):
            total += count
            assert total == await world.value(up_to, series["labels"]["route"], edge), (edges, series["counts"])
    for series in answer["series"]:
        stepped = [sum(column) for column in zip(*(counts for _, counts in series["counts_by_step"]), strict=True)]
        assert stepped == series["counts"]


async def test_shares_uniques_and_the_total_of_groups(world: World) -> None:
    range_ = {"from": world.begins, "to": world.begins + 4 * HOUR, "resolution": "1h"}
    questions = [
        {"metric": "requests", "aggregate": "share", "group_by": ["status"]},
        {"expression": "count(requests) / uniques(active_users)"},
    ]
    status, answers = await world.post({"questions": questions, **range_})
    assert status == 200, answers
    shares, each = answers["answers"]
    assert answers["source"] == "rollup_1h"
    assert sum(series["total"] for series in shares["series"]) == pytest.approx(1.0)
    wanted = await world.value("SELECT count(*) FILTER (WHERE status = 404)::float8 / count(*) FROM sent WHERE tenant = $1")
    assert {series["labels"]["status"]: series["total"] for series in shares["series"]}["404"] == pytest.approx(wanted)
    users = await world.value(
        "SELECT count(DISTINCT u) FROM (SELECT user_id AS u FROM sent WHERE tenant = $1 "
        "UNION ALL SELECT user_id FROM events WHERE tenant = $1) AS all_users"
    )
    assert each["series"][0]["total"] == pytest.approx(1200 / users, rel=0.05)


async def test_a_comparison_has_the_earlier_range_beside_it(world: World) -> None:
    begins = world.begins + 2 * HOUR
    asked = {
        "questions": [{"metric": "requests", "aggregate": "count", "filters": {"service": ["wisdom", "shop"]}}],
        "from": begins,
        "to": begins + 2 * HOUR,
        "resolution": "1h",
        "compare": "previous",
    }
    status, answers = await world.post(asked)
    assert status == 200, answers
    assert (answers["compared_from"], answers["compared_to"]) == (world.begins, begins)
    (series,) = answers["answers"][0]["series"]
    halves = "SELECT count(*) FROM sent WHERE tenant = $1 AND service <> 'cart' AND (time < to_timestamp($2 / 1000.0)) = $3"
    assert series["total"] == await world.value(halves, float(begins), False)
    assert series["compared_total"] == await world.value(halves, float(begins), True)
    assert [at for at, _ in series["compared"]] == [begins, begins + HOUR]


async def test_one_expression_from_http_to_the_answer(world: World) -> None:
    status, answer = await world.get(
        expression='100 * errors(requests where service = "wisdom") / count(requests where service = "wisdom")',
        **{"from": world.begins, "to": world.begins + 4 * HOUR},
    )
    assert status == 200, answer
    wanted = await world.value(
        "SELECT 100.0 * count(*) FILTER (WHERE status >= 500) / count(*) FROM sent WHERE tenant = $1 AND service = 'wisdom'"
    )
    assert answer["series"][0]["total"] == pytest.approx(float(wanted))
    assert answer["source"] == "rollup_1m"


async def test_events_are_asked_for_by_their_type(world: World) -> None:
    range_ = {"from": world.begins, "to": world.begins + 4 * HOUR}
    status, answer = await world.get(expression="2 * count(feedback)", **range_)
    assert (status, answer["series"][0]["total"]) == (200, 400)
    status, answer = await world.get(expression="count(feedback)", group_by="event_type", **range_)
    assert [(one["labels"], one["total"]) for one in answer["series"]] == [({"event_type": "feedback"}, 200)]


@pytest.mark.parametrize(
    ("expression", "character", "words", "nearest"),
    [
        ("1 + count(feedbak)", 10, "no event of this type was seen", "feedback"),
        ("avg(feedbak.satisfaction)", 4, "no event of this type was seen", "feedback"),
        ("p95(feedback)", 0, "feedback has count", None),
        ("avg(feedback.satisfaction)", 4, "define a KPI", None),
    ],
)
async def test_what_no_event_can_tell_is_refused_at_its_character(
    world: World, expression: str, character: int, words: str, nearest: str | None
) -> None:
    status, answer = await world.get(expression=expression, **{"from": world.begins, "to": world.begins + HOUR})
    assert (status, answer["field"], answer["character"]) == (422, "expression", character), answer
    assert words in answer["error"]
    assert nearest is None or nearest in answer["nearest"]


async def test_the_metric_form_over_relative_instants(world: World) -> None:
    status, answer = await world.get(
        metric="request_duration_ms", aggregate="p99.9", group_by="service", top=2, **{"from": "now-6h", "to": "now"}
    )
    assert status == 200, answer
    assert [series["labels"]["service"] for series in answer["series"]][-1] == "other"
    assert answer["merged"] >= 1


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"metric": "requets", "aggregate": "count"}, "metric", "is it requests"),
        ({"metric": "requests", "aggregate": "p95"}, "aggregate", "requests has count"),
        ({"metric": "requests"}, "aggregate", "is missing"),
        ({}, "metric", "one of the two"),
        (
            {"metric": "requests", "aggregate": "count", "filters": {"color": "red"}},
            "filters.0.label",
            "service, route, status",
        ),
        ({"metric": "requests", "aggregate": "count", "filters": [{"label": "route", "op": "~"}]}, "filters.0.op", "~"),
        ({"metric": "requests", "aggregate": "count", "filters": {"route": "a\0"}}, "filters.0.value", "U+0000"),
        ({"metric": "requests", "aggregate": "count", "group_by": ["color"]}, "group_by", "cannot group by"),
        ({"metric": "requests", "aggregate": "count", "group_by": ["service"] * 2}, "group_by", "once"),
        ({"metric": "requests", "aggregate": "count", "group_by": "service,route", "top": 0}, "top", "1 to"),
        ({"metric": "requests", "aggregate": "count", "top": 3}, "top", "group_by"),
        ({"metric": "requests", "aggregate": "share"}, "group_by", "group by"),
        ({"metric": "requests", "aggregate": "count", "from": "now", "to": "now-1h"}, "from", "before `to`"),
        ({"metric": "requests", "aggregate": "count", "from": "yesterday"}, "from", "no instant"),
        ({"metric": "requests", "aggregate": "count", "from": 0, "resolution": "1s"}, "resolution", "coarser"),
        ({"metric": "requests", "aggregate": "count", "resolution": "7s"}, "resolution", "one of"),
        ({"metric": "requests", "aggregate": "count", "tz": "Mars/Base"}, "tz", "no time zone"),
        ({"metric": "requests", "aggregate": "count", "compare": "2d"}, "compare", "previous"),
        ({"metric": "requests", "aggregate": "count", "colour": 1}, "colour", "no such field"),
        ({"questions": []}, "questions", "1 to 16"),
        ({"questions": [{"expression": "count(requests)"}] * 17}, "questions", "1 to 16"),
        ({"questions": [5]}, "questions.0", "object"),
        ([], "", "object"),
        ({"expression": "7"}, "expression", "a number only"),
        ({"expression": "count(requests)", "aggregate": "count"}, "aggregate", "inside"),
    ],
)
async def test_a_wrong_question_is_a_422_that_names_the_field(world: World, body: Any, field: str, words: str) -> None:
    status, answer = await world.post(body)
    assert (status, answer.get("field", "")) == (422, field), answer
    assert words in answer["error"], answer


@pytest.mark.parametrize(
    ("expression", "character", "length", "words"),
    [
        ("count(requests", 14, 1, "expected )"),
        ("1 + count(requets)", 10, 7, "is it requests"),
        ("count(feedback where satisfaction >= 4)", 6, 8, "define a KPI"),
        ("p95(requests)", 0, 3, "requests has count"),
        ('count(requests where color = "red")', 21, 5, "service, route, status"),
        ("count(requests where status = 200)", 21, 6, "quotes"),
        ("count(requests) count(requests)", 16, 5, "operator"),
    ],
)
async def test_an_error_points_at_the_character(world: World, expression: str, character: int, length: int, words: str) -> None:
    for status, answer in (await world.get(expression=expression), await world.post({"expression": expression})):
        assert (status, answer["field"], answer["character"], answer["length"]) == (422, "expression", character, length), (
            answer
        )
        assert words in answer["error"]


async def test_nothing_that_is_sent_is_a_500(world: World) -> None:
    rng = random.Random(3)
    pieces = (
        "count", "(", ")", "requests", " where ", "service", "=", '"a"', "in", ",", "not ", "and ", "1e999", "/", "*", "-",
        "\\", "p99.9", "'", "\u0000", "é", "prefix", "exists", "request_duration_ms", "share", "{}", "[", "0", "now-1d/d",
        "null", "\ud800",
    )  # fmt: skip
    for _ in range(60):
        text = "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 14)))
        status, _ = await world.post({"expression": text})
        assert status in (200, 400, 422), text
        field = rng.choice(("metric", "aggregate", "where", "group_by", "filters", "top", "from", "to", "tz", "name"))
        value = rng.choice((text, [text], {text: text}, 1e300, -1, True, None, [[text]], {"label": text}))
        status, answer = await world.post({"metric": "requests", "aggregate": "count", field: value})
        assert status in (200, 400, 422), (field, value, answer)
    for body in (b"", b"{", b"[" * 100_000, b"\xff", b'"x"', b"null", b'{"expression": "\\ud800"}'):
        status, answer = await world.post(body)
        assert status in (400, 422), (body[:20], answer)
    status, _ = await world.post(b" " * 300_000)
    assert status == 413


async def test_a_question_that_takes_too_long_is_cut_off_and_others_are_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As slow as it gets: another transaction holds the rollups, so that the statement waits until PostgreSQL ends it."""
    blocker = await asyncpg.connect(world.analytics.database_url)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE rollups IN ACCESS EXCLUSIVE MODE")
            status, answer = await world.get(expression="count(requests)")
            assert (status, "too long" in answer["error"]) == (504, True), answer
    finally:
        await blocker.close()
    for _ in range(8):
        status, answer = await world.get(expression="count(requests)")
        assert status == 200, answer


async def test_only_a_viewer_of_the_tenant_sees_it(world: World) -> None:
    producer = await world.http.key("producer", world.analytics.tenant)
    other = await world.http.key("viewer")
    for key, wanted in (("", 401), (producer, 403), (other, 200)):
        headers = {"x-api-key": key} if key else {}
        async with world.http.http.post(
            world.http.url + QUERY, json={"expression": "count(requests)", "from": world.begins}, headers=headers
        ) as answer:
            assert answer.status == wanted
            if wanted == 200:
                assert (await answer.json())["answers"][0]["series"][0]["total"] == 0
    status, answer = await world.post({"tenant": world.analytics.tenant, "expression": "count(requests)"})
    assert (status, answer["field"]) == (422, "tenant")
