"""The people with habits of the sample application: what is planted in them is there, and the same for the same seed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from wisdom.conversations import FOLLOW_UP, MAX_QUESTIONS, REPEAT, Conversations
from wisdom.habits import HABITS, HORIZON_DAYS, Crowd, Visit
from wisdom.story import BOT, Happened, Story

FIRST = date(2026, 3, 1)
DAYS = 56


@pytest.fixture(scope="module")
def story() -> list[Happened]:
    told = Story(Crowd(108), FIRST)
    return [one for _ in range(DAYS) for one in told.next_day()]


def lives() -> dict[str, list[Visit]]:
    """By person, of those whose whole life lies within the days that are looked at."""
    crowd, found = Crowd(108), defaultdict(list)
    for day in range(DAYS + HORIZON_DAYS):
        for visit in crowd.visits(FIRST + timedelta(days=day)):
            found[visit.person.user_id].append(visit)
    last = FIRST + timedelta(days=DAYS)
    return {who: visits for who, visits in found.items() if visits[0].number == 0 and visits[0].at.date() < last}


def test_the_same_seed_tells_the_same_story_wherever_it_begins(story: list[Happened]) -> None:
    later = Story(Crowd(108), FIRST + timedelta(days=20))
    later.next_day()  # of visits that began the day before, the second day has the rest
    since = datetime(2026, 3, 22, tzinfo=UTC)
    told = [one for _ in range(7) for one in later.next_day()]
    assert told == [one for one in story if since <= one.at < since + timedelta(days=7)]
    assert Story(Crowd(109), FIRST).next_day() != Story(Crowd(108), FIRST).next_day()


def test_events_are_told_in_the_order_of_time_and_each_has_its_own_id(story: list[Happened]) -> None:
    assert all(a.at <= b.at for a, b in pairwise(story))
    assert len({one.event.event_id for one in story}) == len(story)
    assert {one.event.timestamp for one in story} == {one.at for one in story}
    assert 300 < len(story) / DAYS < 700  # a small stream: some 20 in an hour


def test_people_come_back_in_the_rhythm_of_their_habit() -> None:
    pauses = defaultdict(set)
    for visits in lives().values():
        habit = visits[0].person.habit
        pauses[habit.name] |= {(b.at.date() - a.at.date()).days for a, b in pairwise(visits)}
        assert visits[-1].at.date() - visits[0].at.date() < timedelta(days=HORIZON_DAYS)
    assert pauses == {"daily_meditator": {1}, "weekly_visitor": {7}, "curious": {1, 2, 3, 4}, "one_time": set()}


def test_who_waits_longer_leaves_more_often_and_after_errors_most_do() -> None:
    left: defaultdict[str, list[bool]] = defaultdict(list)
    for visits in lives().values():
        if visits[0].person.habit.every_days is None:
            continue
        for visit, later in zip(visits, [*visits[1:], None], strict=True):
            if visit.answers and visit.number < 6:
                waits = [answer.wait_ms for answer in visit.answers]
                mean = sum(waits) / len(waits)
                failed = any(answer.score is None for answer in visit.answers)
                name = "error" if failed else "quick" if mean < 800 else "usual" if mean < 1_600 else "slow"
                left[name].append(later is None)
    share = {name: sum(found) / len(found) for name, found in left.items()}
    assert min(map(len, left.values())) > 40
    assert share["quick"] < 0.1 < share["usual"] < 0.22 < share["slow"] < 0.55 < share["error"]


def test_the_crowd_has_anonymous_people_campaigns_accounts_and_a_bot(story: list[Happened]) -> None:
    events = [one.event for one in story]
    named = {event.data["anonymous_id"]: event.user_id for event in events if "anonymous_id" in event.data}
    before = {event.user_id for event in events if event.data.get("anonymous")}
    assert len(named) > 20
    assert set(named) - before == {a for a in named if a not in before}  # of who was here before the first day
    assert len(before - set(named)) > 20  # who never said who they are
    assert all(str(who).startswith("anonymous-") for who in before)
    assert not before & set(named.values())
    campaigns = {event.data["utm_campaign"] for event in events if "utm_campaign" in event.data}
    assert campaigns == {"autumn-retreat", "calm-mornings"}
    assert {event.data["group_id"][:7] for event in events if event.event_type == "group"} == {"studio-"}
    assert {event.user_id for event in events if event.data.get("bot")} == {BOT}
    started = {event.data["habit"] for event in events if event.event_type == "session_start"}
    assert started == {habit.name for habit in HABITS}


def test_follow_ups_and_repeated_questions_are_those_of_the_definition(story: list[Happened]) -> None:
    asked = [(one.at, one.event) for one in story if one.event.event_type == "dharma_query"]
    for at, event in asked[500:1_500]:
        before = [(then, one) for then, one in asked if one.user_id == event.user_id and then < at]
        assert event.data["follow_up"] is any(at - then <= FOLLOW_UP for then, _ in before)
        same = [then for then, one in before if one.data["query"] == event.data["query"]]
        assert event.data["repeat"] is any(at - then <= REPEAT for then in same)
    found = {(event.data["follow_up"], event.data["repeat"]) for _, event in asked}
    assert found >= {(False, False), (True, False), (True, True)}


def test_a_follow_up_names_the_model_whose_answer_it_follows() -> None:
    known = Conversations()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    known.answered("a", "nobody asked")
    assert known.ask("a", "Does grief end?", at).follows_model is None
    known.answered("a", "sage-large")
    assert known.ask("b", "Does grief end?", at).follows_model is None
    assert known.ask("a", "Does it?", at + FOLLOW_UP).follows_model == "sage-large"
    assert known.ask("a", "Does it?", at + FOLLOW_UP).follows_model is None  # that had no answer, or one of the cache
    known.answered("a", "lotus-small")
    assert known.ask("a", "And joy?", at + 3 * FOLLOW_UP).follows_model is None  # no follow-up any more


def test_questions_are_the_same_but_for_case_spaces_and_punctuation() -> None:
    known = Conversations()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert known.ask("a", "Does grief end?", at)[:2] == (False, False)
    assert known.ask("b", "Does grief end?", at)[:2] == (False, False)
    assert known.ask("a", "  does GRIEF  end", at + FOLLOW_UP)[:2] == (True, True)
    assert known.ask("a", "Does grief ever end?", at + FOLLOW_UP * 3)[:2] == (False, False)
    assert known.ask("a", "Does grief end?", at + FOLLOW_UP + REPEAT)[:2] == (False, True)
    for number in range(MAX_QUESTIONS):
        known.ask("a", f"question {number}", at + REPEAT)
    assert known.ask("a", "Does grief end?", at + REPEAT)[:2] == (True, False)
