"""Fault by fault: what the ranking makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from analytics.spans.root_cause.ranking import Ranking, rank
from analytics.spans.root_cause.sums import Sums, merged
from analytics.spans.root_cause.usual import quiet
from benchmarks.rca.direct import BUCKET_S, Buckets
from benchmarks.rca.nezha import Fault
from drishti.messages import subjects

WINDOW_S = 180
"""What is looked at: three minutes from the beginning of the trouble."""

INCIDENT_S = 300
"""How long an earlier trouble is kept out of the baseline."""

GAUGE_DELAY_S = 15
"""A sample covers the minute before it."""


class Judged(NamedTuple):
    """``place`` is the rank of the true service, 0 where it is not among the suspects; ``about`` says more of the fault."""

    fault: Fault
    place: int
    ranking: Ranking
    about: str = ""


def judge(buckets: Buckets, faults: Sequence[Fault]) -> Iterator[Judged]:
    for number, fault in enumerate(faults):
        start = (fault.at_s + BUCKET_S - 1) // BUCKET_S * BUCKET_S
        window = merged(buckets.between(start, fault.at_s + WINDOW_S))
        before = baseline(buckets, fault.at_s // BUCKET_S * BUCKET_S, [earlier.at_s for earlier in faults[:number]])
        yield judged(fault, window, before)


def judged(fault: Fault, window: Sums, before: Sequence[Sums]) -> Judged:
    ranking = rank(window, before)
    services = [suspect.service for suspect in ranking.suspects]
    true = subjects.token(fault.service)
    return Judged(fault, services.index(true) + 1 if true in services else 0, ranking)


def baseline(buckets: Buckets, until_s: int, earlier: Iterable[int]) -> list[Sums]:
    """The minutes before, without earlier troubles: what came once may come again and be as strange."""
    begins = list(earlier)
    minutes: dict[int, list[Sums]] = {}
    for at, sums in buckets.items():
        if at + BUCKET_S <= until_s and not any(begin - BUCKET_S < at < begin + INCIDENT_S for begin in begins):
            minutes.setdefault((at - until_s) // 60, []).append(sums)
    return quiet({minute: merged(parts) for minute, parts in minutes.items()}, 0)


class Placed(Protocol):
    @property
    def place(self) -> int: ...


def share(judged: Sequence[Placed], most: int) -> float:
    """Percent of faults whose service is among the first ``most``."""
    return 100 * sum(0 < each.place <= most for each in judged) / len(judged) if judged else 0.0
