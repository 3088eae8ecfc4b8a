"""Errors of spans and what bad traces share, through gateway and analytics and out of the explorer's routes."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.waiting import wait_until

ERRORS = "/api/analytics/errors"


@pytest.fixture
async def gateway(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield gateway


async def get(gateway: gateway_rig.Rig, path: str, key: str | None = None, **parameters: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key or gateway.admin}"}
    async with gateway.http.get(gateway.url + path, params=parameters, headers=headers) as answer:
        return answer.status, await answer.json()


async def post(gateway: gateway_rig.Rig, path: str, key: str | None = None, **fields: Any) -> tuple[int, Any]:
    headers = {"authorization": f"Bearer {key or gateway.admin}"}
    async with gateway.http.post(gateway.url + path, json=fields, headers=headers) as answer:
        return answer.status, await answer.json()


async def send(gateway: gateway_rig.Rig, *resource_spans: Any) -> None:
    body = ExportTraceServiceRequest(resource_spans=resource_spans).SerializeToString()
    headers = {"authorization": f"Bearer {gateway.admin}", "content-type": "application/x-protobuf"}
    async with gateway.http.post(gateway.url + "/v1/traces", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


def request(user: str, *, fails: bool, version: str = "1.0", **attributes: Any) -> list[Any]:
    """A request to web, which calls shop, where it may fail; as one message of each service."""
    trace, now = random.randbytes(16), time.time_ns() - 20 * making.MS
    root, call = bytes([1] * 8), bytes([2] * 8)
    error = "" if fails else None
    web = making.span(trace, root, "GET /cart", start_ns=now, error=error, attributes={"user.id": user})
    shop = making.span(trace, call, "load", parent=root, start_ns=now + 1, duration_ms=5, error=error, attributes=attributes)
    if fails:
        stack = f"""Traceback (most recent call last):
  File "/app/shop/stock.py", line {random.randrange(999)}, in take
    raise NoStock(item)
shop.NoStock: item {random.randrange(999)} is gone
"""
        event = shop.events.add(name="exception", time_unix_nano=now + 2)
        event.attributes.extend(
            making.pairs(
                {
                    "exception.type": "shop.NoStock",
                    "exception.message": f"item {random.randrange(999)} is gone",
                    "exception.stacktrace": stack,
                }
            )
        )
    return [
        making.resource_spans("Web", [web]),
        making.resource_spans("shop", [shop], **{"service.version": version}),
    ]


async def errors(gateway: gateway_rig.Rig, **parameters: Any) -> list[Any]:
    status, found = await get(gateway, ERRORS, **parameters)
    assert status == 200, found
    return list(found["errors"])


async def test_an_error_is_listed_shown_resolved_and_comes_again(gateway: gateway_rig.Rig) -> None:
    for n in range(4):
        await send(gateway, *request(f"u{n % 3}", fails=True))
    await send(gateway, *request("u9", fails=False))

    async def counted(count: int) -> Any:
        found = await errors(gateway)
        return found if [one["count"] for one in found] == [count] else None

    (one,) = await wait_until(lambda: counted(4))
    assert (one["service"], one["type"], one["status"]) == ("shop", "shop.NoStock", "open")
    assert one["title"] == "shop.NoStock: item <*> is gone"
    assert one["culprit"] == "take (shop/stock.py)"
    assert one["in_range"] == 4
    assert "counts" not in one

    (stepped,) = await errors(gateway, steps=6)
    assert (len(stepped["counts"]), sum(stepped["counts"]), stepped["versions"]) == (6, 4, ["1.0"])
    assert stepped["counts"][-1] == 4, "they came just now"
    (of_trace,) = await errors(gateway, trace_id=one["trace_id"], to="now-1d")
    assert (of_trace["fingerprint"], of_trace["in_range"]) == (one["fingerprint"], 0)
    assert await errors(gateway, trace_id="0" * 31 + "1") == []

    path = f"{ERRORS}/{one['fingerprint']}"
    status, whole = await get(gateway, path)
    assert status == 200, whole
    assert (whole["users"], whole["read"]) == (3, 4)
    assert [(route["value"], route["count"]) for route in whole["routes"]] == [("GET /cart", 4)]
    assert [version["value"] for version in whole["versions"]] == ["1.0"]
    assert sum(step["count"] for step in whole["rate"]) == 4
    assert whole["frames"][0] == {"function": "take", "where": "shop/stock.py", "in_app": True}
    assert len({trace["trace_id"] for trace in whole["traces"]}) == 4

    viewer = await gateway.key("viewer")
    assert (await post(gateway, path, viewer, status="resolved"))[0] == 403
    status, changed = await post(gateway, path, status="resolved", version="1.1")
    assert (status, changed["status"], changed["resolved_in"]) == (200, "resolved", "1.1")
    assert await errors(gateway, status="open") == []

    await send(gateway, *request("u1", fails=True))  # of the version before, which may still have it
    (one,) = await wait_until(lambda: counted(5))
    assert (one["status"], one["regressions"]) == ("resolved", 0)
    await send(gateway, *request("u1", fails=True, version="1.1"))
    (one,) = await wait_until(lambda: counted(6))
    assert (one["status"], one["regressions"]) == ("open", 1)

    assert (await post(gateway, path, status="ignored"))[0] == 200
    await send(gateway, *request("u1", fails=True, version="1.2"))
    (one,) = await wait_until(lambda: counted(7))
    assert one["status"] == "ignored"


async def test_errors_are_filtered_sorted_and_paged_and_of_one_tenant(gateway: gateway_rig.Rig) -> None:
    spans = [
        making.span(random.randbytes(16), random.randbytes(8), name, error=f"{name} broke")
        for name in ("alpha", "beta", "beta", "gamma", "gamma", "gamma")
    ]
    await send(gateway, making.resource_spans("shop", spans), making.resource_spans("other", [spans[0]]))
    found = await wait_until(lambda: _all(gateway, 3))
    assert [one["count"] for one in found] == [3, 2, 1]
    assert [one["title"] for one in await errors(gateway, text="BETA")] == ["error: beta broke"]
    assert await errors(gateway, service="nobody") == []
    assert len(await errors(gateway, service="Shop")) == 3
    assert await errors(gateway, without_service="shop") == []
    assert len(await errors(gateway, without_service="other")) == 3
    pages, cursor = [], ""
    while True:
        status, page = await get(gateway, ERRORS, order="count", limit=1, cursor=cursor)
        assert status == 200
        pages += [one["count"] for one in page["errors"]]
        if not (cursor := page.get("cursor", "")):
            break
    assert pages == [3, 2, 1]
    other = await gateway.key("editor", tenant="another")
    path = f"{ERRORS}/{found[0]['fingerprint']}"
    assert (await get(gateway, ERRORS, other))[1]["errors"] == []
    assert (await get(gateway, path, other))[0] == 404
    assert (await post(gateway, path, other, status="ignored"))[0] == 404
    for status, field, answer in (
        (422, "cursor", await get(gateway, ERRORS, cursor="x")),
        (422, "status", await get(gateway, ERRORS, status="closed")),
        (422, "fingerprint", await get(gateway, f"{ERRORS}/xyz")),
        (422, "version", await post(gateway, path, status="ignored", version="1")),
        (422, "state", await post(gateway, path, state="ignored")),
        (404, "fingerprint", await get(gateway, f"{ERRORS}/{'0' * 15}1")),
    ):
        assert (answer[0], answer[1].get("field")) == (status, field), answer


async def _all(gateway: gateway_rig.Rig, count: int) -> list[Any] | None:
    found = await errors(gateway, order="count")
    return found if len(found) == count and sum(one["count"] for one in found) == 6 else None


async def test_what_failing_traces_share_is_found(gateway: gateway_rig.Rig) -> None:
    chance = random.Random(1)
    messages = []
    for n in range(300):
        flag = chance.random() < 0.2
        fails = chance.random() < (0.6 if flag else 0.03)
        attributes = {"flag.new_stock": flag, "shard": chance.randrange(8), "request.id": f"r{n}"}
        messages += request(f"u{n % 50}", fails=fails, **attributes)
    await send(gateway, *messages)

    async def shared() -> Any:
        status, found = await get(gateway, "/api/analytics/traces/shared")
        assert status == 200, found
        return found if found["bad"] + found["rest"] == 300 else None

    found = await wait_until(shared)
    (first, *others) = found["findings"]
    assert first["property"] == {
        "kind": "attribute",
        "name": "flag.new_stock",
        "value": "true",
        "text": "flag.new_stock = true",
    }
    assert first["bad_with"] / first["bad"] > 0.6 > 0.3 > first["rest_with"] / first["rest"]
    assert first["traces"]
    assert others == []
    (one,) = await errors(gateway)
    status, same = await get(gateway, "/api/analytics/traces/shared", error=one["fingerprint"])
    assert (status, same["bad"]) == (200, found["bad"])
    status, slow = await get(gateway, "/api/analytics/traces/shared", bad="slow", min_duration_ms=5_000)
    assert (status, slow["bad"], slow["findings"]) == (200, 0, [])
    assert "too few bad traces" in slow["reason"]
    assert (await get(gateway, "/api/analytics/traces/shared", min_duration_ms=5))[1]["field"] == "min_duration_ms"
