"""Answers questions about the sessions of users."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.breakdowns import OTHER, Labels, text_order
from analytics.product.counting.conditions import Bools, column_of
from analytics.product.counting.day import DAY_MS
from analytics.product.counting.events import EventFilter
from analytics.product.counting.percentiles import nearest_rank
from analytics.product.counting.periods import SHORTEST_MS, next_period, period_starts
from analytics.product.counting.sessions import (
    BOUNCES,
    EVENTS,
    MS,
    SESSIONS,
    USERS,
    Cells,
    SessionCounts,
    SessionQuestion,
    SessionRule,
    Visits,
    count_bucket,
    counts_of,
    merged,
    session_labels,
    users_of,
)
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of, values_chosen
from analytics.query.product.counting import Counted, ProductCounting, Reads, user_list
from drishti.errors import QueryError
from drishti.measures.time_ranges import zone
from drishti.messages.product.paths import PathsAsked
from drishti.messages.product.sessions import (
    SessionGroup,
    SessionMeasure,
    SessionPage,
    SessionPeriod,
    SessionsAnswer,
    SessionsAsked,
    SessionsQuery,
    SessionsUsersQuery,
)
from drishti.messages.product.users import UserList

MAX_PERIODS = 1_000


class SessionAnswers:
    """Answers ``query.v1.sessions``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: SessionsQuery) -> SessionsAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        counts = counts_of(question)
        counted = await self._counting.count(
            asked.tenant,
            "question about sessions",
            _reads(asked, question),
            _names(asked),
            lambda days: count_bucket(question, days, counts),
            sample=asked.sample,
        )
        return await asyncio.to_thread(answer_of, asked, question, counts, counted)


class SessionUserAnswers:
    """Answers ``query.v1.sessions_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: SessionsUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        labels = session_labels(question)
        chosen = _chosen(asked, question, labels)
        found = await self._counting.find(
            asked.tenant,
            "question about sessions",
            _reads(asked, question),
            _names(asked),
            lambda days: users_of(question, days, labels, chosen),
            limit=asked.limit,
            sample=asked.sample,
        )
        return user_list(found)


def rule_of(asked: SessionsAsked | PathsAsked) -> SessionRule:
    """The rule of a question; raises :class:`QueryError`."""
    tz = zone(asked.tz, "tz")
    return SessionRule(asked.gap_s * 1_000, tz if asked.midnight else None, asked.campaign)


def question_of(asked: SessionsAsked) -> SessionQuestion:
    """What is asked; raises :class:`QueryError` that says what to change."""
    check_range(asked.from_ms, asked.to_ms, beyond_ms=DAY_MS)
    rule = rule_of(asked)
    periods = None
    if isinstance(asked, SessionsQuery) and asked.interval:
        if asked.to_ms - asked.from_ms > MAX_PERIODS * SHORTEST_MS[asked.interval]:
            raise QueryError(f"has more than {MAX_PERIODS} periods in this range: ask for longer ones", field="interval")
        periods = period_starts(asked.from_ms, asked.to_ms, asked.interval, zone(asked.tz, "tz"))
    conditions = conditions_of(asked.where, "where")
    return SessionQuestion(
        rule=rule,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        kept=EventFilter(frozenset(asked.event_types)),
        match=EventFilter(conditions=conditions) if conditions else None,
        breakdown=column_of(asked.breakdown) if asked.breakdown else "",
        page=column_of(asked.page) if asked.page else "",
        periods=periods,
    )


def _reads(asked: SessionsAsked, question: SessionQuestion) -> Reads:
    return Reads(
        from_ms=question.read_from_ms,
        to_ms=question.read_to_ms,
        columns=question.columns,
        event_types=sorted(question.kept.event_types) or None,
        cohort=asked.cohort,
    )


def _names(asked: SessionsAsked) -> Names:
    types = [Name(name, f"event_types.{place}") for place, name in enumerate(asked.event_types)]
    own = [Name(name, field) for name, field in ((asked.breakdown, "breakdown"), (asked.page, "page")) if name]
    return Names(types, [*names_of(asked.where, "where"), *own])


def _chosen(asked: SessionsUsersQuery, question: SessionQuestion, labels: dict[str, Labels]) -> Callable[[Visits], Bools]:
    """Which sessions are chosen; raises :class:`QueryError`."""
    values = values_chosen(asked)
    if not asked.page and (asked.entry is not None or asked.exit is not None):
        raise QueryError("is needed, to choose by entry or exit", field="page")

    def number(column: str, value: str | None) -> int:
        return labels[column].get(value, -1)

    def chosen(found: Visits) -> Bools:
        kept = np.ones(len(found.users), np.bool_)
        for value in values:
            kept &= found.breakdown == number(question.breakdown, value)
        if asked.entry is not None:
            kept &= found.entries == number(question.page, asked.entry)
        if asked.exit is not None:
            kept &= found.exits == number(question.page, asked.exit)
        if asked.bounced is not None:
            kept &= (found.depths == 1) == asked.bounced
        return kept

    return chosen


def answer_of(asked: SessionsQuery, question: SessionQuestion, counts: SessionCounts, counted: Counted) -> SessionsAnswer:
    """What ``counts`` say."""
    totals = merged(counts.totals).sums
    total = totals[0] if len(totals) else np.zeros(5, np.int64)
    durations, depths = _joined(counts.durations), _joined(counts.depths)
    pages = list(counts.labels[question.page]) if question.page else []
    return SessionsAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=counted.as_of,
        gap_s=asked.gap_s,
        sampled=counted.sampled,
        excluded_users=counted.excluded,
        sessions=int(total[SESSIONS]),
        users=int(total[USERS]),
        bounce_rate=_rate(total[BOUNCES], total[SESSIONS]),
        duration_ms=_measure(durations),
        depth=_measure(depths),
        series=_series(asked, question, merged(counts.by_period)),
        groups=_groups(asked, question, counts, durations, depths) if question.breakdown else [],
        entries=_pages(pages, counts.entries, asked.limit),
        exits=_pages(pages, counts.exits, asked.limit),
    )


def _groups(
    asked: SessionsQuery, question: SessionQuestion, counts: SessionCounts, durations: NDArray[Any], depths: NDArray[Any]
) -> list[SessionGroup]:
    by_label, cells = merged(counts.by_label), merged(counts.cells)
    names = list(counts.labels[question.breakdown])
    of_label = _joined(counts.of_label)
    places = sorted(
        range(len(by_label.keys)),
        key=lambda at: (-int(by_label.sums[at, SESSIONS]), text_order(names[by_label.keys[at]])),
    )
    groups = []
    for at in places[: asked.limit]:
        key = int(by_label.keys[at])
        own = of_label == key
        span = np.searchsorted(cells.keys, [key * counts.periods, (key + 1) * counts.periods])
        series = Cells(cells.keys[slice(*span)] - key * counts.periods, cells.sums[slice(*span)])
        groups.append(
            SessionGroup(
                value=names[key],
                sessions=int(by_label.sums[at, SESSIONS]),
                users=int(by_label.sums[at, USERS]),
                bounce_rate=_rate(by_label.sums[at, BOUNCES], by_label.sums[at, SESSIONS]),
                duration_ms=_measure(durations[own]),
                depth=_measure(depths[own]),
                series=_series(asked, question, series),
            )
        )
    if rest := places[asked.limit :]:
        own = np.isin(of_label, by_label.keys[rest])
        sums = by_label.sums[rest].sum(axis=0)
        groups.append(
            SessionGroup(
                value=OTHER,
                sessions=int(sums[SESSIONS]),
                bounce_rate=_rate(sums[BOUNCES], sums[SESSIONS]),
                duration_ms=_measure(durations[own]),
                depth=_measure(depths[own]),
                other=True,
            )
        )
    return groups


def _series(asked: SessionsQuery, question: SessionQuestion, cells: Cells) -> list[SessionPeriod]:
    if question.periods is None or not asked.interval:
        return []
    sums = np.zeros((len(question.periods), 5), np.int64)
    sums[cells.keys] = cells.sums
    starts = question.periods.tolist()
    ends = [*starts[1:], next_period(starts[-1], asked.interval, zone(asked.tz, "tz"))]
    return [
        SessionPeriod(
            start=start,
            end=end,
            sessions=int(own[SESSIONS]),
            users=int(own[USERS]),
            bounce_rate=_rate(own[BOUNCES], own[SESSIONS]),
            mean_duration_ms=_rate(own[MS], own[SESSIONS]),
            mean_depth=_rate(own[EVENTS], own[SESSIONS]),
        )
        for start, end, own in zip(starts, ends, sums, strict=True)
    ]


def _pages(names: Sequence[str | None], parts: Sequence[tuple[Ints, Ints]], limit: int) -> list[SessionPage]:
    if not parts:
        return []
    number = np.zeros(len(names), np.int64)
    for values, count in parts:
        number[values] += count
    places = sorted(np.flatnonzero(number).tolist(), key=lambda at: (-int(number[at]), text_order(names[at])))
    pages = [SessionPage(value=names[at], sessions=int(number[at])) for at in places[:limit]]
    if rest := places[limit:]:
        pages.append(SessionPage(value=OTHER, sessions=int(number[rest].sum()), other=True))
    return pages


def _measure(values: NDArray[Any]) -> SessionMeasure | None:
    if not len(values):
        return None
    at = [nearest_rank(share, len(values)) for share in (0.5, 0.9)]
    p50, p90 = np.partition(values, at)[at].tolist()
    return SessionMeasure(mean=float(values.mean()), p50=p50, p90=p90)


def _joined(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    found: NDArray[Any] = np.concatenate([np.empty(0, np.uint32), *parts])
    return found


def _rate(part: Any, whole: Any) -> float | None:
    return float(part) / int(whole) if whole else None
