"""Two simulated language models and a router that asks the second when the first fails.

A call takes a while to the first token and then some milliseconds for each token, as the models that it stands for do; the
numbers of tokens come from the caller, who has them from recorded traffic. No answer has more than :data:`MAX_TOKENS`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import drishti
from drishti.tracing import trace_dharma_operation
from wisdom.faults import Faults
from wisdom.visitors import Visitor

log = logging.getLogger(__name__)

MAX_TOKENS = 600
CHUNK_TOKENS = 64


class ModelError(Exception):
    """A model did not answer; ``reason`` is one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class NoModelAnswered(Exception):
    """Neither the first model nor the fallback answered."""


@dataclass(frozen=True)
class Model:
    """One simulated model. ``quality`` is the mean score of its answers, 0 to 1; ``failing`` the share of calls that fail."""

    name: str
    first_token_ms: float
    token_ms: float
    quality: float
    failing: float

    @trace_dharma_operation("llm_stream")
    async def stream(self, tokens: int, *, down: bool, faults: Faults, rng: random.Random) -> AsyncGenerator[int, None]:
        """Yields how many tokens came, piece by piece; raises :class:`ModelError` in place of the first piece."""
        jitter = rng.lognormvariate(0.0, 0.15)
        await asyncio.sleep(self.first_token_ms * jitter * faults.slowness / 1000)
        if down or rng.random() < self.failing:
            raise ModelError(rng.choice(("overloaded", "timeout", "rate_limit")))
        for sent in range(0, tokens, CHUNK_TOKENS):
            piece = min(CHUNK_TOKENS, tokens - sent)
            await asyncio.sleep(piece * self.token_ms * jitter * faults.slowness / 1000)
            yield piece


SAGE = Model("sage-large", first_token_ms=80, token_ms=4.0, quality=0.84, failing=0.04)
# The fallback fails far more often than the first model would: most of what fells one provider fells the other.
LOTUS = Model("lotus-small", first_token_ms=40, token_ms=2.5, quality=0.7, failing=0.4)


@dataclass(frozen=True)
class Completion:
    model: Model
    output_tokens: int
    duration_ms: float


class Router:
    """Asks ``models`` one after the other until one answers."""

    def __init__(self, faults: Faults, rng: random.Random, models: Sequence[Model] = (SAGE, LOTUS)) -> None:
        self._faults = faults
        self._rng = rng
        self._models = models

    @trace_dharma_operation("llm_routing")
    async def complete(self, visitor: Visitor, input_tokens: int, output_tokens: int, *, down: bool = False) -> Completion:
        """One completion of ``output_tokens``; ``down`` is the planted outage. Raises :class:`NoModelAnswered`."""
        for model in self._models:
            completion = await self._ask(model, visitor, input_tokens, min(output_tokens, MAX_TOKENS), down)
            if completion is not None:
                return completion
        log.error("no model answered a question of %d tokens", input_tokens)
        raise NoModelAnswered

    async def _ask(
        self, model: Model, visitor: Visitor, input_tokens: int, output_tokens: int, down: bool
    ) -> Completion | None:
        began = time.perf_counter()
        came, failed = 0, False
        async with drishti.llm_call(
            model=model.name,
            provider="simulated",
            user_id=visitor.user_id,
            session_id=visitor.session_id,
            client=visitor.analytics,
        ) as call:
            try:
                stream = model.stream(output_tokens, down=down, faults=self._faults, rng=self._rng)
                async for piece in call.stream(stream):
                    came += piece
            except ModelError as error:
                failed = True
                call.failed(error.reason)
                log.warning("model %s did not answer: %s", model.name, error.reason)
            call.record(input_tokens=input_tokens, output_tokens=came)
        duration_ms = (time.perf_counter() - began) * 1000
        return Completion(model, came, duration_ms) if not failed else None
