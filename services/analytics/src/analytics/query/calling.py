"""The worker behind ``POST /test/trace-context``, for tests of trace propagation alone: it calls the addresses it is given."""

from __future__ import annotations

import asyncio
import http.client
import logging
from urllib.parse import urlsplit, urlunsplit

import msgspec
from faststream.nats import NatsRouter
from faststream.nats.message import NatsMessage
from opentelemetry.trace import SpanKind

from drishti.messages import subjects
from drishti.messages.called_addresses import TRACE_CONTEXT, Call, Called, Calls
from drishti.messages.catalogue import ANALYTICS
from drishti.telemetry import spans, trace_context

log = logging.getLogger(__name__)

CALL_S = 5.0

_decoder = msgspec.json.Decoder(Calls)


def answer_calls(router: NatsRouter) -> None:
    """Adds the question to ``router``. Nothing of a service that people use: whoever asks has it call any address."""

    async def decode(message: NatsMessage) -> Calls:
        return _decoder.decode(message.body)

    @router.subscriber(subjects.query(TRACE_CONTEXT), queue=ANALYTICS, decoder=decode)
    async def trace_context_calls(asked: Calls) -> Called:
        return Called([await _call(call) for call in asked.calls])


async def _call(call: Call) -> int:
    with spans.span("POST", kind=SpanKind.CLIENT):
        headers = {"content-type": "application/json", **trace_context.headers_of()}
        return await asyncio.to_thread(_post, call.url, msgspec.json.encode(call.arguments), headers)


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=CALL_S)
    try:
        connection.request("POST", urlunsplit(("", "", address.path or "/", address.query, "")), body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        log.warning("an address could not be called", extra={"reason": type(error).__name__})
        return 0
    finally:
        connection.close()
