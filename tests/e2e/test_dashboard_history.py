"""The past of a dashboard in a real browser: compared with a period before, played, and written about."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from playwright.async_api import Browser, expect

from drishti.events import AnomalyInsight, encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs.browser import DEADLINE_MS, Visit, launched, visiting
from rigs.page_services import PageServices, page_services
from rigs.waiting import wait_until

MINUTE_NS = 60_000_000_000
RISE = 40
"""So many minutes ago orders went from 60 a minute to 90, and in the hour before there were none."""


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture
def end() -> int:
    """When the orders end: the last full minute, in epoch seconds."""
    return int(time.time()) // 60 * 60


@pytest.fixture
async def services(own_nats: NatsServer, postgres_url: str, end: int) -> AsyncIterator[PageServices]:
    """All services that a past needs, with orders of 80 minutes counted."""
    async with page_services(own_nats, postgres_url) as result:
        gateway = result.gateway
        key = await gateway.key("producer", tenant="default")
        status, answer = await gateway.post("/v1/metrics", orders(end), authorization=f"Bearer {key}")
        assert (status, answer) == (200, {}), answer

        async def counted() -> bool:
            async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/metrics") as listed:
                return any(one["name"] == "orders" and one.get("series") for one in (await listed.json())["metrics"])

        await wait_until(counted)
        yield result


def orders(end: int) -> dict[str, Any]:
    points = [
        {
            "startTimeUnixNano": str(end * 1_000_000_000 - back * MINUTE_NS),
            "timeUnixNano": str(end * 1_000_000_000 - (back - 1) * MINUTE_NS),
            "asInt": "90" if back <= RISE else "60",
        }
        for back in range(2 * RISE, 0, -1)
    ]
    counter = {
        "name": "orders",
        "unit": "{order}",
        "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": points},
    }
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [counter]}]}]}


def said(visit: Visit) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(visit.page.url).query)


async def shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/history-{name}.png", full_page=True)


def iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


async def test_a_past_is_compared_replayed_and_annotated(
    chrome: Browser, services: PageServices, end: int, tmp_path: Path
) -> None:
    async with visiting(chrome, services.gateway.url, color_scheme="light") as visit:
        await _compared(visit, end)
        assert visit.complaints == []
        await _replayed(visit, services, end)
        await _kept_in_a_file(visit, services, await services.gateway.key("viewer", tenant="default"), end, tmp_path)
        assert visit.complaints == []
        await _annotated(visit, await services.gateway.key("editor", tenant="default"), end)
        # That a key is needed was a failed request.
        assert all("403" in said or "401" in said for said in visit.complaints), visit.complaints


async def _compared(visit: Visit, end: int) -> None:
    page = visit.page
    await visit.open("own_metrics", f"?from={iso(end - (RISE - 1) * 60)}&to={iso(end - 5 * 60)}")
    await visit.wait_state("past")
    await page.locator(".chosen-range").click()
    dialog = page.get_by_role("dialog", name="Time range")
    await dialog.get_by_label("Compare with").select_option("Same length before")
    await page.keyboard.press("Escape")
    chart = page.locator("article.chart").first
    await expect(chart.locator(".legend .before")).to_contain_text("50 % higher than 34 min before", timeout=DEADLINE_MS)
    await visit.wait_until("() => document.querySelectorAll('article.chart .js-line[d]').length === 2")
    assert said(visit)["compare"] == ["previous"]
    await expect(page.locator(".compared-note")).to_contain_text("Compared with 34 min before")
    await shot(visit, "compare")
    # Also of what is live, from its link; an hour earlier there were fewer.
    await visit.open("own_metrics", "?from=now-15m&to=now&compare=1h")
    await expect(chart.locator(".legend .before")).to_contain_text("than 1 hour before", timeout=DEADLINE_MS)
    await visit.wait_until("() => document.querySelectorAll('article.chart .js-line[d]').length >= 1")
    await shot(visit, "compare-live")
    await page.get_by_role("button", name="Stop comparing").click()
    await expect(chart.locator(".legend .before")).to_have_count(0)
    assert "compare" not in said(visit)


async def _replayed(visit: Visit, services: PageServices, end: int) -> None:
    page = visit.page
    now = int(time.time() * 1000)
    fields = {"insight_id": "played", "tenant": "default", "metric": "orders", "field": "rate", "model": "m", "state": "ready"}
    told = msgspec.convert(fields | {"phase": "opened", "severity": "critical", "direction": "up", "at": now}, AnomalyInsight)
    predictor = await services.connect("predictor")
    await predictor.publish(subjects.insights("default", "anomaly", "orders"), encode(told))
    published = time.time()  # a busy machine may have taken long for it
    await visit.open("own_metrics", f"?from={iso(end - 30 * 60)}&to={iso(published + 1)}&replay=1")
    await visit.wait_state("replay")
    bar = page.get_by_role("group", name="Replay")
    await bar.get_by_role("button", name="Pause replay").click()
    position = bar.get_by_label("Position")
    middle = (end - 15 * 60) * 1000
    await position.fill(str(middle))
    await expect(bar.locator("output")).to_contain_text(time.strftime("%H:%M:%S of", time.gmtime(middle / 1000)))
    tile = page.locator("article.tile").first
    await expect(tile).to_contain_text("newest point")
    insights = page.locator("article, section").filter(has=page.get_by_role("heading", name="Insights")).last
    await expect(insights).to_contain_text("No anomalies")
    # The last frame is what is stored: the same numbers as without a replay, and what was said by then.
    await position.press("End")
    await expect(tile).to_contain_text("whole range")
    await expect(insights).not_to_contain_text("No anomalies")
    last = await page.locator("article.chart .legend").first.inner_text()
    await shot(visit, "replay")
    await bar.get_by_role("button", name="Play again").click()
    await bar.get_by_label("Speed").select_option("60×")
    await position.fill(str(now - now % 1000 - 120_000))
    await expect(bar.locator("output")).to_contain_text("all of it", timeout=DEADLINE_MS)
    await bar.get_by_role("button", name="End replay").click()
    await visit.wait_state("past")
    assert "replay" not in said(visit)
    assert await page.locator("article.chart .legend").first.inner_text() == last
    await page.locator(".chosen-range").click()
    await page.get_by_role("button", name="Replay this range").click()
    await visit.wait_state("replay")
    assert said(visit)["replay"] == ["60"]


async def test_a_replay_is_the_same_after_a_reload_and_ends_in_the_stored_numbers(
    chrome: Browser, services: PageServices, end: int
) -> None:
    """By keyboard, over a range that is relative, and with the dashboard deleted meanwhile."""
    gateway = services.gateway
    stat = {"kind": "stat", "title": "All orders", "value": {"metric": "orders", "field": "count"}}
    url, editor = f"{gateway.url}/api/dashboard/dashboards/played", await gateway.key("editor", tenant="default")
    document = {"name": "played", "title": "Played", "panels": [stat]}
    async with gateway.http.put(url, json=document, headers={"x-api-key": editor}) as stored:
        assert stored.status == 201, await stored.text()
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await visit.open("played", "?from=now-30m&to=now-10m&replay=1&tz=utc")
        await visit.wait_state("replay")
        await visit.wait_until("() => !new URLSearchParams(location.search).get('from').startsWith('now')")
        fixed = said(visit)
        await page.reload()
        await visit.wait_state("replay")
        assert said(visit) == fixed
        bar = page.get_by_role("group", name="Replay")
        pause = bar.get_by_role("button", name="Pause replay")
        await pause.focus()
        await page.keyboard.press("Enter")
        await bar.get_by_label("Speed").select_option("60×")
        assert said(visit) == {**fixed, "replay": ["60"]}
        await expect(bar.get_by_role("button", name="Play", exact=True)).to_be_visible()
        position = bar.get_by_label("Position")
        first = int(await position.input_value())
        await position.press("ArrowRight")
        assert int(await position.input_value()) - first >= 10_000
        async with gateway.http.delete(url, headers={"x-api-key": editor, "if-match": "*"}) as deleted:
            assert deleted.status == 204, await deleted.text()
        await position.press("End")
        await expect(bar.locator("output")).to_contain_text("all of it")
        begin, until = [int(await position.get_attribute(name) or 0) for name in ("min", "max")]
        question = {"metric": "orders", "aggregate": "count"}
        asked = {"questions": [question], "from": begin, "to": until, "resolution": "1m"}
        async with gateway.http.post(f"{gateway.url}/api/dashboard/analytics/query", json=asked) as answer:
            (series,) = (await answer.json())["answers"][0]["series"]
        tile = page.locator("article.tile").first
        await expect(tile).to_contain_text(f"{series['total']:,.0f}", timeout=DEADLINE_MS)
        await expect(tile).to_contain_text("whole range")
        assert visit.complaints == []


async def _kept_in_a_file(visit: Visit, services: PageServices, viewer: str, end: int, folder: Path) -> None:
    page, url = visit.page, services.gateway.url
    await visit.open("own_metrics", f"?from={iso(end - 20 * 60)}&to={iso(end - 5 * 60)}")
    await visit.wait_state("past")
    legend = page.locator("article.chart .legend").first
    await expect(legend).to_contain_text("1.5/s", timeout=DEADLINE_MS)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as a capsule").click()
    saved = folder / "page.capsule.json.gz"
    await (await saving.value).save_as(saved)
    made = folder / "command.capsule.json.gz"
    given = ["capsule", "export", "own_metrics", "--from", iso(end - 20 * 60), "--until", iso(end - 5 * 60), "--to", str(made)]
    program = str(Path(sys.executable).with_name("drishti"))
    environment = {**os.environ, "DRISHTI_URL": url, "DRISHTI_API_KEY": viewer}
    command = await asyncio.create_subprocess_exec(program, *given, env=environment, stderr=asyncio.subprocess.PIPE)
    assert await command.wait() == 0, (await command.communicate())[1]
    await page.get_by_role("link", name="Open a capsule").click()
    await page.get_by_role("heading", name="Open a capsule").wait_for(timeout=DEADLINE_MS)
    # No service is asked for anything from here on.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type in ("fetch", "xhr") else None)
    choose = page.locator("input[type=file]")
    for file in (saved, made):
        await choose.set_input_files(file)
        await visit.wait_state("capsule")
        await expect(page.locator(".capsule-banner")).to_contain_text("read-only")
        await expect(legend).to_contain_text("1.5/s")
        await visit.wait_until("() => document.querySelectorAll('article.chart .js-line[d]').length === 1")
    await shot(visit, "capsule")
    hostile = {
        "bomb.gz": (gzip.compress(b" " * (65 << 20)), "more than 64 MiB"),
        "page.json": (b"<html><script>alert(1)</script>", "no capsule"),
        "later.json": (b'{"drishti_capsule": 99}', "later Drishti"),
        "broken.gz": (saved.read_bytes()[:200], "cannot be unpacked"),
    }
    for name, (content, words) in hostile.items():
        await choose.set_input_files({"name": name, "mimeType": "application/gzip", "buffer": content})
        await expect(page.locator("#capsule [role=alert]")).to_contain_text(words, timeout=DEADLINE_MS)
    # Panels as no panels are: said, and the page stands.
    odd = msgspec.json.decode(gzip.decompress(saved.read_bytes()))
    odd["dashboard"]["panels"] = [
        {"kind": "stat", "title": "<img src=x onerror=alert(1)>"},
        {"kind": "time_series", "title": "t", "lines": 5},
    ]
    await choose.set_input_files({"name": "odd.json", "mimeType": "application/json", "buffer": msgspec.json.encode(odd)})
    await expect(page.locator("#capsule [role=alert]")).to_contain_text("cannot be shown", timeout=DEADLINE_MS)
    assert asked == []


async def _annotated(visit: Visit, editor: str, end: int) -> None:
    page = visit.page
    await visit.open("own_metrics", f"?from={iso(end - 30 * 60)}&to={iso(end - 5 * 60)}&tz=utc")
    await visit.wait_state("past")
    notes = page.get_by_role("region", name="Notes")
    await notes.get_by_role("button", name="Add a note").click()
    await notes.get_by_label("From").fill(iso(end - 20 * 60))
    await notes.get_by_label("To", exact=True).fill("whenever")
    await notes.get_by_label("Text").fill("<b>Load</b> test <script>alert(1)</script>")
    await notes.get_by_label("Tags").fill("load, <i>x</i>")
    await notes.get_by_role("button", name="Save note").click()
    await notes.get_by_text("This is no time").wait_for(timeout=DEADLINE_MS)
    await notes.get_by_label("To", exact=True).fill("")
    await notes.get_by_role("button", name="Save note").click()
    await notes.get_by_role("button", name="Give an editor's key").click()
    await notes.get_by_label("Editor's key").fill(editor)
    await notes.get_by_role("button", name="Use it").click()
    await notes.get_by_role("button", name="Use it").wait_for(state="detached", timeout=DEADLINE_MS)
    await notes.get_by_role("button", name="Save note").click()
    item = notes.locator("li")
    await expect(item.locator("p")).to_have_text("<b>Load</b> test <script>alert(1)</script>", timeout=DEADLINE_MS)
    await expect(item.locator(".tag")).to_have_text(["load", "<i>x</i>"])
    # It is marked in the chart, and a click there opens it.
    mark = page.locator("article.chart .annotation-text").filter(has_text="✎")
    await expect(mark).to_have_count(1, timeout=DEADLINE_MS)
    await shot(visit, "note")
    box = await mark.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    await expect(notes.get_by_label("Text")).to_have_value("<b>Load</b> test <script>alert(1)</script>", timeout=DEADLINE_MS)
    await notes.get_by_label("Kind").select_option("deployment")
    await notes.get_by_label("Version").fill("1.4")
    await notes.get_by_role("button", name="Save note").click()
    await expect(item.locator("b")).to_have_text("Deployment 1.4", timeout=DEADLINE_MS)
    await expect(page.locator("article.chart .annotation-text").filter(has_text="▲")).to_have_count(1, timeout=DEADLINE_MS)
    await item.get_by_role("button", name="Delete").click()
    await expect(item).to_have_count(0, timeout=DEADLINE_MS)
