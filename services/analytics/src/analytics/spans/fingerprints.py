"""Errors of spans, and the fingerprint by which equal ones are known: type, frames and message template. Pure.

What is an error
----------------
A span has an error (:func:`error_of`) where its status is an error, or where its status is unset and it has an exception that
it recorded, an ``error.type``, an HTTP status of 500 and more, or a status of gRPC that means the server's fault. A span whose
status is OK has none, whatever else it has. A span has one error at most: of several exceptions the last one, which is what
ended it; those before were handled.

What is the same error
----------------------
:attr:`SpanError.fingerprint` is made of the service, the type, the innermost :data:`FRAMES` frames that are in the application
(of any, where none is), and the template of the message. Type, frames and message are those of the **root cause**
(:mod:`analytics.spans.stack_traces.reading`): the same failure is often wrapped by many. Where nothing but a status says what
was wrong, the operation is part of it too. It is the same in every process and release.

Which spans of a trace are errors is said by :mod:`analytics.spans.failures`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from msgspec import Struct

from analytics.message_templates import template_of
from analytics.spans import conventions
from analytics.spans.otlp import STACK_TRACE
from analytics.spans.span import Attributes, Span, SpanKind, Status
from analytics.spans.stack_traces import reading
from analytics.spans.stack_traces.frames import Frame

FRAMES = 3
"""Frames of the application that distinguish errors. Further ones say who called, and routes are distinguished elsewhere."""

MAX_MESSAGE = 1_000
"""Characters of a message that are kept, and that its template is made of."""

MAX_TYPE = 200
MAX_TITLE = 200

GRPC_CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""Names of gRPC's status codes, by number."""

_GRPC_SERVER_ERRORS = frozenset((2, 4, 12, 13, 14, 15))
"""The codes that are an error of the server, by the semantic conventions; every code but 0 is one for a client."""

_GRPC_STATUS = ("rpc.grpc.status_code", "rpc.response.status_code")
_ESCAPED = "exception.escaped"
_MESSAGE = "exception.message"


_OF_EXCEPTIONS = frozenset((_MESSAGE, STACK_TRACE, conventions.EXCEPTION_TYPE))
_ASGI_EVENT = "asgi.event.type"
_TELLING = frozenset(("error.type", *_OF_EXCEPTIONS, *conventions.HTTP_STATUS, *_GRPC_STATUS))
"""Attributes without any of which no span fails whose status is unset."""


class SpanError(Struct, frozen=True, gc=False, kw_only=True):
    """What went wrong in a span.

    ``type`` and ``message`` are the root cause's; ``raised_as`` is the type of the exception that left the span where that is
    another. ``frames`` are all of the root cause's, the innermost first. ``handled``: the exception was recorded and the
    operation did not fail. ``at_ns`` is when it was recorded, or the end of the span. ``place`` is the fingerprint without the
    message."""

    service: str
    operation: str
    type: str
    message: str
    template: str
    raised_as: str = ""
    frames: tuple[Frame, ...] = ()
    handled: bool = False
    at_ns: int
    fingerprint: bytes
    place: bytes

    @property
    def id(self) -> str:
        """The fingerprint as addresses have it: 16 hexadecimal digits."""
        return self.fingerprint.hex()

    @property
    def title(self) -> str:
        """One line for people."""
        # Where a program sends no messages, the type stands in their place.
        says_more = self.template not in ("", self.type, self.type.rpartition(".")[2])
        return shortened(f"{self.type}: {self.template}" if says_more else self.type, MAX_TITLE)

    @property
    def culprit(self) -> str:
        """Where it comes from: the innermost frame of the application, else the operation."""
        return next((str(frame) for frame in self.frames if frame.in_app), self.operation)


def error_of(span: Span) -> SpanError | None:
    """The error that ``span`` has, its children left aside."""
    if span.status is Status.OK:
        return None
    failed = span.status is Status.ERROR
    exception = None
    for event in reversed(span.events):
        if event.name == conventions.EXCEPTION_EVENT:
            exception = event
            break
    code, named = _status_error(span)
    if exception is not None:
        handled = not failed and not code and exception.attributes.get(_ESCAPED) not in (True, "true", "True")
        return _of_exception(
            span, exception.attributes, min(max(exception.time_ns, span.start_ns), span.end_ns), handled=handled
        )
    if not _OF_EXCEPTIONS.isdisjoint(span.attributes):
        return _of_exception(span, span.attributes, span.end_ns, handled=False)
    if not failed and not code:
        return None
    if not named and not span.status_message and _writes_an_answer(span):
        return None
    return _error(span, named or code or "error", span.status_message, (), at_ns=span.end_ns, by_status=not named)


def has_error(span: Span) -> bool:
    """Whether :func:`error_of` would find one, at the least cost: most spans have none."""
    if span.status is Status.OK:
        return False
    if span.status is Status.ERROR:
        return True
    if span.events and any(event.name == conventions.EXCEPTION_EVENT for event in span.events):
        return True
    return tells_error(span) if span.derived is None else span.derived.tells_error


def tells_error(span: Span) -> bool:
    """Whether attributes alone say that ``span`` failed, where its status says nothing."""
    attributes = span.attributes
    for name in _TELLING:
        if name in attributes:
            return bool(_status_error(span)[0]) or any(name in attributes for name in _OF_EXCEPTIONS)
    return False


def shortened(text: str, most: int) -> str:
    """``text`` on one line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _status_error(span: Span) -> tuple[str, str]:
    """What attributes call the failure, ``""`` where they say none; and the type that is more than a status of a protocol."""
    attributes: Attributes = span.attributes
    if not attributes:
        return "", ""
    named = conventions.text(attributes, ("error.type",)) or ""
    if named.isdigit() or named in GRPC_CODES or named == "_OTHER":
        named = ""
    code = conventions.http_status(attributes)
    if code is not None and code >= 500:
        return f"HTTP {code}", named
    grpc = _grpc_code(attributes)
    if grpc and (span.kind is not SpanKind.SERVER or grpc in _GRPC_SERVER_ERRORS):
        return f"gRPC {GRPC_CODES[grpc]}", named
    if code is not None and code >= 400:  # a client's fault, which becomes an error by the status of the span alone
        return (f"HTTP {code}" if span.status is Status.ERROR else ""), named
    return named, named


def _writes_an_answer(span: Span) -> bool:
    """Whether ``span`` only sends the answer of a request, as ASGI's instrumentation has one for each. Its status is that
    of the request, whose own span has it, too."""
    return span.kind is SpanKind.INTERNAL and _ASGI_EVENT in span.attributes


def _grpc_code(attributes: Attributes) -> int | None:
    if _GRPC_STATUS[0] not in attributes and _GRPC_STATUS[1] not in attributes:
        return None  # as nearly always
    code = conventions.whole(attributes, _GRPC_STATUS)
    if code is None:
        said = conventions.text(attributes, _GRPC_STATUS)
        code = GRPC_CODES.index(said) if said in GRPC_CODES else None
    return code if code is not None and 0 <= code < len(GRPC_CODES) else None


def _of_exception(span: Span, attributes: Attributes, at_ns: int, *, handled: bool) -> SpanError:
    kind = _text(attributes.get(conventions.EXCEPTION_TYPE))
    message = _text(attributes.get(_MESSAGE))
    frames: tuple[Frame, ...] = ()
    raised_as = ""
    chain = reading.read(_text(attributes.get(STACK_TRACE)))
    if chain:
        root = chain[0]
        frames = root.frames
        if len(chain) > 1 and root.type:
            raised_as, kind, message = kind or chain[-1].type, root.type, root.message
        else:
            kind, message = kind or root.type, message or root.message
    if kind == raised_as:
        raised_as = ""
    kind = kind or conventions.text(span.attributes, ("error.type",)) or "error"
    message = message or span.status_message
    return _error(span, kind, message, frames, at_ns=at_ns, raised_as=raised_as, handled=handled)


def _error(
    span: Span,
    kind: str,
    message: str,
    frames: tuple[Frame, ...],
    *,
    at_ns: int,
    raised_as: str = "",
    handled: bool = False,
    by_status: bool = False,
) -> SpanError:
    kind = _type(kind)
    message = message[:MAX_MESSAGE].strip()
    form = _template(message)
    named = [frame for frame in frames if frame.in_app] or list(frames)
    parts = [span.service, kind, *(str(frame) for frame in named[:FRAMES])]
    if by_status:
        parts.append(span.operation)
    place = _digest(parts)
    return SpanError(
        service=span.service,
        operation=span.operation,
        type=kind,
        message=message,
        template=form,
        raised_as=_type(raised_as),
        frames=frames,
        handled=handled,
        at_ns=at_ns,
        fingerprint=_digest([*parts, "", form]),
        place=place,
    )


def _template(message: str) -> str:
    """As that of a log line; but hosts do not matter, nor what is between backquotes, and statuses of HTTP do."""
    plain = _BACKQUOTED.sub("'value'", message) if "`" in message else message
    form = template_of(_HOST.sub(_ANY_HOST, plain) if "." in plain else plain).text
    for said in _HTTP_STATUS.finditer(message):
        form = form.replace(f"{said[1]}<*>", said[0], 1)
    return form


def _digest(parts: list[str]) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=8).digest()


_BACKQUOTED = re.compile(r"`[^`\n]{0,200}`")
_HOST = re.compile(
    r"(?<![\w.@/-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}"
    r"(?:com|net|org|io|cloud|local|internal|lan|example)"
    r"(?::\d{1,5})?(?![\w(-]|\.\w)"
)
_ANY_HOST = "0.0.0.0"  # noqa: S104 - masked as any address
_HTTP_STATUS = re.compile(r"((?<!\w)(?:[sS]tatus(?: code)?|HTTP(?: status)?|[eE]rror code|code)(?:: ?|=| ))[1-5]\d\d(?![\w.])")


_CLASS = re.compile(r"<class '([^']+)'>")
_GENERATED = re.compile(r"(?:\$\$Lambda|\$\d+|0x[0-9a-fA-F]+|\[T?[A-Z]?\w*\]|`\d+).*")


def _type(kind: str) -> str:
    """The name of a type without what differs from one object or build to another."""
    kind = kind[: 4 * MAX_TYPE].strip()
    if match := _CLASS.match(kind):
        kind = match[1]
    kind = kind.removeprefix("builtins.")
    return shortened(_GENERATED.sub("", kind) or kind, MAX_TYPE)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
