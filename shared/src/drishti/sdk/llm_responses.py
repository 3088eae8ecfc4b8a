"""What the answers of language models say about themselves, whichever client brings them: tokens, model, why it ended. Pure.

Known are the shapes of OpenAI (chat completions, responses), Anthropic (messages), Google, Bedrock and Ollama, whole and in
pieces of a stream, as objects or as dictionaries, and all others that use the same names. What is not known reads as nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Read(msgspec.Struct, omit_defaults=True):
    """What an answer, or pieces of one so far, told."""

    input_tokens: int | None = None
    """Of the whole prompt, with what came from a cache."""

    output_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the input tokens, those that were read from a cache; ``cache_write_tokens`` are those that were written to one."""

    cache_write_tokens: int | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None


_INPUT = ("input_tokens", "prompt_tokens", "prompt_token_count", "promptTokenCount", "inputTokens", "prompt_eval_count")
_OUTPUT = (
    "output_tokens", "completion_tokens", "candidates_token_count", "candidatesTokenCount", "outputTokens", "eval_count",
)  # fmt: skip
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")
"""Where input tokens are those alone that came from no cache."""

_USAGES = ("usage", "usage_metadata", "usageMetadata")
_CACHED = (("prompt_tokens_details", "cached_tokens"), ("input_tokens_details", "cached_tokens"))
_MODELS = ("model", "model_version", "modelVersion")
_ENVELOPES = ("message", "response")
"""Where a piece of a stream holds the answer itself."""

_NO_OUTPUT = frozenset(
    {"message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop", "ping"}
    | {"response.created", "response.in_progress", "response.queued", "response.output_item.added"}
    | {"response.content_part.added"}
)
"""Types of pieces that hold no token of the answer."""


def read(answer: Any, into: Read) -> None:
    """Adds what ``answer``, or a piece of it, says to ``into``."""
    if answer is None or isinstance(answer, str | bytes | int | float):
        return
    for envelope in _ENVELOPES:
        within = _get(answer, envelope)
        if within is not None and _usage(within) is not None:
            read(within, into)
    usage = _usage(answer)
    _read_tokens(answer if usage is None else usage, into)
    into.response_model = next((model for name in _MODELS if (model := _text(_get(answer, name)))), into.response_model)
    into.response_id = _text(_get(answer, "id")) or into.response_id
    into.finish_reason = _finish_reason(answer) or into.finish_reason


def holds_output(piece: Any) -> bool:
    """Whether a piece of a stream holds something of the answer; the first pieces of some clients hold none."""
    if isinstance(piece, str | bytes):
        return bool(piece)
    if _text(_get(piece, "type")) in _NO_OUTPUT:
        return False
    choices = _get(piece, "choices")
    if not isinstance(choices, list):
        return True
    deltas = [_get(choice, "delta") or choice for choice in choices]
    said = (_get(delta, name) for delta in deltas for name in ("content", "text", "tool_calls", "reasoning_content", "refusal"))
    return any(said)


def _read_tokens(usage: Any, into: Read) -> None:
    given = _first_count(usage, _INPUT)
    if given is not None:
        beside = [count for name in _BESIDE_INPUT if (count := _count(_get(usage, name))) is not None]
        into.input_tokens = given + sum(beside)
    into.output_tokens = _first_count(usage, _OUTPUT) if _first_count(usage, _OUTPUT) is not None else into.output_tokens
    written = _count(_get(usage, _BESIDE_INPUT[1]))
    into.cache_write_tokens = into.cache_write_tokens if written is None else written
    cached = [_count(_get(_get(usage, outer), inner)) for outer, inner in _CACHED] + [_count(_get(usage, _BESIDE_INPUT[0]))]
    into.cached_tokens = next((count for count in cached if count is not None), into.cached_tokens)


def _usage(answer: Any) -> Any:
    return next((usage for name in _USAGES if (usage := _get(answer, name)) is not None), None)


def _finish_reason(answer: Any) -> str | None:
    direct = _text(_get(answer, "stop_reason")) or _text(_get(_get(answer, "delta"), "stop_reason"))
    if direct:
        return direct
    for name in ("choices", "candidates"):
        choices = _get(answer, name)
        for choice in choices if isinstance(choices, list) else ():
            reason = _get(choice, "finish_reason")
            if found := _text(reason) or _text(_get(reason, "name")):
                return found
    return None


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _first_count(holder: Any, names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := _count(_get(holder, name))) is not None), None)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _text(value: Any) -> str | None:
    return str(value)[:256] if isinstance(value, str) and value else None
