"""Answers what users do after they met something, by how much of it they met."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analytics.product.counting.association import (
    Floats,
    Trend,
    means,
    of_mean,
    quantile_edges,
    range_of,
    spearman,
    trend,
    trend_within,
    wilson,
)
from analytics.product.counting.breakdowns import OTHER
from analytics.product.counting.conditions import column_of
from analytics.product.counting.day import Day
from analytics.product.counting.dose_response import (
    ACTIVITY,
    DoseResponse,
    DoseResponses,
    count_bucket,
    of_bucket,
)
from analytics.product.counting.events import EventFilter
from analytics.product.segments.segment import Ints
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of
from analytics.query.product.counting import Counted, ProductCounting, Reads, user_list
from drishti.errors import QueryError
from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.dose_response import (
    Confounder,
    Dose,
    DoseBin,
    DoseResponseAnswer,
    DoseResponseAsked,
    DoseResponseQuery,
    DoseResponseUsersQuery,
    DoseStratum,
    DoseTrend,
    EventsMet,
    Outcome,
    StratumBin,
)
from drishti.messages.product.users import UserList

FEW = 30
"""Users of a range below which it is said that there are few."""

MOST_STRATA = 10
"""Values of a stratum that are told one by one, those with the most users."""

SIGNIFICANT = 0.05
_WHAT = "question about dose and response"
_OUTCOMES = {"return": "came back", "conversion": "did what was asked for", "active_days": "active days"}


class DoseResponseAnswers:
    """Answers ``query.v1.dose_response``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: DoseResponseQuery) -> DoseResponseAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        if any(low >= high for low, high in zip(asked.edges, asked.edges[1:], strict=False)):
            raise QueryError("must ascend", field="edges")
        found = DoseResponses(labels=question.no_labels())
        counted = await self._counting.count(
            asked.tenant,
            _WHAT,
            _reads(asked, question),
            _names(asked),
            lambda days: count_bucket(question, days, found),
            sample=asked.sample,
        )
        return await asyncio.to_thread(answer_of, asked, question, found, counted)


class DoseResponseUserAnswers:
    """Answers ``query.v1.dose_response_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: DoseResponseUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        as_of = time.time_ns() // 1_000_000 if asked.as_of is None else asked.as_of
        low = -math.inf if asked.from_dose is None else asked.from_dose
        high = math.inf if asked.to_dose is None else asked.to_dose
        if asked.without_dose and (asked.from_dose is not None or asked.to_dose is not None):
            raise QueryError("cannot be chosen together with a range of the dose", field="without_dose")
        if low >= high:
            raise QueryError("must be below `to_dose`", field="from_dose")

        def chosen(days: Sequence[Day]) -> Ints:
            met = of_bucket(question, days, question.no_labels())
            kept = met.over <= as_of
            kept &= np.isnan(met.doses) if asked.without_dose else (met.doses >= low) & (met.doses < high)
            if asked.with_outcome is not None:
                kept &= (met.responses > 0) == asked.with_outcome
            return met.users[kept]

        found = await self._counting.find(
            asked.tenant, _WHAT, _reads(asked, question), _names(asked), chosen, limit=asked.limit, sample=asked.sample
        )
        return user_list(found)


def question_of(asked: DoseResponseAsked) -> DoseResponse:
    """What is asked; raises :class:`QueryError` that says what to change."""
    dose, outcome = asked.dose, asked.outcome
    if dose.measure != "count" and not dose.property:
        raise QueryError(f"is needed: `{dose.measure}` of what?", field="dose.property")
    if dose.measure == "count" and dose.property:
        raise QueryError("is for the measures `mean` and `max`; `count` counts events", field="dose.property")
    if outcome.kind == "conversion" and not outcome.event_type:
        raise QueryError("is needed: to what do users convert?", field="outcome.event_type")
    if outcome.kind == "return" and (outcome.event_type or outcome.where):
        raise QueryError("`return` is any event: ask for a `conversion`", field="outcome.kind")
    exposure_ms, within_ms = asked.exposure_s * 1_000, asked.within_s * 1_000
    check_range(asked.from_ms, asked.to_ms, beyond_ms=exposure_ms + within_ms)
    strata = asked.strata if isinstance(asked, DoseResponseQuery) else []
    return DoseResponse(
        start=_match(asked.start.event_type, asked.start.where, "start"),
        dose=_match(dose.event_type, dose.where, "dose"),
        measure=dose.measure,
        value=column_of(dose.property) if dose.property else "",
        response=_match(outcome.event_type, outcome.where, "outcome"),
        days=outcome.kind == "active_days",
        exposure_ms=exposure_ms,
        within_ms=within_ms,
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        strata=[name if name == ACTIVITY else column_of(name) for name in dict.fromkeys(strata)],
    )


def _match(event_type: str, where: Sequence[PropertyCondition], field: str) -> EventFilter:
    return EventFilter(frozenset([event_type] if event_type else ()), conditions_of(where, f"{field}.where"))


def _reads(asked: DoseResponseAsked, question: DoseResponse) -> Reads:
    matches = (question.start, question.dose, question.response)
    types = {name for match in matches for name in match.event_types}
    of_all = all(match.event_types for match in matches)
    return Reads(
        from_ms=question.from_ms,
        to_ms=question.until_ms,
        columns=question.columns,
        event_types=sorted(types) if of_all else None,
        cohort=asked.cohort,
    )


def _names(asked: DoseResponseAsked) -> Names:
    parts: dict[str, EventsMet | Dose | Outcome] = {"start": asked.start, "dose": asked.dose, "outcome": asked.outcome}
    types = [Name(part.event_type, f"{field}.event_type") for field, part in parts.items() if part.event_type]
    properties = [name for field, part in parts.items() for name in names_of(part.where, f"{field}.where")]
    if asked.dose.property:
        properties.append(Name(asked.dose.property, "dose.property"))
    if isinstance(asked, DoseResponseQuery):
        properties += [Name(name, f"strata.{place}") for place, name in enumerate(asked.strata) if name != ACTIVITY]
    return Names(types, properties)


class _Known(NamedTuple):
    """Users whose outcome is known and who have a dose, in ranges."""

    doses: Floats
    responses: Ints
    ranges: Ints
    strata: Ints


def answer_of(asked: DoseResponseQuery, question: DoseResponse, found: DoseResponses, counted: Counted) -> DoseResponseAnswer:
    """What was found, in ranges."""
    met = found.all()
    over = met.over <= counted.as_of
    dosed = over & ~np.isnan(met.doses)
    edges = asked.edges or quantile_edges(met.doses[dosed], asked.bins)
    known = _Known(met.doses[dosed], met.responses[dosed], range_of(met.doses[dosed], edges), met.strata[dosed])
    bins = []
    for place in np.unique(known.ranges).tolist():
        own = known.ranges == place
        found_bin = _bin(known.responses[own], question.days, known.doses[own])
        found_bin.from_dose = edges[place - 1] if place else None
        found_bin.to_dose = edges[place] if place < len(edges) else None
        bins.append(found_bin)
    undosed = met.responses[over & np.isnan(met.doses)]
    answer = DoseResponseAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=counted.as_of,
        sampled=counted.sampled,
        excluded_users=counted.excluded,
        users=len(known.doses),
        not_yet=int((~over).sum()),
        bins=bins,
        without_dose=_bin(undosed, question.days) if len(undosed) else None,
        trend=_told(trend(known.ranges, known.responses)),
        spearman=spearman(known.doses, known.responses),
        confounders=[
            _confounder(name, list(found.labels[column]), known, place)
            for place, (name, column) in enumerate(zip(dict.fromkeys(asked.strata), question.strata, strict=True))
        ],
    )
    answer.text = _text(asked, answer)
    return answer


def _bin(responses: Ints, days: bool, doses: Floats | None = None) -> DoseBin:
    count = len(responses)
    found = DoseBin(users=count, value=float(responses.mean()), few=count < FEW)
    if doses is not None:
        found.mean_dose = float(means(np.zeros(count, np.int64), doses, 1)[0])
    if days:
        interval = of_mean(responses)
    else:
        found.with_outcome = int(responses.sum())
        interval = wilson(found.with_outcome, count)
    if interval is not None:
        found.low, found.high = interval
    return found


def _told(found: Trend | None) -> DoseTrend | None:
    return None if found is None else DoseTrend(z=found.z, p=found.p)


def _confounder(name: str, labels: Sequence[str | None], known: _Known, place: int) -> Confounder:
    codes = known.strata[:, place]
    values, counts = np.unique(codes, return_counts=True)
    by_size = sorted(
        zip(values.tolist(), counts.tolist(), strict=True),
        key=lambda one: (-one[1], labels[one[0]] is not None, labels[one[0]] or ""),
    )
    rows = {code: np.flatnonzero(codes == code) for code, _ in by_size[:MOST_STRATA]}
    strata = [_stratum(labels[code], known, own) for code, own in rows.items()]
    if len(by_size) > MOST_STRATA:
        rest = np.flatnonzero(~np.isin(codes, list(rows)))
        strata.append(_stratum(OTHER, known, rest, other=True))
    order = np.argsort(codes, kind="stable")
    each = np.split(order, np.cumsum(counts)[:-1]) if len(counts) else []
    return Confounder(name=name, strata=strata, trend=_told(trend_within(known.ranges, known.responses, each)))


def _stratum(value: str | None, known: _Known, own: Ints, *, other: bool = False) -> DoseStratum:
    ranges, responses = known.ranges[own], known.responses[own]
    bins = []
    for place in np.unique(known.ranges).tolist():
        of_range = responses[ranges == place]
        bins.append(StratumBin(users=len(of_range), value=float(of_range.mean()) if len(of_range) else None))
    return DoseStratum(value=value, users=len(own), bins=bins, trend=_told(trend(ranges, responses)), other=other)


def _text(asked: DoseResponseQuery, answer: DoseResponseAnswer) -> list[str]:
    if not answer.bins:
        return ["No user has a dose and an outcome that is known yet: ask for an earlier range, or a shorter time."]
    days = asked.outcome.kind == "active_days"
    first, last = answer.bins[0], answer.bins[-1]
    said = [f"{answer.users} users have a dose, and their time for the outcome is over."]
    if len(answer.bins) > 1 and not days:
        word = _OUTCOMES[asked.outcome.kind]
        said.append(f"{first.value:.0%} of those with the lowest dose {word}, {last.value:.0%} of those with the highest.")
    elif len(answer.bins) > 1:
        said.append(f"{first.value:.1f} active days of those with the lowest dose, {last.value:.1f} of those with the highest.")
    if answer.trend is None:
        said.append("There is no trend to test: all have the same outcome, or all doses are in one range.")
    elif answer.trend.p < SIGNIFICANT:
        way = "falls" if answer.trend.z < 0 else "rises"
        said.append(f"The outcome {way} as the dose rises ({_p(answer.trend.p)}).")
        for confounder in answer.confounders:
            within = confounder.trend
            same = within is not None and within.p < SIGNIFICANT and (within.z < 0) == (answer.trend.z < 0)
            if within is not None and not same:
                said.append(f"It does not show among users alike in {confounder.name} ({_p(within.p)}).")
    else:
        said.append(f"No trend is shown: chance alone gives as much ({_p(answer.trend.p)}).")
    if any(one.few for one in answer.bins):
        said.append(f"Some ranges have fewer than {FEW} users: their intervals are wide, and tests say little.")
    if answer.not_yet:
        said.append(f"{answer.not_yet} users are not counted, because their time for the outcome is not over.")
    said.append(
        "This is an association, not a cause: users with another dose may differ in other ways too, of which "
        f"{', '.join(name.name for name in answer.confounders) or 'none'} can be compared here."
    )
    return said


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
