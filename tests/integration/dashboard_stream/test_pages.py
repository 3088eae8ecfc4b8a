"""The pages and the JSON of dashboard-stream over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette
from websockets.exceptions import InvalidStatus

from conftest import BusFor
from dashboard_stream.boards.ready import READY
from dashboard_stream.http.pages import NOT_BUILT
from dashboard_stream.http.routes import Endpoints
from dashboard_stream.live.clients import Broadcaster
from dashboard_stream.live.hub import Hub
from dashboard_stream.past.insight_history import InsightReader
from dashboard_stream.past.stored_notes import StoredNotes
from dashboard_stream.settings import DashboardSettings
from drishti.dashboards.stored import StoredDashboards
from drishti.events import Frame
from drishti.service.lifecycle import serve_http
from drishti.settings import BusSettings, Secret
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.aggregates import aggregate
from rigs.dashboard_service import Service, frame_with, now_second, publish, running, wait_ready
from rigs.insights import incident, predict
from rigs.waiting import DEADLINE_S, wait_until

USER = "dashboard-stream"
PAGE = "<!doctype html><title>Drishti</title>"
DASHBOARD = "<!doctype html><title>Drishti, with charts</title>"
SCRIPT = b"let here = true\n" * 500
BROTLI = b"as brotli"
"""Nothing here unpacks it."""


async def _nothing_fails() -> dict[str, str]:
    return {}


async def _at_once() -> None:
    """There is no history to wait for."""


async def _serve(static: Path) -> AsyncIterator[Service]:
    stop, ready = asyncio.Event(), asyncio.Event()
    settings = DashboardSettings(port=free_port(), bus=BusSettings())
    hub, stored = Hub("e1"), StoredDashboards()
    stored.loaded.set()
    parts = (hub, Broadcaster(state=dict), stored, StoredNotes(), InsightReader())
    endpoints = Endpoints(settings, *parts, now=lambda: 0.0, history=_at_once, check=_nothing_fails, static=static)
    serving = serve_http(Starlette(routes=endpoints.routes()), host="127.0.0.1", port=settings.port, stop=stop, ready=ready)
    task = asyncio.create_task(serving)
    async with asyncio.timeout(DEADLINE_S):
        await ready.wait()
    yield Service(settings.port, stop)
    stop.set()
    async with asyncio.timeout(DEADLINE_S):
        await task


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with a page as the web build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "dashboard.html").write_text(DASHBOARD)
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "page-abc123.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "page-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets" / "page-abc123.js.br").write_bytes(BROTLI)
    (tmp_path / "assets" / "small-abc123.js").write_text("1")
    async for service in _serve(tmp_path):
        yield service


@pytest.fixture
async def unbuilt(tmp_path: Path) -> AsyncIterator[Service]:
    async for service in _serve(tmp_path / "nothing"):
        yield service


@pytest.mark.parametrize("name", READY)
async def test_every_dashboard_has_its_page_that_runs_only_our_scripts(built: Service, name: str) -> None:
    status, headers, body = await built.get(f"/api/dashboard/dashboard/{name}")
    assert (status, body.decode()) == (200, DASHBOARD)
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-cache"


async def test_the_page_of_metrics_is_the_same_build(built: Service) -> None:
    status, headers, body = await built.get("/api/dashboard/metrics?metric=events")
    assert (status, body.decode()) == (200, PAGE)
    assert "script-src 'self';" in headers["content-security-policy"]


async def test_what_models_say_about_any_metric_is_asked_for_by_its_token(
    built: Service, bus_for: BusFor, nats_server: NatsServer
) -> None:
    _, _, nothing = await built.get("/api/dashboard/insights/orders-created")
    assert msgspec.json.decode(nothing) == {"ts": 0, "insights": []}
    assert (await built.get("/api/dashboard/insights/x", X_Drishti_Tenant="A B"))[0] == 400
    predictor = await bus_for("predictor")
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        about = {"metric": "orders-created", "field": "rate", "labels": {}, "insight_id": "orders"}
        await predict(predictor, incident(**about), incident(**about, tenant="acme", severity="critical"))

        async def said(tenant: str, severities: list[str]) -> bool:
            _, _, body = await service.get("/api/dashboard/insights/orders-created", X_Drishti_Tenant=tenant)
            return [one["severity"] for one in msgspec.json.decode(body)["insights"]] == severities

        await wait_until(lambda: said("default", ["warning"]))
        await wait_until(lambda: said("acme", ["critical"]))
        assert await said("nobody", [])


async def test_the_root_leads_home(built: Service) -> None:
    for path in ("/api/dashboard", "/api/dashboard/"):
        assert (await built.get(path))[2].decode() == PAGE


@pytest.mark.parametrize(
    ("accepted", "sent", "bytes_sent"),
    [
        ("gzip, deflate, br, zstd", "br", BROTLI),
        ("gzip, deflate", "gzip", gzip.compress(SCRIPT)),
        ("GZIP;q=0.5, br; q=0", "gzip", gzip.compress(SCRIPT)),
        ("identity", None, SCRIPT),
        ("", None, SCRIPT),
    ],
)
async def test_assets_are_kept_for_ever_and_sent_as_the_build_compressed_them(
    built: Service, accepted: str, sent: str | None, bytes_sent: bytes
) -> None:
    path = "/api/dashboard/assets/page-abc123.js"
    status, headers, body = await built.get(path, Accept_Encoding=accepted)
    assert status == 200
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"].startswith("text/javascript")
    assert headers["vary"] == "Accept-Encoding"
    assert (headers.get("content-encoding"), int(headers["content-length"])) == (sent, len(bytes_sent))
    assert body[10:] == bytes_sent[10:]  # past the time in the head of gzip
    assert (await built.get("/api/dashboard/assets/other.js"))[0] == 404
    small = await built.get("/api/dashboard/assets/small-abc123.js", Accept_Encoding="gzip, br")
    assert (small[0], small[1].get("content-encoding"), small[2]) == (200, None, b"1")


async def test_only_files_of_the_build_are_served(built: Service) -> None:
    assert (await built.get("/api/dashboard/favicon.svg"))[0] == 200
    outside = ("assets/..%2F..%2Fsettings.py", "..%2Froutes.py", "%2Fetc%2Fpasswd")
    for path in ("index.html", "dashboard.html", "nothing.svg", *outside, "%00", "a" * 5000, "assets/" + "a" * 5000):
        assert (await built.get(f"/api/dashboard/{path}"))[0] == 404, path


async def test_a_page_that_is_not_built_says_how_to_build_it(unbuilt: Service) -> None:
    for path in ("dashboard/system_overview", "assets/page.js"):
        status, _, body = await unbuilt.get(f"/api/dashboard/{path}")
        assert (status, body.decode()) == (503, NOT_BUILT)


async def test_an_unknown_dashboard_names_the_known_ones(built: Service) -> None:
    for path in ("dashboard/nothing", "state/nothing"):
        status, _, body = await built.get(f"/api/dashboard/{path}")
        assert status == 404
        assert b"system_overview, user_analytics, dharma_insights" in body


async def test_a_browser_at_an_address_without_a_page_gets_one_that_says_so(built: Service, unbuilt: Service) -> None:
    for path, page in (("nothing", PAGE), ("dashboard/nothing", DASHBOARD)):
        status, headers, body = await built.get(f"/api/dashboard/{path}", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
        assert (status, body.decode()) == (404, page)
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-cache"
        assert (await built.get(f"/api/dashboard/{path}", Accept="*/*"))[2] != body
        assert (await unbuilt.get(f"/api/dashboard/{path}", Accept="text/html"))[0] == 503


async def test_the_list_of_dashboards_says_what_each_shows(built: Service) -> None:
    _, _, body = await built.get("/api/dashboard/dashboards")
    listed = msgspec.json.decode(body)["dashboards"]
    assert [d["name"] for d in listed] == list(READY)
    rate = next(s for s in listed[0]["series"] if s["name"] == "requests.rate")
    assert (rate["unit"], rate["labels"], rate["resolution"]) == ("{request}/s", ["service", "status"], "1s")


async def test_the_state_as_json_is_the_tenants_snapshot(nats_server: NatsServer, nats_url: str, bus_for: BusFor) -> None:
    async with running(nats_server.settings(USER)) as service:
        await wait_ready(service)
        start = now_second() - 3000
        await publish(await bus_for("analytics"), aggregate("requests", start, {"count": 3}, tenant="pages"))
        async with service.connect(tenant="pages") as socket:
            arrived = await frame_with(socket, lambda frame: bool(frame.data.series))
        _, headers, body = await service.get("/api/dashboard/state/system_overview", X_Drishti_Tenant="pages")
        state = msgspec.json.decode(body, type=Frame)
        assert headers["cache-control"] == "no-store"
        assert (state.type, state.epoch, state.data.series) == ("snapshot", "e1.1", arrived.data.series)
        assert (await service.get("/api/dashboard/state/system_overview", X_Drishti_Tenant="No Token"))[0] == 400


async def test_where_a_secret_is_set_only_the_gateway_is_answered(nats_server: NatsServer, nats_url: str) -> None:
    async with running(nats_server.settings(USER), secret=Secret("s3cret")) as service:
        path = "/api/dashboard/dashboards"
        assert (await service.get(path))[0] == 403
        assert (await service.get(path, X_Drishti_Secret="wrong"))[0] == 403
        assert (await service.get(path, X_Drishti_Secret="s3cret"))[0] == 200
        assert (await service.get("/healthz"))[0] == 200
        with pytest.raises(InvalidStatus) as refused:
            await service.connect()
        assert refused.value.response.status_code == 403
        async with service.connect(X_Drishti_Secret="s3cret") as socket:
            assert msgspec.json.decode(await socket.recv(), type=Frame).type == "snapshot"
