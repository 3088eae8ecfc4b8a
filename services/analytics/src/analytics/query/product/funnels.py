"""Answers funnels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from analytics.product.counting.breakdowns import OTHER, text_order
from analytics.product.counting.conditions import column_of
from analytics.product.counting.day import Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.funnels.counts import FunnelCounts, FunnelUsers, count_bucket, count_events
from analytics.product.counting.funnels.definition import MAX_OF_ONE_TYPE, Exclusion, Funnel
from analytics.product.counting.funnels.matching import MAX_ACCOUNT_EVENTS, AccountEvents, TooManyEvents
from analytics.product.counting.percentiles import nearest_rank
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of, values_chosen
from analytics.query.product.counting import Counted, Found, ProductCounting, Reads, user_list
from drishti.errors import QueryError
from drishti.messages.product.funnels import (
    ConversionTimes,
    FunnelAnswer,
    FunnelExclusion,
    FunnelGroup,
    FunnelQuery,
    FunnelStep,
    FunnelStepCount,
    FunnelUsersQuery,
)
from drishti.messages.product.users import UserList

_NOBODY = np.empty(0, np.int64)


class FunnelAnswers:
    """Answers ``query.v1.funnel``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: FunnelQuery) -> FunnelAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        funnel = funnel_of(asked)
        counts = FunnelCounts(steps=len(funnel.steps))
        accounts = AccountEvents(funnel)

        def add(days: Sequence[Day]) -> None:
            if funnel.unit == "account":
                accounts.add(days)
            else:
                count_bucket(funnel, days, counts)

        with refusing_too_many():
            counted = await self._counting.count(
                asked.tenant, "funnel", reads_of(funnel, asked.cohort), event_names(asked), add, sample=asked.sample
            )
        if funnel.unit == "account":
            await asyncio.to_thread(lambda: count_events(funnel, accounts.events(), counts))
        return await asyncio.to_thread(answer_of, asked, counts, counted)


class FunnelUserAnswers:
    """Answers ``query.v1.funnel_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: FunnelUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        funnel = funnel_of(asked)
        if asked.step > len(funnel.steps):
            raise QueryError(f"the funnel has {len(funnel.steps)} steps", field="step")
        if asked.outcome == "dropped" and asked.step == 1:
            raise QueryError("nobody is lost before the first step: ask for a later one", field="step")
        values = values_chosen(asked)
        users = FunnelUsers(funnel=funnel, step=asked.step, outcome=asked.outcome, values=values)
        found = await self._find(asked, funnel, users)
        if values and not users.seen and not asked.sample:
            field = "without_value" if asked.without_value else "value"
            raise QueryError("nobody has this value in the first step", "unknown", field)
        return user_list(found)

    async def _find(self, asked: FunnelUsersQuery, funnel: Funnel, users: FunnelUsers) -> Found:
        accounts = AccountEvents(funnel)

        def wanted(days: Sequence[Day]) -> Ints:
            if funnel.unit != "account":
                return users.of_bucket(days)
            accounts.add(days)
            return _NOBODY

        with refusing_too_many():
            return await self._counting.find(
                asked.tenant,
                "funnel",
                reads_of(funnel, asked.cohort),
                event_names(asked),
                wanted,
                limit=asked.limit,
                sample=asked.sample,
                wanted_of_all=(lambda: users.of_events(accounts.events())) if funnel.unit == "account" else None,
            )


@contextlib.contextmanager
def refusing_too_many() -> Iterator[None]:
    """Raises :class:`QueryError` instead of :class:`TooManyEvents`."""
    try:
        yield
    except TooManyEvents:
        raise QueryError(
            f"more than {MAX_ACCOUNT_EVENTS:,} events of accounts match, which are too many to be taken together: ask for a "
            "shorter range, or with more conditions",
            field="unit",
        ) from None


def reads_of(funnel: Funnel, cohort: str = "") -> Reads:
    """What a funnel of the users of ``cohort`` reads of events."""
    return Reads(
        from_ms=funnel.from_ms,
        to_ms=funnel.to_ms + funnel.window_ms,
        columns=funnel.columns,
        event_types=funnel.event_types,
        cohort=cohort,
    )


def funnel_of(asked: FunnelQuery) -> Funnel:
    """The funnel that is asked for; raises :class:`QueryError` that says what to change."""
    window_ms = asked.window_s * 1_000
    check_range(asked.from_ms, asked.to_ms, beyond_ms=window_ms)
    steps = [_match(step, f"steps.{place}") for place, step in enumerate(asked.steps)]
    if asked.order == "any":
        _check_any(asked)
    if asked.unit == "account" and not asked.account:
        raise QueryError("must be the property that tells accounts apart", field="account")
    if asked.unit != "account" and asked.account:
        raise QueryError("is for funnels by account: ask with `unit: account`", field="account")
    if asked.unit == "account" and asked.sample:
        raise QueryError("a sixteenth of the users are no sample of accounts: leave it out", field="sample")
    return Funnel(
        steps=steps,
        window_ms=window_ms,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        breakdown=column_of(asked.breakdown) if asked.breakdown else "",
        order=asked.order,
        unit=asked.unit,
        session_gap_ms=asked.gap_s * 1_000,
        account=column_of(asked.account) if asked.account else "",
        exclusions=[_exclusion(asked, one, f"exclusions.{place}") for place, one in enumerate(asked.exclusions)],
    )


def _check_any(asked: FunnelQuery) -> None:
    for place, step in enumerate(asked.steps):
        if sum(step.event_type == other.event_type for other in asked.steps) > MAX_OF_ONE_TYPE:
            raise QueryError(
                f"of steps in any order, {MAX_OF_ONE_TYPE} at most may be of one type", field=f"steps.{place}.event_type"
            )


def _exclusion(asked: FunnelQuery, one: FunnelExclusion, field: str) -> Exclusion:
    last = len(asked.steps)
    after, before = one.from_step or 1, one.to_step or last
    if asked.order == "strict":
        raise QueryError("between steps of a strict funnel lies nothing anyway: leave exclusions out", field="exclusions")
    if asked.order == "any" and (after, before) != (1, last):
        raise QueryError("steps in any order have none between which it could lie: leave it out", field=f"{field}.from_step")
    if before > last:
        raise QueryError(f"the funnel has {last} steps", field=f"{field}.to_step")
    if after >= before:
        raise QueryError("must be less than `to_step`", field=f"{field}.from_step")
    return Exclusion(_match(one, field), after - 1, before - 1)


def _match(asked: FunnelStep | FunnelExclusion, field: str) -> EventFilter:
    return EventFilter(frozenset([asked.event_type]), conditions_of(asked.where, f"{field}.where"))


def event_names(asked: FunnelQuery) -> Names:
    """What a funnel calls by name."""
    events: list[tuple[FunnelStep | FunnelExclusion, str]] = [
        *((step, f"steps.{place}") for place, step in enumerate(asked.steps)),
        *((one, f"exclusions.{place}") for place, one in enumerate(asked.exclusions)),
    ]
    types = [Name(event.event_type, f"{field}.event_type") for event, field in events]
    properties = [name for event, field in events for name in names_of(event.where, f"{field}.where")]
    alone = [Name(name, field) for name, field in ((asked.account, "account"), (asked.breakdown, "breakdown")) if name]
    return Names(types, [*properties, *alone])


def answer_of(asked: FunnelQuery, counts: FunnelCounts, counted: Counted) -> FunnelAnswer:
    """What ``counts`` say."""
    types = [step.event_type for step in asked.steps]
    everybody = _sum(counts.reached.values(), len(types))
    by_size = sorted(counts.reached, key=lambda label: (-int(counts.reached[label][0]), text_order(label)))
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
        unit=asked.unit,
        met_exclusion=counts.excluded,
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
        return int(times[nearest_rank(share, len(times))])

    return ConversionTimes(mean_ms=float(times.mean()), p50_ms=rank(0.5), p90_ms=rank(0.9), p99_ms=rank(0.99))
