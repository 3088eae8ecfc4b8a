"""How the gateway and the bus are set up, for people: what streams keep for how long, and the limits of a tenant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import drishti
from drishti.bus.key_ring import KeyRing
from drishti.measures.effective import MAX_DEFINITIONS
from drishti.measures.registry import MetricRegistry
from drishti.messages import catalogue
from drishti.messages.installation import Limit, Retention, ServiceSetup
from drishti.settings import variable
from gateway.access.admission import Admit
from gateway.administration.keys import MOST
from gateway.answers import refusal_content, refusal_headers
from gateway.errors import Refused
from gateway.settings import GatewaySettings

PREFIX, PAGES = "/api/analytics/setup/gateway", "/api/dashboard/analytics/setup/gateway"

_LIMITS = {
    "events_per_s": "Events per second of one API key",
    "events": "Events in one request",
    "body_bytes": "Bytes of one request with events",
    "otlp_body_bytes": "Bytes of one OTLP request",
}

Check = Callable[[], Awaitable[dict[str, str]]]
"""What does not answer, by name, with the reason."""


class GatewaySetup:
    """What the gateway knows of its setup. ``check``: what it depends on."""

    def __init__(self, settings: GatewaySettings, registry: MetricRegistry, ring: KeyRing, check: Check) -> None:
        self._settings = settings
        self._registry = registry
        self._ring = ring
        self._check = check

    def answering(self, admit: Admit) -> Callable[[Request], Awaitable[Response]]:
        """The handler of ``GET`` for whom ``admit`` lets in."""

        async def answer(request: Request) -> Response:
            try:
                setup = await self.of(admit(request).tenant)
            except Refused as refused:
                headers = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
                return JSONResponse(refusal_content(refused), refused.status, headers)
            return Response(msgspec.json.encode(setup), headers={"cache-control": "no-store"}, media_type="application/json")

        return answer

    async def of(self, tenant: str) -> ServiceSetup:
        """As it concerns ``tenant``."""
        settings = self._settings
        retention = [
            Retention(what=f"Bus: stream {one.stream}", seconds=one.max_age_s, most_bytes=one.max_bytes)
            for one in catalogue.MESSAGES
        ]
        limits = [
            Limit(what="Definitions of metrics", most=MAX_DEFINITIONS, used=len(self._registry.own(tenant))),
            Limit(what="API keys, with those that have ended", most=MOST, used=len(self._ring.of_tenant(tenant))),
        ]
        limits += [
            Limit(what=what, most=getattr(settings, field), variable=variable(GatewaySettings, field))
            for field, what in _LIMITS.items()
        ]
        failing = await self._check()
        return ServiceSetup(
            service=catalogue.GATEWAY, version=drishti.__version__, retention=retention, limits=limits, failing=failing
        )
