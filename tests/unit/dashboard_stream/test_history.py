"""The recent past in memory: revisions, silence, bounds."""

from __future__ import annotations

import math

import pytest

from dashboard_stream.live.history import AHEAD_MS, LENGTH, MAX_LABELLED, History, Needs, TableKey
from rigs.aggregates import NOW_MS, aggregate, second

NEEDS = {
    TableKey("requests", "1s"): Needs(frozenset({(), ("service",)}), frozenset({"count", "errors"})),
    TableKey("request_duration_ms", "1s"): Needs(frozenset({()}), frozenset({"p95"})),
}
REQUESTS = TableKey("requests", "1s")
GATEWAY = (("service", "gateway"),)


@pytest.fixture
def history() -> History:
    return History(NEEDS)


def count(history: History, at: int, labels: tuple[tuple[str, str], ...] = ()) -> float:
    return history.table("requests", "1s").number(labels, "count", at)


def test_a_later_revision_replaces_the_window(history: History) -> None:
    history.take(aggregate("requests", NOW_MS, {"count": 5}, revision=10), NOW_MS)
    history.take(aggregate("requests", NOW_MS, {"count": 3}, revision=11), NOW_MS)
    assert count(history, NOW_MS) == 3


@pytest.mark.parametrize("revision", [9, 10])
def test_an_earlier_or_equal_revision_changes_nothing(history: History, revision: int) -> None:
    history.take(aggregate("requests", NOW_MS, {"count": 5}, revision=10), NOW_MS)
    assert history.take(aggregate("requests", NOW_MS, {"count": 3}, revision=revision), NOW_MS) == {}
    assert count(history, NOW_MS) == 5


def test_only_series_whose_numbers_differ_are_reported(history: History) -> None:
    first = [({}, {"count": 5}), ({"service": "gateway"}, {"count": 2})]
    assert history.take(aggregate("requests", NOW_MS, first, revision=1), NOW_MS) == {REQUESTS: [(), GATEWAY]}
    later = [({}, {"count": 6}), ({"service": "gateway"}, {"count": 2})]
    assert history.take(aggregate("requests", NOW_MS, later, revision=2), NOW_MS) == {REQUESTS: [()]}


def test_a_series_that_a_revision_no_longer_names_is_cleared(history: History) -> None:
    both = [({}, {"count": 5}), ({"service": "gateway"}, {"count": 2})]
    history.take(aggregate("requests", NOW_MS, both, revision=1), NOW_MS)
    assert history.take(aggregate("requests", NOW_MS, {"count": 5}, revision=2), NOW_MS) == {REQUESTS: [GATEWAY]}
    assert math.isnan(count(history, NOW_MS, GATEWAY))


def test_a_slot_that_turns_over_forgets_its_old_window(history: History) -> None:
    length_s = LENGTH["1s"]
    both = [({}, {"count": 5}), ({"service": "gateway"}, {"count": 2})]
    history.take(aggregate("requests", second(-length_s), both), NOW_MS)
    history.take(aggregate("requests", NOW_MS, {"count": 7}), NOW_MS)
    assert math.isnan(count(history, second(-length_s)))
    assert math.isnan(count(history, NOW_MS, GATEWAY))
    assert list(history.table("requests", "1s").labels()) == [()]


def test_a_late_window_within_the_ring_finds_its_place(history: History) -> None:
    history.take(aggregate("requests", NOW_MS, {"count": 5}), NOW_MS)
    assert history.take(aggregate("requests", second(-60), {"count": 1}), NOW_MS) == {REQUESTS: [()]}
    assert history.table("requests", "1s").starts(0) == [second(-60), NOW_MS]
    assert history.newest == NOW_MS


def test_windows_older_than_the_ring_or_from_the_future_are_ignored_and_counted(history: History) -> None:
    history.take(aggregate("requests", NOW_MS, {"count": 5}), NOW_MS)
    assert history.take(aggregate("requests", second(-LENGTH["1s"]), {"count": 1}), NOW_MS) == {}
    assert history.take(aggregate("requests", NOW_MS + AHEAD_MS + 1000, {"count": 1}), NOW_MS) == {}
    assert history.ignored == 2
    assert history.newest == NOW_MS


def test_labelled_series_are_bounded_and_refusals_are_counted(history: History) -> None:
    many = [({"service": f"s{n:02}"}, {"count": n}) for n in range(MAX_LABELLED + 3)]
    history.take(aggregate("requests", NOW_MS, [({}, {"count": 1}), *many]), NOW_MS)
    assert len(list(history.table("requests", "1s").labels())) == 1 + MAX_LABELLED
    assert history.refused == 3


def test_a_series_that_left_the_ring_makes_room(history: History) -> None:
    many = [({"service": f"s{n:02}"}, {"count": n}) for n in range(MAX_LABELLED)]
    history.take(aggregate("requests", second(-LENGTH["1s"] - 1), many), NOW_MS)
    history.take(aggregate("requests", NOW_MS, [({}, {"count": 1}), ({"service": "new"}, {"count": 1})]), NOW_MS)
    history.take(aggregate("requests", second(1), [({}, {"count": 1}), ({"service": "new"}, {"count": 1})]), NOW_MS)
    assert count(history, second(1), (("service", "new"),)) == 1
    assert history.refused == 0


def test_label_sets_and_metrics_that_no_dashboard_shows_are_not_kept(history: History) -> None:
    labels = {"service": "gateway", "route": "/x"}
    assert history.take(aggregate("requests", NOW_MS, [(labels, {"count": 1})]), NOW_MS) == {}
    assert history.take(aggregate("topics", NOW_MS, {"count": 1}), NOW_MS) == {}
    assert history.refused == 0


def test_numbers_that_a_series_does_not_have_are_absent(history: History) -> None:
    history.take(aggregate("request_duration_ms", NOW_MS, {"count": 0}), NOW_MS)
    assert math.isnan(history.table("request_duration_ms", "1s").number((), "p95", NOW_MS))
    history.take(aggregate("requests", NOW_MS, {"count": 1}), NOW_MS)
    assert history.table("requests", "1s").number((), "errors", NOW_MS) == 0
