"""Answers retention."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from analytics.product.counting.breakdowns import OTHER, text_order
from analytics.product.counting.conditions import column_of
from analytics.product.counting.periods import MONTH_MS, bounds_of
from analytics.product.counting.retention import Cell, Retention, RetentionCounts, count_bucket, users_of_cell
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import (
    LAST_MS,
    Name,
    Names,
    check_range,
    event_filter,
    names_of,
    names_of_filter,
    values_chosen,
)
from analytics.query.product.counting import Counted, ProductCounting, Reads, user_list
from drishti.errors import QueryError
from drishti.measures import time_ranges
from drishti.messages.product.retention import (
    MAX_AFTER,
    RetentionAnswer,
    RetentionCohort,
    RetentionColumn,
    RetentionGroup,
    RetentionQuery,
    RetentionTotal,
    RetentionUsersQuery,
    WrongBrackets,
    columns_of,
)
from drishti.messages.product.users import UserList

MAX_COHORTS = 92
MAX_CELLS = 20_000
"""Of all groups together: what one message may hold."""


class RetentionAnswers:
    """Answers ``query.v1.retention``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: RetentionQuery) -> RetentionAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        retention = retention_of(asked)
        if asked.breakdown and (cells := (asked.limit + 2) * retention.cohorts * len(retention.cells)) > MAX_CELLS:
            raise QueryError(
                f"{cells} cells are more than {MAX_CELLS}: ask for fewer values, cohorts or periods", field="limit"
            )
        counts = RetentionCounts(cohorts=retention.cohorts, cells=len(retention.cells))
        counted = await self._counting.count(
            asked.tenant,
            "retention",
            _reads(asked, retention),
            _names(asked),
            lambda days: count_bucket(retention, days, counts),
            sample=asked.sample,
        )
        if not counts.sizes and not asked.sample:
            raise QueryError("no user began in this range: ask for another one", field="from")
        return answer_of(asked, retention, counts, counted)


class RetentionUsers:
    """Answers ``query.v1.retention_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: RetentionUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        retention = retention_of(asked)
        begins = list(retention.bounds[: retention.cohorts])
        if asked.cohort_from not in begins:
            raise QueryError("must be where one of the cohorts of this range begins", field="cohort_from")
        if asked.cell >= len(retention.cells):
            raise QueryError(f"must be below {len(retention.cells)}: there are no more columns", field="cell")
        values = values_chosen(asked)
        cohort, cell = begins.index(asked.cohort_from), retention.cells[asked.cell]
        found = await self._counting.find(
            asked.tenant,
            "retention",
            _reads(asked, retention),
            _names(asked),
            lambda days: users_of_cell(retention, days, cohort, cell, retained=asked.outcome == "retained", values=values),
            limit=asked.limit,
            sample=asked.sample,
        )
        return user_list(found)


def retention_of(asked: RetentionQuery) -> Retention:
    """The retention that is asked for; raises :class:`QueryError` that says what to change."""
    check_range(asked.from_ms, asked.to_ms, beyond_ms=(MAX_AFTER + 1) * MONTH_MS)
    cells = _cells(asked)
    tz = time_ranges.zone(asked.tz, "tz")
    if (asked.to_ms - asked.from_ms) // MONTH_MS > MAX_COHORTS:
        raise QueryError(f"gives more than {MAX_COHORTS} cohorts: ask for a shorter range", field="from")
    cohorts = len(bounds_of(asked.from_ms, asked.to_ms, asked.interval, tz)) - 1
    if cohorts > MAX_COHORTS:
        raise QueryError(
            f"gives {cohorts} cohorts, and {MAX_COHORTS} are the most: ask for a shorter range or a longer `interval`",
            field="from",
        )
    return Retention(
        start=event_filter(asked.start, "start", asked.where),
        returning=event_filter(asked.returning, "return", asked.where),
        bounds=bounds_of(asked.from_ms, asked.to_ms, asked.interval, tz, further=max(cell.last for cell in cells)),
        cohorts=cohorts,
        cells=cells,
        recurring=asked.recurring,
        rolling=asked.kind == "rolling",
        breakdown=column_of(asked.breakdown) if asked.breakdown else "",
    )


def _cells(asked: RetentionQuery) -> list[Cell]:
    try:
        return [Cell(column.first, column.last) for column in columns_of(asked.kind, asked.periods, asked.brackets)]
    except WrongBrackets as wrong:
        raise QueryError(str(wrong), field=wrong.field) from None


def _reads(asked: RetentionQuery, retention: Retention) -> Reads:
    types = {*retention.start.event_types, *retention.returning.event_types}
    of_any = not retention.start.event_types or not retention.returning.event_types
    return Reads(
        from_ms=retention.bounds[0] if retention.recurring else 0,
        to_ms=LAST_MS if retention.rolling else retention.bounds[-1],
        columns=retention.columns,
        event_types=None if of_any else sorted(types),
        by_day=retention.by_day,
        cohort=asked.cohort,
    )


def _names(asked: RetentionQuery) -> Names:
    start, returning = names_of_filter(asked.start, "start"), names_of_filter(asked.returning, "return")
    breakdown = [Name(asked.breakdown, "breakdown")] if asked.breakdown else []
    return Names(
        [*start.event_types, *returning.event_types],
        [*start.properties, *returning.properties, *names_of(asked.where, "where"), *breakdown],
    )


def answer_of(asked: RetentionQuery, retention: Retention, counts: RetentionCounts, counted: Counted) -> RetentionAnswer:
    """What ``counts`` say."""
    table = _Table(retention, counted.as_of)
    by_size = sorted(counts.sizes, key=lambda label: (-int(counts.sizes[label].sum()), text_order(label)))
    groups = []
    if asked.breakdown:
        groups = [table.group(label, [label], counts) for label in by_size[: asked.limit]]
        if rest := by_size[asked.limit :]:
            groups.append(table.group(OTHER, rest, counts, other=True))
    sizes, retained = table.sums(by_size, counts)
    return RetentionAnswer(
        from_ms=retention.bounds[0],
        to_ms=retention.bounds[retention.cohorts],
        as_of=counted.as_of,
        kept_from=counted.kept_from,
        interval=asked.interval,
        sampled=counted.sampled,
        excluded_users=counted.excluded,
        columns=[RetentionColumn(first=cell.first, last=cell.last) for cell in retention.cells],
        cohorts=table.cohorts(sizes, retained),
        total=table.total(sizes, retained),
        groups=groups,
    )


class _Table:
    """The cells of each cohort that had begun, or were over, at ``as_of``."""

    def __init__(self, retention: Retention, as_of: int) -> None:
        self._bounds = retention.bounds
        self._shape = (retention.cohorts, len(retention.cells))
        cells, cohorts = retention.cells, range(retention.cohorts)
        self._begun = [sum(self._bounds[place + cell.first] <= as_of for cell in cells) for place in cohorts]
        self._complete = [sum(self._bounds[place + cell.last + 1] <= as_of for cell in cells) for place in cohorts]

    def sums(self, labels: Iterable[str | None], counts: RetentionCounts) -> tuple[Ints, Ints]:
        sizes, retained = np.zeros(self._shape[0], np.int64), np.zeros(self._shape, np.int64)
        for label in labels:
            sizes += counts.sizes[label]
            retained += counts.retained[label]
        return sizes, retained

    def cohorts(self, sizes: Ints, retained: Ints) -> list[RetentionCohort]:
        found = []
        for place, (begins, ends) in enumerate(pairwise(self._bounds[: len(sizes) + 1])):
            size, users = int(sizes[place]), retained[place, : self._begun[place]].tolist()
            found.append(
                RetentionCohort(
                    from_ms=begins, to_ms=ends, size=size, users=users, shares=_shares(users, [size] * len(users)),
                    complete=self._complete[place],
                )
            )  # fmt: skip
        return found

    def total(self, sizes: Ints, retained: Ints) -> RetentionTotal:
        over = np.arange(self._shape[1]) < np.array(self._complete)[:, None]
        of, users = (sizes[:, None] * over).sum(axis=0).tolist(), (retained * over).sum(axis=0).tolist()
        return RetentionTotal(sizes=of, users=users, shares=_shares(users, of))

    def group(
        self, value: str | None, labels: Sequence[str | None], counts: RetentionCounts, *, other: bool = False
    ) -> RetentionGroup:
        sizes, retained = self.sums(labels, counts)
        cohorts, total = self.cohorts(sizes, retained), self.total(sizes, retained)
        return RetentionGroup(value=value, size=int(sizes.sum()), cohorts=cohorts, total=total, other=other)


def _shares(users: Sequence[int], of: Sequence[int]) -> list[float | None]:
    return [count / size if size else None for count, size in zip(users, of, strict=True)]
