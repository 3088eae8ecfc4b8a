"""People with habits: who comes on which day, what they meet there, and who does not come back. Pure.

Planted here, so that what product analytics says of the demo can be checked:

- who waits long for answers leaves more often (:func:`chance_to_leave`), whatever else is true of them, and so does who meets
  an error; nothing else decides but :attr:`Habit.tires`, the same on each visit of a habit;
- people of one habit come back in its rhythm: daily, weekly, every few days, or never.

All of it follows from the seed, the habit and the day on which somebody first comes: whoever asks for the same day gets the
same people, in this run or another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

HORIZON_DAYS = 60
"""Nobody comes for longer."""

FAILING = 0.05
"""The share of questions that no model answers."""

WAITS_MS = (1_300.0, 0.7)
"""Median of the time to an answer, and sigma of its logarithm."""

CAMPAIGNS = (("newsletter", "autumn-retreat"), ("search", "calm-mornings"))
ACCOUNTS = tuple(f"studio-{number}" for number in range(1, 9))


@dataclass(frozen=True)
class Habit:
    """``arrive``: new people on a day. ``every_days``: shortest and longest pause between visits; none for who comes once.
    ``meditates``, ``asks``: the chance of either on a visit. ``tires``: the chance to leave after any visit, by itself."""

    name: str
    arrive: int
    every_days: tuple[int, int] | None
    meditates: float
    asks: float
    tires: float = 0.0
    hours: tuple[int, int] = (6, 22)
    anonymous: float = 0.0
    from_campaign: float = 0.0
    in_account: float = 0.0


HABITS = (
    Habit("daily_meditator", 1, (1, 1), meditates=1.0, asks=0.1, tires=0.01, hours=(5, 8)),
    Habit("weekly_visitor", 2, (7, 7), meditates=0.2, asks=1.0, tires=0.03, in_account=0.7),
    Habit("curious", 6, (1, 4), meditates=0.1, asks=1.0, tires=0.03, anonymous=0.5, from_campaign=0.4),
    Habit("one_time", 8, None, meditates=0.0, asks=0.5, hours=(8, 23), anonymous=0.8, from_campaign=0.7),
)


class Answered(NamedTuple):
    """What came of a question: how long it took, and its score from 0 to 1; ``None`` where no model answered."""

    wait_ms: int
    score: float | None


@dataclass(frozen=True)
class Person:
    """Somebody who first came on a day. ``anonymous_id``: under which the first visit was, where there was no name yet."""

    user_id: str
    habit: Habit
    plan: str
    prompt_version: str
    anonymous_id: str | None
    campaign: tuple[str, str] | None
    account: str | None


@dataclass(frozen=True)
class Visit:
    """``number`` from 0. ``answers``: to the questions of this visit; ``seed`` decides the rest of what happens."""

    person: Person
    number: int
    at: datetime
    meditates: bool
    answers: tuple[Answered, ...]
    seed: str

    @property
    def anonymous(self) -> bool:
        return self.number == 0 and self.person.anonymous_id is not None


def chance_to_leave(answers: tuple[Answered, ...]) -> float:
    """How likely these answers are the last that somebody asked for: it grows with the mean time that they took, and is highest
    after an error."""
    if not answers:
        return 0.0
    if any(answer.score is None for answer in answers):
        return 0.6
    mean_ms = sum(answer.wait_ms for answer in answers) / len(answers)
    return 0.02 if mean_ms < 800 else 0.1 if mean_ms < 1_600 else 0.3 if mean_ms < 3_200 else 0.65


class Crowd:
    """The people of one seed."""

    def __init__(self, seed: int, habits: tuple[Habit, ...] = HABITS) -> None:
        self._seed = seed
        self._habits = habits
        self._lives: dict[date, list[Visit]] = {}

    def visits(self, day: date) -> list[Visit]:
        """The visits of a UTC day, in the order of time. Days in order cost least: lives are kept while they may last."""
        first = day - timedelta(days=HORIZON_DAYS)
        self._lives = {arrived: lives for arrived, lives in self._lives.items() if arrived >= first}
        for days in range(HORIZON_DAYS + 1):
            arrived = first + timedelta(days=days)
            if arrived not in self._lives:
                self._lives[arrived] = list(self._arrive(arrived))
        of_day = [visit for lives in self._lives.values() for visit in lives if visit.at.date() == day]
        return sorted(of_day, key=lambda visit: (visit.at, visit.person.user_id))

    def _arrive(self, day: date) -> Iterator[Visit]:
        for habit in self._habits:
            for number in range(habit.arrive):
                yield from _life(habit, day, f"{self._seed}/{habit.name}/{day}/{number}")


def _life(habit: Habit, first: date, seed: str) -> Iterator[Visit]:
    rng = random.Random(seed)
    user_id = f"{habit.name.replace('_', '-')}-{rng.getrandbits(40):010x}"
    person = Person(
        user_id=user_id,
        habit=habit,
        plan="patron" if rng.random() < 0.2 else "free",
        prompt_version=rng.choice(("v1", "v2")),
        anonymous_id=f"anonymous-{rng.getrandbits(40):010x}" if rng.random() < habit.anonymous else None,
        campaign=rng.choice(CAMPAIGNS) if rng.random() < habit.from_campaign else None,
        account=rng.choice(ACCOUNTS) if rng.random() < habit.in_account else None,
    )
    usual = rng.uniform(*habit.hours) * 3600
    day = first
    for number in range(HORIZON_DAYS):
        if (day - first).days >= HORIZON_DAYS:
            return
        second = min(86_399.0, max(0.0, usual + rng.gauss(0, 1_200)))
        at = datetime.combine(day, time(), UTC) + timedelta(seconds=second)
        answers = _answers(person, rng) if rng.random() < habit.asks else ()
        yield Visit(person, number, at, rng.random() < habit.meditates, answers, f"{seed}/{number}")
        if habit.every_days is None or rng.random() < habit.tires or rng.random() < chance_to_leave(answers):
            return
        day += timedelta(days=rng.randint(*habit.every_days))


def _answers(person: Person, rng: random.Random) -> tuple[Answered, ...]:
    """One to three: who got a poor answer asks again."""
    answers = []
    quality = 0.8 if person.prompt_version == "v2" else 0.72
    mood = rng.lognormvariate(0, WAITS_MS[1])  # the application is slow or quick for a while, not from answer to answer
    for _ in range(3):
        wait_ms = round(min(20_000.0, WAITS_MS[0] * mood * rng.lognormvariate(0, 0.2)))
        failed = rng.random() < FAILING
        score = None if failed else round(rng.betavariate(quality * 12, (1 - quality) * 12), 3)
        answers.append(Answered(wait_ms, score))
        if rng.random() > (0.5 if score is None else 1 - score):
            break
    return tuple(answers)
