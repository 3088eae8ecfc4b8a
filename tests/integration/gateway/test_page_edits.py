"""What a page of the dashboards may change: with the key of an editor, from its own origin, of its own tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from drishti_local.servers import NatsServer
from rigs.gateway import Rig, running
from rigs.waiting import wait_until

ROOT = "/api/dashboard/analytics"
QUEUE = {"kind": "gauge", "unit": "{message}", "dimensions": ["service"]}
KPI = {
    "name": "good answers",
    "kind": "derived",
    "unit": "%",
    "expression": "100 * count(feedback where satisfaction >= 4) / count(requests)",
}


class Answer(NamedTuple):
    status: int
    content: Any
    cookie: str


class Browser:
    """One that holds ``key`` in its cookie, on a page of the gateway's own origin where nothing else is said."""

    def __init__(self, rig: Rig, key: str = "") -> None:
        self._rig, self._key = rig, key

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {"origin": self._rig.url} | ({"cookie": f"drishti_token={self._key}"} if self._key else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in sent.items() if value}
        async with self._rig.http.request(method, self._rig.url + ROOT + path, headers=sent, json=body) as answer:
            content = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return Answer(answer.status, content, answer.headers.get("set-cookie", ""))


@pytest.fixture(scope="module")
async def rig(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    """On loopback, where everybody sees the tenant `default`."""
    async with running(nats_server, query_timeout_s=0.3) as rig:
        assert rig.gateway is not None
        await wait_until(rig.gateway.registry.loaded.is_set)
        yield rig


@pytest.fixture(scope="module")
async def guarded(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    """One that could be reached from elsewhere."""
    async with running(nats_server, query_timeout_s=0.3, host="0.0.0.0") as rig:
        assert rig.gateway is not None
        await wait_until(rig.gateway.registry.loaded.is_set)
        yield rig


async def test_an_editor_s_page_changes_metrics_of_its_own_tenant(guarded: Rig) -> None:
    editor = Browser(guarded, await guarded.key("editor"))
    stranger = Browser(guarded, await guarded.key("editor", "stranger"))
    made = await editor("PUT", "/metrics/page/queue", QUEUE)
    assert (made.status, made.content["name"]) == (201, "page/queue")
    assert (await editor("GET", "/metrics/page/queue")).content["revision"] == made.content["revision"]
    assert (await stranger("GET", "/metrics/page/queue")).status == 404
    assert (await stranger("DELETE", "/metrics/page/queue", if_match="*")).status == 404
    again = await editor("PUT", "/metrics/page/queue", QUEUE)
    assert (again.status, again.content["theirs"]["name"]) == (409, "page/queue")
    assert (await editor("DELETE", "/metrics/page/queue", if_match=f'"{made.content["revision"]}"')).status == 204


@pytest.mark.parametrize("role", ["viewer", "producer", ""])
async def test_who_is_no_editor_changes_nothing(rig: Rig, guarded: Rig, role: Any) -> None:
    for house in (rig, guarded):
        browser = Browser(house, await house.key(role, "default") if role else "")
        for method, path in (("PUT", "/metrics/requests"), ("DELETE", "/metrics/requests"), ("POST", "/check")):
            answer = await browser(method, path, {"name": "requests", "enabled": False})
            assert answer.status in (401, 403), (house.url, method, path, answer)
        seen = await Browser(house, await house.key("viewer", "default"))("GET", "/metrics/requests")
        assert seen.content["enabled"] is True


@pytest.mark.parametrize(
    "page",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
        {"origin": ""},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "none"},
    ],
    ids=str,
)
async def test_a_foreign_page_changes_nothing_with_an_editor_s_cookie(guarded: Rig, page: dict[str, str]) -> None:
    key = await guarded.key("editor")
    editor = Browser(guarded, key)
    for method, path in (
        ("PUT", "/metrics/foreign"),
        ("DELETE", "/metrics/requests"),
        ("POST", "/check"),
        ("DELETE", "/session"),
    ):
        assert (await editor(method, path, QUEUE, **page)).status == 403, (method, path)
    assert (await editor("POST", "/session", authorization=f"Bearer {key}", **page)).status == 403
    assert (await editor("GET", "/metrics/foreign")).status == 404


async def test_a_page_behind_a_proxy_of_another_name_is_known_by_what_its_browser_says(guarded: Rig) -> None:
    editor = Browser(guarded, await guarded.key("editor"))
    behind = {"origin": "https://drishti.example", "sec_fetch_site": "same-origin"}
    assert (await editor("PUT", "/metrics/behind", QUEUE, **behind)).status == 201


async def test_a_name_that_points_here_from_elsewhere_is_no_page_of_ours(rig: Rig) -> None:
    editor = await rig.key("editor", "default")
    rebound = await Browser(rig)("PUT", "/metrics/rebound", QUEUE, host="evil.example", origin="http://evil.example")
    assert rebound.status == 403
    assert (await Browser(rig, editor)("GET", "/metrics/rebound")).status == 404


async def test_a_session_says_what_is_open_and_keeps_a_key_out_of_addresses_and_scripts(rig: Rig) -> None:
    viewer, editor, producer = [await rig.key(role, "default") for role in ("viewer", "editor", "producer")]
    nobody = await Browser(rig)("GET", "/session")
    assert (nobody.status, nobody.content["may_edit"], nobody.content["has_key"]) == (200, False, False)
    assert "a key with the role editor" in nobody.content["why"]
    reads = await Browser(rig, viewer)("GET", "/session")
    assert (reads.content["tenant"], reads.content["may_edit"]) == ("default", False)
    assert "only reads" in reads.content["why"]
    for key, status in (("wrong", 401), (producer, 403)):
        refused = await Browser(rig)("POST", "/session", authorization=f"Bearer {key}")
        assert (refused.status, refused.cookie) == (status, "")
    begun = await Browser(rig)("POST", "/session", authorization=f"Bearer {editor}")
    assert (begun.status, begun.content["may_edit"], begun.content["why"]) == (200, True, "")
    assert begun.cookie == f"drishti_token={editor}; Path=/api/dashboard; HttpOnly; SameSite=Strict"
    assert (await Browser(rig, editor)("GET", "/session")).content["may_edit"] is True
    ended = await Browser(rig, editor)("DELETE", "/session")
    assert (ended.status, "drishti_token=;" in ended.cookie, "Max-Age=0" in ended.cookie) == (204, True, True)


async def test_a_session_says_where_jaegers_pages_are(own_nats: NatsServer) -> None:
    async with running(own_nats, jaeger_ui_url="http://jaeger.example/ui/") as rig:
        assert (await Browser(rig)("GET", "/session")).content["jaeger_ui_url"] == "http://jaeger.example/ui"


async def test_a_check_says_everything_that_storing_would_say_and_stores_nothing(guarded: Rig) -> None:
    editor = Browser(guarded, await guarded.key("editor"))
    fine = (await editor("POST", "/check", KPI)).content
    assert (fine["faults"], fine["token"], fine["preview"]) == ([], "good-answers", KPI["expression"])
    assert [(part["term"], part.get("metric"), part.get("events")) for part in fine["made_of"]] == [
        ("count(feedback where satisfaction >= 4)", None, "feedback"),
        ("count(requests)", "requests", None),
    ]
    assert KPI["expression"][fine["made_of"][0]["character"] :].startswith("feedback where")
    assert (await editor("GET", "/metrics/good answers")).status == 404

    wrong = KPI | {"name": "", "unit": "a b", "expression": "p95(requests) / count(feedback)", "target": 1, "warn": 2}
    faults = {fault["field"]: fault for fault in (await editor("POST", "/check", wrong)).content["faults"]}
    assert set(faults) == {"name", "unit", "target", "expression"}
    assert (faults["unit"]["character"], faults["expression"]["character"]) == (1, 0)
    assert "not 'p95'" in faults["expression"]["error"]
    broken = (await editor("POST", "/check", KPI | {"expression": "count(feedback where )"})).content
    assert (broken["faults"][0]["character"], broken.get("preview", ""), broken.get("made_of", [])) == (21, "", [])
    meant = (await editor("POST", "/check", KPI | {"expression": "count(reqests)"})).content
    assert "requests" in meant["made_of"][0]["nearest"]
    nonsense = (await editor("POST", "/check", {"name": 7, "kind": "heap", "colour": "red"})).content
    assert {"colour"} < {fault["field"] for fault in nonsense["faults"]}


@pytest.mark.parametrize(
    ("kind", "source", "preview"),
    [
        ("counter", {"event": "feedback"}, "rate(feedback)"),
        ("counter", {"event": "order", "value": "amount"}, "sum(order.amount)"),
        ("distribution", {"event": "page-view", "value": "ms", "where": "ok = true"}, 'p95("page-view.ms" where ok = true)'),
        ("gauge", {"event": "queue", "value": "depth"}, "avg(queue.depth)"),
        ("unique", {"event": "feedback", "unique": "user_id"}, "uniques(feedback.user_id)"),
    ],
)
async def test_a_metric_out_of_events_is_drawn_before_it_is_stored(
    guarded: Rig, kind: str, source: dict[str, str], preview: str
) -> None:
    editor = Browser(guarded, await guarded.key("editor"))
    checked = (await editor("POST", "/check", {"name": "of events", "kind": kind, "source": source})).content
    assert (checked["faults"], checked["preview"]) == ([], preview)
    assert checked["made_of"] == [{"term": preview, "events": source["event"]}]
