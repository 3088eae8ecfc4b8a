"""People are left out by any event that meets a rule, with all that they did, and nobody else is."""

from __future__ import annotations

import random

import pytest

from analytics.product.counting.conditions import Condition, column_of
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.people.bots import is_bot
from analytics.product.people.exclusion import Rule, left_out
from analytics.product.segments.own_ids import OWN
from analytics.product.segments.segment import Column, Segment
from rigs.product_days import Happened, buckets

import numpy as np  # isort: skip

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
AGENTS = (None, BROWSER, CRAWLER, "curl/8.5.0")


def wanted(events: list[Happened]) -> set[int]:
    """Users who meet a rule of :func:`rules`, by the definition."""
    return {
        one.user
        for one in events
        if (one.data.get("plan") == "internal" and one.event_type == "login")
        or one.data.get("user_agent") in AGENTS[2:]
        or one.user == events[0].user
    }


def rules(first: int) -> list[Rule]:
    internal = (Condition(column_of("plan"), "=", ("internal",)), Condition("event_type", "=", ("login",)))
    return [Rule(internal), Rule(bots=True), Rule(ids=[np.array([first], np.int64)])]


@pytest.mark.parametrize("seed", range(20))
def test_whoever_meets_a_rule_is_left_out_with_everything_and_nobody_else(seed: int) -> None:
    chance = random.Random(seed)
    users = [chance.getrandbits(64) - (1 << 63) for _ in range(60)]
    events = []
    for _ in range(300):
        data = {"plan": chance.choice(["internal", "free", "free", "pro"]), "n": chance.randrange(9)}
        if (agent := chance.choice(AGENTS[:2]) if chance.random() < 0.97 else chance.choice(AGENTS[2:])) is not None:
            data["user_agent"] = agent
        event_type = "login" if chance.random() < 0.1 else "view"
        events.append(Happened(chance.choice(users), chance.randrange(3 * DAY_MS), event_type, data))
    found, excluded = [], 0
    for days in buckets(events, parts=chance.randrange(1, 4)):
        left, count = left_out(days, rules(events[0].user))
        excluded += count
        for day in left:
            numbers = day.segment.columns["data.n"].numbers
            assert numbers is not None
            rows = zip(day.segment.of_rows().tolist(), day.segment.t.tolist(), numbers.tolist(), strict=True)
            found += [(user, day.start_ms + t, int(n)) for user, t, n in rows]
    out = wanted(events)
    assert 0 < len(out) < 60
    assert excluded == len(out)
    assert sorted(found) == sorted((one.user, one.ms, one.data["n"]) for one in events if one.user not in out)


def test_a_rule_about_ids_means_the_id_under_which_an_event_was_sent() -> None:
    segment = Segment(
        np.array([5, 7], np.int64), np.array([2, 1], np.uint32), np.array([0, 1, 0], np.int32),
        {OWN: Column(np.array([0, 1, 0], np.uint32), ["6"])},
    )  # fmt: skip
    for hashed, users in ((5, [7]), (6, [7]), (7, [5]), (8, [5, 7])):
        left, _ = left_out([Day(0, segment)], [Rule(ids=[np.array([hashed], np.int64)])])
        assert [user for day in left for user in day.segment.users.tolist()] == users


@pytest.mark.parametrize(
    ("user_agent", "bot"),
    [
        (BROWSER, False),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148", False),
        ("Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0 Mobile", False),
        ("okhttp/4.12.0", False),
        ("", False),
        (CRAWLER, True),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/125.0.0.0 Safari/537.36", True),
        ("python-requests/2.32.3", True),
        ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", True),
        ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", True),
        ("GPTBot/1.2", True),
        ("kube-probe/1.29", True),
    ],
)
def test_programs_are_known_by_what_they_call_themselves(user_agent: str, bot: bool) -> None:
    assert is_bot(user_agent) is bot
