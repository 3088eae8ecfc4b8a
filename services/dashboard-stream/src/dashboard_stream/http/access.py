"""Who may ask: requests come through the gateway, and WebSockets from our own pages.

The gateway checks who asks and says in ``X-Drishti-Tenant`` for whom. Where a secret is set, requests without it in
``X-Drishti-Secret`` are refused (health excepted).
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from drishti.messages.subjects import DEFAULT_TENANT

PREFIX = "/api/dashboard"

_TENANT = re.compile(r"[a-z0-9_-]{1,64}\Z")


def tenant_of(headers: Headers) -> str | None:
    """The tenant that the gateway names; ``None`` where the name is none."""
    tenant = headers.get("x-drishti-tenant", DEFAULT_TENANT)
    return tenant if _TENANT.match(tenant) else None


def origin_allowed(headers: Headers, allowed: tuple[str, ...]) -> bool:
    """Whether the page that asks is ours or an allowed one.

    Browsers send ``Origin`` with every WebSocket and let any page open one, so a foreign page could read the dashboards of
    whoever visits it. No ``Origin``, no browser.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = urlsplit(origin).netloc.lower()
    ours = {headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower()} - {""}
    return bool(host) and (host in ours or host in allowed)


class SecretCheck:
    """Refuses what did not come through the gateway."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"].startswith(PREFIX):
            shown = dict(scope["headers"]).get(b"x-drishti-secret", b"")
            if not hmac.compare_digest(shown, self._secret):
                refusal = PlainTextResponse("Ask the gateway: this port answers it alone.\n", 403)
                if scope["type"] == "websocket":
                    await WebSocket(scope, receive, send).send_denial_response(refusal)
                else:
                    await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
