"""A real browser before a real dashboard-stream, and traffic for every number that its pages show."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from drishti.bus.connection import Bus
from drishti.events import Aggregate, AnomalyInsight, Resolution, encode
from drishti.messages import subjects
from rigs.aggregates import aggregate
from rigs.dashboard_service import now_second, publish

FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE_MS = 20_000

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "reduced_motion": "reduce",
}


def chromium() -> str:
    """The browser's program; skips the test where there is none."""
    result = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if result is None:
        pytest.skip("no Chromium on this machine: install Debian's package `chromium`, or name one in CHROMIUM")
    return result


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A headless browser with a profile of its own."""
    program = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


class Visit:
    """One page in a browser's context of its own. ``complaints`` is what its console and its scripts said."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.complaints: list[str] = []
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    async def open(self, name: str, query: str = "") -> None:
        await self.page.goto(f"{self.origin}/api/dashboard/dashboard/{name}{query}")

    async def wait_state(self, word: str) -> None:
        """Waits until the page says that it is ``word``."""
        await self.page.locator(f"[role=status]:text-is('{word}')").wait_for(timeout=DEADLINE_MS)

    async def wait_number(self, name: str, text: str) -> None:
        """Waits until the tile of the value ``name`` shows ``text``."""
        await self.page.locator(f"[data-value='{name}']:text-is('{text}')").wait_for(timeout=DEADLINE_MS)

    async def wait_until(self, script: str, argument: Any = None) -> Any:
        """Waits until ``script`` gives something true in the page, and returns that."""
        handle = await self.page.wait_for_function(script, arg=argument, timeout=DEADLINE_MS)
        return await handle.json_value()

    async def drawing(self, title: str) -> str:
        """The lines of the chart ``title`` as they are drawn, once there are some; brings it into view."""
        chart = self.chart(title)
        await chart.scroll_into_view_if_needed()
        await chart.locator(".js-line[d], .hm image").first.wait_for(state="attached", timeout=DEADLINE_MS)
        return "".join(await chart.locator(".js-line").evaluate_all("lines => lines.map(line => line.getAttribute('d'))"))

    def chart(self, title: str) -> Any:
        return self.page.locator("article.chart").filter(
            has=self.page.get_by_role("heading", name=re.compile(f"^{re.escape(title)}"))
        )


@contextlib.asynccontextmanager
async def visiting(browser: Browser, origin: str, **context: Any) -> AsyncIterator[Visit]:
    """A visit that ends with the block."""
    made = await browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **context})
    try:
        yield Visit(await made.new_page(), origin)
    finally:
        await made.close()


def _split(label: str, *values: str, **numbers: Any) -> list[tuple[dict[str, str], dict[str, Any]]]:
    return [({}, numbers), *(({label: value}, numbers) for value in values)]


def everything(rate: int, revision: int) -> list[Aggregate]:
    """Half a minute of every metric that a page shows: ``rate`` a second of all that is counted, the same for all services."""
    now_ms = int(time.time() * 1000)
    counted = {"count": rate, "errors": 0, "sum": float(rate)}
    level = {"count": rate, "sum": 4.0 * rate, "p50": 20.0 * rate, "p95": 40.0 * rate, "p99": 60.0 * rate}
    share = {"count": rate, "sum": 0.8 * rate}
    seconds: list[tuple[str, Any]] = [
        ("requests", [*_split("service", "gateway", "wisdom", **counted), ({"status": "200"}, counted)]),
        ("request_duration_ms", _split("service", "gateway", "wisdom", **level)),
        ("events", _split("event_type", "dharma_query", "feedback", **counted)),
        ("llm_requests", _split("model", "sage-large", "lotus-small", **counted)),
        ("llm_duration_ms", _split("model", "sage-large", "lotus-small", **level)),
        ("llm_time_per_output_token_ms", _split("model", "sage-large", "lotus-small", count=rate, sum=6.5 * rate)),
        ("llm_tokens", _split("direction", "input", "output", **counted)),
        ("cache_requests", [({}, {"count": 2 * rate}), ({"result": "hit"}, {"count": rate})]),
        ("cpu_utilization", _split("service", "gateway", "analytics", count=1, sum=0.25)),
        ("memory_usage_bytes", _split("service", "gateway", "analytics", count=1, sum=64.0 * 1024 * 1024)),
    ]
    minutes: list[tuple[str, Any]] = [
        ("active_users", {"count": rate, "uniques": 10.0 * rate}),
        ("sessions", {"count": rate, "uniques": 12.0 * rate}),
        ("satisfaction", {"count": rate, "sum": 4.25 * rate}),
        ("wisdom_score", share),
        ("topics", _split("topic", "patience", "grief", count=rate)),
        ("request_duration_ms", _split("service", "gateway", "wisdom", **level)),
        ("llm_duration_ms", _split("model", "sage-large", "lotus-small", **level)),
    ]
    hours = [*seconds[:1], *seconds[2:4], *seconds[6:8], *minutes[:5]]
    spans: list[tuple[Resolution, int, int, list[tuple[str, Any]]]] = [
        ("1s", 1_000, 30, seconds),
        ("1m", 60_000, 20, minutes),
        ("1h", 3_600_000, 1, hours),
    ]
    end = now_second()
    return [
        aggregate(metric, end - back * step, series, resolution=resolution, revision=revision, published_at=now_ms)
        for resolution, step, count, metrics in spans
        for back in range(count)
        for metric, series in metrics
    ]


async def tell(bus: Bus, rate: int, revision: int) -> None:
    """Publishes :func:`everything`, as analytics would."""
    await publish(bus, *everything(rate, revision))


async def alarm(bus: Bus, **fields: Any) -> None:
    """Publishes an anomaly of the total latency, as the predictor would."""
    insight: dict[str, Any] = {
        "insight_id": "anomaly-1",
        "tenant": "default",
        "metric": "request_duration_ms",
        "field": "p95",
        "state": "ready",
        "at": int(time.time() * 1000),
        "model": "m",
        "phase": "opened",
        "direction": "up",
        "severity": "critical",
        "value": 1900.0,
        "expected": 400.0,
        "lower": 200.0,
        "upper": 600.0,
    }
    reported = AnomalyInsight(**{**insight, **fields})
    await bus.publish(subjects.insights(reported.tenant, reported.kind, reported.metric), encode(reported))
