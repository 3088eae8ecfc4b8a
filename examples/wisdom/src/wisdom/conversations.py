"""Which questions come again: what a follow-up and a repeated question are. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

FOLLOW_UP = timedelta(minutes=10)
REPEAT = timedelta(hours=24)

MAX_PEOPLE = 10_000
MAX_QUESTIONS = 200
"""Different questions of one person that are remembered, the last ones."""


class Asked(NamedTuple):
    """``follow_up``: the same person asked anything within :data:`FOLLOW_UP` before. ``repeat``: the same question, written
    alike but for case, spaces and punctuation, within :data:`REPEAT` before. ``follows_model``: the model that wrote an answer
    to the question of which this is the follow-up; none where that had no answer, or one of the cache."""

    follow_up: bool
    repeat: bool
    follows_model: str | None = None


class Conversations:
    """Who asked what, of the last :data:`MAX_PEOPLE` people who asked. Questions of a person come in the order of time."""

    def __init__(self) -> None:
        self._people: OrderedDict[str, OrderedDict[str, datetime]] = OrderedDict()
        self._models: dict[str, str] = {}

    def ask(self, person: str, question: str, at: datetime) -> Asked:
        """What this question is, which is remembered from now on."""
        questions = self._people.pop(person, None) or OrderedDict[str, datetime]()
        self._people[person] = questions
        text = normalised(question)
        last = next(reversed(questions.values())) if questions else None
        same = questions.pop(text, None)
        questions[text] = at
        if len(questions) > MAX_QUESTIONS:
            questions.popitem(last=False)
        model = self._models.pop(person, None)
        if len(self._people) > MAX_PEOPLE:
            self._models.pop(self._people.popitem(last=False)[0], None)
        follow_up = last is not None and at - last <= FOLLOW_UP
        return Asked(follow_up, same is not None and at - same <= REPEAT, model if follow_up else None)

    def answered(self, person: str, model: str) -> None:
        """``model`` has written the answer to the last question of ``person``."""
        if person in self._people:
            self._models[person] = model


def follows(asked: Asked) -> dict[str, str]:
    """What an event says of the answer before: nothing where there is none."""
    return {} if asked.follows_model is None else {"follows_model": asked.follows_model}


def normalised(question: str) -> str:
    """``question`` in lower case, its words with one space between."""
    return " ".join(re.findall(r"\w+", question.lower()))
