"""What every question gets: an answer or a typed failure, within a time limit, in the trace of the question.

The header ``Drishti-Status`` tells the answer (``ok``) from a :class:`QueryFailure` (``error``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from faststream import BaseMiddleware, StreamMessage
from faststream.nats import NatsResponse
from opentelemetry.trace import SpanKind

from analytics.errors import DatabaseAway, StatementTimeout
from analytics.overflow import Overflows
from analytics.query.sessions import QUESTION_S
from analytics.query.tenant_semaphore import TooManyWaiting
from drishti.errors import QueryError
from drishti.events import UNDECODABLE, QueryFailure, encode, invalid_payload
from drishti.messages import attributes
from drishti.telemetry import spans

log = logging.getLogger(__name__)

STATUS = "Drishti-Status"

MAX_BYTES = 1_000_000
"""Of an answer: NATS takes messages of a megabyte, their headers included."""


def reply_middleware(overflows: Overflows) -> Callable[..., BaseMiddleware]:
    """The middleware of all questions, for a FastStream router."""

    class Replies(BaseMiddleware):
        async def consume_scope(
            self, call_next: Callable[[StreamMessage[Any]], Awaitable[Any]], msg: StreamMessage[Any]
        ) -> NatsResponse:
            parent = spans.of_service(msg.headers.get("traceparent"), msg.headers.get("tracestate"))
            if parent is None:
                return await reply(call_next(msg), overflows)
            about = {
                attributes.MESSAGING_SYSTEM: attributes.NATS,
                attributes.MESSAGING_DESTINATION: msg.raw_message.subject,
                attributes.MESSAGING_OPERATION_TYPE: "process",
                **_about_tenant(msg.body),
            }
            with spans.span("answer query", kind=SpanKind.SERVER, parent=parent, attributes=about):
                return await reply(call_next(msg), overflows)

    return Replies


class _OfTenant(msgspec.Struct):
    """What every question says."""

    tenant: str = ""


_of_tenant = msgspec.json.Decoder(_OfTenant)


def _about_tenant(question: bytes) -> dict[str, str]:
    """Whose the span of an answer is."""
    with contextlib.suppress(*UNDECODABLE):  # the question itself is refused for it, with the reason
        if tenant := _of_tenant.decode(question).tenant:
            return {attributes.TENANT: tenant}
    return {}


async def reply(answering: Awaitable[Any], overflows: Overflows) -> NatsResponse:
    """The reply that carries the result of ``answering``, or the failure that it raises. Raises nothing itself."""
    try:
        async with asyncio.timeout(QUESTION_S):
            payload = encode(await answering)
        if len(payload) > MAX_BYTES:
            raise QueryError(
                f"the answer has {len(payload)} bytes, more than {MAX_BYTES}: ask for a shorter range, a coarser resolution, "
                "or fewer groups",
                field="resolution",
            )
        return NatsResponse(payload, headers={STATUS: "ok"})
    except Exception as error:
        return NatsResponse(encode(_failure(error, overflows)), headers={STATUS: "error"})


def _failure(error: Exception, overflows: Overflows) -> QueryFailure:
    match error:
        case msgspec_error if isinstance(msgspec_error, UNDECODABLE):
            wrong = invalid_payload(msgspec_error)
            return QueryFailure(code="invalid", error=wrong.error, field=wrong.field)
        case QueryError():
            return QueryFailure(
                code=error.code,
                error=str(error),
                field=error.field,
                character=error.character,
                length=error.length,
                nearest=error.nearest,
            )
        case TooManyWaiting():
            overflows.note("questions", 1, tenant=error.tenant)
            return QueryFailure(code="unavailable", error="too many questions of this tenant wait: ask fewer at once")
        case TimeoutError() | StatementTimeout():
            error_text = "the question takes too long: ask for a shorter range, a coarser resolution, or less at once"
            return QueryFailure(code="timeout", error=error_text)
        case DatabaseAway():
            log.warning("question not answered", extra={"reason": str(error)})
            return QueryFailure(code="unavailable", error="the database does not answer at the moment")
    # A bug: the client learns that there is no answer, the log has the traceback.
    log.error("question failed", exc_info=error)
    return QueryFailure(code="unavailable", error="the question could not be answered: see the log of analytics")
