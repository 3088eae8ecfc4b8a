"""Two tenants with the same services, operations, ids and attributes: whatever one sends or does, the other's answers stay as
they were, for every question of the catalogue that the gateway gives a path."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiohttp
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from drishti.messages.queries import QUERIES
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs import log_records
from rigs import otlp_spans as making
from rigs.waiting import wait_until

MS = making.MS
TRACES = 30
USERS = 5
MINUTE_MS = int(time.time()) // 60 * 60_000 - 300_000
RANGE = {"from": str(MINUTE_MS), "to": str(MINUTE_MS + 120_000)}
TODAY_MS = MINUTE_MS // 86_400_000 * 86_400_000
SHARED_ID = b"\x5a" * 15


FUNNEL = {"steps": [{"event_type": "page_view"}, {"event_type": "feedback"}], "breakdown": "mark"}
INSTANTS = {name: int(ms) for name, ms in RANGE.items()}
RETENTION = {"interval": "day", "breakdown": "mark"}
DOSE = {"dose": {"event_type": "feedback"}}
COHORT = {"cohort": "marked"}
SESSIONS = {"breakdown": "mark", "page": "mark", "interval": "day"}


class Asked(NamedTuple):
    """What is asked by one path; ``range``: of :data:`RANGE`. With ``document``, that is posted."""

    path: str
    parameters: dict[str, str]
    range: bool = True
    document: dict[str, Any] | None = None


def trace_id(place: int) -> bytes:
    return SHARED_ID + bytes([place + 1])


def questions(fingerprint: str) -> dict[str, Asked]:
    """Each question that changes nothing, by its name."""
    one, other = trace_id(0).hex(), trace_id(1).hex()
    return {
        "traces": Asked("/traces", {"text": "out of stock", "limit": "100"}),
        "trace_facets": Asked("/traces/facets", {}),
        "shared": Asked("/traces/shared", {}),
        "trace_aggregate": Asked("/traces/aggregate", {"attribute": "resource.host.name"}),
        "trace_comparison": Asked("/traces/compare", {"left": one, "right": other}, range=False),
        "trace": Asked(f"/traces/{one}", {}, range=False),
        "trace_outline": Asked(f"/traces/{one}/outline", {}, range=False),
        "span_search": Asked(f"/traces/{one}/spans", {"text": "alpha"}, range=False),
        "span": Asked(f"/traces/{one}/spans/{'01' * 8}", {}, range=False),
        "queues": Asked("/queues", {}),
        "service_map": Asked("/service-map", {}),
        "bottlenecks": Asked("/bottlenecks", {}),
        "logs": Asked("/logs", {"trace_id": one}),
        "log_templates": Asked("/logs/templates", {}),
        "errors": Asked("/errors", {}),
        "error": Asked(f"/errors/{fingerprint}", {}),
        "root_cause": Asked("/root-cause", {}),
        "setup": Asked("/setup", {}, range=False),
        "person": Asked("/person", {"user_id": "user 0"}, range=False),
        "timeline": Asked("/timeline", {"user_id": "user 0"}, range=False),
        "people_merges": Asked("/people/merges", {"user_id": "user 0"}, range=False),
        "exclusion": Asked("/people/exclusion", {}, range=False),
        "funnel": Asked("/funnel", {}, range=False, document=FUNNEL | {name: int(ms) for name, ms in RANGE.items()}),
        "event_names": Asked("/event-names", {}, range=False),
        "users": Asked("/users", {"prefix": "user"}, range=False),
        "funnel_autopsy": Asked(
            "/funnel/autopsy",
            {},
            range=False,
            document={"steps": FUNNEL["steps"], "step": 2} | {name: int(ms) for name, ms in RANGE.items()},
        ),
        "funnel_users": Asked(
            "/funnel/users",
            {},
            range=False,
            document={"steps": FUNNEL["steps"], "step": 2} | {name: int(ms) for name, ms in RANGE.items()},
        ),
        "paths": Asked("/paths", {}, range=False, document={"node": "mark"} | INSTANTS),
        "paths_users": Asked("/paths/users", {}, range=False, document={"node": "mark", "step": 0, "name": "alpha"} | INSTANTS),
        "sessions": Asked("/sessions", {}, range=False, document=SESSIONS | INSTANTS),
        "dose_response": Asked("/dose-response", {}, range=False, document=DOSE | INSTANTS),
        "dose_response_users": Asked("/dose-response/users", {}, range=False, document=DOSE | INSTANTS),
        "sessions_users": Asked("/sessions/users", {}, range=False, document={"breakdown": "mark"} | INSTANTS),
        "engagement": Asked("/engagement", {}, range=False, document={"breakdown": "mark"} | INSTANTS),
        "engagement_users": Asked("/engagement/users", {}, range=False, document={"breakdown": "mark"} | INSTANTS),
        "retention": Asked("/retention", {}, range=False, document=RETENTION | COHORT | INSTANTS),
        "retention_users": Asked(
            "/retention/users", {}, range=False, document=RETENTION | INSTANTS | {"cohort_from": TODAY_MS}
        ),
        "activity": Asked("/activity", {}, range=False, document={"breakdown": "mark"} | INSTANTS),
        "activity_users": Asked(
            "/activity/users", {}, range=False, document={"period_from": TODAY_MS, "event_types": ["page_view"]} | INSTANTS
        ),
        "cohorts": Asked("/cohorts", {}, range=False),
        "cohort": Asked("/cohorts/marked", {}, range=False),
        "cohort_users": Asked("/cohorts/marked/users", {}, range=False),
        "saved_funnels": Asked("/saved-funnels", {}, range=False),
        "saved_funnel": Asked("/saved-funnels/marked", {}, range=False),
        "cohort_overlap": Asked("/cohorts/marked/overlap", {"other": "marked"}, range=False),
    }


def changes(fingerprint: str, revision: int = 1, rules: int = 0, funnel: int = 1) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each question that changes something, by its name: path and document. ``revision`` is the cohort's,
    ``funnel`` the saved funnel's, ``rules`` that of the rules that leave users out."""
    return {
        "keep_trace": (f"/traces/{trace_id(2).hex()}/keep", {}),
        "keep_window": ("/traces/keep", {"from": MINUTE_MS, "to": MINUTE_MS + 60_000}),
        "people_undo": ("/people/undo", {"kind": "identify", "from_id": "device 0", "to_id": "user 0"}),
        "set_exclusion": ("/people/exclusion", {"rules": [{"name": "own", "bots": True}], "revision": rules}),
        "change_error": (f"/errors/{fingerprint}", {"status": "resolved", "version": "9"}),
        "put_cohort": ("/cohorts/others", {"condition": {"did": {"event_types": ["page_view"]}}}),
        "put_saved_funnel": ("/saved-funnels/others", {"funnel": {"steps": FUNNEL["steps"]}}),
        "delete_saved_funnel": ("/saved-funnels/marked/delete", {"revision": funnel}),
        "delete_cohort": ("/cohorts/marked/delete", {"revision": revision}),
    }


class Tenant:
    """One of the two, by its keys."""

    def __init__(self, gateway: gateway_rig.Rig, name: str, keys: dict[str, str]) -> None:
        self.name = name
        self.gateway = gateway
        self._keys = keys

    async def send(self, mark: str, *, duration_ms: float, copies: int = 1) -> None:
        """Spans, errors and log records: ids and names are those of every tenant, what is in them says ``mark``."""
        web, shop, records = [], [], []
        for place in range(TRACES):
            trace, at = trace_id(place), MINUTE_MS * MS + place * 100 * MS
            error = f"{mark} out of stock" if place % 3 == 0 else None
            web.append(making.span(trace, b"\1" * 8, "GET /tea", start_ns=at, duration_ms=duration_ms, attributes={"m": mark}))
            for copy in range(copies):
                served = making.span(
                    trace, bytes([2 + copy]) * 8, "GET /stock", parent=b"\1" * 8, start_ns=at + MS, duration_ms=duration_ms / 2,
                    error=error, attributes={"user.id": mark, f"{mark}.only": True},
                )  # fmt: skip
                if error:
                    served.events.add(name="exception", time_unix_nano=at + MS).attributes.extend(
                        making.pairs({"exception.type": "OutOfStock", "exception.message": error})
                    )
                shop.append(served)
            shop.append(
                making.span(
                    trace, b"\x09" * 8, "orders process", parent=b"\1" * 8, kind="consumer", start_ns=at + 2 * MS,
                    duration_ms=1, attributes={"messaging.system": "nats", "messaging.destination.name": f"orders-{mark}"},
                )
            )  # fmt: skip
            records.append(
                log_records.record(f"{mark} sold tea", time_unix_nano=at + MS, trace_id=trace, span_id=bytes([2]) * 8)
            )
        about = {"host.name": f"host-{mark}"}
        spans = ExportTraceServiceRequest(
            resource_spans=[making.resource_spans(name, some, **about) for name, some in (("web", web), ("shop", shop))]
        )
        logs = ExportLogsServiceRequest(resource_logs=[log_records.message(*records, service="shop", host_name=f"host-{mark}")])
        for path, body in (("/v1/traces", spans), ("/v1/logs", logs)):
            headers = {"authorization": f"Bearer {self._keys['producer']}", "content-type": "application/x-protobuf"}
            url = self.gateway.url + path
            async with self.gateway.http.post(url, data=body.SerializeToString(), headers=headers) as answer:
                assert (answer.status, await answer.read()) == (200, b"")

        events = [
            {
                "event_id": f"{event_type}{user}",
                "event_type": event_type,
                "user_id": f"user {user}",
                "timestamp": datetime.fromtimestamp(MINUTE_MS / 1000 + place, UTC).isoformat(),
                "data": {"mark": mark},
            }
            for user in range(USERS)
            for place, event_type in enumerate(("page_view", "feedback"))
        ]
        known = {"mark": mark, "anonymous_id": "device 0"}
        events.append({**events[0], "event_id": "known", "event_type": "identify", "data": known})
        headers = {"authorization": f"Bearer {self._keys['producer']}"}
        async with self.gateway.http.post(f"{self.gateway.url}/api/events", json=events, headers=headers) as answer:
            assert answer.status == 202, await answer.text()

    async def ask(self, asked: Asked) -> tuple[int, Any]:
        parameters = asked.parameters | (RANGE if asked.range else {})
        headers = {"authorization": f"Bearer {self._keys['viewer']}"}
        url = f"{self.gateway.url}/api/analytics{asked.path}"
        verb = "GET" if asked.document is None else "POST"
        async with self.gateway.http.request(verb, url, params=parameters, json=asked.document, headers=headers) as answer:
            return answer.status, await answer.json()

    async def change(self, path: str, document: dict[str, Any], role: str = "editor") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self._keys[role]}"}
        url = f"{self.gateway.url}/api/analytics{path}"
        async with self.gateway.http.post(url, json=document, headers=headers) as answer:
            return answer.status, await answer.json()

    async def save_cohort(self, mark: str) -> int:
        """Saves the users of ``mark``; the revision."""
        marked = {"did": {"event_types": ["page_view"], "where": [{"property": "mark", "value": mark}]}}
        status, cohort = await self.change("/cohorts/marked", {"description": mark, "condition": marked})
        assert status == 200, cohort
        return int(cohort["revision"])

    async def save_funnel(self, mark: str) -> int:
        """Saves a funnel; the revision."""
        document = {"description": mark, "funnel": {"steps": FUNNEL["steps"], "breakdown": "mark"}}
        status, funnel = await self.change("/saved-funnels/marked", document)
        assert status == 200, funnel
        await wait_until(lambda: self.has_result())
        return int(funnel["revision"])

    async def has_result(self) -> bool:
        """Whether the funnel was counted."""
        _, funnel = await self.ask(questions("")["saved_funnel"])
        return "result" in funnel

    async def answers(self, fingerprint: str) -> dict[str, Any]:
        """What every question answers, without when it was."""
        found = {}
        for name, asked in questions(fingerprint).items():
            status, answer = await self.ask(asked)
            assert status == 200, (name, answer)
            found[name] = {field: value for field, value in answer.items() if field != "as_of"}
            if (result := answer.get("result")) and name == "saved_funnel":
                found[name]["result"] = {**result, "as_of": 0, "answer": {**result["answer"], "as_of": 0}}
        return found

    async def fingerprint(self) -> str:
        _, answer = await self.ask(questions("0" * 16)["errors"])
        return str(answer["errors"][0]["fingerprint"])

    async def has(self, spans: int, records: int) -> bool:
        """Whether all that was sent is stored."""
        _, facets = await self.ask(questions("")["trace_facets"])
        _, templates = await self.ask(questions("")["log_templates"])
        _, funnel = await self.ask(questions("")["funnel"])
        users = [step["users"] for step in funnel.get("steps", ())]
        return bool((facets["spans"], templates["count"], users) == (spans, records, [USERS, USERS]))


@pytest.fixture
async def two(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[tuple[Tenant, Tenant]]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        tenants = []
        for name in (f"{gateway.tenant}a", f"{gateway.tenant}b"):
            keys = {role: await gateway.key(role, name) for role in ("producer", "viewer", "editor")}  # type: ignore[arg-type]
            tenants.append(Tenant(gateway, name, keys))
        yield tenants[0], tenants[1]


def test_every_question_with_a_path_is_asked() -> None:
    with_path = {query.name: query.changes for query in QUERIES if query.path}
    assert {name for name, change in with_path.items() if not change} == set(questions("0" * 16))
    assert {name for name, change in with_path.items() if change} == set(changes("0" * 16))


async def test_nothing_of_one_tenant_is_in_any_answer_to_another(two: tuple[Tenant, Tenant]) -> None:
    ada, eve = two
    await ada.send("alpha", duration_ms=20)
    await wait_until(lambda: ada.has(3 * TRACES, TRACES))
    fingerprint = await ada.fingerprint()
    await ada.save_cohort("alpha")
    await ada.save_funnel("alpha")
    before = await ada.answers(fingerprint)
    assert all(
        "alpha" in json.dumps(before[name])
        for name in ("trace_facets", "trace", "logs", "log_templates", "error", "funnel", "sessions", "cohort", "retention")
    )

    for name, asked in questions(fingerprint).items():  # she has nothing yet
        status, answer = await eve.ask(asked)
        assert status in (200, 404), (name, answer)
        assert "alpha" not in json.dumps(answer), name
        assert trace_id(0).hex() not in json.dumps({**answer, "left": "", "right": "", "trace_id": ""}), name
    for name, (path, document) in changes(fingerprint).items():
        status, answer = await eve.change(path, document)
        of_nothing = ("keep_window", "set_exclusion")
        assert (status, answer.get("traces", 0)) == ((200, 0) if name in of_nothing else (404, 0)), (name, answer)
        for role in ("viewer", "producer"):
            status, answer = await eve.change(path, document, role)
            assert status == 403, (name, role, answer)

    base = f"{ada.gateway.url}/api/analytics"
    async with aiohttp.ClientSession() as nobody:
        for asked in questions(fingerprint).values():
            verb, parameters = "GET" if asked.document is None else "POST", RANGE if asked.range else asked.parameters
            async with nobody.request(verb, base + asked.path, params=parameters, json=asked.document) as refused:
                assert refused.status == 401, asked
        for path, document in changes(fingerprint).values():
            async with nobody.post(base + path, json=document) as refused:
                assert refused.status == 401, path

    await eve.send("omega", duration_ms=500, copies=3)
    await wait_until(lambda: eve.has(5 * TRACES, TRACES))
    revision, funnel = await eve.save_cohort("omega"), await eve.save_funnel("omega")
    for name, (path, document) in changes(await eve.fingerprint(), revision, rules=1, funnel=funnel).items():
        status, answer = await eve.change(path, document)
        assert status == 200, (name, answer)
    await eve.save_cohort("omega")
    await eve.save_funnel("omega")
    assert await ada.answers(fingerprint) == before
    for name, answer in (await eve.answers(await eve.fingerprint())).items():
        assert "alpha" not in json.dumps(answer), name
