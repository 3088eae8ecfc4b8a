"""What the visits of people with habits are as events. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from drishti.analytics import AnalyticsEvent, AnalyticsEventType
from wisdom.conversations import Conversations, follows
from wisdom.habits import Answered, Crowd, Visit
from wisdom.library import QUESTIONS

BOT = "bot-library-index"
BOT_AGENT = "LibraryIndexBot/2.1 (+https://example.org/bot)"
BOT_EVERY = timedelta(hours=2)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

GIVES_FEEDBACK = 0.4
REPEATS = 0.5
"""The chance that who asks again asks the same question."""


class Happened(NamedTuple):
    """An event that has its time."""

    at: datetime
    event: AnalyticsEvent


class Story:
    """All that happens, UTC day by day from ``first`` on; of visits that began before it, nothing."""

    def __init__(self, crowd: Crowd, first: date) -> None:
        self._crowd = crowd
        self._conversations = Conversations()
        self._day = first
        self._later: list[Happened] = []

    def next_day(self) -> list[Happened]:
        """The events of the next day, in the order of time; their ids are the same whenever it is told."""
        day, self._day = self._day, self._day + timedelta(days=1)
        happened = [*self._later, *_bot(day)]
        for visit in self._crowd.visits(day):
            happened += _Telling(visit, self._conversations).events()
        happened.sort(key=lambda one: (one.at, one.event.event_id))
        self._later = [one for one in happened if one.at.date() > day]
        return happened[: len(happened) - len(self._later)]


class _Telling:
    """One visit, as time passes in it."""

    def __init__(self, visit: Visit, conversations: Conversations) -> None:
        self._visit = visit
        self._conversations = conversations
        self._rng = random.Random(visit.seed)
        self._now = visit.at
        self._session = f"v{self._rng.getrandbits(64):016x}"
        self._told: list[Happened] = []
        person = visit.person
        self._who = person.anonymous_id if visit.anonymous and person.anonymous_id else person.user_id

    def events(self) -> list[Happened]:
        visit, person = self._visit, self._visit.person
        campaign = {}
        if visit.number == 0 and person.campaign is not None:
            campaign = dict(zip(("utm_source", "utm_campaign"), person.campaign, strict=True))
        self._tell(AnalyticsEventType.SESSION_START, habit=person.habit.name, plan=person.plan, **campaign)
        self._tell(AnalyticsEventType.PAGE_VIEW, page="/", user_agent=AGENT, **campaign)
        if visit.number == (1 if person.anonymous_id else 0):
            self._say_who()
        if visit.meditates:
            self._pause(20, 90)
            self._tell(AnalyticsEventType.PAGE_VIEW, page="/meditation", user_agent=AGENT)
            minutes = self._rng.choice((5, 10, 10, 15, 20, 30))
            self._tell(AnalyticsEventType.MEDITATION_SESSION, style="breath", minutes=minutes, topic="meditation")
            self._now += timedelta(minutes=minutes)
        if visit.answers:
            self._ask()
        self._pause(5, 40)
        duration_s = round((self._now - visit.at).total_seconds(), 1)
        self._tell(AnalyticsEventType.SESSION_END, duration_s=duration_s)
        return self._told

    def _say_who(self) -> None:
        person = self._visit.person
        self._pause(2, 15)
        known = {} if person.anonymous_id is None else {"anonymous_id": person.anonymous_id}
        self._tell("identify", set={"plan": person.plan, "habit": person.habit.name}, **known)
        if person.account is not None:
            self._tell("group", group_type="account", group_id=person.account, set={"kind": "yoga studio"})

    def _ask(self) -> None:
        self._pause(10, 60)
        self._tell(AnalyticsEventType.PAGE_VIEW, page="/ask", user_agent=AGENT)
        topic = self._rng.choice(tuple(QUESTIONS))
        question = self._rng.choice(QUESTIONS[topic])
        for answer in self._visit.answers:
            self._pause(10, 60)
            asked = self._conversations.ask(self._who, question, self._now)
            self._tell(
                AnalyticsEventType.DHARMA_QUERY,
                query=question,
                topic=topic,
                follow_up=asked.follow_up,
                repeat=asked.repeat,
                prompt_version=self._visit.person.prompt_version,
                **follows(asked),
            )
            self._now += timedelta(milliseconds=answer.wait_ms)
            self._answer(topic, answer)
            if self._rng.random() > REPEATS:
                question = self._rng.choice(QUESTIONS[topic])

    def _answer(self, topic: str, answer: Answered) -> None:
        if answer.score is None:
            self._tell(AnalyticsEventType.ERROR, error="no_model_answered", topic=topic, duration_ms=answer.wait_ms)
            return
        model = "sage-large" if self._rng.random() < 0.85 else "lotus-small"
        self._conversations.answered(self._who, model)
        of = {
            "model": model,
            "prompt_version": self._visit.person.prompt_version,
            "topic": topic,
        }
        self._tell(AnalyticsEventType.WISDOM_GENERATED, wisdom_score=answer.score, duration_ms=answer.wait_ms, **of)
        if self._rng.random() < GIVES_FEEDBACK:
            self._pause(5, 30)
            felt = 5.2 * (0.45 + 0.55 * answer.score) - min(2.0, answer.wait_ms / 4_000) + self._rng.gauss(0, 0.4)
            self._tell(AnalyticsEventType.FEEDBACK, satisfaction=round(min(5.0, max(0.0, felt)) * 2) / 2, **of)

    def _pause(self, shortest_s: float, longest_s: float) -> None:
        self._now += timedelta(seconds=self._rng.uniform(shortest_s, longest_s))

    def _tell(self, event_type: str, **data: Any) -> None:
        if self._visit.anonymous:
            data["anonymous"] = True
        event = AnalyticsEvent(
            event_id=f"{self._session}-{len(self._told)}",
            event_type=event_type,
            user_id=self._who,
            session_id=self._session,
            timestamp=self._now,
            data=data,
        )
        self._told.append(Happened(self._now, event))
        self._now += timedelta(milliseconds=1)


def _bot(day: date) -> Iterator[Happened]:
    at = datetime.combine(day, time(), UTC)
    while at.date() == day:
        event = AnalyticsEvent(
            event_id=f"{BOT}-{at:%Y%m%d%H%M}",
            event_type=AnalyticsEventType.PAGE_VIEW,
            user_id=BOT,
            timestamp=at,
            data={"page": "/", "user_agent": BOT_AGENT, "bot": True},
        )
        yield Happened(at, event)
        at += BOT_EVERY
