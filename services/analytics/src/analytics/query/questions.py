"""Sets of questions and their answers. Pure: :func:`planned` checks a set and says what to read, :func:`answers` evaluates it.

Whatever is asked comes from merged cells: of each step for the points, of all steps for ``total``, of all groups that are not
among the ``top`` for ``other``. An expression is evaluated on what its terms come to there, so that it is a ratio of sums and
never a mean of ratios, and a percentile is that of the merged histograms. Points are
there for steps in which something was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analytics.query import steps, terms
from analytics.query.bins import bins
from analytics.query.columns import Columns, Integers, Numbers, evaluated, plain, taken
from analytics.query.columns import values as values_of
from analytics.query.readings import Cells, Group, Reading
from analytics.query.steps import Steps
from analytics.query.terms import PlannedQuestion
from drishti.errors import QueryError
from drishti.events import AnswerSeries, AnswerSet, QuestionAnswer, QuestionSet
from drishti.measures import time_ranges
from drishti.measures.definitions import OTHER
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.tree import Term

MAX_QUESTIONS = 16
MAX_SERIES = 500
MAX_POINTS = 40_000
"""Points of all answers to a set, which have some 25 bytes each, and a message on the bus has a megabyte."""


class Plan(NamedTuple):
    """What to read for a set of questions: every reading over ``steps`` and, to compare with, over ``earlier``."""

    asked: QuestionSet
    questions: list[PlannedQuestion]
    steps: Steps
    earlier: Steps | None
    readings: dict[Reading, str]
    """With the path of the first question that needs it."""


def planned(
    asked: QuestionSet, kept_from: dict[str, int], metrics: TenantMetrics, event_types: frozenset[str] = frozenset()
) -> Plan:
    """The plan for ``asked``; raises :class:`QueryError` that names the wrong field. ``kept_from``: as rollups are kept;
    ``event_types``: those that the tenant sent, needed where :func:`asks_events`."""
    if not 1 <= len(asked.questions) <= MAX_QUESTIONS:
        raise QueryError(f"must be 1 to {MAX_QUESTIONS} questions", field="questions")
    tz = time_ranges.zone(asked.time_zone)
    now = steps.planned(asked.from_ms, asked.to_ms, asked.resolution, tz, kept_from)
    earlier = None
    if asked.compare is not None:
        begins, ends = time_ranges.earlier(now.start, now.end, asked.compare, tz)
        earlier = steps.planned(begins, ends, now.step, tz, {resolution: 0 for resolution in kept_from})
    questions = [terms.planned(one, f"questions.{place}.", metrics, event_types) for place, one in enumerate(asked.questions)]
    readings: dict[Reading, str] = {}
    for question in questions:
        for term in question.terms.values():
            for reading in (term.whole, term.part):
                if reading is not None:
                    readings.setdefault(reading, question.field)
    return Plan(asked, questions, now, earlier, readings)


def asks_events(asked: QuestionSet, metrics: TenantMetrics) -> bool:
    """Whether :func:`planned` has to know the tenant's types of events."""
    return any(terms.asks_events(one, metrics) for one in asked.questions[:MAX_QUESTIONS])


def answers(plan: Plan, now: Mapping[Reading, Cells], earlier: Mapping[Reading, Cells], as_of: int) -> AnswerSet:
    """The answers out of what was read; raises :class:`QueryError` where they are too much."""
    found: list[QuestionAnswer] = []
    points = 0
    for question in plan.questions:
        answer = _answer(question, plan, now, earlier, as_of)
        points += sum(len(series.points) + len(series.compared) for series in answer.series)
        points += sum(len(series.counts_by_step) * (len(answer.edges) - 1) for series in answer.series)
        if points > MAX_POINTS:
            raise QueryError(
                f"more than {MAX_POINTS} points in all: ask for a shorter range, a coarser resolution, fewer groups (top), or "
                "fewer questions at once",
                field=f"{question.field}group_by" if question.question.group_by else "resolution",
            )
        found.append(answer)
    return AnswerSet(
        from_ms=plan.steps.start,
        to_ms=plan.steps.end,
        resolution=plan.steps.step,
        source=f"rollup_{plan.steps.rollup}",
        as_of=as_of,
        answers=found,
        compared_from=None if plan.earlier is None else plan.earlier.start,
        compared_to=None if plan.earlier is None else plan.earlier.end,
    )


def services(plan: Plan, answer: AnswerSet) -> list[str]:
    """The services, by their tokens, that an answer is about."""
    tokens = {service for question in plan.questions for service in question.services}
    for one in answer.answers:
        tokens |= {series.labels["service"] for series in one.series if "service" in series.labels}
    return sorted(tokens)


class _Evaluation:
    """One question over one range. ``groups``: those of its answer, in order; the rest is left out."""

    def __init__(
        self, question: PlannedQuestion, range_steps: Steps, read: Mapping[Reading, Cells], as_of: int, groups: list[Group]
    ) -> None:
        self._question = question
        self._steps = range_steps
        self._read = read
        self._groups = {group: place for place, group in enumerate(groups)}
        elapsed = max(range_steps.seconds(0), (min(range_steps.end, as_of) - range_steps.start) / 1000)
        self._elapsed = np.full(len(groups), elapsed)

    def totals(self) -> list[float | None]:
        """Of each group over the whole range."""
        size = len(self._groups)
        values: dict[Term, Numbers] = {}
        for term, planned in self._question.terms.items():
            part = None if planned.part is None else self._totals(planned.part)
            whole = self._totals(planned.whole)
            values[term] = values_of(planned.field, whole, self._elapsed, part=part)
        return plain(np.broadcast_to(evaluated(self._question.expression, values), size))

    def points(self) -> Iterator[tuple[Integers, list[float | None]]]:
        """Of each group, the place and value of every step in which something was seen."""
        count = len(self._steps.bounds) - 1
        terms = self._question.terms
        keys = {term: self._keys(planned.grouped, count) for term, planned in terms.items()}
        wanted = (
            next(iter(keys.values()))[0] if len(keys) == 1 else np.unique(np.concatenate([own for own, _ in keys.values()]))
        )
        place = wanted % count
        seconds = np.diff(np.asarray(self._steps.bounds, np.float64))[place] / 1000
        values: dict[Term, Numbers] = {}
        for term, planned in terms.items():
            columns, places = self._at(planned.whole, wanted, count)
            if columns.buckets is not None or columns.sketches is not None:
                # What takes long is computed where it was read: nothing of the sort is moved.
                seen = values_of(planned.field, columns, np.ones(len(columns)))
                values[term] = taken(seen, places, 0.0 if columns.buckets is None else np.nan)
                continue
            part = None
            if planned.part is not None:
                of, at = self._at(planned.part, wanted, count)
                part = of.taken(at)
            values[term] = values_of(planned.field, columns.taken(places), seconds, part=part)
        found = plain(np.broadcast_to(evaluated(self._question.expression, values), len(wanted)))
        ends = np.searchsorted(wanted, np.arange(len(self._groups) + 1) * count).tolist()
        for first, end in pairwise(ends):
            yield place[first:end], found[first:end]

    def _totals(self, reading: Reading) -> Columns:
        """Of each group of the answer; of a reading whose groups are not kept apart, all together beside each."""
        cells = self._read[reading]
        places = {group: place for place, group in enumerate(cells.groups)}
        own = (places.get(group if reading.names else (), -1) for group in self._groups)
        return cells.totals().taken(np.fromiter(own, np.int64, len(self._groups)))

    def _keys(self, reading: Reading, count: int) -> tuple[Integers, Integers]:
        """A number for each cell of the answer's groups, in order, and the places of those cells."""
        cells = self._read[reading]
        of = np.array([self._groups.get(group, -1) for group in cells.groups], np.int64)[cells.group]
        held = np.flatnonzero(of >= 0)
        keys = of[held] * count + cells.place[held]
        order = np.argsort(keys)
        return keys[order], held[order]

    def _at(self, reading: Reading, wanted: Integers, count: int) -> tuple[Columns, Integers]:
        """What was read, and the places in it of the cells at ``wanted``; -1 where nothing was seen."""
        cells = self._read[reading]
        if reading.names:
            own, places = self._keys(reading, count)
        else:
            own, places = cells.place, np.arange(len(cells.place))
            wanted = wanted % count
        if not len(own):
            return cells.columns, np.full(len(wanted), -1)
        at = np.searchsorted(own, wanted)
        at[at == len(own)] = 0
        return cells.columns, np.where(own[at] == wanted, places[at], -1)


def _answer(
    question: PlannedQuestion, plan: Plan, now: Mapping[Reading, Cells], earlier: Mapping[Reading, Cells], as_of: int
) -> QuestionAnswer:
    asked = question.question
    groups: list[Group] = [()]
    if asked.group_by:
        groups = sorted({group for term in question.terms.values() for group in now[term.grouped].groups})
    merged = 0
    if asked.top is not None and len(groups) > asked.top:
        merged = len(groups) - asked.top
        top = _largest(groups, _Evaluation(question, plan.steps, now, as_of, groups).totals(), asked.top)
        other = (OTHER,) * len(asked.group_by)
        groups = [*top, other]
        now, earlier = (_together(question, read, frozenset(top), other) for read in (now, earlier))
    elif len(groups) > MAX_SERIES:
        raise QueryError(f"{len(groups)} series are more than {MAX_SERIES}: set top, or filter", field=f"{question.field}top")
    evaluation = _Evaluation(question, plan.steps, now, as_of, groups)
    compared = None if plan.earlier is None else _Evaluation(question, plan.earlier, earlier, as_of, groups)
    answer = QuestionAnswer(
        name=asked.name,
        metric=question.metric,
        aggregate=asked.aggregate,
        expression=asked.expression,
        unit=question.unit,
        series=_series(asked.group_by, groups, plan, evaluation, compared),
        merged=merged,
    )
    if asked.bins is not None:
        (term,) = question.terms.values()
        answer.edges, totals, by_step = bins(now[term.whole], groups, asked.bins)
        for series, counts, steps_of in zip(answer.series, totals, by_step, strict=True):
            series.counts = counts
            series.counts_by_step = [(plan.steps.bounds[place], of_step) for place, of_step in steps_of]
    return answer


def _largest(groups: list[Group], totals: list[float | None], top: int) -> list[Group]:
    """The ``top`` groups with the largest totals; what was counted together as ``other`` is never one."""

    def rank(ranked: tuple[Group, float | None]) -> tuple[bool, float, Group]:
        group, total = ranked
        return total is None, 0.0 if total is None else -total, group

    own = ((group, total) for group, total in zip(groups, totals, strict=True) if set(group) != {OTHER})
    return [group for group, _ in sorted(own, key=rank)[:top]]


def _together(
    question: PlannedQuestion, read: Mapping[Reading, Cells], kept: frozenset[Group], other: Group
) -> Mapping[Reading, Cells]:
    """What was read, with all groups but those of ``kept`` as one group ``other``."""
    readings = (reading for term in question.terms.values() for reading in (term.whole, term.part))
    return {
        reading: read[reading].renamed(lambda group: group if group in kept else other) if reading.names else read[reading]
        for reading in readings
        if reading is not None and reading in read
    }


def _series(
    names: list[str], groups: list[Group], plan: Plan, evaluation: _Evaluation, compared: _Evaluation | None
) -> list[AnswerSeries]:
    bounds = np.asarray(plan.steps.bounds, np.int64)
    found = [
        AnswerSeries(
            labels=dict(zip(names, group, strict=True)),
            total=total,
            points=list(zip(bounds[places].tolist(), values, strict=True)),
        )
        for group, total, (places, values) in zip(groups, evaluation.totals(), evaluation.points(), strict=True)
    ]
    if compared is not None:
        for series, total, (places, values) in zip(found, compared.totals(), compared.points(), strict=True):
            series.compared_total = total
            series.compared = list(zip(_beside(bounds, places).tolist(), values, strict=True))
    return found


def _beside(bounds: Integers, places: Integers) -> Integers:
    """The instants of the steps at ``places``; of an earlier range that has more steps, as if this one went on."""
    beyond = places - (len(bounds) - 1)
    return np.where(beyond < 0, bounds[np.minimum(places, len(bounds) - 1)], bounds[-1] + beyond * (bounds[-1] - bounds[-2]))
