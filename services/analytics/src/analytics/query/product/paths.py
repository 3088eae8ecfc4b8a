"""Answers questions about the paths of users."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from analytics.product.counting.breakdowns import OTHER
from analytics.product.counting.conditions import column_of
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.grouping import Group
from analytics.product.counting.path_sums import OTHER as OTHER_NAME
from analytics.product.counting.path_sums import PathSums
from analytics.product.counting.paths import PathQuestion, path_rows, users_of
from analytics.query.product.asked import Name, Names, check_range, conditions_of, names_of
from analytics.query.product.counting import Counted, ProductCounting, Reads, user_list
from analytics.query.product.sessions import rule_of
from drishti.errors import QueryError
from drishti.messages.product.paths import (
    PathAnchor,
    PathCount,
    PathEdge,
    PathNode,
    PathsAnswer,
    PathsAsked,
    PathsQuery,
    PathsUsersQuery,
)
from drishti.messages.product.users import UserList

TOP_PATHS = 50

_DEFAULT_LATENCY = "duration_ms"
"""Asked for unless something else is: no event need have it."""


class PathAnswers:
    """Answers ``query.v1.paths``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: PathsQuery) -> PathsAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        labels = question.labels()
        sums = PathSums(max_steps=question.max_steps)

        def add(days: Sequence[Day]) -> None:
            sums.add(path_rows(question, days, labels))

        counted = await self._counting.count(
            asked.tenant, "question about paths", _reads(asked, question), _names(asked), add, sample=asked.sample
        )
        return await asyncio.to_thread(answer_of, asked, question, sums, list(labels[question.node]), counted)


class PathUserAnswers:
    """Answers ``query.v1.paths_users``."""

    def __init__(self, counting: ProductCounting) -> None:
        self._counting = counting

    async def answer(self, asked: PathsUsersQuery) -> UserList:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        question = question_of(asked)
        last = question.first_step + question.max_steps - 1
        if not question.first_step <= asked.step <= last:
            raise QueryError(f"must lie from {question.first_step} to {last}, as in the answer about these paths", field="step")
        labels = question.labels()
        found = await self._counting.find(
            asked.tenant,
            "question about paths",
            _reads(asked, question),
            _names(asked),
            lambda days: users_of(question, days, labels, asked.step, asked.name, asked.next_name or None),
            limit=asked.limit,
            sample=asked.sample,
        )
        return user_list(found)


def question_of(asked: PathsAsked) -> PathQuestion:
    """What is asked; raises :class:`QueryError` that says what to change."""
    window_ms = None if asked.window_s is None else asked.window_s * 1_000
    check_range(asked.from_ms, asked.to_ms, beyond_ms=max(window_ms or 0, DAY_MS))
    if asked.start and asked.end:
        raise QueryError("cannot be asked for together with `start`: leave one of them out", field="end")
    latency = asked.latency if isinstance(asked, PathsQuery) else ""
    return PathQuestion(
        rule=rule_of(asked),
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        window_ms=window_ms,
        steps=EventFilter(frozenset(asked.event_types), conditions_of(asked.where, "where")),
        node=column_of(asked.node),
        anchor=_anchor(asked.start, "start") or _anchor(asked.end, "end"),
        ends=asked.end is not None,
        max_steps=asked.max_steps,
        collapse_repeats=asked.collapse_repeats,
        groups=[Group(group.pattern, group.name or group.pattern) for group in asked.group],
        latency=column_of(latency) if latency else "",
        errors=isinstance(asked, PathsQuery) and asked.errors,
    )


def _anchor(asked: PathAnchor | None, field: str) -> EventFilter | None:
    if asked is None:
        return None
    if not asked.event_type and not asked.where:
        raise QueryError("must have an event_type or a condition", field=field)
    types = frozenset([asked.event_type] if asked.event_type else [])
    return EventFilter(types, conditions_of(asked.where, f"{field}.where"))


def _reads(asked: PathsAsked, question: PathQuestion) -> Reads:
    return Reads(
        from_ms=question.read_from_ms,
        to_ms=question.read_to_ms,
        columns=question.columns,
        event_types=question.event_types,
        cohort=asked.cohort,
    )


def _names(asked: PathsAsked) -> Names:
    types = [Name(name, f"event_types.{place}") for place, name in enumerate(asked.event_types)]
    properties = [*names_of(asked.where, "where"), Name(asked.node, "node")]
    for field, anchor in (("start", asked.start), ("end", asked.end)):
        if anchor:
            types += [Name(anchor.event_type, f"{field}.event_type")] if anchor.event_type else []
            properties += names_of(anchor.where, f"{field}.where")
    if isinstance(asked, PathsQuery) and asked.latency not in ("", _DEFAULT_LATENCY):
        properties.append(Name(asked.latency, "latency"))
    return Names(types, properties)


def answer_of(
    asked: PathsQuery, question: PathQuestion, sums: PathSums, names: Sequence[str | None], counted: Counted
) -> PathsAnswer:
    """What ``sums`` say."""
    kept = sums.top_nodes(names, asked.limit)
    places: dict[tuple[int, int], int] = {}
    nodes: list[PathNode] = []
    for place, of_place in enumerate(kept):
        for name, count in of_place.items():
            places[place, name] = len(nodes)
            other = name == OTHER_NAME
            text = OTHER if other else str(names[name])
            nodes.append(PathNode(step=place + question.first_step, name=text, count=count, other=other))
    edges = [
        PathEdge(
            source=places[edge.place, edge.name],
            target=places[edge.place + 1, edge.following],
            count=edge.paths,
            users=edge.users,
            median_ms=edge.median_ms,
            latency_ms=edge.latency_ms,
            error_rate=edge.failed / edge.paths if question.errors else None,
        )
        for edge in sums.top_edges(kept, len(names))
    ]
    return PathsAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=counted.as_of,
        sampled=counted.sampled,
        excluded_users=counted.excluded,
        paths=sums.paths,
        users=sums.users,
        nodes=nodes,
        edges=edges,
        top_paths=[PathCount(steps=steps, count=count) for steps, count in sums.top_paths(names, TOP_PATHS)],
        missed=sums.missed,
    )
