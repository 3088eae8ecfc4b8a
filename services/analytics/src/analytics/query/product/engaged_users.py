"""Answers who is how engaged, and what their scores are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from analytics.product.counting.day import Day
from analytics.product.counting.engagement import (
    DEPTH,
    FREQUENCY,
    HUNDRED,
    RECENCY,
    SATISFACTION,
    Bools,
    Engaged,
    Engagement,
    EngagementCounts,
    Floats,
    effective_weights,
    engaged,
)
from analytics.query.product.asked import values_chosen
from analytics.query.product.counting import ProductCounting
from analytics.query.product.engagement import WHAT, engagement_of, names_asked, now_ms, reads_of
from drishti.errors import QueryError
from drishti.messages.product.engagement import EngagedUser, EngagedUsers, EngagementPart, EngagementUsersQuery


class EngagedUserAnswers:
    """Answers ``query.v1.engagement_users``."""

    def __init__(self, counting: ProductCounting, clock: Callable[[], int] = now_ms) -> None:
        self._counting = counting
        self._clock = clock

    async def answer(self, asked: EngagementUsersQuery) -> EngagedUsers:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        values = values_chosen(asked)
        if asked.from_score >= asked.to_score:
            raise QueryError("must be below `to_score`", field="from_score")
        engagement, _ = engagement_of(asked, self._clock())
        if asked.at is not None:
            instants = [one for one in engagement.instants if one.at == asked.at]
            if not instants:
                raise QueryError("must be `at` of a point that this question gives", field="at")
            engagement = replace(engagement, instants=instants)
        else:
            engagement = replace(engagement, instants=engagement.instants[-1:])
        chosen = _Chosen(asked, engagement, values)
        counted, ids = await self._counting.count_and_name(
            asked.tenant, WHAT, reads_of(asked, engagement), names_asked(asked), chosen.add, chosen.users, sample=asked.sample
        )
        return EngagedUsers(
            as_of=counted.as_of,
            at=engagement.to_ms,
            total=chosen.total,
            users=chosen.told(ids),
            sampled=counted.sampled,
            excluded_users=counted.excluded,
        )


class _Chosen:
    """Of the users that are asked for those that come first in the order, of which no more than the limit are kept."""

    def __init__(self, asked: EngagementUsersQuery, engagement: Engagement, values: Sequence[str | None]) -> None:
        self._asked = asked
        self._values = values
        self._engagement = engagement
        self._labels = EngagementCounts().labels
        self._kept: Engaged | None = None
        self.total = 0

    def add(self, days: Sequence[Day]) -> None:
        """Adds the users of one bucket."""
        (found,) = engaged(self._engagement, days, self._labels)
        found = found.at(self._wanted(found))
        self.total += len(found.users)
        if self._kept is not None:
            found = Engaged(*(np.concatenate(columns) for columns in zip(self._kept, found, strict=True)))
        sign = 1 if self._asked.order == "lowest" else -1
        self._kept = found.at(np.lexsort((found.users, sign * found.scores))[: self._asked.limit])

    def _wanted(self, found: Engaged) -> Bools:
        low, high = round(100 * self._asked.from_score), round(100 * self._asked.to_score)
        wanted = (found.scores >= low) & ((found.scores < high) | (high == HUNDRED))
        for value in self._values:
            wanted &= found.labels == self._labels.get(value, -1)
        return np.asarray(wanted, np.bool_)

    def users(self) -> list[int]:
        return [] if self._kept is None else self._kept.users.tolist()

    def told(self, ids: Sequence[str]) -> list[EngagedUser]:
        """With the ids of :meth:`users`."""
        kept = self._kept
        if kept is None:
            return []
        points = np.nan_to_num(kept.parts) * effective_weights(self._engagement, kept.parts) * 100
        return [
            EngagedUser(
                user_id=user_id,
                score=int(kept.scores[row]) / 100,
                recency=_part(kept.parts[row], points[row], RECENCY),
                frequency=_part(kept.parts[row], points[row], FREQUENCY),
                depth=_part(kept.parts[row], points[row], DEPTH),
                satisfaction=_part(kept.parts[row], points[row], SATISFACTION) if kept.rated[row] else None,
                last_ms=int(kept.last[row]),
                active_days=int(kept.active_days[row]),
                events=int(kept.events[row]),
                ratings=int(kept.rated[row]),
                mean_rating=float(kept.ratings[row]) if kept.rated[row] else None,
            )
            for row, user_id in enumerate(ids)
        ]


def _part(parts: Floats, points: Floats, place: int) -> EngagementPart:
    return EngagementPart(value=100 * float(parts[place]), points=float(points[place]))
