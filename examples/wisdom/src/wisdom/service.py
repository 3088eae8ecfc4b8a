"""The application's own work: from a question to an answer, and a meditation step by step."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from drishti.analytics import AnalyticsEventType
from drishti.tracing import DharmaSpan, trace_dharma_operation
from wisdom.cache import TtlCache
from wisdom.conversations import Conversations, follows
from wisdom.faults import Faults
from wisdom.library import topic_of
from wisdom.llm import Completion, NoModelAnswered, Router
from wisdom.store import Answer, Store
from wisdom.visitors import Visitor

log = logging.getLogger(__name__)

CACHE_TTL_S = 30.0
"""With the recorded traffic some 40 % of the questions are answered from the cache then."""

RETRIEVAL_MS = 18.0

PROMPT_QUALITY = {"v1": 0.0, "v2": 0.05}
"""The two versions of the prompt that are compared, each for half of the users, and what they add to a model's quality."""


class Unavailable(Exception):
    """What lies behind the application does not answer; the user may try again."""


@dataclass(frozen=True)
class Wisdom:
    """An answer as the user gets it. ``model`` is ``None`` where the cache had it."""

    answer: Answer
    model: str | None


class WisdomService:
    """Answers questions. One instance serves all requests."""

    def __init__(self, store: Store, router: Router, faults: Faults, rng: random.Random) -> None:
        self._store = store
        self._router = router
        self._faults = faults
        self._rng = rng
        self._cache: TtlCache[Answer] = TtlCache(CACHE_TTL_S)
        self._conversations = Conversations()

    @trace_dharma_operation("wisdom_generation")
    async def answer(self, visitor: Visitor, question: str, input_tokens: int, output_tokens: int) -> Wisdom:
        """The answer to ``question`` in ``output_tokens``; raises :class:`Unavailable`."""
        began = time.perf_counter()
        topic = topic_of(question)
        version = prompt_version(visitor.user_id)
        asked = self._conversations.ask(visitor.user_id, question, datetime.now(UTC))
        await visitor.tell(
            AnalyticsEventType.DHARMA_QUERY,
            query=question,
            topic=topic,
            follow_up=asked.follow_up,
            repeat=asked.repeat,
            prompt_version=version,
            **follows(asked),
        )
        sources = await self._retrieve(topic)
        down = self._faults.fails()
        # Longer conversations get longer answers, so the length stands for the context that an answer depends on.
        key = f"{question}/{output_tokens // 24}"
        cached = None if down else self._cache.get(key)
        await visitor.tell(AnalyticsEventType.CACHE_ACCESS, cache="answers", hit=cached is not None)
        if cached is not None:
            return Wisdom(cached, None)
        try:
            completion = await self._router.complete(visitor, input_tokens, output_tokens, down=down)
        except NoModelAnswered:
            await visitor.tell(AnalyticsEventType.ERROR, error="no_model_answered", topic=topic, duration_ms=_since_ms(began))
            raise Unavailable("no model answered") from None
        answer = await self._store.save_answer(
            Answer(
                user_id=visitor.user_id,
                question=question,
                text=" ".join(sources),
                topic=topic,
                score=self._score(completion, topic, version),
                model=completion.model.name,
                prompt_version=version,
            )
        )
        self._cache.put(key, answer)
        self._conversations.answered(visitor.user_id, completion.model.name)
        await visitor.tell(
            AnalyticsEventType.WISDOM_GENERATED,
            wisdom_score=answer.score,
            topic=topic,
            model=completion.model.name,
            prompt_version=version,
            duration_ms=_since_ms(began),
        )
        return Wisdom(answer, completion.model.name)

    def require(self) -> None:
        """Raises :class:`Unavailable` when the planted outage meets a request that needs no model."""
        if self._faults.fails():
            log.error("the database does not answer")
            raise Unavailable("the database does not answer")

    async def _retrieve(self, topic: str) -> list[str]:
        with DharmaSpan("wisdom_retrieval", operation_type="retrieval", attributes={"wisdom.topic": topic}) as span:
            await asyncio.sleep(RETRIEVAL_MS * self._rng.lognormvariate(0, 0.4) * self._faults.slowness / 1000)
            texts = [quote.text for quote in await self._store.quotes(topic)]
            span.set_attribute("wisdom.sources", len(texts))
            return texts

    def _score(self, completion: Completion, topic: str, version: str) -> float:
        with DharmaSpan("wisdom_scoring", operation_type="evaluation", attributes={"wisdom.topic": topic}):
            quality = completion.model.quality + PROMPT_QUALITY[version]
            return round(self._rng.betavariate(quality * 20, (1 - quality) * 20), 3)


def prompt_version(user_id: str) -> str:
    """The version of the prompt for this user, always the same."""
    return "v2" if zlib.crc32(user_id.encode()) % 2 else "v1"


def _since_ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


@trace_dharma_operation("meditation_guidance", operation_type="meditation")
def guide(style: str, minutes: int) -> Iterator[str]:
    """The steps of a guided meditation."""
    yield "Sit comfortably and close your eyes."
    yield {"breath": "Follow the breath.", "body": "Let attention travel from the feet up."}.get(style, "Wish yourself well.")
    for minute in range(5, minutes, 5):
        yield f"Minute {minute}: where is your mind? Bring it back kindly."
    yield "Open your eyes."
