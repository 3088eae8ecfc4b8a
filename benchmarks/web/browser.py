"""A headless Chromium for measurements, and what its developer tools say of a page."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from benchmarks.processes import BenchmarkFailed

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
DEADLINE_MS = 60_000
DESK = {"width": 1440, "height": 900}
TALL = {"width": 1440, "height": 2600}
"""So tall that every chart of a dashboard is on the screen: what is not is not drawn."""

PAINTED = """
    window.afterPaint = done => requestAnimationFrame(() => requestAnimationFrame(() => done()));
    window.onChange = (within, change) => {
        new MutationObserver(change).observe(within, {subtree: true, childList: true, characterData: true, attributes: true});
    };
"""
"""``afterPaint`` calls when what is in the document now is on the screen: at the start of the frame after the next."""


FRAMES = """
    window.onFrame = () => {};
    window.WebSocket = class extends WebSocket {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", message => window.onFrame(JSON.parse(message.data)));
        }
    };
"""
"""``onFrame`` is called with every frame that the page receives, before the page has it."""


class Tasks(NamedTuple):
    """The main thread over some seconds: its share of a core, and its longest task by processor time and by the clock."""

    share: float
    longest_cpu_ms: float
    longest_ms: float


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    program = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if program is None:
        raise BenchmarkFailed("no Chromium on this machine: install Debian's package `chromium`, or name one in CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def page_of(browser: Browser, viewport: dict[str, int], script: str = "") -> AsyncIterator[Page]:
    """A page with an empty cache in which ``script`` runs before all others."""
    context = await browser.new_context(viewport=viewport)  # type: ignore[arg-type]
    try:
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        await page.add_init_script(PAINTED + script)
        yield page
    finally:
        await context.close()


async def wait_live(page: Page) -> None:
    await page.locator("[role=status]:text-is('live')").wait_for(timeout=DEADLINE_MS)


async def tools(page: Page) -> CDPSession:
    """The developer tools of ``page``, counting processor time."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


async def metric(session: CDPSession, name: str) -> float:
    answer = await session.send("Performance.getMetrics")
    return float(next(one["value"] for one in answer["metrics"] if one["name"] == name))


class Heap(NamedTuple):
    """What is still used after garbage was collected, in MB: ``objects`` of scripts, and the ``code`` compiled for them.

    Code grows for as long as functions become hot, whatever they hold.
    """

    objects: float
    code: float


async def heap(page: Page) -> Heap:
    """By a snapshot of the heap, in which every node has a type."""
    session = await page.context.new_cdp_session(page)
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    await session.send("HeapProfiler.enable")
    for _ in range(3):
        await session.send("HeapProfiler.collectGarbage")
    await session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    await session.detach()
    snapshot = json.loads("".join(chunks))
    meta = snapshot["snapshot"]["meta"]
    fields, types, nodes = meta["node_fields"], meta["node_types"][0], snapshot["nodes"]
    sizes: dict[str, int] = {}
    kinds, bytes_used = nodes[fields.index("type") :: len(fields)], nodes[fields.index("self_size") :: len(fields)]
    for kind, size in zip(kinds, bytes_used, strict=True):
        sizes[types[kind]] = sizes.get(types[kind], 0) + size
    code, elsewhere = sizes.get("code", 0), sizes.get("native", 0)
    return Heap(objects=(sum(sizes.values()) - code - elsewhere) / 1e6, code=code / 1e6)


async def main_thread(browser: Browser, page: Page, seconds: float) -> Tasks:
    """What the main thread of ``page`` does in ``seconds``, by the browser's own trace."""
    return await main_thread_during(browser, page, lambda: page.wait_for_timeout(seconds * 1000))


async def main_thread_during(browser: Browser, page: Page, action: Callable[[], Awaitable[object]]) -> Tasks:
    """What the main thread of ``page`` does while ``action`` goes on."""
    await browser.start_tracing(page=page, categories=["toplevel", "disabled-by-default-devtools.timeline"])
    began = time.perf_counter()
    await action()
    took = time.perf_counter() - began
    events: list[dict[str, Any]] = json.loads(await browser.stop_tracing())["traceEvents"]
    names = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event.get("ph") == "M" and event.get("name") == "thread_name"
    }
    tasks = [
        event
        for event in events
        if event.get("name") in ("RunTask", "ThreadControllerImpl::RunTask") and event.get("ph") == "X"
        and names.get((event["pid"], event["tid"])) == "CrRendererMain"
    ]  # fmt: skip
    if not tasks:
        raise BenchmarkFailed("the browser's trace names no task of the page's main thread")
    by_process: dict[int, list[dict[str, Any]]] = {}
    for task in tasks:
        by_process.setdefault(task["pid"], []).append(task)
    busiest = max(by_process.values(), key=lambda some: sum(one.get("tdur", 0) for one in some))
    one_name = max({task["name"] for task in busiest}, key=lambda name: sum(one["name"] == name for one in busiest))
    counted = [task for task in busiest if task["name"] == one_name]
    return Tasks(
        share=sum(task.get("tdur", 0) for task in counted) / 1e6 / took,
        longest_cpu_ms=max(task.get("tdur", 0) for task in counted) / 1000,
        longest_ms=max(task.get("dur", 0) for task in counted) / 1000,
    )
