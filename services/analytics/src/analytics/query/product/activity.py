"""Answers how many users are active."""

from __future__ import annotations

import asyncio

from analytics.product.counting.activity import STATES, Activity, ActivityCounts, count_bucket, users_of_state
from analytics.product.counting.breakdowns import text_order
from analytics.product.counting.conditions import column_of
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.events import EventFilter
from analytics.product.counting.periods import MONTH_MS, bounds_of
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of
from analytics.query.product.counting import Counted, ProductCounting, Reads, user_list
from drishti.errors import QueryError
from drishti.measures import time_ranges
from drishti.messages.product.activity import (
    ActivityAnswer,
    ActivityDay,
    ActivityGroup,
    ActivityPeriod,
    ActivityQuery,
    ActivityUsersQuery,
)
from drishti.messages.product.users import UserList

MAX_DAYS = 400


class ActivityAnswers:
    """Answers ``query.v1.activity``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: ActivityQuery) -> ActivityAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        activity = activity_of(asked)
        counts = ActivityCounts.of(activity)
        counted = await self._counting.count(
            asked.tenant,
            "activity",
            _reads(asked, activity),
            _names(asked),
            lambda days: count_bucket(activity, days, counts),
            sample=asked.sample,
        )
        if not (asked.where or asked.cohort or asked.sample or counts.periods.any() or counts.days.any()):
            of_types = " of these types" if asked.event_types else ""
            raise QueryError(f"no event with a user{of_types} lies in this range: ask for another one", field="from")
        return await asyncio.to_thread(answer_of, asked, activity, counts, counted)


class ActivityUsers:
    """Answers ``query.v1.activity_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: ActivityUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        if asked.breakdown:
            raise QueryError("is not for lists of users: ask for a value by a condition of `where`", field="breakdown")
        activity = activity_of(asked)
        begins = list(activity.bounds[1:-1])
        if asked.period_from not in begins:
            raise QueryError("must be where one of the periods of this range begins", field="period_from")
        period = begins.index(asked.period_from)
        found = await self._counting.find(
            asked.tenant,
            "activity",
            _reads(asked, activity),
            _names(asked),
            lambda days: users_of_state(activity, days, period, asked.state),
            limit=asked.limit,
            sample=asked.sample,
        )
        return user_list(found)


def activity_of(asked: ActivityQuery) -> Activity:
    """The activity that is asked for; raises :class:`QueryError` that says what to change."""
    check_range(asked.from_ms, asked.to_ms, beyond_ms=MONTH_MS)
    tz = time_ranges.zone(asked.tz, "tz")
    if asked.to_ms - asked.from_ms > MAX_DAYS * DAY_MS:
        raise QueryError(f"must lie {MAX_DAYS} days before `to` at most", field="from")
    bounds = bounds_of(asked.from_ms, asked.to_ms, asked.interval, tz)
    before = bounds_of(bounds[0] - 1, bounds[0], asked.interval, tz)[0]
    days = bounds_of(min(before, bounds[0] - MONTH_MS), bounds[-1], "day", tz)
    return Activity(
        events=EventFilter(tuple(asked.event_types), conditions_of(asked.where, "where")),
        bounds=[before, *bounds],
        days=days,
        breakdown=column_of(asked.breakdown) if asked.breakdown else "",
    )


def _reads(asked: ActivityQuery, activity: Activity) -> Reads:
    return Reads(
        from_ms=activity.from_ms,
        to_ms=activity.bounds[-1],
        columns=activity.columns,
        by_day=activity.by_day,
        cohort=asked.cohort,
        users_from_ms=0,
    )


def _names(asked: ActivityQuery) -> Names:
    types = [Name(name, f"event_types.{place}") for place, name in enumerate(asked.event_types)]
    return Names(types, [*names_of(asked.where, "where"), *([Name(asked.breakdown, "breakdown")] if asked.breakdown else [])])


def answer_of(asked: ActivityQuery, activity: Activity, counts: ActivityCounts, counted: Counted) -> ActivityAnswer:
    """What ``counts`` say."""
    by_size = sorted(counts.by_label, key=lambda label: (-counts.users_by_label.get(label, 0), text_order(label)))
    days = _days(activity, counts.days, counted.as_of)
    over = [day.stickiness for day in days if day.complete and day.stickiness is not None]
    return ActivityAnswer(
        from_ms=activity.bounds[1],
        to_ms=activity.bounds[-1],
        as_of=counted.as_of,
        kept_from=counted.kept_from,
        interval=asked.interval,
        sampled=counted.sampled,
        users=counts.users,
        periods=_periods(activity, counts.periods, counted.as_of),
        days=days,
        stickiness=sum(over) / len(over) if over else None,
        groups=[
            ActivityGroup(
                value=label,
                users=counts.users_by_label.get(label, 0),
                periods=_periods(activity, counts.by_label[label], counted.as_of),
            )
            for label in by_size[: asked.limit]
        ],
        more_values=max(0, len(by_size) - asked.limit),
        excluded_users=counted.excluded,
    )


def _periods(activity: Activity, table: Ints, as_of: int) -> list[ActivityPeriod]:
    return [
        ActivityPeriod(from_ms=begins, to_ms=ends, complete=ends <= as_of, **dict(zip(STATES, row, strict=True)))
        for begins, ends, row in zip(activity.bounds[1:], activity.bounds[2:], table.tolist(), strict=False)
    ]


def _days(activity: Activity, table: Ints, as_of: int) -> list[ActivityDay]:
    days = activity.days[activity.first_day :]
    return [
        ActivityDay(
            from_ms=begins, active=active, last_7=last_7, last_30=last_30,
            stickiness=active / last_30 if last_30 else None, complete=ends <= as_of,
        )
        for begins, ends, (active, last_7, last_30) in zip(days, days[1:], table.tolist(), strict=False)
    ]  # fmt: skip
