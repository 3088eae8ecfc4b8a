"""The reference for the gateway: an endpoint that does nothing but await one JetStream publish of the body it got.

No key, no validation, no limits, no dedupe, no record of the request; the server and its settings are the gateway's own.
``python -m benchmarks.bare``; ``BARE_PORT``, ``BARE_SUBJECT``, and NATS as every service gets it. With
``BARE_GRPC_PORT`` gRPC's own server does the same for each call of OTLP's ``TraceService`` beside.
"""

from __future__ import annotations

import asyncio
import os

import grpc
import grpc.aio
import nats
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.load import EVENT_TYPE
from drishti.messages import subjects
from drishti.service import lifecycle
from drishti.settings import BusSettings

PATH = "/publish"
GRPC_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


async def _serve(settings: BusSettings, stop: asyncio.Event) -> None:
    connection = await nats.connect(
        settings.url,
        user=settings.user,
        password=settings.password.reveal(),
        inbox_prefix=f"_INBOX_{settings.user}",
    )
    js = connection.jetstream()
    subject = os.environ.get("BARE_SUBJECT") or subjects.events("default", EVENT_TYPE)

    async def publish(request: Request) -> Response:
        await js.publish(subject, await request.body())
        return Response(b'{"ok":true}', 202, media_type="application/json")

    async def export(request: bytes, _context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await js.publish(subject, request)
        return b""

    server = grpc.aio.server()
    if grpc_port := os.environ.get("BARE_GRPC_PORT"):
        handlers = {"Export": grpc.unary_unary_rpc_method_handler(export)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(GRPC_SERVICE, handlers),))
        server.add_insecure_port(f"127.0.0.1:{grpc_port}")
        await server.start()
    app = Starlette(routes=[Route(PATH, publish, methods=["POST"])])
    await lifecycle.serve_http(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), stop=stop)
    await server.stop(None)
    await connection.close()


if __name__ == "__main__":
    lifecycle.run(_serve, BusSettings, name="bare", about=__doc__)
