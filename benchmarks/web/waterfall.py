"""The waterfall of a trace of 10,000 spans: how soon it is there, and whether it stays smooth while somebody moves in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import NamedTuple

import httpx
from playwright.async_api import Browser, Page

from benchmarks.processes import BenchmarkFailed, until
from benchmarks.session import Session
from benchmarks.stack import local, running
from benchmarks.table import Result
from benchmarks.web.browser import DESK, Tasks, heap, main_thread_during, page_of
from benchmarks.web.large_trace import DEPTH, SERVICES, SPANS, LargeTrace

ROUNDS = 5
S_AT_MOST, ACT_MS, ATTRIBUTE_MS, TASK_MS = 1.5, 300.0, 1_000.0, 100.0
FRAMES_AT_LEAST = 30.0
MOVED_S = 5.0
WHEEL = 300
"""Pixels of one turn of the wheel."""

SCRIPT = """
    addEventListener("DOMContentLoaded", () => {
        onChange(document.body, () => {
            if (window.firstRows || !document.querySelector(".waterfall .line")) return;
            window.firstRows = -1;
            afterPaint(() => { window.firstRows = performance.now(); });
        });
    });
    window.countFrames = () => {
        window.frames_ = {count: 0, since: performance.now(), last: performance.now(), longest: 0};
        const frame = now => {
            const counted = window.frames_;
            if (counted.count) counted.longest = Math.max(counted.longest, now - counted.last);
            counted.last = now;
            counted.count++;
            counted.running = requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
    };
    window.countedFrames = () => {
        const {count, since, last, longest, running} = window.frames_;
        cancelAnimationFrame(running);
        return [count / (last - since) * 1000, longest];
    };
    window.timed = (act, done) => new Promise(resolve => {
        const began = performance.now();
        const look = () => done() ? afterPaint(() => resolve(performance.now() - began)) : setTimeout(look, 0);
        act();
        look();
    });
    const button = name => [...document.querySelectorAll(".waterfall-tools button")].find(one => one.textContent === name);
    const rows = () => Number(document.querySelector("[role=treegrid]").ariaRowCount);
    window.collapse = () => timed(() => button("Collapse all").click(), () => rows() === 1);
    window.expand = spans => timed(() => button("Expand all").click(), () => rows() === spans);
    window.search = text => timed(() => {
        const input = document.querySelector(".waterfall-tools input");
        input.value = text;
        input.dispatchEvent(new InputEvent("input", {bubbles: true}));
    }, () => text
        ? document.querySelector(".waterfall .line.found")
        : !document.querySelector(".waterfall .line.found"));
"""


OPENED = """
    () => {
        const outline = performance.getEntriesByType("resource").find(one => one.name.endsWith("/outline"));
        return [window.firstRows, outline.startTime, outline.responseEnd, outline.encodedBodySize];
    }
"""


class Opening(NamedTuple):
    """Seconds from the navigation until the first rows were painted, and until the trace was asked for and there; its bytes."""

    rows_s: float
    asked_s: float
    answered_s: float
    kb: float


class Moved(NamedTuple):
    """While somebody moved in it: frames a second, the longest time without one in ms, and what the main thread did."""

    frames: float
    longest_ms: float
    tasks: Tasks

    @property
    def smooth(self) -> bool:
        return self.frames >= FRAMES_AT_LEAST and self.tasks.longest_cpu_ms <= TASK_MS

    def __str__(self) -> str:
        return f"{self.frames:.0f} frames/s, longest task {self.tasks.longest_cpu_ms:.0f} ms"


async def waterfall(session: Session, browser: Browser) -> list[Result]:
    async with running(local("run"), session.folder("waterfall") / "home") as stack:
        url, key = f"http://127.0.0.1:{stack.ports['GATEWAY_PORT']}", stack.client_env()["DRISHTI_API_KEY"]
        trace = LargeTrace(time.time_ns() - 20_000_000_000)
        await _send(url, key, trace)
        address = f"{url}/api/dashboard/traces?trace={trace.trace_id.hex()}"
        openings = [await _open(browser, address) for _ in range(ROUNDS)]
        async with page_of(browser, DESK, SCRIPT) as page:
            await page.goto(address)
            await page.wait_for_function("() => window.firstRows > 0")
            await page.wait_for_load_state("networkidle")
            acts = {name: [await _act(page, call) for _ in range(ROUNDS)] for name, call in _ACTS.items()}
            attribute = [await _act(page, _by_attribute(place)) for place in range(1, ROUNDS + 1)]
            await page.evaluate("search('')")
            wheeled = await _moved(browser, page, lambda: _wheel(page))
            dragged = await _moved(browser, page, lambda: _drag(page))
            used = await heap(page)
    opened = [one.rows_s for one in openings]
    medians = {name: median(times) for name, times in acts.items()}
    sizes = f"{SPANS:,} spans of {SERVICES} services, {DEPTH} deep, with log records and events"
    return [
        Result(
            name="waterfall",
            what="the waterfall of a large trace: its first rows, with an empty cache, on loopback; what is done with all rows",
            sizes=f"{sizes}; {ROUNDS} times each",
            ours=f"first rows after {median(opened):.2f} s; "
            + ", ".join(f"{name} {ms:.0f} ms" for name, ms in medians.items())
            + f", search by an attribute {median(attribute):.0f} ms",
            must_be=f"≤ {S_AT_MOST:g} s; ≤ {ACT_MS:g} ms each, ≤ {ATTRIBUTE_MS:g} ms by an attribute",
            met=median(opened) <= S_AT_MOST and max(medians.values()) <= ACT_MS and median(attribute) <= ATTRIBUTE_MS,
            notes=[
                f"first rows after {min(opened):.2f} to {max(opened):.2f} s; asked for the trace after "
                f"{median(one.asked_s for one in openings):.2f} s, which was there after "
                f"{median(one.answered_s for one in openings):.2f} s, {openings[0].kb:.0f} kB as they come",
                *(f"{name}: {min(times):.0f} to {max(times):.0f} ms" for name, times in acts.items()),
                f"search by an attribute, which the service does a moment after the last key: {min(attribute):.0f} to "
                f"{max(attribute):.0f} ms",
                f"the page's heap afterwards: {used.objects:.1f} MB of objects, {used.code:.1f} MB of code",
            ],
        ),
        Result(
            name="waterfall-scrolling",
            what="the same while the wheel turns, and while the strip of the whole trace is dragged over",
            sizes=f"{MOVED_S:g} s each",
            ours=f"wheel {wheeled}; strip {dragged}",
            must_be=f"≥ {FRAMES_AT_LEAST:g} frames/s, no task > {TASK_MS:g} ms (processor time)",
            met=wheeled.smooth and dragged.smooth,
            notes=[
                f"{name}: {moved.tasks.share:.0%} of a core, longest time without a frame {moved.longest_ms:.0f} ms, "
                f"longest task by the clock {moved.tasks.longest_ms:.0f} ms"
                for name, moved in (("wheel", wheeled), ("strip", dragged))
            ],
        ),
    ]


_ACTS = {
    "search": "async () => { await search(''); return search('select'); }",
    "collapse all": f"async () => {{ const ms = await collapse(); await expand({SPANS}); return ms; }}",
    "expand all": f"async () => {{ await collapse(); return expand({SPANS}); }}",
}


def _by_attribute(place: int) -> str:
    """A search for what is no name, but an attribute of one of the first spans; the page knows the answer to the last one."""
    return f"async () => {{ await search(''); return search('item.id=item-{place}'); }}"


async def _act(page: Page, call: str) -> float:
    return float(await page.evaluate(call))


async def _send(url: str, key: str, trace: LargeTrace) -> None:
    """Sends all that the page shows, and waits until it is stored."""
    async with httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as client:
        protobuf = {"content-type": "application/x-protobuf"}
        for body in trace.spans():
            _taken(await client.post("/v1/traces", content=body, headers=protobuf))
        _taken(await client.post("/v1/logs", content=trace.logs(), headers=protobuf))
        _taken(await client.post("/api/events", json=trace.events()))

        async def stored() -> bool:
            answer = await client.get(f"/api/analytics/traces/{trace.trace_id.hex()}/outline")
            return answer.status_code == 200 and len(answer.json()["span_ids"]) == SPANS

        await until(stored, f"all {SPANS:,} spans are stored")


def _taken(answer: httpx.Response) -> None:
    if answer.status_code not in (200, 202):
        raise BenchmarkFailed(f"{answer.url.path} did not take what was sent: {answer.status_code} {answer.text[:300]}")


async def _open(browser: Browser, address: str) -> Opening:
    async with page_of(browser, DESK, SCRIPT) as page:
        await page.goto(address, wait_until="commit")
        await page.wait_for_function("() => window.firstRows > 0")
        rows, asked, answered, size = await page.evaluate(OPENED)
    return Opening(rows / 1000, asked / 1000, answered / 1000, size / 1000)


async def _moved(browser: Browser, page: Page, move: Callable[[], Awaitable[None]]) -> Moved:
    async def counted() -> None:
        await page.evaluate("countFrames()")
        await move()

    tasks = await main_thread_during(browser, page, counted)
    frames, longest_ms = await page.evaluate("countedFrames()")
    return Moved(frames, longest_ms, tasks)


async def _wheel(page: Page) -> None:
    await page.locator(".waterfall .rows").hover()
    until_s = asyncio.get_running_loop().time() + MOVED_S
    while asyncio.get_running_loop().time() < until_s:
        await page.mouse.wheel(0, WHEEL)
    if not await page.evaluate("document.querySelector('.waterfall .rows').scrollTop"):
        raise BenchmarkFailed("the wheel did not move the rows")


async def _drag(page: Page) -> None:
    strip = page.locator(".minimap .strip")
    await strip.scroll_into_view_if_needed()
    box = await strip.bounding_box()
    if box is None:
        raise BenchmarkFailed("the waterfall has no strip of the whole trace")
    x, top, height = box["x"] + 30, box["y"], box["height"] - 1
    await page.mouse.move(x, top)
    await page.mouse.down()
    begun = asyncio.get_running_loop().time()
    while (passed := asyncio.get_running_loop().time() - begun) < MOVED_S:
        there = passed % 2  # down in a second, and up again
        await page.mouse.move(x, top + height * (there if there < 1 else 2 - there))
    await page.mouse.up()
