"""``POST /test/trace-context``, for test suites of W3C Trace Context: a worker behind the bus makes the calls it lists.

There only with ``DRISHTI_TEST_ROUTES=1``: it needs no key, and calls any address.
"""

from __future__ import annotations

import asyncio
import time

import msgspec
from opentelemetry import context as otel_context
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drishti.messages.called_addresses import TRACE_CONTEXT, Call, Calls
from drishti.telemetry import spans, trace_context
from gateway.answers import refusal_content
from gateway.asking import ask
from gateway.errors import Refused
from gateway.json_bodies import sent_json
from gateway.link import Link

PATH = "/test/trace-context"
BODY_BYTES = 64 * 1024
CALLS_S = 30.0
WORKER_S = 4.0
"""How long calls wait for a worker: one that was started together with the gateway is ready after it. The public test suite
itself waits 5 s for an answer."""


class TraceContextRoute:
    """The handler of this path: the body is a list of ``{"url": …, "arguments": …}``; the answer has the status of each."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def answer(self, request: Request) -> Response:
        try:
            calls = Calls(await _calls(request))
            if spans.enabled():
                answer = await self._ask(calls)
            else:
                answer = await self._pass_on(request, calls)
            return Response(answer, media_type="application/json")
        except Refused as refused:
            return JSONResponse(refusal_content(refused), refused.status)

    async def _pass_on(self, request: Request, calls: Calls) -> bytes:
        parent = trace_context.context_of(request.scope["headers"]) or trace_context.new_trace()
        token = otel_context.attach(parent)
        try:
            return await self._ask(calls)
        finally:
            otel_context.detach(token)

    async def _ask(self, calls: Calls) -> bytes:
        end = time.monotonic() + WORKER_S
        while True:
            try:
                return await ask(self._link, TRACE_CONTEXT, calls, CALLS_S)
            except Refused as refused:
                if refused.status != 503 or time.monotonic() > end:
                    raise
            await asyncio.sleep(0.1)


async def _calls(request: Request) -> list[Call]:
    try:
        return msgspec.convert(await sent_json(request, BODY_BYTES), list[Call])
    except msgspec.ValidationError as error:
        raise Refused(400, f"the body must be a list of calls, each with url and arguments: {error}") from None
