"""Paths by passes over arrays are those of the definition, however events come."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting import path_sums
from analytics.product.counting.conditions import Condition
from analytics.product.counting.events import EventFilter
from analytics.product.counting.grouping import Group, matches
from analytics.product.counting.path_sums import OTHER, PathSums
from analytics.product.counting.paths import PathQuestion, path_rows, users_of
from analytics.product.counting.sessions import SessionRule
from rigs.product_days import Happened, buckets

DAY = 86_400_000
GAP = 30
GROUPS = (Group("/tea/*", "tea"),)

EVENTS = st.lists(
    st.builds(
        Happened,
        st.sampled_from([0, 1, 1 << 60, -1]),
        st.one_of(st.integers(0, 200), st.integers(DAY - 30, DAY + 30)),
        st.sampled_from(["view", "buy", "error"]),
        st.builds(
            lambda page, ms: {**({"page": page} if page else {}), **({"duration_ms": ms} if ms else {})},
            st.sampled_from(["", "/", "/a", "/tea/1", "/tea/2"]),
            st.sampled_from([0, 1.0, 2.0]),
        ),
    ),
    max_size=16,
)
ANCHORS = st.sampled_from(
    [None, EventFilter(frozenset(["buy"])), EventFilter(frozenset(["view"]), (Condition("data.page", "=", ("/a",)),))]
)


def is_anchor(question: PathQuestion, event: Happened) -> bool:
    anchor = question.anchor
    assert anchor is not None
    return event.event_type in anchor.event_types and (not anchor.conditions or event.get("page") == "/a")


def name_of(question: PathQuestion, event: Happened) -> str | None:
    anchored = question.anchor is not None and is_anchor(question, event)
    if not anchored and question.steps.event_types and event.event_type not in question.steps.event_types:
        return None
    if question.node == "event_type":
        return event.event_type
    page = event.get("page")
    if page is None:
        return event.event_type if anchored else None
    return "tea" if question.groups and page.startswith("/tea/") else page


def in_order(question: PathQuestion, mine: Sequence[Happened]) -> list[Happened]:
    def key(event: Happened) -> Any:
        page = event.get("page") if question.node != "event_type" else None
        if page and question.groups and page.startswith("/tea/"):
            page = "tea"
        flags = [] if question.anchor is None else [is_anchor(question, event)]
        of_steps = not question.steps.event_types or event.event_type in question.steps.event_types
        latency = event.data.get("duration_ms", float("inf"))
        return event.ms, event.event_type, (page is not None, page or ""), latency, of_steps, flags

    return sorted(mine, key=key)


def slow(question: PathQuestion, events: Sequence[Happened]) -> list[list[Happened]]:
    """The definition, word by word: the events of each path."""
    by_user = defaultdict(list)
    types = question.event_types
    for event in events:
        if types is None or event.event_type in types:
            by_user[event.user].append(event)
    found = []
    for mine in by_user.values():
        ordered = in_order(question, mine)
        groups: list[list[Happened]] = [[]]
        for event in ordered if question.window_ms is None else ():
            if groups[-1] and event.ms - groups[-1][-1].ms > GAP:
                groups.append([])
            groups[-1].append(event)
        if question.window_ms is not None:
            groups = [ordered]
        for group in groups:
            in_range = [question.from_ms <= event.ms < question.to_ms for event in group]
            if not group or (question.window_ms is None and not in_range[0]):
                continue
            steps = [event for event in group if name_of(question, event) is not None]
            anchors = [
                place
                for place, event in enumerate(steps)
                if (question.anchor is None or is_anchor(question, event))
                and (question.window_ms is None or question.from_ms <= event.ms < question.to_ms)
            ]
            if not anchors:
                continue
            at = anchors[-1] if question.ends else anchors[0]
            path = steps[: at + 1] if question.ends else steps[at:]
            if question.window_ms is not None:
                path = [event for event in path if abs(event.ms - steps[at].ms) <= question.window_ms]
            path = path[::-1] if question.ends else path
            if question.collapse_repeats:
                path = [
                    event
                    for place, event in enumerate(path)
                    if not place or name_of(question, event) != name_of(question, path[place - 1])
                ]
            path = path[: question.max_steps]
            found.append(path[::-1] if question.ends else path)
    return found


def by_hand(question: PathQuestion, paths: list[list[Happened]], limit: int) -> dict[str, Any]:
    def names(path: Sequence[Happened]) -> list[str]:
        return [str(name_of(question, event)) for event in path]

    def place(path: Sequence[Happened], at: int) -> int:
        return at + (question.max_steps - len(path) if question.ends else 0)

    nodes: Counter[tuple[int, str]] = Counter((place(path, at), name) for path in paths for at, name in enumerate(names(path)))
    kept = {
        (step, name)
        for step in range(question.max_steps)
        for name in sorted((n for s, n in nodes if s == step), key=lambda n: (-nodes[step, n], n))[:limit]
    }
    edges = defaultdict(list)
    for path in paths:
        called = names(path)
        for at in range(len(path) - 1):
            step = place(path, at)
            pair = [name if (step + further, name) in kept else None for further, name in enumerate(called[at : at + 2])]
            edges[step, pair[0], pair[1]].append((path[at], path[at + 1]))

    def edge(pairs: list[tuple[Happened, Happened]]) -> Any:
        times = sorted(b.ms - a.ms for a, b in pairs)
        latencies = sorted(float(b.data["duration_ms"]) for _, b in pairs if "duration_ms" in b.data)
        return (
            len(pairs),
            len({a.user for a, _ in pairs}),
            times[(len(times) - 1) // 2],
            latencies[(len(latencies) - 1) // 2] if latencies else None,
            sum(b.event_type == "error" for _, b in pairs),
        )

    return {
        "paths": len(paths),
        "users": len({path[0].user for path in paths}),
        "nodes": {key: nodes[key] for key in kept},
        "edges": {key: edge(pairs) for key, pairs in edges.items()},
        "sequences": sorted(Counter(tuple(names(path)) for path in paths).items(), key=lambda p: (-p[1], p[0]))[:5],
    }


def fast(question: PathQuestion, events: list[Happened], parts: int, limit: int) -> dict[str, Any]:
    labels = question.labels()
    sums = PathSums(max_steps=question.max_steps)
    for days in buckets(events, parts):
        sums.add(path_rows(question, days, labels))
    names = list(labels[question.node])
    kept = sums.top_nodes(names, limit)
    return {
        "paths": sums.paths,
        "users": sums.users,
        "nodes": {
            (place, names[name]): count
            for place, of_place in enumerate(kept)
            for name, count in of_place.items()
            if name != OTHER
        },
        "edges": {
            (
                edge.place,
                None if edge.name == OTHER else names[edge.name],
                None if edge.following == OTHER else names[edge.following],
            ): (edge.paths, edge.users, edge.median_ms, edge.latency_ms, edge.failed)
            for edge in sums.top_edges(kept, len(names))
        },
        "sequences": [(tuple(steps), count) for steps, count in sums.top_paths(names, 5)],
    }


@given(
    EVENTS,
    ANCHORS,
    st.booleans(),
    st.sampled_from(["event_type", "data.page"]),
    st.sampled_from([None, 1, 40, DAY]),
    st.sampled_from([frozenset[str](), frozenset(["view", "error"])]),
    st.tuples(st.integers(0, 100), st.integers(1, DAY)),
    st.tuples(st.integers(2, 4), st.booleans(), st.booleans(), st.integers(1, 3)),
    st.randoms(),
)
@settings(max_examples=600, deadline=None)
def test_paths_are_those_of_the_definition(
    events: list[Happened],
    anchor: EventFilter | None,
    ends: bool,
    node: str,
    window_ms: int | None,
    types: frozenset[str],
    span: tuple[int, int],
    shape: tuple[int, bool, bool, int],
    chance: random.Random,
) -> None:
    max_steps, collapse, grouped, limit = shape
    question = PathQuestion(
        rule=SessionRule(GAP),
        from_ms=span[0],
        to_ms=sum(span),
        window_ms=window_ms,
        steps=EventFilter(types),
        node=node,
        anchor=anchor,
        ends=ends and anchor is not None,
        max_steps=max_steps,
        collapse_repeats=collapse,
        groups=GROUPS if grouped and node != "event_type" else (),
        latency="data.duration_ms",
    )
    paths = slow(question, events)
    wanted = by_hand(question, paths, limit)
    assert fast(question, events, 1, limit) == wanted
    shuffled = events.copy()
    chance.shuffle(shuffled)
    assert fast(question, shuffled, 3, limit) == wanted

    if paths:
        path = chance.choice(paths)
        at = chance.randrange(len(path))
        step = at - len(path) + 1 if question.ends else at
        name = str(name_of(question, path[at]))
        labels = question.labels()
        found = sorted(u for days in buckets(events) for u in users_of(question, days, labels, step, name, None).tolist())
        assert found == sorted(
            {
                one[0].user
                for one in paths
                if 0 <= (place := step + (len(one) - 1 if question.ends else 0)) < len(one)
                and name_of(question, one[place]) == name
            }
        )


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("/tea", "/tea", True),
        ("/tea", "/tea/", False),
        ("*", "", True),
        ("/tea/*", "/tea/1/2", True),
        ("*.png", "/a.png", True),
        ("/u/*/edit", "/u/7/edit", True),
        ("/u/*/edit", "/u/edit", False),
        ("a*a", "a", False),
        ("*a*b*", "xbxaxb", True),
        ("*a*b*", "xbxa", False),
        ("[a-z]*", "b", False),
        ("*" * 200 + "z", "a" * 200, False),
    ],
)
def test_a_star_stands_for_any_characters(pattern: str, text: str, wanted: bool) -> None:
    assert matches(pattern, text) is wanted


def test_of_very_many_different_paths_the_rarest_are_forgotten_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_sums, "MAX_SEQUENCES", 2)
    question = PathQuestion(rule=SessionRule(GAP), from_ms=0, to_ms=DAY, node="data.page")
    labels = question.labels()
    sums = PathSums(max_steps=5)
    for user in range(5):
        pages = ["/often", *(f"/{user}{n}" for n in range(3))]
        happened = [Happened(user, place * 1_000, "view", {"page": page}) for place, page in enumerate(pages)]
        for days in buckets(happened):
            sums.add(path_rows(question, days, labels))
    assert sums.top_paths(list(labels["data.page"]), 1) == [(["/often"], 5)]
    assert sums.missed > 0
