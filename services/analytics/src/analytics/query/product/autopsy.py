"""Answers what differs between those who went on to a step of a funnel and those who left before it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from analytics.product.counting.autopsy.counts import AutopsyCounts, count_bucket
from analytics.product.counting.autopsy.definition import FALSE_DISCOVERIES, Autopsy, Factor
from analytics.product.counting.autopsy.differences import Difference, Split, differences
from analytics.product.counting.autopsy.users import AutopsyUsers
from analytics.product.counting.breakdowns import number_label
from analytics.product.counting.conditions import column_of
from analytics.product.segments.event_rows import FIELDS
from analytics.query.product.asked import Name, Names, shown
from analytics.query.product.counting import ProductCounting, Reads
from analytics.query.product.funnels import event_names, funnel_of
from drishti.errors import QueryError
from drishti.messages.product.autopsy import (
    AutopsyAlike,
    AutopsyDifference,
    AutopsyGroup,
    FunnelAutopsyAnswer,
    FunnelAutopsyQuery,
)

MOST_PROPERTIES = 50
"""Properties that are compared at once where a question names none."""

MOST_ALIKE = 5
"""Differences, the surest ones, with which each other one is compared."""

CHANCE = 0.05
_WHAT = "comparison"
_MOMENTS = {"first_step": "in the first step", "step": "in the step before", "before": "before that", "after": "after that"}


class FunnelAutopsyAnswers:
    """Answers ``query.v1.funnel_autopsy``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: FunnelAutopsyQuery) -> FunnelAutopsyAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        _check(asked)
        columns = [column_of(name) for name in asked.properties]
        beyond: list[str] = []
        if not columns:
            known = sorted({*await self._counting.columns(asked.tenant)} - {*FIELDS})
            room = MOST_PROPERTIES - len(FIELDS)
            columns, beyond = [*FIELDS, *known[:room]], known[room:]
        question = Autopsy(
            funnel=funnel_of(asked),
            step=asked.step,
            columns=list(dict.fromkeys(columns)),
            around_ms=asked.around_s * 1_000,
            as_of_ms=time.time_ns() // 1_000_000,
            min_users=asked.min_users,
        )
        counts = AutopsyCounts()
        counted = await self._counting.count(
            asked.tenant,
            _WHAT,
            _reads(asked, question),
            _names(asked),
            lambda days: count_bucket(question, days, counts),
            sample=asked.sample,
        )
        found, tried = await asyncio.to_thread(differences, question, counts)
        found = found[: asked.limit]
        answer = FunnelAutopsyAnswer(
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            as_of=counted.as_of,
            sampled=counted.sampled,
            excluded_users=counted.excluded,
            step=asked.step,
            around_s=asked.around_s,
            went_on=counts.went_on,
            left=counts.left,
            not_yet=counts.not_yet,
            tried=tried,
            false_discoveries=FALSE_DISCOVERIES,
            not_compared=[shown(column) for column in sorted({*counts.dropped, *beyond})],
        )
        if found:
            answer.differences = await self._told(asked, question, found)
        answer.text = _text(asked, answer)
        return answer

    async def _told(self, asked: FunnelAutopsyQuery, question: Autopsy, found: Sequence[Difference]) -> list[AutopsyDifference]:
        users = AutopsyUsers(factors=[one.factor for one in found])
        listed = await self._counting.find(
            asked.tenant,
            _WHAT,
            _reads(asked, question),
            _names(asked),
            lambda days: users.add_bucket(question, days),
            limit=len(found) * 100,
            sample=asked.sample,
        )
        ids = dict(zip(users.sampled, listed.users, strict=True))
        told = []
        for one in found:
            difference = _difference(one)
            difference.alike = await asyncio.to_thread(_alike, users, one, found[:MOST_ALIKE])
            samples = users.samples.get(one.factor, {})
            difference.users = [ids[user] for user in samples]
            if one.having.share < one.others.share:
                around = timedelta(seconds=asked.around_s)
                met = [(ids[user], datetime.fromtimestamp(ms / 1000, UTC)) for user, ms in samples.items()]
                spans = [(user, at - around, at + around) for user, at in met]
                difference.trace_ids = await self._counting.traces_of(asked.tenant, spans)
            told.append(difference)
        return told


def _check(asked: FunnelAutopsyQuery) -> None:
    if asked.step > len(asked.steps):
        raise QueryError(f"the funnel has {len(asked.steps)} steps", field="step")
    if asked.unit != "user":
        raise QueryError("only users are compared: leave it out", field="unit")
    if asked.breakdown:
        raise QueryError("its values are compared anyway: leave it out, or name it in `properties`", field="breakdown")


def _reads(asked: FunnelAutopsyQuery, question: Autopsy) -> Reads:
    return Reads(
        from_ms=question.read_from_ms,
        to_ms=question.read_to_ms,
        columns={*question.funnel.columns, *question.columns},
        cohort=asked.cohort,
    )


def _names(asked: FunnelAutopsyQuery) -> Names:
    own = [Name(name, f"properties.{place}") for place, name in enumerate(asked.properties)]
    names = event_names(asked)
    return Names(names.event_types, [*names.properties, *own])


def _difference(one: Difference) -> AutopsyDifference:
    factor, interval = one.factor, one.interval
    return AutopsyDifference(
        property=shown(factor.column),
        moment=factor.moment,
        value=factor.text,
        from_value=factor.low if math.isfinite(factor.low) else None,
        to_value=factor.high if math.isfinite(factor.high) else None,
        text=_words(factor),
        having=_group(one.having),
        others=_group(one.others),
        difference=one.having.share - one.others.share,
        low=interval.low,
        high=interval.high,
        lift=one.having.share / one.others.share if one.others.went_on else None,
        p=one.p,
        corrected_p=one.corrected,
    )


def _group(split: Split) -> AutopsyGroup:
    low, high = split.interval
    return AutopsyGroup(users=split.users, went_on=split.went_on, share=split.share, low=low, high=high)


def _alike(users: AutopsyUsers, one: Difference, surest: Sequence[Difference]) -> list[AutopsyAlike]:
    return [
        AutopsyAlike(text=_words(other.factor), p=users.alike(one, other.factor))
        for other in surest
        if other.factor.column != one.factor.column
    ]


def _words(factor: Factor) -> str:
    return f"{shown(factor.column)} {_value(factor)} {_MOMENTS[factor.moment]}"


def _value(factor: Factor) -> str:
    if factor.text is not None:
        return factor.text
    if not math.isfinite(factor.low):
        return f"below {number_label(factor.high)}"
    if not math.isfinite(factor.high):
        return f"{number_label(factor.low)} or more"
    return f"from {number_label(factor.low)} to below {number_label(factor.high)}"


def _text(asked: FunnelAutopsyQuery, answer: FunnelAutopsyAnswer) -> list[str]:
    said = [f"{answer.went_on} users went on to step {asked.step}, {answer.left} left before it."]
    if answer.not_yet:
        said.append(f"{answer.not_yet} users are not compared, because their window is not over.")
    if not answer.tried:
        said.append(
            f"Nothing can be compared: no value is there of {asked.min_users} users and missing of as many. Ask for a longer "
            "range, or one that ends earlier."
        )
    elif not answer.differences:
        said.append(f"Nothing differs, of {answer.tried} values that were tried, by more than chance alone makes differ.")
    for one in answer.differences:
        alone = [other.text for other in one.alike if other.p >= CHANCE]
        if alone:
            said.append(f"“{one.text}” does not differ among users who are alike in “{alone[0]}”.")
    if answer.differences:
        said.append(
            "These are associations, not causes: users who have a value may differ in other ways too, of which only the "
            "other differences are looked at."
        )
    return said
