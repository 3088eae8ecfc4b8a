"""Work for the processor, off the event loop where it is much: the loop goes on answering, up to the switch interval late.

At most one such work of the writer, one of the publisher, one for each consumer and one for each question runs at a time, so
the threads are bounded by who asks and not here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def computed(work: Callable[[], T], *, in_thread: bool) -> T:
    """The result of ``work``. A work in a thread runs to its end even when nobody waits for it any more."""
    return await asyncio.to_thread(work) if in_thread else work()
