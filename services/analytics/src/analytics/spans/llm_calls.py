"""Calls to language models, and what they come to in metrics; whether a span or an event tells of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from analytics.rollup.observations import Observations, Series


class LlmCall(Struct, frozen=True, gc=False, kw_only=True):
    """One call; ``None`` is what is not known. ``model`` is the label that it counts under.

    ``input_tokens`` are all of them: those read from a cache (``cached_tokens``) and those written to one
    (``cache_write_tokens``) among them. ``output_tokens`` have the ``reasoning_tokens`` among them. ``cost_usd`` is in US
    dollars."""

    model: str
    failed: bool = False
    duration_ms: float | None = None
    first_token_ms: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    cached_tokens: float | None = None
    cache_write_tokens: float | None = None
    reasoning_tokens: float | None = None
    cost_usd: float | None = None

    @property
    def per_output_token_ms(self) -> float | None:
        """Milliseconds for each token of the answer after the first, ``(duration - time to first token) / (tokens - 1)``; for
        each token where the time of the first one is not known. ``None`` of a call that failed or wrote nothing.

        As ``gen_ai.server.time_per_output_token`` of the OpenTelemetry semantic conventions for generative AI.
        """
        tokens, duration, first = self.output_tokens, self.duration_ms, self.first_token_ms
        if duration is None or tokens is None or tokens < 1 or self.failed:
            return None
        if first is None or first > duration or tokens < 2:
            return duration / tokens
        return (duration - first) / (tokens - 1)


def observe_calls(
    calls: Iterable[LlmCall], observations: Observations, tenant: str, second: int, exemplar: str | None = None
) -> None:
    """Calls of one second: how many, how long, how many tokens, what they cost."""
    models: defaultdict[str, list[LlmCall]] = defaultdict(list)
    for call in calls:
        models[call.model].append(call)

    def series(metric: str, *labels: str) -> Series:
        return Series(tenant, metric, labels, second)

    for model, those in models.items():
        errors = sum(call.failed for call in those)
        observations.count(series("llm_requests", model), len(those), errors=errors, exemplar=exemplar)
        timed = [call for call in those if call.duration_ms is not None]
        durations = [call.duration_ms for call in timed if call.duration_ms is not None]
        errors = sum(call.failed for call in timed)
        observations.values(series("llm_duration_ms", model), durations, errors=errors, exemplar=exemplar)
        for metric, values in (
            ("llm_time_to_first_token_ms", [call.first_token_ms for call in timed if _is_within(call)]),
            ("llm_time_per_output_token_ms", [call.per_output_token_ms for call in timed]),
            ("llm_cost_usd", [call.cost_usd for call in those]),
        ):
            known = [value for value in values if value is not None]
            observations.values(series(metric, model), known, exemplar=exemplar)
        for direction, amounts in (
            ("input", [call.input_tokens for call in those]),
            ("output", [call.output_tokens for call in those]),
        ):
            tokens = [amount for amount in amounts if amount is not None]
            observations.values(series("llm_tokens", model, direction), tokens, exemplar=exemplar)


def _is_within(call: LlmCall) -> bool:
    """Whether the first token came before the end."""
    return call.first_token_ms is not None and call.duration_ms is not None and call.first_token_ms <= call.duration_ms
