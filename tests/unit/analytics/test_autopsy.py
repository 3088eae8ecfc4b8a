"""The autopsy of a funnel finds what was planted, reports nothing where nothing differs, and does not take what comes of time,
or of something else, for what makes users leave."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analytics.product.counting.autopsy.counts import AutopsyCounts, count_bucket, two_digits
from analytics.product.counting.autopsy.definition import FALSE_DISCOVERIES, Autopsy
from analytics.product.counting.autopsy.differences import Difference, Split, differences
from analytics.product.counting.autopsy.users import AutopsyUsers
from analytics.product.counting.events import EventFilter
from analytics.product.counting.funnels.counts import FunnelCounts, FunnelUsers
from analytics.product.counting.funnels.counts import count_bucket as count_funnel
from analytics.product.counting.funnels.definition import Funnel
from rigs.product_days import Happened, buckets

HOUR_MS = 3_600_000
SEEDS = 200
COLUMNS = ("event_type", "data.model", "data.ms", "data.plan", "data.id", "data.tag")


def matching(event_type: str) -> EventFilter:
    return EventFilter(frozenset([event_type]))


def autopsy(step: int = 2, *, as_of_ms: int = 1 << 50, min_users: int = 20, around_ms: int = 60_000) -> Autopsy:
    steps = [matching("view"), matching("ask"), matching("rate")]
    funnel = Funnel(steps=steps, window_ms=HOUR_MS, from_ms=0, to_ms=48 * HOUR_MS)
    return Autopsy(funnel=funnel, step=step, columns=COLUMNS, around_ms=around_ms, as_of_ms=as_of_ms, min_users=min_users)


def crowd(chance: random.Random, users: int, goes_on: Callable[[dict[str, str | float], bool], float]) -> list[Happened]:
    """Users who view, some of whom ask after half a second to half an hour. Errors and noise come at any time, also after that.
    ``goes_on``: how likely, by what the view has and whether an error came within a minute."""
    events = []
    for user in range(users):
        at = chance.randrange(0, 40 * HOUR_MS)
        data: dict[str, str | float] = {
            "model": chance.choice(["small", "large"]),
            "plan": chance.choice(["free", "team", "pro"]),
            "ms": round(chance.lognormvariate(6, 1), 1),
            "id": f"id-{user}",
        }
        events.append(Happened(user << 40, at, "view", data))
        error_ms = chance.expovariate(1 / 120_000)
        if chance.random() < 0.5:
            events.append(Happened(user << 40, at + max(1, int(error_ms)), "error", {"tag": chance.choice("xyz")}))
            failed = error_ms < 60_000
        else:
            failed = False
        if chance.random() < 0.3:
            events.append(Happened(user << 40, at - chance.randrange(1, 50_000) if at > 50_000 else at + 7, "error"))
        if chance.random() < goes_on(data, failed):
            delay = chance.choice([500, 20_000, 90_000, 1_800_000])
            events.append(Happened(user << 40, at + delay, "ask", {"model": data["model"]}))
            if chance.random() < 0.5:
                events.append(Happened(user << 40, at + delay + 1_000, "rate"))
    return events


def found(asked: Autopsy, events: Sequence[Happened], parts: int = 1) -> tuple[list[Difference], AutopsyCounts, int]:
    counts = AutopsyCounts()
    for days in buckets(events, parts):
        count_bucket(asked, days, counts)
    differs, tried = differences(asked, counts)
    return differs, counts, tried


def test_nothing_is_reported_where_nothing_differs() -> None:
    """At most one in twenty is by chance, of which more than 22 of 200 is less likely than one in a thousand."""
    reports, tried = 0, 0
    for seed in range(SEEDS):
        differs, _, of_seed = found(autopsy(), crowd(random.Random(seed), 300, lambda data, failed: 0.5))
        reports += bool(differs)
        tried += of_seed
    assert tried > SEEDS * 10
    assert FALSE_DISCOVERIES == 0.05
    assert reports <= 22, f"{reports} of {SEEDS}"


def test_time_to_go_on_makes_nothing_seem_to_differ() -> None:
    """Who stays meets more errors after the step than who goes on at once; still, errors have nothing to do with it here."""
    differs, counts, _ = found(autopsy(around_ms=HOUR_MS // 2), crowd(random.Random(1), 6_000, lambda data, failed: 0.7))
    assert differs == []
    assert counts.compared["after"].sum() < counts.compared["step"].sum()


def test_planted_causes_are_found_with_their_numbers() -> None:
    events = crowd(random.Random(2), 4_000, lambda data, failed: 0.3 if data["model"] == "large" else 0.6)
    first, *_ = found(autopsy(), events)[0]
    assert (first.factor.column, first.factor.text) == ("data.model", "large")
    views = {one.user: one for one in events if one.event_type == "view"}
    asked = {one.user for one in events if one.event_type == "ask"}
    large = [user for user, view in views.items() if view.get("model") == "large"]
    assert first.having == Split(sum(user not in asked for user in large), sum(user in asked for user in large))
    assert first.others.users == 4_000 - len(large)
    assert first.corrected < 1e-6
    low, high = first.interval
    assert low < -0.3 < high < 0


def test_slow_answers_are_found_as_a_range_of_numbers() -> None:
    events = crowd(random.Random(3), 4_000, lambda data, failed: 0.2 if float(data["ms"]) > 900 else 0.6)
    first, *_ = found(autopsy(), events)[0]
    assert (first.factor.column, first.factor.text, first.factor.high) == ("data.ms", None, math.inf)
    assert first.factor.low > 400
    assert first.having.share < first.others.share


def test_errors_after_a_step_are_found() -> None:
    events = crowd(random.Random(4), 6_000, lambda data, failed: 0.2 if failed else 0.7)
    first, *_ = found(autopsy(), events)[0]
    assert (first.factor.moment, first.factor.column, first.factor.text) == ("after", "event_type", "error")


def test_what_only_goes_with_a_cause_does_not_differ_among_users_who_are_alike_in_it() -> None:
    chance = random.Random(5)
    events = []
    for one in crowd(chance, 6_000, lambda data, failed: 0.3 if data["model"] == "large" else 0.7):
        tag = "blue" if (one.get("model") == "large") == (chance.random() < 0.8) else "red"
        events.append(one._replace(data={**one.data, "tag": tag}) if one.event_type == "view" else one)
    asked = autopsy()
    differs, _, _ = found(asked, events)
    model = next(one for one in differs if one.factor.text == "large")
    tag = next(one for one in differs if one.factor.text == "blue")
    users = AutopsyUsers(factors=[one.factor for one in differs])
    sampled = [int(user) for days in buckets(events) for user in users.add_bucket(asked, days)]
    assert users.alike(tag, model.factor) > 0.01
    assert users.alike(model, tag.factor) < 1e-6
    assert sampled == users.sampled
    went = {one.user for one in events if one.event_type == "ask"}
    assert users.samples[model.factor]
    assert not went & set(users.samples[model.factor])


def test_property_with_a_value_for_each_user_is_not_compared() -> None:
    _, counts, _ = found(autopsy(), crowd(random.Random(6), 5_200, lambda data, failed: 0.5))
    assert counts.dropped == {"data.id"}


@pytest.mark.parametrize("step", [2, 3])
def test_users_are_those_of_the_funnel_however_events_come(step: int) -> None:
    events = crowd(random.Random(7), 500, lambda data, failed: 0.6)
    asked = autopsy(step)
    wanted = FunnelCounts(steps=3)
    left = FunnelUsers(funnel=asked.funnel, step=step, outcome="dropped")
    users = 0
    for days in buckets(events):
        count_funnel(asked.funnel, days, wanted)
        users += len(left.of_bucket(days))
    reached = wanted.reached[None].tolist()
    shuffled = random.Random(8).sample(events, len(events))
    once, many = found(asked, events), found(asked, shuffled, parts=3)
    assert once[0] == many[0]
    assert (once[1].left, once[1].went_on) == (reached[step - 2] - reached[step - 1], reached[step - 1])
    assert once[1].left == users
    assert ("first_step" in once[1].compared) == (step == 3)


def test_users_whose_window_is_not_over_are_not_compared_yet() -> None:
    events = [Happened(1 << 40, 0, "view"), Happened(2 << 40, HOUR_MS, "view"), Happened(2 << 40, HOUR_MS + 1, "ask")]
    _, counts, _ = found(autopsy(as_of_ms=HOUR_MS), events)
    assert (counts.left, counts.went_on, counts.not_yet) == (1, 0, 1)


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False) | st.just(float("inf")), min_size=1))
@example([910000000000.0, 999999999999.998])
def test_two_digits_are_not_above_and_keep_the_order(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    below = two_digits(ordered)
    assert (below <= ordered).all()
    assert all(one <= other for one, other in itertools.pairwise(below.tolist()))
    ordered, below = ordered[np.isfinite(ordered)], below[np.isfinite(ordered)]
    assert (np.abs(ordered - below) <= np.abs(ordered) / 10 + 1e-300).all()
