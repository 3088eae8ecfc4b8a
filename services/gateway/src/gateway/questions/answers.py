"""The answer to one question that was asked alone. Pure."""

from __future__ import annotations

import msgspec

from drishti.events import AnswerSeries, AnswerSet


class SingleAnswer(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to one question, with what an :class:`AnswerSet` says for all of them."""

    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    unit: str
    from_ms: int
    to_ms: int
    resolution: str
    source: str
    as_of: int
    series: list[AnswerSeries]
    merged: int = 0
    edges: list[float] = []
    compared_from: int | None = None
    compared_to: int | None = None
    service_names: dict[str, str] = {}

    @classmethod
    def of(cls, answers: AnswerSet) -> SingleAnswer:
        (answer,) = answers.answers
        return cls(
            metric=answer.metric,
            aggregate=answer.aggregate,
            expression=answer.expression,
            unit=answer.unit,
            from_ms=answers.from_ms,
            to_ms=answers.to_ms,
            resolution=answers.resolution,
            source=answers.source,
            as_of=answers.as_of,
            series=answer.series,
            merged=answer.merged,
            edges=answer.edges,
            compared_from=answers.compared_from,
            compared_to=answers.compared_to,
            service_names=answers.service_names,
        )
