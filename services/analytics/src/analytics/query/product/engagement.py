"""Answers how engaged users are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import numpy as np

from analytics.product.counting.breakdowns import MAX_LABELS, OTHER, text_order
from analytics.product.counting.conditions import column_of
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.engagement import (
    DEPTH,
    FREQUENCY,
    HUNDRED,
    RATED,
    RECENCY,
    SATISFACTION,
    SCORES,
    USERS,
    Engagement,
    EngagementCounts,
    Floats,
    Instant,
    Ratings,
    count_bucket,
)
from analytics.product.counting.percentiles import nearest_rank
from analytics.product.counting.periods import SHORTEST_MS, bounds_of, periods_of
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import (
    Name,
    Names,
    check_range,
    event_filter,
    names_of,
    names_of_filter,
)
from analytics.query.product.counting import Counted, ProductCounting, Reads
from drishti.errors import QueryError
from drishti.measures.time_ranges import zone
from drishti.messages.product.engagement import (
    EngagementAnswer,
    EngagementBin,
    EngagementGroup,
    EngagementParts,
    EngagementPoint,
    EngagementQuery,
    EngagementRatings,
)
from drishti.messages.product.event_selections import EventSelection

MAX_INSTANTS = 400
MAX_CELLS = 20_000
"""Points of all groups together: what one message may hold."""

BIN = 10
"""How wide the ranges of the distribution are."""

WHAT = "question about engagement"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class EngagementAnswers:
    """Answers ``query.v1.engagement``."""

    def __init__(self, counting: ProductCounting, clock: Callable[[], int] = now_ms) -> None:
        self._counting = counting
        self._clock = clock

    async def answer(self, asked: EngagementQuery) -> EngagementAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        engagement, starts = engagement_of(asked, self._clock())
        if asked.breakdown and (cells := (asked.limit + 2) * len(starts)) > MAX_CELLS:
            raise QueryError(f"{cells} points are more than {MAX_CELLS}: ask for fewer values or periods", field="limit")
        counts = EngagementCounts()
        counted = await self._counting.count(
            asked.tenant,
            WHAT,
            reads_of(asked, engagement),
            names_asked(asked),
            lambda days: count_bucket(engagement, days, counts),
            sample=asked.sample,
        )
        return await asyncio.to_thread(answer_of, asked, engagement, starts, counts, counted)


def engagement_of(asked: EngagementQuery, now: int) -> tuple[Engagement, list[int]]:
    """What is asked at ``now``, and where the periods begin that its instants end; raises :class:`QueryError`."""
    check_range(asked.from_ms, asked.to_ms, beyond_ms=DAY_MS)
    if asked.from_ms >= now:
        raise QueryError("must lie in the past", field="from")
    to_ms = min(asked.to_ms, now)
    tz = zone(asked.tz, "tz")
    if to_ms - asked.from_ms > MAX_INSTANTS * SHORTEST_MS[asked.interval]:
        raise QueryError(f"gives more than {MAX_INSTANTS} periods: ask for a shorter range, or longer ones", field="from")
    weights = asked.weights
    if weights.recency + weights.frequency + weights.depth <= 0:
        raise QueryError("must not all be 0 but that of satisfaction: who rates nothing would have no score", field="weights")
    periods = bounds_of(asked.from_ms, to_ms, asked.interval, tz)
    days = bounds_of(max(0, asked.from_ms - (asked.window_days + 2) * DAY_MS), to_ms, "day", tz)
    ends = np.minimum(periods[1:], to_ms)
    instants = [Instant(*one) for one in zip(ends.tolist(), periods_of(days, ends - 1).tolist(), strict=True)]
    engagement = Engagement(
        activity=event_filter(asked.activity, "activity", asked.where),
        ratings=_ratings_of(asked.satisfaction),
        bounds=days,
        instants=instants,
        window_days=asked.window_days,
        weights=(weights.recency, weights.frequency, weights.depth, weights.satisfaction),
        halves=(asked.halves.recency_days, asked.halves.active_days, asked.halves.events_per_day),
        breakdown=column_of(asked.breakdown) if asked.breakdown else "",
    )
    return engagement, periods[:-1]


def _ratings_of(asked: EngagementRatings | None) -> Ratings | None:
    if asked is None:
        return None
    if not asked.low < asked.high:
        raise QueryError("must be below `high`", field="satisfaction.low")
    selection = EventSelection(event_types=asked.event_types, where=asked.where)
    return Ratings(event_filter(selection, "satisfaction"), column_of(asked.property), asked.low, asked.high)


def reads_of(asked: EngagementQuery, engagement: Engagement) -> Reads:
    """What is read for it."""
    filters = [engagement.activity, *([engagement.ratings.events] if engagement.ratings else [])]
    types = {name for one in filters for name in one.event_types}
    of_all = all(one.event_types for one in filters)
    return Reads(
        engagement.from_ms, engagement.to_ms, engagement.columns, sorted(types) if of_all else None, cohort=asked.cohort
    )


def names_asked(asked: EngagementQuery) -> Names:
    """What it calls by name."""
    parts = [names_of_filter(asked.activity, "activity")]
    properties = names_of(asked.where, "where")
    if asked.satisfaction is not None:
        selection = EventSelection(event_types=asked.satisfaction.event_types, where=asked.satisfaction.where)
        parts.append(names_of_filter(selection, "satisfaction"))
        properties.append(Name(asked.satisfaction.property, "satisfaction.property"))
    if asked.breakdown:
        properties.append(Name(asked.breakdown, "breakdown"))
    return Names(
        [name for part in parts for name in part.event_types],
        [*(name for part in parts for name in part.properties), *properties],
    )


def answer_of(
    asked: EngagementQuery, engagement: Engagement, starts: Sequence[int], counts: EngagementCounts, counted: Counted
) -> EngagementAnswer:
    """What ``counts`` say."""
    table = _Table(engagement, starts, counts)
    everybody = table.sums.sum(axis=0)
    scores = np.sort(table.scores)
    total = everybody[-1]
    return EngagementAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=counted.as_of,
        kept_from=counted.kept_from,
        interval=asked.interval,
        sampled=counted.sampled,
        users=int(total[USERS]),
        rated=int(total[RATED]),
        mean=_mean(total),
        p10=_percentile(scores, 0.1),
        p50=_percentile(scores, 0.5),
        p90=_percentile(scores, 0.9),
        parts=_parts_of(total),
        distribution=_distribution(scores),
        series=table.series(everybody),
        groups=table.groups(asked.limit) if asked.breakdown else [],
        excluded_users=counted.excluded,
    )


class _Table:
    def __init__(self, engagement: Engagement, starts: Sequence[int], counts: EngagementCounts) -> None:
        self._at = [instant.at for instant in engagement.instants]
        self._starts = starts
        self._values = [*list(counts.labels)[:MAX_LABELS], OTHER]
        self.sums = counts.sums.reshape(-1, len(starts), 7)
        self.scores: Ints = np.concatenate([np.empty(0, np.uint16), *counts.scores]).astype(np.int64)
        self._of_label: Ints = np.concatenate([np.empty(0, np.uint16), *counts.of_label]).astype(np.int64)

    def groups(self, limit: int) -> list[EngagementGroup]:
        """Those with the most users at the last instant, and all others together."""
        users = self.sums[:, :, USERS]
        some = np.flatnonzero(users.any(axis=1)).tolist()
        named = [label for label in some if label < MAX_LABELS]
        named.sort(key=lambda label: (-users[label, -1], text_order(self._values[label])))
        rest = [*named[limit:], *(label for label in some if label >= MAX_LABELS)]
        groups = [self._group(self._values[label], [label]) for label in named[:limit]]
        return [*groups, self._group(OTHER, rest, other=True)] if rest else groups

    def _group(self, value: str | None, labels: list[int], *, other: bool = False) -> EngagementGroup:
        sums = self.sums[labels].sum(axis=0)
        scores = np.sort(self.scores[np.isin(self._of_label, labels)])
        return EngagementGroup(
            value=value,
            users=int(sums[-1, USERS]),
            rated=int(sums[-1, RATED]),
            mean=_mean(sums[-1]),
            p50=_percentile(scores, 0.5),
            parts=_parts_of(sums[-1]),
            distribution=_distribution(scores),
            series=self.series(sums),
            other=other,
        )

    def series(self, sums: Floats) -> list[EngagementPoint]:
        return [
            EngagementPoint(
                start=start, at=at, users=int(row[USERS]), rated=int(row[RATED]), mean=_mean(row), parts=_parts_of(row)
            )
            for start, at, row in zip(self._starts, self._at, sums, strict=True)
        ]


def _mean(row: Floats) -> float | None:
    return float(row[SCORES] / row[USERS]) / 100 if row[USERS] else None


def _parts_of(row: Floats) -> EngagementParts | None:
    if not row[USERS]:
        return None
    parts = 100 * row[SCORES + 1 :]
    return EngagementParts(
        recency=float(parts[RECENCY] / row[USERS]),
        frequency=float(parts[FREQUENCY] / row[USERS]),
        depth=float(parts[DEPTH] / row[USERS]),
        satisfaction=float(parts[SATISFACTION] / row[RATED]) if row[RATED] else None,
    )


def _percentile(scores: Ints, share: float) -> float | None:
    """By the nearest rank."""
    return int(scores[nearest_rank(share, len(scores))]) / 100 if len(scores) else None


def _distribution(scores: Ints) -> list[EngagementBin]:
    bins = 100 // BIN
    users = np.bincount(np.minimum(scores * bins // HUNDRED, bins - 1), minlength=bins).tolist()
    return [
        EngagementBin(from_score=float(BIN * place), to_score=float(BIN * (place + 1)), users=count)
        for place, count in enumerate(users)
    ]
