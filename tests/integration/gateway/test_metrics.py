"""Definitions of metrics over HTTP: read, changed, refused, and out of reach for everybody but their tenant's editors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from drishti.bus.connection import connect
from drishti.bus.keys import Role
from drishti.events import CatalogueAnswer, MetricSeen, encode
from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running
from rigs.nats_clients import settled
from rigs.waiting import wait_until

QUEUE = {"kind": "gauge", "unit": "{message}", "dimensions": ["service"], "description": "messages that wait"}
METRICS, PACKS = "/api/analytics/metrics", "/api/analytics/packs"


class Answer(NamedTuple):
    status: int
    content: Any
    etag: str


class Caller:
    """Whoever holds ``key``."""

    def __init__(self, rig: Rig, key: str) -> None:
        self._rig, self._key = rig, key

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"x-api-key": self._key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = {"data": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        async with self._rig.http.request(method, self._rig.url + path, headers=sent, **content) as answer:  # type: ignore[arg-type]
            is_json = answer.content_type == "application/json"
            return Answer(
                answer.status, await answer.json() if is_json else await answer.text(), answer.headers.get("etag", "")
            )


class Callers:
    """An editor, viewer and producer of one tenant, and an editor of another."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    async def make(self) -> None:
        self.editor = await self.of("editor")
        self.viewer = await self.of("viewer")
        self.producer = await self.of("producer")
        self.stranger = await self.of("admin", tenant="stranger")

    async def of(self, role: Role, tenant: str | None = None) -> Caller:
        return Caller(self.rig, await self.rig.key(role, tenant))


@pytest.fixture(scope="module")
async def callers(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Callers]:
    async with running(nats_server, query_timeout_s=0.3) as rig:
        assert rig.gateway is not None
        await wait_until(rig.gateway.registry.loaded.is_set)
        result = Callers(rig)
        await result.make()
        yield result


async def test_a_metric_is_defined_read_changed_and_forgotten(callers: Callers) -> None:
    editor, viewer = callers.editor, callers.viewer
    made = await editor("PUT", f"{METRICS}/queue.depth", QUEUE)
    assert (made.status, made.content["token"], made.content["origin"]) == (201, "queue-depth", "tenant")
    assert made.etag == f'"{made.content["revision"]}"'
    assert made.content["fields"] == {"avg": "{message}", "min": "{message}", "max": "{message}"}
    for name in ("queue.depth", "queue-depth"):
        read = await viewer("GET", f"{METRICS}/{name}")
        assert (read.status, read.content, read.etag) == (200, made.content, made.etag)
    changed = await editor("PUT", f"{METRICS}/queue.depth", QUEUE | {"watched": True}, if_match=made.etag)
    assert (changed.status, changed.content["watched"]) == (200, True)
    again = await editor("PUT", f"{METRICS}/queue.depth?revision={changed.content['revision']}", QUEUE)
    assert again.status == 200
    assert (await editor("DELETE", f"{METRICS}/queue.depth", if_match=again.etag)).status == 204
    assert (await viewer("GET", f"{METRICS}/queue.depth")).status == 404


async def test_a_built_in_metric_is_switched_off_and_keeps_what_it_is(callers: Callers) -> None:
    editor = callers.editor
    off = await editor("PUT", f"{METRICS}/sessions", {"enabled": False})
    assert (off.status, off.content["enabled"], off.content["unit"]) == (200, False, "{session}")
    wrong = await editor("PUT", f"{METRICS}/sessions", {"kind": "gauge"}, if_match=off.etag)
    assert (wrong.status, wrong.content["field"]) == (422, "kind")
    assert (await editor("DELETE", f"{METRICS}/sessions", if_match="*")).status == 204
    assert (await editor("GET", f"{METRICS}/sessions")).content["enabled"] is True
    nothing = await editor("DELETE", f"{METRICS}/sessions")
    assert (nothing.status, nothing.content["field"]) == (422, "name")


async def test_of_two_editors_one_wins_and_the_other_sees_both_versions(callers: Callers) -> None:
    path = f"{METRICS}/race"
    one, other = await asyncio.gather(
        callers.editor("PUT", path, QUEUE | {"description": "one"}),
        callers.editor("PUT", path, QUEUE | {"description": "other"}),
    )
    won, lost = (one, other) if one.status == 201 else (other, one)
    assert (won.status, lost.status) == (201, 409)
    assert lost.content["revision"] == won.content["revision"]
    assert {lost.content["yours"]["description"], lost.content["theirs"]["description"]} == {"one", "other"}
    assert lost.content["theirs"]["description"] == won.content["description"]
    stale = await callers.editor("DELETE", path, if_match='"1"')
    assert (stale.status, stale.content["yours"], stale.content["theirs"]["name"]) == (409, None, "race")
    mended = await callers.editor("PUT", path, QUEUE, if_match=f'W/"{lost.content["revision"]}"')
    assert mended.status == 200


async def test_an_unknown_name_is_reported_with_the_nearest(callers: Callers) -> None:
    for name, nearest in (("request_duration", "request_duration_ms"), ("llm_token", "llm_tokens")):
        answer = await callers.viewer("GET", f"{METRICS}/{name}")
        assert answer.status == 404
        assert answer.content["nearest"][0] == nearest
        assert nearest in answer.content["error"]
    assert (await callers.viewer("GET", f"{METRICS}/{quote('💥' * 300)}")).content["nearest"] == []


@pytest.mark.parametrize(
    ("name", "body", "status", "field", "character"),
    [
        ("a", {"kind": "gauge", "unit": "m s"}, 422, "unit", 1),
        ("a", {"kind": "gauge", "unit": "{a"}, 422, "unit", 0),
        ("a", {"kind": "gauge", "dimensions": [f"d{i}" for i in range(9)]}, 422, "dimensions", None),
        ("a", {"kind": "gauge", "description": "x\u202ey"}, 422, "description", 1),
        ("a", {"kind": "gauge", "colour": "red"}, 422, "colour", None),
        ("a", {"kind": "pie"}, 422, "kind", None),
        ("a", {}, 422, "kind", None),
        ("a", {"kind": "gauge", "name": "b"}, 422, "name", None),
        ("a\u200b", {"kind": "gauge"}, 422, "name", 1),
        ("\t", {"kind": "gauge"}, 422, "name", 0),
        ("x" * 256, {"kind": "gauge"}, 422, "name", 255),
        ("...", {"kind": "gauge"}, 422, "name", None),
        ("Requests", {"kind": "gauge"}, 422, "name", None),
        ("a", {"kind": "gauge", "revision": "seven"}, 400, "revision", None),
        ("a", {"kind": "gauge", "revision": True}, 400, "revision", None),
        ("a", {"kind": "gauge", "revision": -1}, 400, "revision", None),
        ("a", [], 422, None, None),
        ("a", b"", 400, None, None),
        ("a", b'{"kind":', 400, None, None),
        ("a", b"[" * 60_000, 400, None, None),
        ("a", b'{"kind":"gauge","description":"\xed\xa0\x80"}', 400, None, None),
        ("a", b'{"kind":"gauge","description":"\\ud800"}', 400, None, None),
        ("a", b" " * 70_000, 413, None, None),
    ],
)
async def test_what_is_wrong_is_said_by_field_and_character(
    callers: Callers, name: str, body: Any, status: int, field: str | None, character: int | None
) -> None:
    answer = await callers.editor("PUT", f"{METRICS}/{quote(name, safe='')}", body)
    assert answer.status == status, answer
    assert answer.content["error"]
    assert answer.content.get("field") == field
    assert answer.content.get("character") == character


@pytest.mark.parametrize("revision", ["x", '"', "1.5", "99999999999999999999", "-1", '"1", "2"'])
async def test_a_revision_that_is_none_is_refused(callers: Callers, revision: str) -> None:
    answer = await callers.editor("PUT", f"{METRICS}/a", QUEUE, if_match=revision)
    assert (answer.status, answer.content["field"]) == (400, "if-match")


async def test_who_may_what(callers: Callers) -> None:
    made = await callers.editor("PUT", f"{METRICS}/mine", QUEUE)
    assert made.status == 201
    for method, path, body in (
        ("PUT", f"{METRICS}/mine", QUEUE),
        ("DELETE", f"{METRICS}/mine", None),
        ("PUT", f"{PACKS}/wisdom", {"enabled": True}),
    ):
        for caller in (callers.viewer, callers.producer):
            assert (await caller(method, path, body, if_match=made.etag)).status == 403
    for path in (METRICS, f"{METRICS}/mine", PACKS):
        assert (await callers.producer("GET", path)).status == 403
        assert (await Caller(callers.rig, "dk_x_y")("GET", path)).status == 401
        assert (await callers.viewer("GET", path)).status == 200
    assert (await callers.editor("POST", METRICS, QUEUE)).status == 405


async def test_a_tenant_neither_sees_nor_changes_another_s(callers: Callers) -> None:
    made = await callers.editor("PUT", f"{METRICS}/secret.plan", QUEUE)
    tenant = callers.rig.tenant
    stranger = callers.stranger
    for name in ("secret.plan", "secret-plan", f"{tenant}.secret-plan", f"../{tenant}/secret-plan", f"{tenant}/secret-plan"):
        for path in (name, quote(name, safe="")):
            answer = await stranger("GET", f"{METRICS}/{path}")
            assert answer.status == 404
            assert "secret.plan" not in (answer.content.get("nearest", []) if isinstance(answer.content, dict) else [])
            assert (await stranger("DELETE", f"{METRICS}/{path}", if_match="*")).status == 404
    listed = await stranger("GET", METRICS)
    assert "secret.plan" not in {metric["name"] for metric in listed.content["metrics"]}
    own = await stranger("PUT", f"{METRICS}/secret.plan", QUEUE | {"kind": "counter"})
    assert own.status == 201
    assert (await callers.viewer("GET", f"{METRICS}/secret.plan")).content == made.content
    conflicting = await stranger("PUT", f"{METRICS}/secret.plan", QUEUE)
    assert conflicting.content["theirs"]["kind"] == "counter"


async def test_a_pack_is_switched_for_the_tenant_alone(callers: Callers) -> None:
    (pack,) = (await callers.viewer("GET", PACKS)).content
    assert pack == {"name": "wisdom", "enabled": False, "revision": 0, "metrics": ["satisfaction", "wisdom_score", "topics"]}
    on = await callers.editor("PUT", f"{PACKS}/wisdom", {"enabled": True})
    assert (on.status, on.content["enabled"]) == (200, True)
    assert (await callers.viewer("GET", f"{METRICS}/wisdom_score")).content["enabled"] is True
    assert (await callers.stranger("GET", f"{METRICS}/wisdom_score")).content["enabled"] is False
    stale = await callers.editor("PUT", f"{PACKS}/wisdom", {"enabled": False, "revision": on.content["revision"] - 1})
    assert (stale.status, stale.content["theirs"]) == (409, {"enabled": True})
    assert (await callers.editor("PUT", f"{PACKS}/nothing", {"enabled": True})).status == 404
    for body in ({}, {"enabled": 1}, {"enabled": True, "x": 1}):
        assert (await callers.editor("PUT", f"{PACKS}/wisdom", body)).status == 422


async def test_what_was_seen_comes_from_analytics_and_definitions_do_without(callers: Callers, nats_server: NatsServer) -> None:
    listed = (await callers.viewer("GET", METRICS)).content
    assert "analytics" in listed["problem"]
    assert {"requests", "wisdom_score"} <= {metric["name"] for metric in listed["metrics"]}
    bus = await connect(nats_server.settings("analytics"), name="analytics")
    try:

        async def answer(msg: Any) -> None:
            seen = [MetricSeen(metric="requests", last_seen=1_790_000_000_000, series=3, services=["shop"])]
            content = encode(CatalogueAnswer(as_of=1_790_000_000_001, metrics=seen))
            await msg._client.publish(msg.reply, content, headers={"Drishti-Status": "ok"})

        await bus.nc.subscribe("query.v1.catalogue", cb=answer)
        for _ in range(2):
            await settled(bus.nc)
        listed = (await callers.viewer("GET", METRICS)).content
        requests = next(metric for metric in listed["metrics"] if metric["name"] == "requests")
        assert (requests["series"], requests["last_seen"], requests["services"]) == (3, 1_790_000_000_000, ["shop"])
        assert "problem" not in listed
    finally:
        await bus.close()
