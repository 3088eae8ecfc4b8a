"""Answers ``query.v1.metrics``, as a question that is asked alone."""

from __future__ import annotations

from analytics.query import metrics
from analytics.query.question_answers import QuestionAnswers
from drishti.errors import QueryError
from drishti.events import Query, QueryAnswer


class MetricAnswers:
    """Answers one aggregate of one metric."""

    def __init__(self, questions: QuestionAnswers) -> None:
        self._questions = questions

    async def answer(self, question: Query) -> QueryAnswer:
        """Raises what :meth:`QuestionAnswers.answer` does; errors name the field of ``question``."""
        try:
            answers = await self._questions.answer(metrics.asked_by(question))
        except QueryError as error:
            raise metrics.own_error(error, question) from None
        return metrics.answer(question, answers)
