"""The people who use the application: about two hundred, some far more eager than others, each in sessions."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from wisdom.library import QUESTIONS

POPULATION = 200
SESSION_IDLE_S = 120.0
"""A person who was silent for so long comes back in a new session."""


@dataclass
class Person:
    """``satisfaction`` is what this person finds of a perfect answer, 0 to 5."""

    user_id: str
    satisfaction: float
    session_id: str = ""
    last: float = -SESSION_IDLE_S


class People:
    """Draws who acts and what about. Seconds are those of the traffic, not of a clock."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._persons = [Person(f"user-{n:03}", rng.uniform(3.8, 5.0)) for n in range(1, POPULATION + 1)]
        self._eagerness = list(itertools.accumulate(1 / (rank + 3) ** 0.7 for rank in range(POPULATION)))
        questions = [q for group in QUESTIONS.values() for q in group]
        rng.shuffle(questions)
        self._questions = questions
        self._liking = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(questions))))

    def somebody(self, now: float) -> Person:
        """Who acts at ``now``, in the session that this belongs to."""
        (person,) = self._rng.choices(self._persons, cum_weights=self._eagerness)
        if now - person.last >= SESSION_IDLE_S:
            person.session_id = f"s{self._rng.getrandbits(64):016x}"
        person.last = now
        return person

    def question(self) -> str:
        (question,) = self._rng.choices(self._questions, cum_weights=self._liking)
        return question

    def opinion(self, person: Person, score: float) -> float:
        """The satisfaction with an answer of ``score``, in half points."""
        felt = person.satisfaction * (0.5 + 0.5 * score) + self._rng.gauss(0, 0.4)
        return round(min(5.0, max(0.0, felt)) * 2) / 2
