"""The attributes of Langfuse's SDKs, whose amounts are objects of JSON and whose moments are texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from analytics.rollup.observations import number
from analytics.spans.span import Attributes, Span

TYPE = "langfuse.observation.type"
USAGE = "langfuse.observation.usage_details"
COST = "langfuse.observation.cost_details"
ANSWER_BEGUN = "langfuse.observation.completion_start_time"

CALLS = frozenset({"generation", "embedding"})
"""Types of observations that are calls of a model."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Usage(NamedTuple):
    """Tokens, all of those that were read and written; ``None`` is what is not known."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    cached_tokens: float | None = None
    cache_write_tokens: float | None = None
    reasoning_tokens: float | None = None


def usage_of(attributes: Attributes) -> Usage:
    """What an observation used: in the provider's words (``prompt_tokens``, with the cached ones among them), or in those of
    Langfuse, whose parts (``input``, ``input_cached_tokens``) are apart from each other."""
    given = _amounts(attributes.get(USAGE))
    if not given:
        return Usage()
    if "prompt_tokens" in given or "completion_tokens" in given:
        return Usage(
            given.get("prompt_tokens"),
            given.get("completion_tokens"),
            given.get("prompt_tokens_details.cached_tokens"),
            None,
            given.get("completion_tokens_details.reasoning_tokens"),
        )
    parts: dict[str, float] = {}
    for name, amount in given.items():
        if name == "total":
            continue
        side = "output" if name.startswith("output") else "input" if name.startswith(("input", "cache")) else None
        if side is not None:
            parts[side] = parts.get(side, 0.0) + amount
        kind = "reasoning" if "reasoning" in name else "write" if "creation" in name else "cached" if "cache" in name else None
        if kind is not None:
            parts[kind] = parts.get(kind, 0.0) + amount
    return Usage(*(parts.get(name) for name in ("input", "output", "cached", "write", "reasoning")))


def cost_usd(attributes: Attributes) -> float | None:
    """What an observation says that it cost."""
    given = _amounts(attributes.get(COST))
    if not given:
        return None
    return given["total"] if "total" in given else sum(given.values())


def first_token_ms(span: Span) -> float | None:
    """From the start of an observation to the first part of its answer."""
    said = span.attributes.get(ANSWER_BEGUN)
    if type(said) is not str:
        return None
    try:
        at = datetime.fromisoformat(said.strip('"'))
    except ValueError:
        return None
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) / 1000 - span.start_ns / 1e6


def _amounts(said: Any) -> dict[str, float]:
    """The amounts of an object, or of one as JSON; those of objects inside by both names with a dot between."""
    if type(said) is str:
        try:
            said = msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError):
            return {}
    if not isinstance(said, Mapping):
        return {}
    found: dict[str, float] = {}
    for name, value in said.items():
        inner = value.items() if isinstance(value, Mapping) else (("", value),)
        for below, amount in inner:
            known = number(amount)
            if known is not None and known >= 0:
                found[f"{name}.{below}" if below else str(name)] = known
    return found
