"""The application as its users see it: FastAPI, and one line that shows it to Drishti."""

from __future__ import annotations

import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

import drishti
from drishti.analytics import Analytics, AnalyticsEventType, analytics
from drishti.asgi import describe_request
from wisdom.faults import Faults
from wisdom.llm import MAX_TOKENS, Router
from wisdom.service import Unavailable, WisdomService, guide
from wisdom.store import Store
from wisdom.visitors import Sessions, Visitor

log = logging.getLogger(__name__)

SERVICE = "wisdom"

Id = Annotated[str, Field(min_length=1, max_length=64)]


class Asked(BaseModel):
    """What every request of a user carries."""

    user_id: Id
    session_id: Id


class Question(Asked):
    """``prompt_tokens`` is the length of the conversation so far, ``max_tokens`` that of the answer."""

    query: Annotated[str, Field(min_length=1, max_length=2000)]
    prompt_tokens: Annotated[int, Field(ge=1, le=100_000)] = 200
    max_tokens: Annotated[int, Field(ge=1, le=4000)] = 200


class Answered(BaseModel):
    answer_id: int
    answer: str
    topic: str
    wisdom_score: float
    model: str | None
    cached: bool


class Meditation(Asked):
    style: Annotated[str, Field(max_length=32)] = "breath"
    minutes: Annotated[int, Field(ge=1, le=120)] = 10


class Guided(BaseModel):
    steps: list[str]


class Opinion(Asked):
    answer_id: int
    satisfaction: Annotated[float, Field(ge=0, le=5)]


class Thanks(BaseModel):
    thanks: bool = True


class Saying(BaseModel):
    id: int
    topic: str
    text: str


def build_app(store: Store, faults: Faults, rng: random.Random, client: Analytics = analytics) -> FastAPI:
    """The application on ``store``. Events go to ``client``, by default the one that the environment configures."""
    service = WisdomService(store, Router(faults, rng), faults, rng)
    sessions = Sessions(client)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await store.open()
        yield
        await client.close()
        await store.close()

    app = FastAPI(title="Wisdom", version="1.0", lifespan=lifespan)
    drishti.instrument(app, service=SERVICE, exclude=("/healthz",), sink=client)

    async def visitor_of(request: Request, asked: Asked) -> Visitor:
        describe_request(request, user_id=asked.user_id, session_id=asked.session_id)
        return await sessions.visit(asked.user_id, asked.session_id)

    @app.exception_handler(Unavailable)
    async def unavailable(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=503, headers={"Retry-After": "1"})

    @app.post("/api/wisdom")
    async def wisdom(request: Request, question: Question) -> Answered:
        visitor = await visitor_of(request, question)
        answered = await service.answer(visitor, question.query, question.prompt_tokens, min(question.max_tokens, MAX_TOKENS))
        describe_request(request, model=answered.model)
        answer = answered.answer
        return Answered(
            answer_id=answer.id,
            answer=answer.text,
            topic=answer.topic,
            wisdom_score=answer.score,
            model=answered.model,
            cached=answered.model is None,
        )

    @app.post("/api/meditation")
    async def meditation(request: Request, wanted: Meditation) -> Guided:
        visitor = await visitor_of(request, wanted)
        service.require()
        log.info("a meditation of %d minutes begins", wanted.minutes)
        steps = list(guide(wanted.style, wanted.minutes))
        await visitor.tell(
            AnalyticsEventType.MEDITATION_SESSION, style=wanted.style, minutes=wanted.minutes, topic="meditation"
        )
        return Guided(steps=steps)

    @app.post("/api/feedback")
    async def feedback(request: Request, opinion: Opinion) -> Thanks:
        visitor = await visitor_of(request, opinion)
        service.require()
        answer = await store.save_feedback(opinion.answer_id, opinion.satisfaction)
        if answer is None:
            log.warning("feedback for answer %d, which does not exist", opinion.answer_id)
            raise HTTPException(404, "no such answer")
        of = {"topic": answer.topic, "model": answer.model, "prompt_version": answer.prompt_version}
        await visitor.tell(AnalyticsEventType.FEEDBACK, satisfaction=opinion.satisfaction, answer_id=opinion.answer_id, **of)
        return Thanks()

    @app.get("/api/quotes")
    async def quotes(topic: Annotated[str, Query(max_length=32)]) -> list[Saying]:
        service.require()
        return [Saying(id=q.id, topic=q.topic, text=q.text) for q in await store.quotes(topic)]

    @app.get("/api/quotes/{quote_id}")
    async def quote(quote_id: Annotated[int, Path(ge=1, le=1_000_000)]) -> Saying:
        service.require()
        quotation = await store.quote(quote_id)
        if quotation is None:
            raise HTTPException(404, "no such quote")
        return Saying(id=quotation.id, topic=quotation.topic, text=quotation.text)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app
