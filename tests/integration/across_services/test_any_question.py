"""Any question gets an answer or a refusal that names what is wrong: from a URL or JSON to PostgreSQL and back."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.query.question_answers import QuestionAnswers
from analytics.query.sessions import Sessions
from analytics.storage.database import Database
from drishti.bus.entries import Entry
from drishti.errors import QueryError
from drishti.events import QuestionSet, encode
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.registry import MetricRegistry
from drishti.settings import Secret
from gateway.questions import parsing

TENANT = "acme"
NOW = datetime.now(UTC).replace(microsecond=0)
KEPT_DAYS = {"1s": 2.0, "1m": 30.0, "1h": 730.0}

OWN = (
    MetricDefinition(name="good share", kind=Kind.DERIVED, expression="errors(requests) / count(requests)"),
    MetricDefinition(name="feedback_given", kind=Kind.COUNTER, dimensions=("plan",), source=EventSource(event="feedback")),
)
SEEN = (
    ("requests", {"service": "shop", "route": "/a", "status": "200"}),
    ("requests", {"service": "été", "route": "", "status": "500"}),
    ("request_duration_ms", {"service": "shop", "route": "/a", "status": "200"}),
    ("active_users", {}),
    ("events", {"event_type": "feedback", "service": "shop"}),
)

ODD = st.sampled_from(
    ["", " ", "\0", "\x7f", "😀", "é", "e\u0301", "\u202e", "'", '"', "\\", "%", "$.a", "NaN", "Infinity", "-0", "null", "true",
     "٣", "{}", "[]", "x" * 5_000, "a" * 129, "1e400", "9" * 400, "0x10", "../../etc/passwd", "; DROP TABLE series"]
)  # fmt: skip
TEXT = ODD | st.text(max_size=12)
METRICS = st.sampled_from(
    ["requests", "request_duration_ms", "active_users", "events", "cache_requests", "cpu_utilization", "good share",
     "feedback_given", "llm_duration_ms", "requsts", "good_share"]
)  # fmt: skip
AGGREGATES = st.sampled_from(
    ["count", "rate", "sum", "avg", "min", "max", "errors", "error_rate", "share", "hit_rate", "uniques", "value", "p50",
     "p99.9", "p0", "p100", "p.5", "p99.9999", "P50", "p50.", "p٣"]
)  # fmt: skip
LABELS = st.sampled_from(["service", "route", "status", "event_type", "cache", "result", "model", "plan", "other", "metric"])
INSTANTS = st.sampled_from(
    ["now", "now-1h", "now-2h", "now-1d/d", "now/d", "now-1d/d/d/d/d/d/d/d/d", "now-1w/w", "now-1M/M", "now-1y/y",
     "now-999999y", "now+999999d", "now-999999M", "now-0s", "now--1d", "now-1", "now-1d/", "now/x", "NOW", " now ", "0", "-1",
     "1", "999999999999999", "9" * 30, "-9" * 9, "1.5", "2026-02-30", "2026-03-29", "2026-03-29T02:30:00",
     "2026-10-25T02:30:00",
     "0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59-14:00",
     "2026-11-28T07:00:00Z", "2026-11-28T07:00:00 01:00", "2026-W01", "20261128", "2026-11-28T24:00:00",
     "1970-01-01", "2100-01-01"]
)  # fmt: skip
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu", "Africa/Casablanca",
     "Etc/GMT+12", "Europe", "Local", "localtime", "posixrules", "europe/berlin", "/etc/passwd", "..", ".", "Europe/../UTC",
     "CET", "+01:00"]
)  # fmt: skip
STEPS = st.sampled_from([*parsing.STEPS, "2m", "1M", "0s", "-1h", "60s", "1 h", "1D"])
COMPARED = st.sampled_from(["previous", "1d", "1w", "2d", "1y", "previous "])
NUMBERS = st.sampled_from(["0", "1", "-1", "1e308", "1e-400", "1e400", "0.1.2", "00", ".5", "5.", "1_000", "9" * 50])
VALUES = st.sampled_from(['"shop"', '"été"', '""', '"\\u0000"', '"\\ud800"', '"a\\"b"', "'shop'", "true", "4"]) | NUMBERS


def conditions() -> st.SearchStrategy[str]:
    one = st.builds("{} {} {}".format, LABELS, st.sampled_from(["=", "!=", "<", ">=", "prefix", "==", "like"]), VALUES)
    several = st.builds("{} in ({})".format, LABELS, st.lists(VALUES, max_size=4).map(", ".join))
    leaf = one | several | st.builds("{} exists".format, LABELS) | TEXT
    return st.recursive(
        leaf,
        lambda inner: st.builds("{} and {}".format, inner, inner) | st.builds("({} or {})".format, inner, inner)
        | st.builds("not {}".format, inner) | st.builds("({})".format, inner),
        max_leaves=6,
    )  # fmt: skip


def expressions() -> st.SearchStrategy[str]:
    names = METRICS | st.sampled_from(
        ["feedback", "feedback.satisfaction", "feedback.data", "requests@1", "requests@2", '"good share"', "nothing.at.all"]
    )
    term = st.builds("{}({})".format, AGGREGATES, names) | st.builds("{}({} where {})".format, AGGREGATES, names, conditions())
    leaf = term | NUMBERS | TEXT
    return st.recursive(
        leaf,
        lambda inner: st.builds("{} {} {}".format, inner, st.sampled_from("+-*/%^"), inner) | st.builds("({})".format, inner)
        | st.builds("-{}".format, inner),
        max_leaves=8,
    )  # fmt: skip


GROUPS = st.lists(LABELS, max_size=4).map(",".join) | TEXT | st.just(",,")
PARAMETER = (
    st.tuples(st.just("from"), INSTANTS) | st.tuples(st.just("to"), INSTANTS) | st.tuples(st.just("tz"), ZONES)
    | st.tuples(st.just("resolution"), STEPS) | st.tuples(st.just("compare"), COMPARED)
    | st.tuples(st.just("group_by"), GROUPS) | st.tuples(st.sampled_from(["top", "bins"]), NUMBERS)
    | st.tuples(st.just("where"), conditions())
    | st.tuples(LABELS, TEXT) | st.tuples(TEXT, TEXT) | st.tuples(st.sampled_from(["from", "to", "tz", "top", "bins"]), TEXT)
)  # fmt: skip
WITHIN = st.lists(PARAMETER, max_size=5, unique_by=lambda pair: pair[0]) | st.lists(PARAMETER, max_size=40)
URLS = st.builds(
    list.__add__,
    st.tuples(METRICS, AGGREGATES).map(lambda pair: [("metric", pair[0]), ("aggregate", pair[1])])
    | expressions().map(lambda text: [("expression", text)])
    | st.just([]),
    WITHIN,
)
JSON = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANY_JSON = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What may be meant, and now and then anything that JSON can say."""
    return st.integers(0, 19).flatmap(lambda number: good if number else ANY_JSON)


FILTERS = st.fixed_dictionaries(
    {"label": mostly(LABELS)},
    optional={
        "op": mostly(st.sampled_from(["=", "!=", "in", "prefix", "exists", "IN", "~"])),
        "value": mostly(TEXT),
        "values": mostly(st.lists(TEXT, max_size=4)),
    },
)
QUESTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": mostly(TEXT),
        "metric": mostly(METRICS),
        "aggregate": mostly(AGGREGATES),
        "expression": mostly(expressions()),
        "filters": st.lists(FILTERS, max_size=30)
        | st.dictionaries(LABELS, TEXT | st.lists(TEXT, max_size=3), max_size=3)
        | ANY_JSON,
        "where": mostly(conditions()),
        "group_by": st.lists(LABELS, max_size=4) | mostly(GROUPS),
        "top": mostly(st.integers()),
        "bins": mostly(st.integers(1, 101)),
    },
)
RANGES = st.fixed_dictionaries(
    {},
    optional={
        "from": mostly(INSTANTS), "to": mostly(INSTANTS), "tz": mostly(ZONES), "resolution": mostly(STEPS),
        "compare": mostly(COMPARED),
    },
)  # fmt: skip
DOCUMENTS = (
    st.builds(lambda ranges, asked: ranges | {"questions": asked}, RANGES, st.lists(QUESTIONS, max_size=3) | ANY_JSON)
    | st.builds(lambda ranges, asked: ranges | asked, RANGES, QUESTIONS)
    | ANY_JSON
)


def registry() -> MetricRegistry:
    known = MetricRegistry()
    for revision, definition in enumerate(OWN, start=1):
        known.take(Entry(f"{TENANT}.{definition.token}", revision, msgspec.json.encode(definition), 0.0))
    return known


@pytest.fixture
async def answers(postgres_url: str) -> AsyncIterator[QuestionAnswers]:
    database = Database(Secret(postgres_url))
    await database.migrate()
    connection = await asyncpg.connect(postgres_url)
    hour = NOW.replace(minute=0, second=0)
    try:
        for table in ("cells_1s", "cells_1m", "cells_1h"):
            starts, ends = hour - timedelta(days=1), hour + timedelta(hours=1)
            await connection.execute("SELECT make_partition($1, $1 || '_now', $2, $3, '')", table, starts, ends)
        for token, labels in SEEN:
            await connection.execute(
                "INSERT INTO metric_ids (tenant, metric) VALUES ($1, $2) ON CONFLICT DO NOTHING", TENANT, token
            )
            metric = await connection.fetchval("SELECT id FROM metric_ids WHERE tenant = $1 AND metric = $2", TENANT, token)
            series = await connection.fetchval(
                "SELECT id FROM series_ids(ARRAY[$1::integer], ARRAY[$2::jsonb])", metric, json.dumps(labels)
            )
            for table in ("cells_1s", "cells_1m", "cells_1h"):
                await connection.execute(
                    f"INSERT INTO {table} (metric, window_start, series, writer, count, errors, sum) "
                    "VALUES ($1, $2, $3, $4, 3, 1, 1)",
                    metric, hour, series, uuid.uuid4(),
                )  # fmt: skip
        sessions = Sessions(database)
        yield QuestionAnswers(sessions, registry(), kept_days=KEPT_DAYS)
        await sessions.close()
    finally:
        await connection.close()


async def refusal(answers: QuestionAnswers, parse: Callable[[], QuestionSet]) -> tuple[QueryError, QuestionSet | None] | None:
    """Why the question is refused, and what was asked where that was a question; ``None``: it is answered, by JSON."""
    asked: QuestionSet | None = None
    try:
        asked = msgspec.json.decode(encode(parse()), type=QuestionSet)
        answer = json.loads(encode(await answers.answer(asked)))
    except QueryError as error:
        return error, asked
    assert len(answer["answers"]) == len(asked.questions)
    return None


def check(refused: tuple[QueryError, QuestionSet | None] | None) -> None:
    """A refusal names the field, and characters of its text."""
    if refused is None:
        return
    error, asked = refused
    assert str(error)
    if asked is None:
        return
    assert error.field, str(error)
    if error.character is not None:
        place, name = error.field.removeprefix("questions.").split(".")[:2]
        assert 0 <= error.character <= len(getattr(asked.questions[int(place)], name))
        assert error.length


def given_any(strategy: st.SearchStrategy[Any], examples: int) -> Callable[[Any], Any]:
    def decorated(test: Any) -> Any:
        suppressed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
        limits = settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=suppressed)
        return limits(given(sent=strategy)(test))

    return decorated


@pytest.mark.parametrize("kind", ["url", "document"])
async def test_any_question_is_answered_or_refused_with_the_reason(answers: QuestionAnswers, kind: str) -> None:
    loop = asyncio.get_running_loop()

    def ask(parse: Callable[[], QuestionSet]) -> None:
        check(asyncio.run_coroutine_threadsafe(refusal(answers, parse), loop).result())

    @given_any(URLS, 300)
    def urls(sent: list[tuple[str, str]]) -> None:
        ask(lambda: parsing.of_parameters(sent, tenant=TENANT, now=NOW))

    @given_any(DOCUMENTS, 300)
    def documents(sent: object) -> None:
        ask(lambda: parsing.of_document(sent, tenant=TENANT, now=NOW))

    await asyncio.to_thread(cast("Callable[[], None]", urls if kind == "url" else documents))
