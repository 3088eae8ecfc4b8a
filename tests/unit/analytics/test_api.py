"""The request/reply API in memory: typed questions in, an answer or a typed failure out, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from faststream.nats import NatsBroker, NatsRouter, TestNatsBroker

from analytics.errors import DatabaseAway
from analytics.overflow import Overflows
from analytics.product.saved import nothing_saved
from analytics.query import replies
from analytics.query.api import api, broker, question
from analytics.query.explorer import explorer_answers
from analytics.query.tenant_semaphore import TooManyWaiting
from analytics.settings import AnalyticsSettings
from drishti.errors import QueryError
from drishti.events import (
    AnswerSet,
    CatalogueAnswer,
    CatalogueQuery,
    Query,
    QueryAnswer,
    QueryFailure,
    QuestionAnswer,
    QuestionSet,
)
from drishti.messages.catalogue import ANALYTICS
from drishti.messages.queries import QUERIES, QueryType
from drishti.settings import BusSettings, Secret
from rigs.contract_examples import payloads

ASKED = {"tenant": "acme", "metric": "events", "aggregate": "count", "from": 1, "to": 2}


class Answers:
    """Answers every question the same way, or fails in the same way."""

    def __init__(self) -> None:
        self.asked: list[Query] = []
        self.failure: Exception | None = None
        self.answered = asyncio.Event()
        self.answered.set()

    async def answer(self, asked: Query) -> QueryAnswer:
        self.asked.append(asked)
        await self.answered.wait()
        if self.failure is not None:
            raise self.failure
        return QueryAnswer(
            metric=asked.metric,
            aggregate=asked.aggregate,
            unit="1",
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            resolution="1s",
            source="rollup_1s",
            as_of=3,
            series=[],
        )


class Catalogue:
    """Has seen nothing."""

    async def answer(self, _asked: CatalogueQuery) -> CatalogueAnswer:
        return CatalogueAnswer(as_of=3, metrics=[])


class Questions:
    """Finds nothing."""

    async def answer(self, asked: QuestionSet) -> AnswerSet:
        answers = [QuestionAnswer(name=one.name, unit="1", series=[]) for one in asked.questions]
        return AnswerSet(
            from_ms=asked.from_ms, to_ms=asked.to_ms, resolution="1m", source="rollup_1m", as_of=3, answers=answers
        )


class Recorded:
    """Answers a question of the explorer as its example does."""

    def __init__(self, query: QueryType) -> None:
        (payload, *_) = payloads(f"query_{query.name}_answer")[0].values

        async def answer(asked: Any) -> Any:
            assert isinstance(asked, query.model)
            return msgspec.json.decode(payload, type=query.answer)

        answer.__annotations__ = {"asked": query.model, "return": query.answer}
        self.answer = answer


WITHOUT_PATH = ("erase_user", "erasure", "erasures", "export")
EXPLORER: dict[str, Any] = {query.name: Recorded(query) for query in QUERIES if query.path or query.name in WITHOUT_PATH}


class World:
    def __init__(self) -> None:
        self.answers: Any = Answers()
        self.questions: Any = Questions()
        self.catalogue: Any = Catalogue()
        self.overflows = Overflows()
        connection: Any = None  # the broker of the test has none
        router = api(self.answers, self.questions, self.catalogue, EXPLORER, self.overflows)
        self.broker: NatsBroker = broker(connection, router)

    async def ask(self, payload: bytes) -> tuple[str, bytes]:
        """Status and body of the reply."""
        reply = await self.broker.request(payload, "query.v1.metrics", timeout=30)
        return reply.headers["Drishti-Status"], reply.body

    async def failure(self, payload: bytes) -> QueryFailure:
        status, body = await self.ask(payload)
        assert status == "error"
        return msgspec.json.decode(body, type=QueryFailure)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    async with TestNatsBroker(found.broker):
        yield found


async def test_a_question_is_typed_and_so_is_its_answer(world: World) -> None:
    status, body = await world.ask(json.dumps(ASKED).encode())
    assert status == "ok"
    assert msgspec.json.decode(body, type=QueryAnswer).metric == "events"
    assert world.answers.asked == [msgspec.convert(ASKED, Query)]


@pytest.mark.parametrize(
    ("payload", "field"),
    [(b"", ""), (b"{", ""), (b"[]", ""), (b"\xff", ""), (b"[" * 5000, ""), (b'{"metric": 5}', "metric")],
)
async def test_what_is_no_question_is_an_invalid_one(world: World, payload: bytes, field: str) -> None:
    failure = await world.failure(payload)
    assert (failure.code, failure.field) == ("invalid", field)
    assert world.answers.asked == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (QueryError("there is no such metric", field="metric"), "invalid", "no such metric"),
        (TooManyWaiting("acme"), "unavailable", "ask fewer"),
        (DatabaseAway("connection refused"), "unavailable", "does not answer"),
        (RuntimeError("a secret"), "unavailable", "log of analytics"),
    ],
)
async def test_every_failure_is_typed(world: World, error: Exception, code: str, words: str) -> None:
    world.answers.failure = error
    failure = await world.failure(json.dumps(ASKED).encode())
    assert failure.code == code
    assert words in failure.error
    assert "secret" not in failure.error
    assert world.overflows.statistics()["overflow_questions"] == isinstance(error, TooManyWaiting)


async def test_a_question_that_takes_too_long_is_answered_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "QUESTION_S", 0.01)
    world.answers.answered.clear()
    assert (await world.failure(json.dumps(ASKED).encode())).code == "timeout"


@pytest.mark.parametrize(
    ("asked", "payload"),
    [
        (query, *example.values)
        for query in QUERIES
        if query.answerer == ANALYTICS
        for example in payloads(f"query_{query.name}")
    ],
)
async def test_every_recorded_question_gets_an_answer_of_its_type(world: World, asked: QueryType, payload: bytes) -> None:
    reply = await world.broker.request(payload, asked.subject, timeout=30)
    assert reply.headers["Drishti-Status"] == "ok", reply.body
    msgspec.json.decode(reply.body, type=asked.answer)
    reply = await world.broker.request(b'{"tenant": 5}', asked.subject, timeout=30)
    assert reply.headers["Drishti-Status"] == "error"
    assert msgspec.json.decode(reply.body, type=QueryFailure).code == "invalid"


def test_every_question_of_the_catalogue_has_a_handler_with_its_types() -> None:
    """The AsyncAPI document is made of the catalogue: what it says of questions is what is served."""
    answers: Any = Answers()
    catalogue: Any = Catalogue()
    sessions: Any = None  # nothing is asked
    settings = AnalyticsSettings(database_url=Secret("postgresql://"), bus=BusSettings())
    router = api(answers, answers, catalogue, explorer_answers(sessions, settings, nothing_saved()), Overflows())
    served = {subscriber.subject.template for subscriber in router.subscribers}
    assert served == {query.subject for query in QUERIES if query.answerer == ANALYTICS}


def test_a_handler_with_other_types_than_the_catalogues_is_refused() -> None:
    with pytest.raises(TypeError, match=r"query\.v1\.metrics must be Query -> QueryAnswer"):

        @question(NatsRouter(), "metrics")
        async def metrics(asked: Query) -> QueryFailure:
            raise NotImplementedError


def test_a_handler_that_takes_its_question_by_position_alone_is_refused() -> None:
    """Every question to it would fail."""
    with pytest.raises(TypeError, match="must take its question by name"):

        @question(NatsRouter(), "metrics")
        async def metrics(asked: Query, /) -> QueryAnswer:
            raise NotImplementedError


async def test_the_setup_is_answered_over_the_bus() -> None:
    answers: Any = Answers()
    sessions: Any = None  # nothing is asked
    settings = AnalyticsSettings(database_url=Secret("postgresql://"), bus=BusSettings())
    broker = NatsBroker()
    broker.include_router(
        api(answers, answers, Catalogue(), explorer_answers(sessions, settings, nothing_saved()), Overflows())
    )  # type: ignore[arg-type]  # stands in
    asked = next(query for query in QUERIES if query.name == "setup")
    async with TestNatsBroker(broker):
        reply = await broker.request(b'{"tenant": "acme"}', asked.subject, timeout=30)
    assert reply.headers["Drishti-Status"] == "ok", reply.body
    assert msgspec.json.decode(reply.body, type=asked.answer).retention
