"""Dashboards that a tenant made, in a real bucket: stored by revision, live with their past, gone for those who look."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from conftest import BusFor
from dashboard_stream.boards.ready import READY
from drishti.dashboards.stored import RESERVED
from drishti_local.servers import NatsServer
from rigs.aggregates import aggregate
from rigs.dashboard_service import (
    Service,
    close_code,
    frame,
    frame_with,
    has_point,
    now_second,
    publish,
    running,
    wait_ready,
)
from rigs.waiting import wait_until

USER = "dashboard-stream"
PATH = "/api/dashboard/dashboards"
STAT = {"kind": "stat", "title": "Rate"}
RATE = {"metric": "requests", "field": "rate"}

pytestmark = pytest.mark.usefixtures("nats_url")
"""The streams are declared."""


def document(name: str, *panels: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "title": name.title(), "panels": list(panels)}


def chart(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "time_series", "title": "Lines", "lines": list(lines)}


async def asked(service: Service, method: str, name: str, body: object = None, tenant: str = "acme", **headers: str) -> Any:
    """Status and content; the revision too, where the answer names one."""
    path = f"{PATH}/{name}" if name else PATH
    status, answered, content = await service.ask(method, path, body, X_Drishti_Tenant=tenant, **headers)
    decoded = msgspec.json.decode(content) if content else None
    return status, decoded, (answered["etag"] or "").strip('"')


def test_the_names_that_nobody_may_take_are_those_that_everybody_has() -> None:
    assert frozenset(READY) == RESERVED


async def test_a_dashboard_is_stored_read_changed_and_deleted_by_revision(nats_server: NatsServer) -> None:
    async with running(nats_server.settings(USER)) as service, running(nats_server.settings(USER)) as replica:
        await wait_ready(service)
        await wait_ready(replica)
        status, made, first = await asked(service, "PUT", "checkout", document("checkout", chart(RATE)))
        assert (status, made["own"], made["document"]["panels"][0]["id"]) == (201, True, "lines")
        assert str(made["revision"]) == first

        async def seen_there() -> int:
            return int((await asked(replica, "GET", "checkout"))[0])

        await wait_until(seen_there, "the other replica to know it", equals=200)
        assert [one["name"] for one in (await asked(replica, "GET", ""))[1]["dashboards"]] == [*READY, "checkout"]
        assert (await asked(service, "GET", "checkout", tenant="other"))[0] == 404

        status, conflict, _ = await asked(service, "PUT", "checkout", document("checkout"))
        assert (status, conflict["field"], conflict["revision"]) == (409, "revision", int(first))
        assert conflict["theirs"]["panels"] == made["document"]["panels"]
        assert "panels" not in conflict["yours"]
        status, _, second = await asked(replica, "PUT", "checkout", document("checkout"), If_Match=f'"{first}"')
        assert status == 200
        assert (await asked(service, "PUT", "checkout", document("checkout"), If_Match=first))[0] == 409
        assert (await asked(replica, "DELETE", f"checkout?revision={first}"))[0] == 409
        assert (await asked(replica, "DELETE", "checkout", If_Match=second))[0] == 204
        await wait_until(seen_there, "it to be gone", equals=404)
        assert (await asked(replica, "DELETE", "checkout"))[0] == 404


@pytest.mark.parametrize(
    ("name", "body", "status", "field"),
    [
        ("a", b"{", 400, None),
        ("a", b"[]", 422, None),
        ("a", {"name": "b", "title": "t"}, 422, "name"),
        ("a", {"title": "t", "panels": [{"kind": "pie-in-the-sky", "title": "t"}]}, 422, "panels[0].kind"),
        ("A b", {"title": "t"}, 422, "name"),
        ("system_overview", {"title": "t"}, 422, "name"),
        ("a", {"title": "a\0b"}, 422, "title"),
        ("a", {"title": "t", "panels": [{"kind": "text", "title": "t", "text": "one\n\u202etwo"}]}, 422, "panels[0].text"),
        ("a", b'{"title": "' + b"x" * 300_000 + b'"}', 413, None),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_its_field(
    nats_server: NatsServer, name: str, body: Any, status: int, field: str | None
) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        path = name.replace(" ", "%20")
        answered, content, _ = await asked(service, "PUT", path, body)
        assert (answered, content.get("field")) == (status, field)
        assert (await asked(service, "DELETE", "system_overview"))[0] == 422
        assert (await asked(service, "PUT", "a", {"title": "t"}, If_Match="soon"))[0] == 400


async def test_a_dashboard_is_sent_and_exported_as_yaml_and_checked_without_being_stored(nats_server: NatsServer) -> None:
    text = b"name: written\ntitle: Written\npanels:\n  - {kind: stat, title: R\xc4\x81ta, value: {metric: events, field: rate}}"
    yaml = {"Content_Type": "application/yaml; charset=utf-8"}
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)

        async def checked(body: object, **headers: str) -> Any:
            answer = await service.ask("POST", "/api/dashboard/check-dashboard", body, X_Drishti_Tenant="yaml", **headers)
            return answer[0], msgspec.json.decode(answer[2])

        status, said = await checked(text, **yaml)
        assert (status, said["faults"], said["document"]["panels"][0]["title"]) == (200, [], "R\u0101ta")
        assert (await asked(service, "GET", "written", tenant="yaml"))[0] == 404
        status, made, _ = await asked(service, "PUT", "written", text, tenant="yaml", **yaml)
        assert (status, made["document"]) == (201, said["document"])
        exported = await service.ask("GET", f"{PATH}/written?format=yaml", X_Drishti_Tenant="yaml")
        assert exported[2].decode() == said["yaml"]
        assert (await checked(exported[2], **yaml))[1]["document"] == made["document"]
        listed = (await asked(service, "GET", "", tenant="yaml"))[1]["dashboards"]
        assert [one["name"] for one in listed if "changed_at" in one] == ["written"]

        status, said = await checked({"name": "a", "title": "A", "panels": [{**STAT, "value": {"metric": "requests"}}]})
        assert (status, [one["field"] for one in said["faults"]]) == (200, ["panels[0].value.field"])
        status, said = await checked({"name": "system_overview", "title": "A"})
        assert (status, said["faults"][0]["field"]) == (200, "name")
        aliases = b"name: &a x\ntitle: *a\n"
        for wrong in (b"name: [", b"- a\n- b\n", b"name: a\nname: b\n", aliases, b"\xff", b"[" * 100_000):
            assert (await checked(wrong, **yaml))[0] in (400, 422), wrong[:20]


async def test_what_a_new_dashboard_asks_comes_with_its_past_and_goes_on_live(nats_server: NatsServer, bus_for: BusFor) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        analytics, start = await bus_for("analytics"), now_second() - 30_000

        def by_route(at: int, count: int) -> Any:
            return aggregate("requests", at, [({}, {"count": count}), ({"route": "/pay"}, {"count": count})], tenant="past")

        await publish(analytics, by_route(start, 5))
        async with service.connect(tenant="past") as overview:
            await frame_with(overview, has_point("requests.rate", start, 5))
            await asked(service, "PUT", "routes", document("routes", chart({**RATE, "by": "route"})), tenant="past")
            async with service.connect("routes", tenant="past") as socket:
                await frame_with(socket, has_point("requests.rate{route=/pay}", start, 5))
                await publish(analytics, by_route(start + 1000, 7))
                await frame_with(socket, has_point("requests.rate{route=/pay}", start + 1000, 7))
            # The overview lost nothing by it, nor shows what it does not ask.
            await frame_with(overview, has_point("requests.rate", start + 1000, 7))
            snapshot = msgspec.json.decode(
                (await service.get("/api/dashboard/state/system_overview", X_Drishti_Tenant="past"))[2]
            )
            assert {(start, 5), (start + 1000, 7)} <= {tuple(point) for point in snapshot["data"]["series"]["requests.rate"]}
            assert not [name for name in snapshot["data"]["series"] if "route=" in name]


async def test_what_an_address_chooses_comes_with_its_past_and_goes_on_live(nats_server: NatsServer, bus_for: BusFor) -> None:
    variable = {"name": "service", "metric": "requests", "dimension": "service"}
    counts = {"metric": "requests", "field": "count", "only": {"service": "$service"}}
    own = document("chosen", chart(counts)) | {"variables": [variable]}
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        analytics, start = await bus_for("analytics"), now_second() - 30_000

        def of_services(at: int, web: int, agni: int) -> Any:
            series = [({}, {"count": web + agni}), ({"service": "web"}, {"count": web}), ({"service": "agni"}, {"count": agni})]
            return aggregate("requests", at, series, tenant="chosen")

        await publish(analytics, of_services(start, 5, 3))
        stored = await asked(service, "PUT", "chosen", own, tenant="chosen")
        async with (
            service.connect("chosen?var-service=web", tenant="chosen") as web,
            service.connect("chosen", tenant="chosen") as everything,
        ):
            await frame_with(web, has_point("requests.count[service=web]", start, 5))
            await frame_with(everything, has_point("requests.count", start, 8))
            await publish(analytics, of_services(start + 1000, 7, 2))
            assert (
                "requests.count"
                not in (await frame_with(web, has_point("requests.count[service=web]", start + 1000, 7))).data.series
            )
            await frame_with(everything, has_point("requests.count", start + 1000, 9))

        async def of_agni() -> bool:
            answer = await service.get("/api/dashboard/state/chosen?var-service=agni", X_Drishti_Tenant="chosen")
            series = msgspec.json.decode(answer[2])["data"]["series"]
            return series.get("requests.count[service=agni]") == [[start, 3], [start + 1000, 2]]

        await wait_until(of_agni)
        described = (await asked(service, "GET", "chosen?var-service=agni", tenant="chosen"))[1]
        assert described["variables"][0]["values"] == ["agni"]
        assert described["series"][0]["filters"] == [{"label": "service", "op": "=", "value": "agni"}]
        assert described["document"] == stored[1]["document"], "what is chosen is stored nowhere"
        assert (await asked(service, "GET", "chosen?var-model=a", tenant="chosen"))[0] == 400
        assert (await service.get("/api/dashboard/state/chosen?var-model=a", X_Drishti_Tenant="chosen"))[0] == 400
        async with service.connect("chosen?var-model=a", tenant="chosen") as socket:
            assert await close_code(socket) == 4400


async def test_who_looks_at_a_dashboard_that_is_deleted_hears_of_it(nats_server: NatsServer) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        await asked(service, "PUT", "short-lived", document("short-lived", chart(RATE)), tenant="gone")
        async with service.connect("short-lived", tenant="gone") as socket:
            await frame(socket)
            assert (await asked(service, "DELETE", "short-lived", tenant="gone", If_Match="*"))[0] == 204
            assert await close_code(socket) == 4404
        async with service.connect("short-lived", tenant="gone") as socket:
            assert await close_code(socket) == 4404


async def test_dashboards_are_there_again_after_a_restart(nats_server: NatsServer) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        await asked(service, "PUT", "kept", document("kept", chart(RATE)), tenant="restart")
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        status, found, _ = await asked(service, "GET", "kept", tenant="restart")
        assert (status, found["title"]) == (200, "Kept")
        async with service.connect("kept", tenant="restart") as socket:
            assert (await frame(socket)).dashboard == "kept"
