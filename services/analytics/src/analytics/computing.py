"""CPU-bound work, moved off the event loop where there is much of it: the loop goes on serving, up to the switch interval late.

At most one such piece of work of the writer, one of the publisher, one for each consumer and one for each question runs at a
time, so the number of threads is bounded by the callers and not here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INLINE_CELLS = 2_000
"""The cells of more series in a batch are computed in a thread: this process goes on answering meanwhile. Ordinary batches have
some hundreds, and there a thread would only make the event loop wait for it at every turn."""


async def computed(work: Callable[[], T], *, in_thread: bool) -> T:
    """The result of ``work``. A thread runs to its end even when nobody waits for it any more."""
    return await asyncio.to_thread(work) if in_thread else work()
