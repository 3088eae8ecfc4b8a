"""Notes in a real bucket, and the history of insights out of a real stream: of one tenant each, by range."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from conftest import BusFor
from drishti.events import AnomalyInsight, encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs.dashboard_service import Service, running, wait_ready
from rigs.waiting import wait_until

USER = "dashboard-stream"
PATH = "/api/dashboard/notes"
AT = 1_772_370_000_000

pytestmark = pytest.mark.usefixtures("nats_url")
"""The streams are declared."""


async def asked(service: Service, method: str, path: str, body: object = None, tenant: str = "acme") -> Any:
    status, _, content = await service.ask(method, path, body, X_Drishti_Tenant=tenant)
    return status, msgspec.json.decode(content) if content else None


async def texts(service: Service, begin: int, end: int, tenant: str = "acme") -> list[str]:
    _, listed = await asked(service, "GET", f"{PATH}?from={begin}&to={end}", tenant=tenant)
    return [one["text"] for one in listed["notes"]]


async def test_notes_are_stored_read_changed_and_deleted_by_revision_and_no_other_tenant_sees_them(
    nats_server: NatsServer,
) -> None:
    async with running(nats_server.settings(USER)) as service, running(nats_server.settings(USER)) as replica:
        await wait_ready(service)
        await wait_ready(replica)
        status, made = await asked(
            service, "POST", PATH, {"at": AT, "until": AT + 1000, "text": "<b>load</b> test", "tags": ["load"]}
        )
        assert status == 201
        assert await texts(service, AT + 1000, AT + 5000) == ["<b>load</b> test"]
        assert await texts(service, AT + 1001, AT + 5000) == []
        assert await texts(service, AT, AT + 5000, tenant="other") == []
        assert (await asked(service, "DELETE", f"{PATH}/{made['id']}?revision={made['revision']}", tenant="other"))[0] == 404

        async def there() -> list[str]:
            return await texts(replica, AT, AT)

        await wait_until(there, "the other replica to know it", equals=["<b>load</b> test"])
        changed = {"at": AT, "text": "release", "kind": "deployment", "version": "1.2"}
        status, second = await asked(replica, "PUT", f"{PATH}/{made['id']}?revision={made['revision']}", changed)
        assert (status, second["version"]) == (200, "1.2")
        status, conflict = await asked(service, "PUT", f"{PATH}/{made['id']}?revision={made['revision']}", changed)
        assert (status, conflict["theirs"]["text"]) == (409, "release")
        assert (await asked(replica, "DELETE", f"{PATH}/{made['id']}?revision={second['revision']}"))[0] == 204
        await wait_until(there, "it to be gone", equals=[])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", PATH, None, 422, "from"),
        ("GET", f"{PATH}?from=5&to=1", None, 422, "from"),
        ("GET", f"{PATH}?from=1&to=9999999999999999", None, 422, "to"),
        ("POST", PATH, b"{", 400, None),
        ("POST", PATH, {"at": AT, "text": "x" * 20_000}, 413, None),
        ("POST", PATH, {"at": AT, "text": "a\u202eb"}, 422, "text"),
        ("PUT", f"{PATH}/nothing", {"at": AT, "text": "t"}, 404, "id"),
        ("DELETE", f"{PATH}/0123456789abcdef", None, 404, "id"),
        ("GET", "/api/dashboard/insight-history?from=a&to=1", None, 422, "from"),
    ],
)
async def test_what_is_wrong_is_said(
    nats_server: NatsServer, method: str, path: str, body: Any, status: int, field: str
) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        answered, content = await asked(service, method, path, body)
        assert (answered, content.get("field")) == (status, field), content


async def test_the_history_of_insights_is_that_of_a_tenant_and_a_range(nats_server: NatsServer, bus_for: BusFor) -> None:
    bus = await bus_for("predictor")
    begin = int(time.time() * 1000)
    for tenant, phase in (
        ("hist", "opened"),
        ("hist", "ongoing"),
        ("hist", "ongoing"),
        ("else", "opened"),
        ("hist", "resolved"),
    ):
        fields = {
            "insight_id": f"{tenant}-1",
            "tenant": tenant,
            "metric": "requests",
            "field": "rate",
            "model": "m",
            "state": "ready",
            "phase": phase,
        }
        insight = msgspec.convert(fields | {"at": int(time.time() * 1000), "severity": "warning"}, AnomalyInsight)
        await bus.publish(subjects.insights(tenant, "anomaly", "requests"), encode(insight))
    end = int(time.time() * 1000) + 1000
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        status, history = await asked(service, "GET", f"/api/dashboard/insight-history?from={begin}&to={end}", tenant="hist")
        assert (status, history["problem"]) == (200, "")
        assert [(one["insight_id"], one["phase"]) for one in history["insights"]] == [
            ("hist-1", "opened"),
            ("hist-1", "ongoing"),
            ("hist-1", "resolved"),
        ]
        later = f"/api/dashboard/insight-history?from={end + 10}&to={end + 20}"
        assert (await asked(service, "GET", later, tenant="hist"))[1]["insights"] == []
