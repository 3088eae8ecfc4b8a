"""The reference for the gateway: an endpoint that does nothing but await one JetStream publish of the body it got.

No key, no validation, no limits, no dedupe, no record of the request; the server and its settings are the gateway's own.
``python -m benchmarks.bare``; ``BARE_PORT``, and NATS as every service gets it.
"""

from __future__ import annotations

import asyncio
import os

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


async def _serve(settings: BusSettings, stop: asyncio.Event) -> None:
    connection = await nats.connect(
        settings.url,
        user=settings.user,
        password=settings.password.reveal(),
        inbox_prefix=f"_INBOX_{settings.user}",
    )
    js = connection.jetstream()
    subject = subjects.events("default", EVENT_TYPE)

    async def publish(request: Request) -> Response:
        await js.publish(subject, await request.body())
        return Response(b'{"ok":true}', 202, media_type="application/json")

    app = Starlette(routes=[Route(PATH, publish, methods=["POST"])])
    await lifecycle.serve_http(app, host="127.0.0.1", port=int(os.environ["BARE_PORT"]), stop=stop)
    await connection.close()


if __name__ == "__main__":
    lifecycle.run(_serve, BusSettings, name="bare", about=__doc__)
