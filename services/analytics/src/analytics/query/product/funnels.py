"""Answers funnels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np

from analytics.product.counting.breakdowns import OTHER
from analytics.product.counting.conditions import column_of
from analytics.product.counting.funnels import Funnel, FunnelCounts, Step, count_bucket
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of
from analytics.query.product.counting import Counted, ProductCounting, Reads
from drishti.messages.product.funnels import (
    ConversionTimes,
    FunnelAnswer,
    FunnelGroup,
    FunnelQuery,
    FunnelStepCount,
)


class FunnelAnswers:
    """Answers ``query.v1.funnel``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: FunnelQuery) -> FunnelAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        funnel = funnel_of(asked)
        counts = FunnelCounts(steps=len(funnel.steps))
        reads = Reads(
            from_ms=funnel.from_ms,
            to_ms=funnel.to_ms + funnel.window_ms,
            columns=funnel.columns,
            event_types=sorted({step.event_type for step in funnel.steps}),
            cohort=asked.cohort,
        )
        counted = await self._counting.count(
            asked.tenant,
            "funnel",
            reads,
            _names(asked),
            lambda days: count_bucket(funnel, days, counts),
            sample=asked.sample,
        )
        return await asyncio.to_thread(answer_of, asked, counts, counted)


def funnel_of(asked: FunnelQuery) -> Funnel:
    """The funnel that is asked for; raises :class:`QueryError` that says what to change."""
    window_ms = asked.window_s * 1_000
    check_range(asked.from_ms, asked.to_ms, beyond_ms=window_ms)
    steps = [Step(step.event_type, conditions_of(step.where, f"steps.{place}.where")) for place, step in enumerate(asked.steps)]
    breakdown = column_of(asked.breakdown) if asked.breakdown else ""
    return Funnel(steps=steps, window_ms=window_ms, from_ms=asked.from_ms, to_ms=asked.to_ms, breakdown=breakdown)


def _names(asked: FunnelQuery) -> Names:
    types = [Name(step.event_type, f"steps.{place}.event_type") for place, step in enumerate(asked.steps)]
    properties = [name for place, step in enumerate(asked.steps) for name in names_of(step.where, f"steps.{place}.where")]
    return Names(types, [*properties, *([Name(asked.breakdown, "breakdown")] if asked.breakdown else [])])


def answer_of(asked: FunnelQuery, counts: FunnelCounts, counted: Counted) -> FunnelAnswer:
    """What ``counts`` say."""
    types = [step.event_type for step in asked.steps]
    everybody = _sum(counts.reached.values(), len(types))
    by_size = sorted(counts.reached, key=lambda label: (-int(counts.reached[label][0]), label is not None, label or ""))
    groups = []
    if asked.breakdown:
        groups = [
            FunnelGroup(value=label, steps=_steps(types, counts.reached[label]), times=_times(counts.times.get(label, [])))
            for label in by_size[: asked.limit]
        ]
        if rest := by_size[asked.limit :]:
            of_rest = [times for label in rest for times in counts.times.get(label, [])]
            reached = _sum((counts.reached[label] for label in rest), len(types))
            groups.append(FunnelGroup(value=OTHER, steps=_steps(types, reached), times=_times(of_rest), other=True))
    return FunnelAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=counted.as_of,
        window_s=asked.window_s,
        sampled=counted.sampled,
        excluded_users=counted.excluded,
        steps=_steps(types, everybody),
        times=_times([times for of_label in counts.times.values() for times in of_label]),
        groups=groups,
    )


def _sum(reached: Iterable[Ints], steps: int) -> Ints:
    total: Ints = np.sum([np.zeros(steps, np.int64), *reached], axis=0)
    return total


def _steps(types: Sequence[str], reached: Ints) -> list[FunnelStepCount]:
    users = reached.tolist()
    return [
        FunnelStepCount(
            event_type=event_type,
            users=count,
            of_first=count / users[0] if users[0] else None,
            of_previous=count / before if before else None,
        )
        for event_type, count, before in zip(types, users, [users[0], *users], strict=False)
    ]


def _times(parts: Sequence[Ints]) -> ConversionTimes | None:
    if not parts:
        return None
    times = np.sort(np.concatenate(parts))

    def rank(share: float) -> int:
        return int(times[max(0, int(np.ceil(share * len(times))) - 1)])

    return ConversionTimes(mean_ms=float(times.mean()), p50_ms=rank(0.5), p90_ms=rank(0.9), p99_ms=rank(0.99))
