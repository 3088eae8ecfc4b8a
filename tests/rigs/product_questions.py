"""What tests ask about users over HTTP: analytics and a gateway, with the keys of a viewer and an editor."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from drishti.events import AnalyticsEvent
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.analytics import event


def happened(user: str, event_type: str, ms: int, /, **data: Any) -> AnalyticsEvent:
    """An event of a user at ``ms`` since 1970."""
    return event(event_type=event_type, user_id=user, timestamp=datetime.fromtimestamp(ms / 1000, UTC), data=data)


class Asker:
    """``common`` is in each question, unless it says otherwise."""

    def __init__(
        self, analytics: analytics_rig.Rig, gateway: gateway_rig.Rig, key: str, editor: str, common: Mapping[str, Any]
    ) -> None:
        self.analytics = analytics
        self._gateway = gateway
        self._headers = {"authorization": f"Bearer {key}"}
        self._of_editor = {"authorization": f"Bearer {editor}"}
        self._common = common

    async def change(self, path: str, **document: Any) -> tuple[int, Any]:
        """What an editor changes."""
        url = f"{self._gateway.url}/api/analytics{path}"
        async with self._gateway.http.post(url, json=document, headers=self._of_editor) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, **document: Any) -> tuple[int, Any]:
        url = f"{self._gateway.url}/api/analytics{path}"
        async with self._gateway.http.post(url, json={**self._common, **document}, headers=self._headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        url = f"{self._gateway.url}/api/analytics{path}"
        async with self._gateway.http.get(url, params=parameters, headers=self._headers) as answer:
            return answer.status, await answer.json()

    async def answer(self, path: str, **document: Any) -> Any:
        """What is answered to a question that must not be refused."""
        status, found = await self.post(path, **document)
        assert status == 200, found
        return found

    async def refused(self, path: str, code: int, field: str, **document: Any) -> dict[str, Any]:
        """What is said about a question that must be refused, naming ``field``."""
        status, found = await self.post(path, **document)
        assert (status, found.get("field", "")) == (code, field), found
        assert found["error"]
        return dict(found)

    async def changed(self, path: str, **document: Any) -> Any:
        """What is answered to a change by an editor that must not be refused."""
        status, found = await self.change(path, **document)
        assert status == 200, found
        return found

    async def refused_change(self, path: str, code: int, field: str, **document: Any) -> None:
        """A change by an editor must be refused, naming ``field``."""
        status, found = await self.change(path, **document)
        assert (status, found.get("field", "")) == (code, field), found
        assert found["error"]

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """Rows by SQL about the tenant, ``$1``."""
        connection = await self.analytics.connect()
        try:
            return [tuple(row) for row in await connection.fetch(query, self.analytics.tenant, *values)]
        finally:
            await connection.close()


@contextlib.asynccontextmanager
async def asking(nats: NatsServer, postgres_url: str, common: Mapping[str, Any]) -> AsyncIterator[Asker]:
    async with (
        analytics_rig.rig(nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(nats) as gateway,
    ):
        keys = [await gateway.key(role, analytics.tenant) for role in ("viewer", "editor")]  # type: ignore[arg-type]
        yield Asker(analytics, gateway, keys[0], keys[1], common)
