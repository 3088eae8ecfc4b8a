"""``python -m benchmarks.product_asking``: asks analytics' request handler one question, in a process of its own.

A job comes on standard input, its answer goes to standard output. The question is asked once so that all is warm, and once
more with the clocks running: processor time is that of this process and of PostgreSQL, memory the most that this process ever
had.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import msgspec

from analytics import memory
from analytics.product.saved import nothing_saved
from analytics.query.explorer import explorer_answers
from analytics.query.sessions import Sessions
from analytics.settings import AnalyticsSettings
from analytics.storage.database import Database
from benchmarks.processes import postgres_s
from drishti.messages.queries import QUERIES
from drishti.settings import BusSettings, Secret

ANSWER_S = 120.0
"""Not the limit of analytics: other programs may keep the machine busy, and it is processor time that counts here."""


class Job(msgspec.Struct, kw_only=True):
    """``asked`` is the JSON of a question with this name in the catalogue."""

    url: str
    postgres_pid: int
    name: str
    asked: msgspec.Raw


class Done(msgspec.Struct, kw_only=True):
    """``answer`` is the JSON of what the handler answered."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    answer: msgspec.Raw


async def _ask(job: Job) -> Done:
    query = next(query for query in QUERIES if query.name == job.name)
    asked = msgspec.json.decode(job.asked, type=query.model)
    sessions = Sessions(Database(Secret(job.url)))
    settings = AnalyticsSettings(database_url=Secret(job.url), bus=BusSettings())
    answers = explorer_answers(sessions, settings, nothing_saved(), answer_s=ANSWER_S)[job.name]
    try:
        await answers.answer(asked)
        at, cpu = time.perf_counter(), time.process_time() + postgres_s(job.postgres_pid)
        answer = await answers.answer(asked)
        return Done(
            cpu_s=time.process_time() + postgres_s(job.postgres_pid) - cpu,
            wall_s=time.perf_counter() - at,
            peak_mb=_peak_mb(),
            answer=msgspec.Raw(msgspec.json.encode(answer)),
        )
    finally:
        await sessions.close()


def _peak_mb() -> float:
    """The most resident memory of this program; ``getrusage`` begins with that of whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024 / 1e6


if __name__ == "__main__":
    memory.bound_heaps()  # as analytics does
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(_ask(job))))
