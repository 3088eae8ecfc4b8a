"""Drives the application over HTTP: every arrival is a question, and some lead to more.

Requests go out when they are due, whether or not earlier ones were answered (an open loop): a slow application gets no less
traffic. At most :data:`MAX_OPEN` are open at once; those beyond are skipped and counted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from wisdom.arrivals import Arrival
from wisdom.faults import Faults
from wisdom.library import QUOTES
from wisdom.people import People, Person

log = logging.getLogger(__name__)

MAX_OPEN = 1000
TIMEOUT_S = 60.0
REPORT_S = 60.0
TICK_S = 0.5

GIVES_FEEDBACK = 0.25
MEDITATES = 0.08
READS_A_QUOTE = 0.15
THINKS_S = (1.0, 8.0)


class Load:
    """One crowd at one application. ``statuses`` counts the answers by status, ``0`` for none."""

    def __init__(self, host: str, port: int, arrivals: Iterator[Arrival], faults: Faults, rng: random.Random) -> None:
        self._host = host
        self._port = port
        self._arrivals = arrivals
        self._faults = faults
        self._rng = rng
        self._people = People(rng)
        self._open: set[asyncio.Task[None]] = set()
        self.statuses: Counter[int] = Counter()
        self.skipped = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; then what is open is let go."""
        loop = asyncio.get_running_loop()
        began = reported = loop.time()
        for arrival in self._arrivals:
            due = began + arrival.at
            while not stop.is_set() and (now := loop.time()) < due:
                await _wait(stop, min(due - now, TICK_S))
                self._faults.watch()
            if stop.is_set():
                break
            if loop.time() - reported >= REPORT_S:
                reported = loop.time()
                self._report()
            if not self._faults.arrives():
                continue
            if len(self._open) >= MAX_OPEN:
                self.skipped += 1
                continue
            task = asyncio.create_task(self._visit(arrival))
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _report(self) -> None:
        answers = ", ".join(f"{count} × {status or 'no answer'}" for status, count in sorted(self.statuses.items()))
        log.info("traffic so far: %s; %d open, %d skipped", answers, len(self._open), self.skipped)

    async def _visit(self, arrival: Arrival) -> None:
        """A question, and what it leads to."""
        person = self._people.somebody(arrival.at)
        body = {
            "query": self._people.question(),
            "prompt_tokens": max(1, arrival.prompt_tokens),
            "max_tokens": min(4000, arrival.answer_tokens),
        }
        answer = await self._post(person, "wisdom", body)
        if answer is not None and self._rng.random() < GIVES_FEEDBACK:
            await asyncio.sleep(self._rng.uniform(*THINKS_S))
            satisfaction = self._people.opinion(person, answer["wisdom_score"])
            await self._post(person, "feedback", {"answer_id": answer["answer_id"], "satisfaction": satisfaction})
        if self._rng.random() < MEDITATES:
            style = self._rng.choice(("breath", "body", "kindness"))
            await self._post(person, "meditation", {"style": style, "minutes": self._rng.choice((5, 10, 10, 15, 20, 30))})
        if self._rng.random() < READS_A_QUOTE:
            await self._request("GET", f"/api/quotes/{self._rng.randint(1, len(QUOTES))}", None)

    async def _post(self, person: Person, what: str, body: dict[str, Any]) -> Any:
        return await self._request("POST", f"/api/{what}", {"user_id": person.user_id, "session_id": person.session_id, **body})

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """The decoded answer; ``None`` unless it was 200."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, content = await exchange(self._host, self._port, method, path, body)
        except (OSError, TimeoutError, ValueError, IndexError, asyncio.IncompleteReadError) as error:
            if not self.statuses[0]:
                log.warning("%s %s was not answered: %r", method, path, error)
            self.statuses[0] += 1
            return None
        self.statuses[status] += 1
        return json.loads(content) if status == 200 else None


async def exchange(host: str, port: int, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
    """One HTTP/1.1 request on a connection of its own: status and body."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(head.encode() + content)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    headers, _, received = answer.partition(b"\r\n\r\n")
    return int(headers.split(b" ", 2)[1]), received


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
