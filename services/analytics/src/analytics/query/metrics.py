"""``query.v1.metrics``: one aggregate of one metric, as a question of :mod:`.questions`. Pure."""

from __future__ import annotations

import msgspec

from drishti.errors import QueryError
from drishti.events import AnswerSet, LabelFilter, Query, QueryAnswer, QuerySeries, Question, QuestionSet, Resolution

_PATH = "questions.0."


def asked_by(question: Query) -> QuestionSet:
    """The set that has ``question`` alone."""
    return QuestionSet(
        tenant=question.tenant,
        questions=[
            Question(
                metric=question.metric,
                aggregate=question.aggregate,
                filters=[LabelFilter(label=label, value=value) for label, value in question.filters.items()],
                group_by=list(dict.fromkeys(question.group_by)),
            )
        ],
        from_ms=question.from_ms,
        to_ms=question.to_ms,
        resolution=question.resolution,
    )


def answer(question: Query, answers: AnswerSet) -> QueryAnswer:
    """The answer to ``question``, out of that to :func:`asked_by` it."""
    (one,) = answers.answers
    return QueryAnswer(
        metric=one.metric,
        aggregate=question.aggregate,
        unit=one.unit,
        from_ms=answers.from_ms,
        to_ms=answers.to_ms,
        resolution=msgspec.convert(answers.resolution, Resolution),  # which all are that fit a range by themselves
        source=answers.source,
        as_of=answers.as_of,
        series=[QuerySeries(labels=series.labels, total=series.total, points=series.points) for series in one.series],
        service_names=answers.service_names,
    )


def own_error(error: QueryError, question: Query) -> QueryError:
    """``error`` about :func:`asked_by`, with the field of ``question``: a filter is called by its label."""
    field = error.field.removeprefix(_PATH)
    parts = field.split(".")
    if parts[0] == "filters" and len(parts) > 1 and int(parts[1]) < len(question.filters):
        field = list(question.filters)[int(parts[1])]
    if field == "top":  # which this question has not
        return QueryError(f"{error}".replace("set top, or filter", "group by less, or filter"), error.code, "group_by")
    return QueryError(str(error), error.code, field, character=error.character, length=error.length, nearest=error.nearest)
