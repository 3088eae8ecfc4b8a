"""What queues say to people: messages a second, how long they wait, how long the work takes. Pure."""

from __future__ import annotations

from analytics.spans.durations import Durations
from analytics.spans.queues import Queue, Queues, QueueSums
from drishti.messages.queues import QueuesAnswer, QueueTraffic, Times

MS_NS = 1_000_000

MAX_QUEUES = 500
"""Of one answer; the others are shown together."""


def answer(
    found: Queues, *, from_ms: int, to_ms: int, as_of: int, complete_to: int, covered_s: float, service: str = ""
) -> QueuesAnswer:
    """The answer from all that was counted in ``[from_ms, to_ms)``, which came in ``covered_s`` seconds, the longest waits in
    all first."""
    chosen = {queue: sums for queue, sums in found.queues.items() if not service or queue.service == service}
    shown = Queues(chosen).bounded(MAX_QUEUES).queues
    return QueuesAnswer(
        from_ms=from_ms,
        to_ms=to_ms,
        as_of=as_of,
        complete_to=complete_to,
        covered_s=covered_s,
        queues=[
            _traffic(queue, sums, covered_s)
            for queue, sums in sorted(shown.items(), key=lambda item: (-item[1].waited.total_ns, item[0]))
        ],
    )


def _traffic(queue: Queue, sums: QueueSums, seconds: float) -> QueueTraffic:
    # Of a batch every message waits, and all are worked on at once.
    waited, worked = sums.waited.mean_ns(), sums.worked.mean_ns()
    known = sums.waited.calls > 0 and waited + worked > 0
    return QueueTraffic(
        system=queue.system,
        destination=queue.destination,
        service=queue.service,
        messages=sums.messages,
        rate=sums.messages / seconds if seconds else 0.0,
        errors=sums.worked.errors,
        wait=_times(sums.waited),
        work=_times(sums.worked),
        wait_share=waited / (waited + worked) if known else None,
    )


def _times(counted: Durations) -> Times:
    if not counted.calls:
        return Times()
    return Times(
        count=counted.calls,
        mean_ms=counted.mean_ns() / MS_NS,
        p50_ms=counted.quantile_ns(0.5) / MS_NS,
        p95_ms=counted.quantile_ns(0.95) / MS_NS,
        p99_ms=counted.quantile_ns(0.99) / MS_NS,
    )
