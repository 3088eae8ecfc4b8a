"""Sets of questions and their answers. Pure: :func:`planned` checks a set and says what to read, :func:`answers` evaluates it.

Whatever is asked comes from merged cells: of each step for the points, of all steps for ``total``, of all groups that are not
among the ``top`` for ``other``. An expression is evaluated on what its terms come to there, so that it is a ratio of sums and
never a mean of ratios, and a percentile is that of the merged histograms. Points are
there for steps in which something was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from analytics.query import steps, terms
from analytics.query.readings import Cells, Group, Reading
from analytics.query.steps import Steps
from analytics.query.terms import PlannedQuestion, PlannedTerm
from drishti.errors import QueryError
from drishti.events import AnswerSeries, AnswerSet, QuestionAnswer, QuestionSet
from drishti.measures import time_ranges
from drishti.measures.definitions import OTHER
from drishti.measures.effective import TenantMetrics
from drishti.measures.expressions.tree import Term, evaluate
from drishti.measures.fields import value as value_of

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


def planned(asked: QuestionSet, kept_from: dict[str, int], metrics: TenantMetrics) -> Plan:
    """The plan for ``asked``; raises :class:`QueryError` that names the wrong field. ``kept_from``: as rollups are kept."""
    if not 1 <= len(asked.questions) <= MAX_QUESTIONS:
        raise QueryError(f"must be 1 to {MAX_QUESTIONS} questions", field="questions")
    tz = time_ranges.zone(asked.time_zone)
    now = steps.planned(asked.from_ms, asked.to_ms, asked.resolution, tz, kept_from)
    earlier = None
    if asked.compare is not None:
        begins, ends = time_ranges.earlier(now.start, now.end, asked.compare, tz)
        earlier = steps.planned(begins, ends, now.step, tz, {resolution: 0 for resolution in kept_from})
    questions = [terms.planned(one, f"questions.{place}.", metrics) for place, one in enumerate(asked.questions)]
    readings: dict[Reading, str] = {}
    for question in questions:
        for term in question.terms.values():
            for reading in (term.whole, term.part):
                if reading is not None:
                    readings.setdefault(reading, question.field)
    return Plan(asked, questions, now, earlier, readings)


def answers(plan: Plan, now: Mapping[Reading, Cells], earlier: Mapping[Reading, Cells], as_of: int) -> AnswerSet:
    """The answers out of what was read; raises :class:`QueryError` where they are too much."""
    found: list[QuestionAnswer] = []
    points = 0
    for question in plan.questions:
        answer = _answer(question, plan, now, earlier, as_of)
        points += sum(len(series.points) + len(series.compared) for series in answer.series)
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
    """One question over one range."""

    def __init__(self, question: PlannedQuestion, range_steps: Steps, read: Mapping[Reading, Cells], as_of: int) -> None:
        self._question = question
        self._steps = range_steps
        self._read = read
        self._elapsed = max(range_steps.seconds(0), (min(range_steps.end, as_of) - range_steps.start) / 1000)

    def groups(self) -> set[Group]:
        return {group for term in self._question.terms.values() for group in self._read[term.grouped].by_group}

    def total(self, group: Group) -> float | None:
        return self._value({term: self._total(planned, group) for term, planned in self._question.terms.items()})

    def points(self, group: Group) -> list[tuple[int, float | None]]:
        """Place and value of every step in which something was seen."""
        seen = {place for term in self._question.terms.values() for place in self._read[term.grouped].steps(group)}
        return [(place, self._point(group, place)) for place in sorted(seen)]

    def _point(self, group: Group, place: int) -> float | None:
        seconds = self._steps.seconds(place)
        values: dict[Term, float | None] = {}
        for term, planned in self._question.terms.items():
            whole = self._read[planned.whole].cell(_as_of(planned.whole, group), place)
            part = None if planned.part is None else self._read[planned.part].cell(group, place)
            values[term] = value_of(planned.field, whole, seconds, part=part)
        return self._value(values)

    def _total(self, planned: PlannedTerm, group: Group) -> float | None:
        whole = self._read[planned.whole].total(_as_of(planned.whole, group))
        part = None if planned.part is None else self._read[planned.part].total(group)
        return value_of(planned.field, whole, self._elapsed, part=part)

    def _value(self, values: Mapping[Term, float | None]) -> float | None:
        return evaluate(self._question.expression, values)


def _as_of(reading: Reading, group: Group) -> Group:
    """The group of ``reading`` that belongs to ``group``: all together where it is not kept apart."""
    return group if reading.names else ()


def _answer(
    question: PlannedQuestion, plan: Plan, now: Mapping[Reading, Cells], earlier: Mapping[Reading, Cells], as_of: int
) -> QuestionAnswer:
    asked = question.question
    evaluation = _Evaluation(question, plan.steps, now, as_of)
    groups: list[Group] = sorted(evaluation.groups()) if asked.group_by else [()]
    merged: list[Group] = []
    if asked.top is not None and len(groups) > asked.top:
        groups, merged = _ranked(groups, evaluation, asked.top)
    elif len(groups) > MAX_SERIES:
        raise QueryError(f"{len(groups)} series are more than {MAX_SERIES}: set top, or filter", field=f"{question.field}top")
    compared = None if plan.earlier is None else _Evaluation(question, plan.earlier, earlier, as_of)
    series = [_series(asked.group_by, group, plan, evaluation, compared) for group in groups]
    if merged:
        other = (OTHER,) * len(asked.group_by)
        rest = _Evaluation(question, plan.steps, _together(question, now, merged, other), as_of)
        before = None
        if plan.earlier is not None:
            known = set(groups)
            there = {group for term in question.terms.values() for group in earlier[term.grouped].by_group}
            before = _Evaluation(question, plan.earlier, _together(question, earlier, there - known, other), as_of)
        series.append(_series(asked.group_by, other, plan, rest, before))
    return QuestionAnswer(
        name=asked.name,
        metric=next(iter(question.terms.values())).metric.token if asked.metric else "",
        aggregate=asked.aggregate,
        expression=asked.expression,
        unit=question.unit,
        series=series,
        merged=len(merged),
    )


def _ranked(groups: list[Group], evaluation: _Evaluation, top: int) -> tuple[list[Group], list[Group]]:
    """The ``top`` groups with the largest totals, and the rest; what was counted together as ``other`` is of the rest."""
    overflow = [group for group in groups if all(value == OTHER for value in group)]
    totals = {group: evaluation.total(group) for group in groups if group not in overflow}

    def rank(group: Group) -> tuple[bool, float, Group]:
        total = totals[group]
        return total is None, 0.0 if total is None else -total, group

    ranked = sorted(totals, key=rank)
    return ranked[:top], ranked[top:] + overflow


def _together(
    question: PlannedQuestion, read: Mapping[Reading, Cells], groups: Iterable[Group], name: Group
) -> dict[Reading, Cells]:
    """What was read, with ``groups`` as one group ``name``."""
    wanted = list(groups)
    readings = {reading for term in question.terms.values() for reading in (term.whole, term.part) if reading is not None}
    return {reading: Cells({name: read[reading].merged(wanted)}) if reading.names else read[reading] for reading in readings}


def _series(names: list[str], group: Group, plan: Plan, evaluation: _Evaluation, compared: _Evaluation | None) -> AnswerSeries:
    bounds = plan.steps.bounds
    series = AnswerSeries(
        labels=dict(zip(names, group, strict=True)),
        total=evaluation.total(group),
        points=[(bounds[place], value) for place, value in evaluation.points(group)],
    )
    if compared is not None:
        series.compared_total = compared.total(group)
        series.compared = [(_beside(bounds, place), value) for place, value in compared.points(group)]
    return series


def _beside(bounds: list[int], place: int) -> int:
    """The instant of the step at ``place``; of an earlier range that has more steps, as if this one went on."""
    beyond = place - (len(bounds) - 1)
    return bounds[place] if beyond < 0 else bounds[-1] + beyond * (bounds[-1] - bounds[-2])
