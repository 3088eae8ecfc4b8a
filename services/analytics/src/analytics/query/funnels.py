"""Answers funnels: bucket by bucket, off the event loop, in one snapshot of the database."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Sequence

import numpy as np

from analytics.errors import StatementTimeout
from analytics.product.conditions import Condition, column_of, number_of
from analytics.product.event_rows import FIELDS
from analytics.product.funnels import OTHER, Funnel, FunnelCounts, Step, count_bucket
from analytics.product.reading import KnownNames, ProductReading, TooManyRows, share_compacted
from analytics.product.segments import BUCKETS, PROPERTY, Ints
from analytics.query.sessions import QUESTION_S, Sessions
from analytics.storage.database import Session
from drishti.errors import QueryError
from drishti.messages.funnels import (
    ConversionTimes,
    FunnelAnswer,
    FunnelGroup,
    FunnelQuery,
    FunnelStepCount,
    PropertyCondition,
)

ANSWER_S = QUESTION_S - 1.0
"""Then a funnel is cut off, with what to change."""

_MOSTLY = 0.9
"""Of a range of which more has been compacted, what took long is the funnel itself."""

LAST_MS = 253_370_764_800_000
"""The beginning of the year 9999: PostgreSQL and Python know no day after it."""

_ORDER = ("<", "<=", ">", ">=")


class FunnelAnswers:
    """Answers ``query.v1.funnel``."""

    def __init__(self, sessions: Sessions, *, answer_s: float = ANSWER_S) -> None:
        self._sessions = sessions
        self._answer_s = answer_s

    async def answer(self, asked: FunnelQuery) -> FunnelAnswer:
        """Raises :class:`QueryError`, :class:`TooManyWaiting` and :class:`DatabaseAway`."""
        funnel = funnel_of(asked)
        compacted = 1.0
        try:
            async with asyncio.timeout(self._answer_s):
                async with self._sessions.turn(asked.tenant), self._sessions.session() as session, session.snapshot():
                    as_of = await session.value("clock")
                    compacted = await share_compacted(session, funnel.from_ms, funnel.to_ms + funnel.window_ms)
                    counts = await _counted(session, asked, funnel)
        except TooManyRows:
            raise _still_compacting(compacted) from None
        except (TimeoutError, StatementTimeout):
            if compacted < _MOSTLY:
                raise _still_compacting(compacted) from None
            raise QueryError(
                "the funnel takes too long: ask for a shorter range, or with `sample: true` for a sixteenth of the users",
                "timeout",
            ) from None
        return await asyncio.to_thread(answer_of, asked, counts, as_of)


def _still_compacting(compacted: float) -> QueryError:
    return QueryError(
        f"events of this range are still being compacted, {compacted:.0%} of its days have been: ask again in some minutes, or "
        "for a shorter range",
        "unavailable",
    )


def funnel_of(asked: FunnelQuery) -> Funnel:
    """The funnel that is asked for; raises :class:`QueryError` that says what to change."""
    if not 0 <= asked.from_ms < asked.to_ms:
        raise QueryError("must lie before `to`, and not before 1970", field="from")
    window_ms = asked.window_s * 1_000
    if asked.to_ms + window_ms > LAST_MS:
        raise QueryError("must lie before the year 9998", field="to")
    steps = []
    for place, step in enumerate(asked.steps):
        at = f"steps.{place}.where"
        steps.append(Step(step.event_type, tuple(_condition(one, f"{at}.{n}") for n, one in enumerate(step.where))))
    breakdown = column_of(asked.breakdown) if asked.breakdown else ""
    return Funnel(steps=steps, window_ms=window_ms, from_ms=asked.from_ms, to_ms=asked.to_ms, breakdown=breakdown)


def _condition(asked: PropertyCondition, field: str) -> Condition:
    column = column_of(asked.property)
    if asked.op == "in":
        if not asked.values:
            raise QueryError("must be a list of at least one value", field=f"{field}.values")
        return Condition(column, asked.op, tuple(asked.values))
    if asked.values:
        raise QueryError(f"is for the operator `in` only; `{asked.op}` compares with `value`", field=f"{field}.values")
    if asked.op == "exists" and asked.value:
        raise QueryError("`exists` compares with nothing: leave it out", field=f"{field}.value")
    if asked.op in _ORDER and number_of(asked.value) is None:
        raise QueryError(f"must be a number: `{asked.op}` compares numbers", field=f"{field}.value")
    return Condition(column, asked.op, (asked.value,))


async def _counted(session: Session, asked: FunnelQuery, funnel: Funnel) -> FunnelCounts:
    await _check_names(KnownNames(session, asked.tenant), asked, funnel)
    reading = ProductReading(
        session,
        asked.tenant,
        from_ms=funnel.from_ms,
        to_ms=funnel.to_ms + funnel.window_ms,
        columns=funnel.columns,
        event_types=sorted({step.event_type for step in funnel.steps}),
    )
    counts = FunnelCounts(steps=len(funnel.steps))
    for bucket in range(1 if asked.sample else BUCKETS):
        days = await reading.bucket(bucket)
        if reading.omitted:
            names = ", ".join(sorted(map(_shown, reading.omitted)))
            raise QueryError(
                f"events of these days have too many properties, and {names} is not kept by user: ask without it, or for other "
                "days"
            )
        await asyncio.to_thread(count_bucket, funnel, days, counts)
    if not reading.rows and not asked.sample:
        raise QueryError("no event with a user of these types lies in this range: ask for another one", field="from")
    return counts


async def _check_names(known: KnownNames, asked: FunnelQuery, funnel: Funnel) -> None:
    """Raises :class:`QueryError` at the first name that no event of the tenant has."""
    wanted = {step.event_type for step in funnel.steps}
    types = await known.event_types()
    if wanted - types:
        types |= await known.new_event_types()
    for place, step in enumerate(asked.steps):
        if step.event_type not in types:
            raise _unknown("no event of this type with a user was stored", step.event_type, types, f"steps.{place}.event_type")
    properties = [
        (condition.property, f"steps.{place}.where.{n}.property")
        for place, step in enumerate(asked.steps)
        for n, condition in enumerate(step.where)
    ]
    properties += [(asked.breakdown, "breakdown")] if asked.breakdown else []
    missing = {column_of(name) for name, _ in properties} - {*FIELDS}
    if not missing:
        return
    columns = await known.columns()
    if missing - columns:
        columns |= await known.new_columns()
    for name, field in properties:
        if column_of(name) not in columns and column_of(name) not in FIELDS:
            raise _unknown("no event with a user has this property", name, map(_shown, columns), field)


def _shown(column: str) -> str:
    return column.removeprefix(PROPERTY)


def _unknown(text: str, name: str, known: Iterable[str], field: str) -> QueryError:
    nearest = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    hint = f": is it {' or '.join(nearest)}?" if nearest else ""
    return QueryError(text + hint, "unknown", field, nearest=nearest)


def answer_of(asked: FunnelQuery, counts: FunnelCounts, as_of: int) -> FunnelAnswer:
    """What ``counts`` say."""
    types = [step.event_type for step in asked.steps]
    everybody = _sum(counts.reached.values(), len(types))
    by_size = sorted(counts.reached, key=lambda label: (-int(counts.reached[label][0]), label is not None, label or ""))
    groups = []
    if asked.breakdown:
        groups = [
            FunnelGroup(value=label, steps=_steps(types, counts.reached[label]), times=_times(counts.times.get(label, [])))
            for label in by_size[: asked.limit]
        ]
        if rest := by_size[asked.limit :]:
            of_rest = [times for label in rest for times in counts.times.get(label, [])]
            reached = _sum((counts.reached[label] for label in rest), len(types))
            groups.append(FunnelGroup(value=OTHER, steps=_steps(types, reached), times=_times(of_rest), other=True))
    return FunnelAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=as_of,
        window_s=asked.window_s,
        sampled=1 / BUCKETS if asked.sample else 1.0,
        steps=_steps(types, everybody),
        times=_times([times for of_label in counts.times.values() for times in of_label]),
        groups=groups,
    )


def _sum(reached: Iterable[Ints], steps: int) -> Ints:
    total: Ints = np.sum([np.zeros(steps, np.int64), *reached], axis=0)
    return total


def _steps(types: Sequence[str], reached: Ints) -> list[FunnelStepCount]:
    users = reached.tolist()
    return [
        FunnelStepCount(
            event_type=event_type,
            users=count,
            of_first=count / users[0] if users[0] else None,
            of_previous=count / before if before else None,
        )
        for event_type, count, before in zip(types, users, [users[0], *users], strict=False)
    ]


def _times(parts: Sequence[Ints]) -> ConversionTimes | None:
    if not parts:
        return None
    times = np.sort(np.concatenate(parts))

    def rank(share: float) -> int:
        return int(times[max(0, int(np.ceil(share * len(times))) - 1)])

    return ConversionTimes(mean_ms=float(times.mean()), p50_ms=rank(0.5), p90_ms=rank(0.9), p99_ms=rank(0.99))
