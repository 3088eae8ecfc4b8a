"""What the sums of bottlenecks say to people: shares, trends, gains, and a sentence for each. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from analytics.rollup.histogram import GAMMA
from analytics.spans.bottleneck_walks import STEP
from analytics.spans.bottlenecks import Bottlenecks, Contribution, Part, PatternKey, PatternSums, RootSums
from analytics.spans.call_patterns import Operation, PatternKind
from analytics.spans.span import SpanKind
from drishti.messages import subjects
from drishti.messages.bottlenecks import (
    BottlenecksAnswer,
    BottlenecksQuery,
    CallPattern,
    OperationName,
    PartOfRoot,
    RootBottlenecks,
)
from drishti.messages.traces import SpanKindName

MS_NS = 1_000_000

CERTAIN = 1.96
"""Standard errors on both sides of a share between which the true one is with a probability of 95 %."""

METHOD = (
    "Shares are own time on the critical path of each trace. A gain is half of an operation's own time on the path, of each "
    "span at most its lead on what runs beside it; of one operation at a time."
)

KINDS: dict[int, SpanKindName] = {
    SpanKind.UNSPECIFIED: "unspecified",
    SpanKind.INTERNAL: "internal",
    SpanKind.SERVER: "server",
    SpanKind.CLIENT: "client",
    SpanKind.PRODUCER: "producer",
    SpanKind.CONSUMER: "consumer",
}


def answer(
    asked: BottlenecksQuery, now: Bottlenecks, before: Bottlenecks, *, as_of: int, complete_to: int
) -> BottlenecksAnswer:
    """The answer from the sums of the range that is asked for, and of the same range a day earlier."""
    total = sum(sums.durations.total_ns for sums in now.roots.values())
    service = subjects.token(asked.service) if asked.service else ""
    chosen = [
        (root, sums)
        for root, sums in now.roots.items()
        if (not service or root.service == service)
        and root.service not in asked.without_service
        and (not asked.operation or root.operation == asked.operation)
    ]
    chosen.sort(key=lambda item: (-item[1].durations.total_ns, item[0]))
    return BottlenecksAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=as_of,
        complete_to=complete_to,
        traces_seen=now.seen,
        traces_walked=now.walked,
        method=METHOD,
        roots=[_root(root, sums, before.roots.get(root), total, asked, now) for root, sums in chosen[: asked.limit]],
        root_operations=len(chosen),
    )


def services(found: BottlenecksAnswer) -> list[str]:
    """The tokens of the services in an answer."""
    names = {root.operation.service for root in found.roots}
    return sorted(names | {part.operation.service for root in found.roots for part in root.parts})


def slow_steps(sums: RootSums, quantile: float) -> tuple[int, int, int]:
    """The step of duration that has the ``quantile`` of the traces; how many traces are in it and above, and their time."""
    wanted = math.ceil(quantile * sums.durations.calls)
    passed = 0
    first = max(sums.steps, default=0)
    for step in sorted(sums.steps):
        passed += sums.steps[step][0]
        if passed >= wanted:
            first = step
            break
    slow = [counted for step, counted in sums.steps.items() if step >= first]
    return first, sum(count for count, _ in slow), sum(long for _, long in slow)


def margin(own_by_step: Mapping[int, int], sums: RootSums, first: int, of: Bottlenecks) -> float | None:
    """Within how much of the true share, with 95 % certainty, that of an operation is in the traces of the steps from ``first``
    on, where some of the traces ``of`` which these are were not walked; ``None`` where all were.

    The standard error of a ratio of two sums over a simple random sample of each minute (W. G. Cochran, Sampling Techniques,
    chapters 5 and 6), with times taken to be as scattered in one minute as in another. The squares of an operation's own times
    are not kept; they are at most own time times duration, so the margin is at least as wide as it has to be.
    """
    if not of.missing:
        return None
    stood_for = squares = products = own = long = 0.0
    for step, (traces, time) in sums.steps.items():
        if step >= first:
            mean = time / traces
            of_step = own_by_step.get(step, 0)
            stood_for, long, own = stood_for + traces, long + time, own + of_step
            squares, products = squares + traces * mean * mean, products + of_step * mean
    walked = stood_for * of.walked / of.seen
    if walked < 2 or not long:
        return 1.0
    share = own / long
    residuals = max(0.0, (1 - 2 * share) * products + share * share * squares)
    error = math.sqrt(of.missing / of.seen * residuals / (walked - 1) * walked) / long
    return min(1.0, CERTAIN * error)


def _root(
    root: Operation, sums: RootSums, before: RootSums | None, total: int, asked: BottlenecksQuery, of: Bottlenecks
) -> RootBottlenecks:
    first, slow_traces, slow_ns = slow_steps(sums, asked.quantile)
    parts = [
        _part(root, part, said, sums, before, first, slow_ns, asked.quantile, of)
        for part, said in sums.parts.items()
        if said.path_ns
    ]
    parts.sort(key=lambda one: (-one.slow_share, -one.share, one.operation.service, one.operation.operation, one.waiting))
    patterns = sorted(sums.patterns.items(), key=lambda item: (-item[1].gain_ns, item[0]))
    durations = sums.durations
    name = f"{root.operation} of {root.service}"
    return RootBottlenecks(
        operation=_name(root),
        summary=f"{name}, {parts[0].summary}" if parts else f"{name}: took no time",
        traces=durations.calls,
        errors=durations.errors,
        time_share=_share(durations.total_ns, total),
        mean_ms=durations.mean_ns() / MS_NS,
        p50_ms=durations.quantile_ns(0.5) / MS_NS,
        p95_ms=durations.quantile_ns(0.95) / MS_NS,
        p99_ms=durations.quantile_ns(0.99) / MS_NS,
        slow_from_ms=GAMMA ** ((first - 1) * STEP) / MS_NS if first > 0 else 0.0,
        slow_traces=slow_traces,
        trend=_change(durations.mean_ns(), None if before is None else before.durations.mean_ns()),
        parts=parts[: asked.limit],
        patterns=[_pattern(key, said, durations.calls) for key, said in patterns[: asked.limit]],
        examples=_examples(sums.slowest),
    )


def _part(
    root: Operation,
    part: Part,
    said: Contribution,
    sums: RootSums,
    before: RootSums | None,
    first: int,
    slow_ns: int,
    quantile: float,
    of: Bottlenecks,
) -> PartOfRoot:
    traces = sums.durations.calls
    slow_share = _share(sum(own for step, own in said.steps.items() if step >= first), slow_ns)
    earlier = None if before is None else before.parts.get(part)
    share_margin = margin(said.steps, sums, min(sums.steps, default=0), of)
    slow_margin = margin(said.steps, sums, first, of)
    path_before = None if before is None or earlier is None else earlier.path_ns / before.durations.calls
    return PartOfRoot(
        operation=_name(part.operation),
        summary=f"p{quantile * 100:g}: {_how_much(slow_share, slow_margin)} {_doing(root, part)}",
        waiting=part.waiting,
        share=_share(said.path_ns, sums.durations.total_ns),
        slow_share=slow_share,
        share_margin=share_margin,
        slow_share_margin=slow_margin,
        path_ms=said.path_ns / traces / MS_NS,
        gain_ms=said.gain_ns / traces / MS_NS,
        gain_share=_share(said.gain_ns, sums.durations.total_ns),
        spans=said.spans,
        errors=said.errors,
        spans_each=said.spans / traces,
        mean_ms=said.total_ns / said.spans / MS_NS if said.spans else None,
        trend=_change(said.path_ns / traces, path_before),
        path_ms_before=None if path_before is None else path_before / MS_NS,
        example=said.example[1].hex(),
    )


def _how_much(share: float, margin: float | None) -> str:
    """A share in a sentence. One that is no larger than its margin may as well be nothing."""
    if margin is None:
        return f"{100 * share:.0f} %"
    if margin >= share:
        return "too few traces to tell how much is"
    return f"{100 * share:.0f} (± {100 * margin:.0f}) %"


def _doing(root: Operation, part: Part) -> str:
    operation = part.operation
    of_service = "" if operation.service == root.service else f" of {operation.service}"
    if part.waiting:
        return f"waiting for {operation.operation}{of_service} to begin"
    if operation == root:
        return "its own work"
    if of_service or operation.kind in (SpanKind.CLIENT, SpanKind.PRODUCER):
        return f"waiting on {operation.operation}{of_service}"
    return f"in {operation.operation}"


def _pattern(key: PatternKey, said: PatternSums, traces: int) -> CallPattern:
    names = ", ".join(callee.operation for callee in key.callees)
    each = said.calls / said.times
    if key.kind is PatternKind.REPEATED:
        summary = f"{key.caller.operation} calls {names} {each:.0f} times, one after the other: could be one call"
    else:
        summary = (
            f"{key.caller.operation} makes {each:.0f} calls one after the other that could be made at once, "
            f"if none needs what another brings: {names}"
        )
    return CallPattern(
        kind=key.kind.value,
        summary=summary,
        caller=_name(key.caller),
        callees=[_name(callee) for callee in key.callees],
        traces=said.traces,
        share_of_traces=_share(said.traces, traces),
        calls_each=each,
        most=said.most,
        time_ms=said.total_ns / said.traces / MS_NS,
        gain_ms=said.gain_ns / said.traces / MS_NS,
        examples=_examples(said.examples),
    )


def _name(operation: Operation) -> OperationName:
    return OperationName(
        service=operation.service, operation=operation.operation, kind=KINDS.get(operation.kind, "unspecified")
    )


def _examples(examples: Iterable[tuple[int, bytes]]) -> list[str]:
    return [trace_id.hex() for _, trace_id in examples]


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _change(now: float, before: float | None) -> float | None:
    return now / before - 1 if before else None
