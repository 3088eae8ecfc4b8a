"""A question about users against DuckDB over Parquet of the same events, by turns: both must give the same numbers.

Ours: the question as analytics answers it (:mod:`benchmarks.product_asking`), with the processor time of PostgreSQL. The
reference: DuckDB with two threads, warm. The clock of the processor counts, for it does not depend on what else the machine
does; seconds are reported besides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import duckdb
import msgspec

from benchmarks import figures, product_asking
from benchmarks.figures import Compared, Round
from benchmarks.processes import BenchmarkFailed, call
from benchmarks.product_asking import Done, Job
from benchmarks.product_data import ProductData, pid_of
from drishti.messages.queries import QUERIES

MEMORY_MB = 200.0
"""What the process that answers may take at most, all in all."""

Counts = TypeVar("Counts")


class Answered(NamedTuple):
    """``answer`` of the catalogue's type."""

    done: Done
    answer: Any


class Measured(NamedTuple):
    """``compared`` in seconds of processor time; ``wall_s`` is ours."""

    compared: Compared
    rounds: int
    wall_s: float
    peak_mb: float

    @property
    def ours(self) -> str:
        return f"{self.compared.ours:.2f} s CPU, {self.wall_s:.2f} s, {self.peak_mb:.0f} MB"

    @property
    def reference(self) -> str:
        return f"DuckDB {duckdb.__version__} over Parquet: {self.compared.reference:.2f} s CPU"

    @property
    def ratio(self) -> str:
        return f"{self.compared.ratio:.2f} × ({self.compared.lowest:.2f} to {self.compared.highest:.2f})"


async def ask(data: ProductData, asked: msgspec.Struct) -> Answered:
    """Asks ``asked`` in a new process."""
    query = next(query for query in QUERIES if query.model is type(asked))
    job = Job(
        url=data.postgres.url(),
        postgres_pid=pid_of(data.postgres),
        name=query.name,
        asked=msgspec.Raw(msgspec.json.encode(asked)),
    )
    done = await call(product_asking.__name__, job, Done)
    return Answered(done, msgspec.json.decode(done.answer, type=query.answer))


async def measure(
    data: ProductData,
    asked: msgspec.Struct,
    counts: Callable[[Any], Counts],
    reference: Callable[[duckdb.DuckDBPyConnection], Counts],
    *,
    rounds: int,
) -> Measured:
    """By turns; ``counts`` of our answer must be what ``reference`` counts."""
    pairs, done = [], []
    with duckdb.connect(config={"threads": 2}) as duck:
        await asyncio.to_thread(reference, duck)
        for _ in range(rounds):
            answered = await ask(data, asked)
            done.append(answered.done)
            cpu = time.process_time()
            wanted = await asyncio.to_thread(reference, duck)
            pairs.append(Round(answered.done.cpu_s, time.process_time() - cpu))
            if (found := counts(answered.answer)) != wanted:
                raise BenchmarkFailed(f"DuckDB counts {wanted}, and analytics {found}")
    return Measured(
        figures.compare(pairs),
        rounds,
        figures.quantile([one.wall_s for one in done], 0.5),
        max(one.peak_mb for one in done),
    )
