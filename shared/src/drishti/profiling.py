"""How long marked blocks of the application take, in microseconds, beside the span that they are in.

::

    with drishti.profile("tokenise"):
        tokens = tokenise(text)

    @drishti.profile("rank")
    def rank(candidates): ...

Blocks are for what is too short or too frequent for a span of its own. All blocks of one name in one span are one row: how
often they ran, and their sum, least, most and mean, and how much of it was not in blocks within. When the span ends, it
gets an event ``drishti.profile`` for each row. Where no span is recorded, nothing is measured, and a block costs less than
a microsecond.
"""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar

from opentelemetry import trace

from drishti.messages import attributes as names
from drishti.sdk.json_values import text

__all__ = ["profile"]

log = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])

MAX_NAMES = 64
"""Names of blocks that one span keeps apart; those of further ones are added up as :data:`OTHER`."""

OTHER = "(other)"

_lock = threading.Lock()

_ROWS = "_drishti_profile"
_innermost: ContextVar[profile | None] = ContextVar("drishti_profile", default=None)


class _Row:
    """All blocks of one name in one span; nanoseconds."""

    __slots__ = ("count", "least", "most", "total", "within")

    def __init__(self) -> None:
        self.count = self.total = self.within = self.most = 0
        self.least: int | None = None

    def add(self, spent: int, within: int) -> None:
        self.count += 1
        self.total += spent
        self.within += within
        if spent > self.most:
            self.most = spent
        if self.least is None or spent < self.least:
            self.least = spent

    def attributes(self, name: str) -> dict[str, Any]:
        return {
            names.PROFILE_NAME: name,
            names.PROFILE_COUNT: self.count,
            names.PROFILE_TOTAL_US: self.total / 1000,
            names.PROFILE_SELF_US: (self.total - self.within) / 1000,
            names.PROFILE_MIN_US: (self.least or 0) / 1000,
            names.PROFILE_MAX_US: self.most / 1000,
            names.PROFILE_MEAN_US: round(self.total / self.count / 1000, 3),
        }


class profile:
    """A block, as ``with``, ``async with`` or decorator. One object serves one block at a time."""

    __slots__ = ("_began", "_name", "_outer", "_span", "_token", "_within")

    def __new__(cls, name: Any) -> Any:
        if inspect.isroutine(name):  # ``@profile`` without a name
            return cls(name.__qualname__)(name)
        return super().__new__(cls)

    def __init__(self, name: str) -> None:
        self._name = name
        self._span: Any = None

    def __enter__(self) -> profile:
        span = trace.get_current_span()
        if span.is_recording():
            self._span = span
            self._within = 0
            self._outer = _innermost.get()
            self._token: Token[profile | None] = _innermost.set(self)
            self._began = time.perf_counter_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        span = self._span
        if span is None:
            return
        spent = time.perf_counter_ns() - self._began
        self._span = None
        try:
            _innermost.reset(self._token)
        except (ValueError, RuntimeError):
            log.debug("a profiled block ended in another context than it began in")
        if self._outer is not None and self._outer._span is span:
            self._outer._within += spent
        try:
            with _lock:  # threads may be in blocks of one span
                _row(span, self._name).add(spent, self._within)
        except Exception:
            # A span of another kind, or a name that is no text: the block has done its work all the same.
            log.warning("a block could not be profiled", exc_info=True)

    async def __aenter__(self) -> profile:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        name = self._name
        wrapper: Any
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            log.warning("not profiled: %s is a generator, whose steps are its consumer's", function.__qualname__)
            return function
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def profiled(*args: Any, **kwargs: Any) -> Any:
                with profile(name):
                    return await function(*args, **kwargs)

            wrapper = profiled
        else:

            @functools.wraps(function)
            def profiled_sync(*args: Any, **kwargs: Any) -> Any:
                with profile(name):
                    return function(*args, **kwargs)

            wrapper = profiled_sync
        decorated: F = wrapper
        return decorated


def _row(span: Any, name: str) -> _Row:
    rows: dict[str, _Row] | None = vars(span).get(_ROWS)
    if rows is None:
        rows = {}
        setattr(span, _ROWS, rows)
        span.end = functools.partial(_end, span, rows, span.end)
    row = rows.get(name)
    if row is None:
        name = text(str(name))
        if name not in rows and len(rows) >= MAX_NAMES:
            name = OTHER
        row = rows.setdefault(name, _Row())
    return row


def _end(span: Any, rows: dict[str, _Row], end: Callable[..., None], end_time: int | None = None) -> None:
    """Ends ``span`` with its rows: the SDK has no other moment at which they are complete and the span still takes them."""
    del span.end  # of this object: its class's again, without a circle
    try:
        if span.is_recording():
            for name, row in rows.items():
                span.add_event(names.PROFILE_EVENT, row.attributes(name), end_time)
    except Exception:
        # As in __exit__().
        log.warning("profiled blocks could not be added to their span", exc_info=True)
    end(end_time)
