"""A deployment is a version that comes, or comes back; and nothing else is."""

from __future__ import annotations

import random

import pytest

from analytics.spans import service_versions
from analytics.spans.service_versions import GONE_MS, MAX_DEPLOYMENTS, MAX_VERSIONS, Deployment, Seen, ServiceVersions

MINUTE = 60_000


def taken(*minutes: str, state: ServiceVersions | None = None) -> list[Deployment]:
    """What is reported of a service whose versions are these, a word a minute: ``ab`` for both at once."""
    state = ServiceVersions() if state is None else state
    result = []
    for minute, names in enumerate(minutes):
        at = minute * MINUTE
        result += state.take({name: Seen(at + place, at + 50_000) for place, name in enumerate(names) if name != "-"})
    return result


def of(deployments: list[Deployment]) -> list[tuple[str, int, str, bool]]:
    return [(one.version, one.at_ms // MINUTE, one.before, one.back) for one in deployments]


@pytest.mark.parametrize(
    ("minutes", "deployed"),
    [
        (("a", "a", "a"), []),
        (("a", "-", "-", "-", "-", "-", "a"), []),
        (("a", "a", "b"), [("b", 2, "a", False)]),
        (("a", "ab", "ba", "ab", "b", "b"), [("b", 1, "a", False)]),
        (("ab", "ab", "ab"), [("b", 0, "a", False)]),
        (("a", "b", "b", "b", "b", "a"), [("b", 1, "a", False), ("a", 5, "b", True)]),
        (("a", "-", "-", "-", "b", "b"), [("b", 4, "a", False)]),
        (("a", "b", "c", "c", "c", "c", "a"), [("b", 1, "a", False), ("c", 2, "b", False), ("a", 6, "c", True)]),
    ],
)  # fmt: skip
def test_versions_that_come_or_come_back_are_deployed(minutes: tuple[str, ...], deployed: list[object]) -> None:
    assert of(taken(*minutes)) == deployed


def test_spans_that_come_late_or_twice_deploy_nothing() -> None:
    state = ServiceVersions()
    minutes = [(minute, {name: Seen(minute * MINUTE, minute * MINUTE + 9)}) for minute, name in enumerate("aabbbbbcc")]
    once = [one for _, seen in minutes for one in state.take(seen)]
    assert [one.version for one in once] == ["b", "c"]
    random.Random(1).shuffle(minutes)
    assert [one for _, seen in minutes for one in state.take(seen)] == []
    assert state.take({"older": Seen(-90 * MINUTE, -80 * MINUTE)}) == []


def test_a_version_that_is_heard_of_late_makes_the_one_after_it_a_deployment() -> None:
    state = ServiceVersions()
    assert state.take({"b": Seen(2 * MINUTE, 3 * MINUTE)}) == []
    assert of(state.take({"a": Seen(0, MINUTE)})) == [("b", 2, "a", False)]
    assert state.take({"a": Seen(0, MINUTE)}) == []


def test_a_version_for_each_process_is_bounded() -> None:
    state = ServiceVersions()
    deployed = taken(*[chr(200 + minute) for minute in range(50)], state=state)
    assert len(deployed) == MAX_DEPLOYMENTS
    assert state.suppressed == 50 - 1 - MAX_DEPLOYMENTS
    assert len(state.versions) == MAX_VERSIONS
    assert len(state.take({"next": Seen(100 * MINUTE + GONE_MS, 101 * MINUTE + GONE_MS)})) == 1


def test_what_is_known_survives_being_stored() -> None:
    state = ServiceVersions()
    taken("a", "ab", "b", state=state)
    assert service_versions.decode(service_versions.encode(state)) == state
    assert service_versions.decode(None) == ServiceVersions()


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.2", "1.2"), (" 1.2 ", "1.2"), (7, "7"), ("", None), (True, None), (None, None), ("x" * 99, "x" * 64)],
)
def test_a_version_is_compared_as_it_is_shown(value: object, text: str | None) -> None:
    assert service_versions.version_text(value) == text
