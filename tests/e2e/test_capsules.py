"""Panels of stored spans and numbers in a capsule, in a real browser: what was stored, and no question to whoever opens it."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from drishti import cli
from drishti.messages import subjects
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.browser import DEADLINE_MS, Visit, launched, visiting
from rigs.dashboard_service import running, wait_ready
from rigs.page_services import PageServices, page_services
from rigs.waiting import wait_until

SERVICES = ("web", "shop", "bank")
NAME = "<img src=x onerror=alert(1)>"
COUNT = "count(span_duration_ms where service in ($service))"
PANELS: list[dict[str, Any]] = [
    {"kind": "traces", "title": "Search", "service": "$service"},
    {"kind": "errors", "title": "Errors", "service": "$service"},
    {"kind": "service_map", "title": "Map", "service": "$service"},
    {"kind": "query", "title": "Total", "show": "stat", "queries": [{"expression": COUNT}]},
    {"kind": "query", "title": "Lines", "queries": [{"expression": COUNT, "group_by": ["service"]}]},
    {"kind": "query", "title": "Rows", "show": "table", "queries": [{"expression": COUNT, "group_by": ["service"]}]},
    {"kind": "query", "title": "Others", "show": "stat", "queries": [
        {"expression": "count(span_duration_ms where not service in ($service))"}]},
    {"kind": "histogram", "title": "Spread", "values": {"metric": "span_duration_ms"}},
    {"kind": "histogram", "title": "Heat", "style": "heatmap", "values": {"metric": "span_duration_ms"}},
]  # fmt: skip
VARIABLE = {"name": "service", "metric": "span_duration_ms", "dimension": "service", "several": True}


def content_of(file: Path) -> Any:
    return msgspec.json.decode(gzip.decompress(file.read_bytes()))


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture
async def services(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[PageServices]:
    """All services, with a failed span of each of :data:`SERVICES`, and a dashboard of them."""
    async with page_services(own_nats, postgres_url) as result:
        for service in SERVICES:
            spans = [making.span(random.randbytes(16), random.randbytes(8), NAME, duration_ms=20, error=f"no {service}")]
            message = making.resource_spans(service, spans).SerializeToString()
            await result.analytics.admin.publish(subjects.spans("default", service), message)

        async def counted() -> bool:
            async with result.gateway.http.get(f"{result.gateway.url}/api/dashboard/analytics/traces") as listed:
                return len((await listed.json())["traces"]) == len(SERVICES)

        await wait_until(counted)
        editor = await result.gateway.key("editor", tenant="default")
        async with result.gateway.http.put(
            f"{result.gateway.url}/api/dashboard/dashboards/asked",
            json={"name": "asked", "title": "Asked", "variables": [VARIABLE], "panels": PANELS},
            headers={"x-api-key": editor},
        ) as stored:
            assert stored.status == 201, await stored.text()
        yield result


def panel(page: Page, title: str) -> Any:
    return page.locator("article").filter(has=page.get_by_role("heading", name=title)).first


async def drawn(page: Page, title: str) -> Any:
    """The panel, once what draws it has come."""
    place = panel(page, title)
    await expect(place).to_have_class(re.compile(r"\bof-"), timeout=DEADLINE_MS)
    return place


async def shown(page: Page) -> dict[str, str]:
    """What the panels say, without their titles, which say how long the range is."""
    said = {}
    for one in PANELS:
        place = await drawn(page, one["title"])
        await place.scroll_into_view_if_needed()
        await expect(place).to_have_attribute("aria-busy", "false", timeout=DEADLINE_MS)
        lines = (await place.inner_text()).split("\n")[2:]
        # The rates of a map are of the time that is counted, which grows until all of the range is.
        said[one["title"]] = "\n".join(line for line in lines if one["title"] != "Map" or "/s" not in line)
    return said


async def found(page: Page) -> list[str]:
    search = await drawn(page, "Search")
    await search.scroll_into_view_if_needed()
    links = search.get_by_role("list", name="Traces").get_by_role("link")
    await links.first.wait_for(timeout=DEADLINE_MS)
    return sorted(text.split(":")[0] for text in await links.all_inner_texts())


async def test_a_capsule_shows_what_was_stored_where_there_is_no_such_data(
    chrome: Browser, services: PageServices, module_nats: NatsServer, tmp_path: Path
) -> None:
    file = tmp_path / "asked.capsule.json.gz"
    now = int(time.time() * 1000)
    query = f"?from={now - 600_000}&to={now}"
    async with visiting(chrome, services.gateway.url) as visit:
        page = visit.page
        await visit.open("asked", query)
        assert await found(page) == ["bank", "shop", "web"]
        assert "3" in (await shown(page))["Total"]
        # Excluding nothing is all of them.
        assert "3" in (await shown(page))["Others"]
        await visit.open("asked", f"{query}&var-service=web&var-service=shop")
        await expect(panel(page, "Search").get_by_role("link", name="bank")).to_have_count(0)
        assert await found(page) == ["shop", "web"]
        was = await shown(page)
        assert ("2" in was["Total"], "1" in was["Others"], "bank" in was["Errors"]) == (True, True, False)
        async with page.expect_download(timeout=DEADLINE_MS) as saving:
            await page.get_by_role("button", name="Save as a capsule").click()
        await (await saving.value).save_as(file)
        assert visit.complaints == []
    port = free_port()
    async with (
        running(module_nats.settings("dashboard-stream"), port=port) as service,
        gateway_rig.running(module_nats, dashboard_url=f"http://127.0.0.1:{port}") as elsewhere,
    ):
        await wait_ready(service)
        async with visiting(chrome, elsewhere.url) as visit:
            await _opened_elsewhere(visit, elsewhere.url, file, was)


async def _opened_elsewhere(visit: Visit, url: str, file: Path, was: dict[str, str]) -> None:
    page = visit.page
    await page.goto(f"{url}/api/dashboard/capsule")
    await page.get_by_role("heading", name="Open a capsule").wait_for(timeout=DEADLINE_MS)
    await page.wait_for_load_state("networkidle")
    asked: list[str] = []
    scripts = f"{url}/api/dashboard/assets/"
    page.on(
        "request", lambda request: None if request.url.startswith((scripts, "blob:", "data:")) else asked.append(request.url)
    )
    page.on("websocket", lambda socket: asked.append(socket.url))
    choose = page.locator("input[type=file]")
    await choose.set_input_files(file)
    await visit.wait_state("capsule")
    assert await found(page) == ["shop", "web"]
    assert await shown(page) == was
    await page.get_by_role("button", name="Menu of Search", exact=True).click()
    await page.get_by_role("menuitem", name="Explain").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Stored in this capsule")
    await page.keyboard.press("Escape")
    services = panel(page, "Map").locator("g.node.service")
    await expect(services).to_have_count(2)
    await services.filter(has_text="web").click()
    await expect(services).to_have_count(1)
    await panel(page, "Map").get_by_role("button", name="around web").click()
    await expect(services).to_have_count(2)
    assert await page.locator("img").count() == 0
    content = await asyncio.to_thread(content_of, file)
    name = "search"
    for changed, words in (
        ({"panels": {}}, None),
        ({"panels": {name: {"traces": [{"duration_ms": NAME}]}}}, f"what panel {name} shows"),
        ({"panels": {name: content["panels"]["errors"]}}, f"what panel {name} shows"),
    ):
        await choose.set_input_files(
            {"name": "x.json", "mimeType": "application/json", "buffer": msgspec.json.encode({**content, **changed})}
        )
        if words is None:
            await expect(panel(page, "Search")).to_contain_text("not in this capsule", timeout=DEADLINE_MS)
        else:
            await expect(page.locator("#capsule [role=alert]")).to_contain_text(words, timeout=DEADLINE_MS)
    assert asked == []
    assert visit.complaints == []


def _compared(capsule: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on when a capsule was made: the rates of a map are of the time that is counted by then."""
    panels = {name: {**answer, "at": 0, "as_of": 0} for name, answer in capsule["panels"].items()}
    panels["map"] = {"nodes": [one["id"] for one in panels["map"]["nodes"]]}
    return {**capsule, "panels": panels, "made_at": 0}


async def test_the_command_stores_what_the_page_does(
    chrome: Browser, services: PageServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRISHTI_URL", services.gateway.url)
    monkeypatch.setenv("DRISHTI_API_KEY", await services.gateway.key("viewer", tenant="default"))
    now = int(time.time() * 1000)
    by_page, by_command = tmp_path / "page.json.gz", tmp_path / "command.json.gz"
    async with visiting(chrome, services.gateway.url) as visit:
        await visit.open("asked", f"?from={now - 600_000}&to={now}&tz=utc")
        assert "3" in (await shown(visit.page))["Total"]
        async with visit.page.expect_download(timeout=DEADLINE_MS) as saving:
            await visit.page.get_by_role("button", name="Save as a capsule").click()
        await (await saving.value).save_as(by_page)
    arguments = ["capsule", "export", "asked", "--from", str(now - 600_000), "--until", str(now), "--to", str(by_command)]
    assert await asyncio.to_thread(cli.main, arguments) == 0
    page, command = [_compared(await asyncio.to_thread(content_of, file)) for file in (by_page, by_command)]
    assert command["problems"] == []
    assert set(command["panels"]) == {one["title"].lower() for one in PANELS}
    assert command == page
