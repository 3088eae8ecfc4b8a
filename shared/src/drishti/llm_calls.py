"""Calls of language models: a span by the conventions for generative AI, and the event that LLM metrics are drawn from.

::

    with drishti.llm_call(model="gpt-4o", provider="openai") as call:
        call.answer(client.chat.completions.create(model="gpt-4o", messages=messages))

    async with drishti.llm_call(model="claude-sonnet-4-5", provider="anthropic") as call:
        async for piece in call.stream(await client.messages.create(model="claude-sonnet-4-5", stream=True, ...)):
            print(piece)

``answer`` and ``stream`` read tokens, model and finish reason of what the clients of OpenAI, Anthropic, Google, Bedrock and
Ollama return; for others, and to correct what was read, there is ``record``. A stream may be returned out of the block: the
call ends when the stream does, is closed or dropped. As a decorator, ``llm_call`` does all of that with what a function
returns.

One call counts once. Its metrics come from its event, which is sent also where nothing is traced; the span says so by the
attribute ``drishti.llm_call.event``, and so do spans that an instrumentation of the client makes inside the block. Spans
without it count by themselves. Nothing here raises into the application, waits, or holds content of messages.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, TypeVar

import msgspec
from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from drishti.analytics import Analytics, AnalyticsEvent, AnalyticsEventType
from drishti.analytics import analytics as default_analytics
from drishti.messages import attributes as names
from drishti.sdk import llm_responses, recording
from drishti.sdk.llm_responses import Read
from drishti.sdk.traced_results import follow
from drishti.telemetry.spans import WITHIN_LLM_CALL
from drishti.tracing import TracedSpan

__all__ = ["LlmCall", "llm_call"]

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_OPENLLMETRY_SUPPRESSED = "suppress_language_model_instrumentation"
"""By this key of the context OpenLLMetry's instrumentations know that the call is traced already."""

_EXHAUSTED = (StopIteration, StopAsyncIteration)


class LlmCall:
    """One call of a model, from the first attempt to the last piece of its answer."""

    def __init__(
        self,
        *,
        model: str,
        provider: str | None = None,
        operation: str = "chat",
        user_id: str | None = None,
        session_id: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        client: Analytics | None = None,
    ) -> None:
        self._model = str(model)
        self._provider = provider
        self._operation = operation
        self._user_id = user_id
        self._session_id = session_id
        self._attributes = attributes
        self._client = client or default_analytics
        self._reset()

    def _reset(self) -> None:
        self._span = TracedSpan(f"{self._operation} {self._model}", attributes=self._attributes)
        self._span.set_attribute(names.GEN_AI_OPERATION, self._operation).set_attribute(names.GEN_AI_MODEL, self._model)
        self._span.set_attribute(names.GEN_AI_PROVIDER, self._provider)
        self._began = self._left = self._last = 0.0
        self._first: float | None = None
        self._read, self._given = Read(), Read()
        self._cost_usd: float | None = None
        self._retries = self._streams = 0
        self._streamed = self._closed_early = self._ended = False
        self._error: BaseException | str | None = None

    # What the application tells

    def answer(self, response: T) -> T:
        """Reads tokens, model and finish reason of a whole answer; gives it back. One to be awaited is read when it is."""
        if inspect.isawaitable(response):
            awaited: Any = self._awaited(response)
            return awaited  # type: ignore[no-any-return]
        self._look(response)
        return response

    async def _awaited(self, response: Any) -> Any:
        return self.answer(await response)

    def stream(self, response: Any) -> Any:
        """A streamed answer, sync or async, to be iterated in place of ``response``: its pieces are looked at as they pass.

        What else the stream of a client has (``close``, ``with``, attributes) the result has, too.
        """
        self._streamed = True
        streaming = _Streaming(self)
        try:
            if not _is_stream(response):  # a list, say, or what opens a stream by a ``with``
                kind = type(response)
                response = (
                    iter(response) if hasattr(kind, "__iter__") else aiter(response) if hasattr(kind, "__aiter__") else response
                )
        except Exception:
            # Nothing that can be iterated: the caller will see that for itself.
            log.warning("not a stream: %s", type(response).__qualname__)
        return follow(streaming, response)

    def first_token(self) -> None:
        """The first token of the answer is here; later calls change nothing. ``stream`` does this by itself."""
        if self._first is None:
            self._first = time.perf_counter()

    def retry(self, error: BaseException | str | None = None) -> None:
        """An attempt failed, and another one follows."""
        self._retries += 1
        kind = _error_type(error)
        self._span.add_event("drishti.llm_call.retry", {names.ERROR_TYPE: kind} if kind else {})

    def failed(self, error: BaseException | str) -> None:
        """The call failed, though no exception leaves the block."""
        self._error = error

    def record(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        response_model: str | None = None,
        finish_reason: str | None = None,
        cost_usd: float | None = None,
    ) -> None:
        """Sets what is known of the answer; it counts before what is read. ``cost_usd`` counts before the price table."""
        given = Read(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_tokens=cached_tokens,
            cache_write_tokens=cache_write_tokens,
            response_model=response_model,
            finish_reason=finish_reason,
        )
        self._given = _merged(self._given, given)
        self._cost_usd = self._cost_usd if cost_usd is None else cost_usd

    def set_attribute(self, key: str, value: Any) -> LlmCall:
        """As :meth:`drishti.tracing.TracedSpan.set_attribute`."""
        self._span.set_attribute(key, value)
        return self

    # The block

    def __enter__(self) -> LlmCall:
        if self._ended:  # used again
            self._reset()
        self._began = time.perf_counter()
        parent = otel_context.set_value(_OPENLLMETRY_SUPPRESSED, True, otel_context.set_value(WITHIN_LLM_CALL, True))
        if self._span.start(SpanKind.CLIENT, parent):
            self._span.resume()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._span.suspend()
        self._left = time.perf_counter()
        if error is not None or not self._streams:
            self._finish(error)

    async def __aenter__(self) -> LlmCall:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    # The end

    def _stream_ended(self, error: BaseException | None) -> None:
        self._streams -= 1
        if error is None or isinstance(error, GeneratorExit):
            self._closed_early = True
        elif not isinstance(error, _EXHAUSTED):
            self._error = self._error or error
        if self._left and not self._streams:
            # One that is dropped has ended before: with its last piece, or with the block where it was not read further.
            self._finish(None, max(self._left, self._last) if error is None else None)

    def _finish(self, error: BaseException | None, at: float | None = None) -> None:
        if self._ended:
            return
        self._ended = True
        if isinstance(error, GeneratorExit):
            self._closed_early = True
        elif error is not None:
            self._error = error
        # In this order: where the process has to wait in between, the span does not end after what it is about.
        now_ns, now = time.time_ns(), time.perf_counter()
        ended = now if at is None else at
        duration_ms = (ended - self._began) * 1000
        try:
            self._report(round(duration_ms, 3))
        except Exception:
            # An answer is never lost for its own measurement.
            log.warning("a call of a model could not be measured", exc_info=True)
        end_time = None if at is None else now_ns - int((now - ended) * 1e9)
        if isinstance(self._error, str):
            self._span.fail(self._error)
        self._span.end(self._error if isinstance(self._error, BaseException) else None, end_time)

    def _report(self, duration_ms: float) -> None:
        known = _merged(self._read, self._given)
        first_ms = None if self._first is None else round((self._first - self._began) * 1000, 3)
        error = _error_type(self._error)
        facts = {
            "model": self._model,
            "provider": self._provider,
            "operation": self._operation,
            "response_model": known.response_model,
            "input_tokens": known.input_tokens,
            "output_tokens": known.output_tokens,
            "cached_tokens": known.cached_tokens,
            "cache_write_tokens": known.cache_write_tokens,
            "duration_ms": duration_ms,
            "time_to_first_token_ms": first_ms,
            "retries": self._retries or None,
            "cost_usd": self._cost_usd,
            "streamed": self._streamed or None,
            "closed_early": self._closed_early or None,
            "error": error,
        }
        event = AnalyticsEvent(
            event_id=uuid.uuid4().hex,
            event_type=AnalyticsEventType.LLM_CALL,
            user_id=self._user_id,
            session_id=self._session_id,
            data={key: value for key, value in facts.items() if value is not None},
        )
        token = self._span.attach()  # the event belongs to this span
        try:
            sent = self._client.track(event)
        finally:
            self._span.detach(token)
        recording.llm_call(event.data)
        for key, value in {
            names.GEN_AI_RESPONSE_MODEL: known.response_model,
            names.GEN_AI_RESPONSE_ID: known.response_id,
            names.GEN_AI_FINISH_REASONS: [known.finish_reason] if known.finish_reason else None,
            names.GEN_AI_INPUT_TOKENS: known.input_tokens,
            names.GEN_AI_OUTPUT_TOKENS: known.output_tokens,
            names.GEN_AI_CACHED_TOKENS: known.cached_tokens,
            names.GEN_AI_CACHE_WRITE_TOKENS: known.cache_write_tokens,
            names.GEN_AI_TIME_TO_FIRST_CHUNK: None if first_ms is None else first_ms / 1000,
            names.GEN_AI_COST: self._cost_usd,
            names.LLM_CALL_RETRIES: self._retries or None,
            names.LLM_CALL_EVENT: sent or None,
            names.ERROR_TYPE: error,
        }.items():
            self._span.set_attribute(key, value)

    def _look(self, answer: Any) -> None:
        try:
            llm_responses.read(answer, self._read)
        except Exception:
            # An object whose attributes fail: it goes to the application as it is.
            log.warning("an answer of a model could not be read", exc_info=True)

    def _piece(self, piece: Any) -> None:
        self._last = time.perf_counter()
        try:
            if self._first is None and llm_responses.holds_output(piece):
                self.first_token()
            if not isinstance(piece, str | bytes):
                llm_responses.read(piece, self._read)
        except Exception:
            # As in _look().
            log.warning("a piece of an answer could not be read", exc_info=True)

    def _result(self, result: Any) -> Any:
        return self.stream(result) if _is_stream(result) else self.answer(result)

    def __call__(self, function: F) -> F:
        """As a decorator: each call of ``function`` is a call of the model, and what it returns is the answer."""
        options = {
            "model": self._model,
            "provider": self._provider,
            "operation": self._operation,
            "user_id": self._user_id,
            "session_id": self._session_id,
            "attributes": self._attributes,
            "client": self._client,
        }
        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def called(*args: Any, **kwargs: Any) -> Any:
                with LlmCall(**options) as call:  # type: ignore[arg-type]
                    return call._result(await function(*args, **kwargs))

            wrapper = called
        else:

            @functools.wraps(function)
            def called_sync(*args: Any, **kwargs: Any) -> Any:
                with LlmCall(**options) as call:  # type: ignore[arg-type]
                    return call._result(function(*args, **kwargs))

            wrapper = called_sync
        decorated: F = wrapper
        return decorated


llm_call = LlmCall
"""``with llm_call(model=…) as call``, ``async with``, or ``@llm_call(model=…)``."""


class _Streaming:
    """One stream of a call: what :func:`drishti.sdk.traced_results.follow` needs of a span. Ends with the stream, at the latest
    when nobody holds it any more."""

    __slots__ = ("_call", "_ended", "_token")

    def __init__(self, call: LlmCall) -> None:
        self._call = call
        self._ended = False
        self._token: Token[Context] | None = None
        call._streams += 1

    def resume(self) -> None:
        self._token = self._call._span.attach()

    def suspend(self) -> None:
        token, self._token = self._token, None
        self._call._span.detach(token)

    def attach(self) -> Token[Context] | None:
        return self._call._span.attach()

    def detach(self, token: Token[Context] | None) -> None:
        self._call._span.detach(token)

    def received(self, item: Any) -> None:
        self._call._piece(item)

    def end(self, error: BaseException | None = None) -> None:
        if not self._ended:
            self._ended = True
            self._call._stream_ended(error)

    def __del__(self) -> None:
        if not getattr(self, "_ended", True):
            self.end()


def _is_stream(response: Any) -> bool:
    return hasattr(type(response), "__next__") or hasattr(type(response), "__anext__") or inspect.isawaitable(response)


def _error_type(error: BaseException | str | None) -> str | None:
    return type(error).__qualname__ if isinstance(error, BaseException) else error


def _merged(first: Read, over: Read) -> Read:
    return msgspec.structs.replace(first, **{k: v for k, v in msgspec.structs.asdict(over).items() if v is not None})
