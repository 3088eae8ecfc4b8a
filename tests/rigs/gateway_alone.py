"""A gateway without a network or a bus: what it publishes is kept, and it is asked as an ASGI application."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec

from drishti.bus.keys import ApiKey, digest
from drishti.errors import BusUnavailable
from gateway.app import Gateway, build_app
from gateway.settings import GatewaySettings
from rigs.asgi import body_of, call

KEY = "dk_a_" + "a" * 43
OTHER_KEY = "dk_b_" + "b" * 43


class Bus:
    """Takes what is published, or gives no ack. ``open``: while it is not set, acks wait."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.began: list[str] = []
        self.published: list[tuple[str, bytes, dict[str, str]]] = []
        self.fail_after: int | None = None

    async def publish(self, subject: str, payload: bytes, *, msg_id: str, headers: dict[str, str], timeout_s: float) -> int:
        self.began.append(subject)
        await asyncio.sleep(0)
        await self.open.wait()
        if self.fail_after is not None and len(self.published) >= self.fail_after:
            raise BusUnavailable("no ack")
        self.published.append((subject, payload, {**headers, "Nats-Msg-Id": msg_id}))
        return len(self.published)


def gateway_on(bus: Bus | None, **kwargs: Any) -> Gateway:
    gateway = build_app(GatewaySettings(bus=None, **kwargs))
    for text, tenant in ((KEY, "acme"), (OTHER_KEY, "other")):
        key = ApiKey(id=tenant, name="", tenant=tenant, role="admin", created_at=datetime.now(UTC))
        gateway.ring.take(digest(text), msgspec.json.encode(key))
    gateway.ring.loaded.set()
    if bus is not None:
        gateway.link.set(bus)  # type: ignore[arg-type]
    return gateway


async def ask(
    gateway: Gateway, path: str, body: bytes = b"", method: str = "POST", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"authorization": f"Bearer {KEY}", "content-type": "application/json", **given}
    sent = await call(gateway.app, path, method, given, body=body)
    result = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], result, body_of(sent)
