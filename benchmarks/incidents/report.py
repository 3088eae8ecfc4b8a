"""The table of a score, in Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.figures import quantile
from benchmarks.incidents.plan import KINDS
from benchmarks.incidents.score import Outcome, Score

WITHIN_S = 15.0
FOUND_AT_LEAST = 0.9
FALSE_AT_MOST = 1.0
"""False alarms a series and day."""

SHOWN = 40
_HEAD = ("kind", "found", f"within {WITHIN_S:g} s", "median s", "p90 s", "worst s")


def met(score: Score) -> bool:
    """Whether enough incidents were detected in time, with few enough false alarms. What was not measured does not count."""
    return _share(score.outcomes) >= FOUND_AT_LEAST and _rate(score) <= FALSE_AT_MOST


def render(score: Score) -> str:
    """Kinds with delays from the first affected window to the alarm, false alarms, and what was missed or came late."""
    verdict = "met" if met(score) else "**missed**"
    limits = f"at least {FOUND_AT_LEAST:.0%} within {WITHIN_S:g} s, at most {FALSE_AT_MOST:g} false alarm a series and day"
    lines = [*_found(score.outcomes), *_false(score), *_missed(score.outcomes), f"Must be {limits}: {verdict}."]
    return "\n".join(lines) + "\n"


def _found(outcomes: Sequence[Outcome]) -> list[str]:
    if not outcomes:
        return []
    kinds = [kind for kind in KINDS if any(o.truth.kind == kind for o in outcomes)]
    rows = [_row(kind, [o for o in outcomes if o.truth.kind == kind]) for kind in kinds]
    table = [_HEAD, ["---"] * len(_HEAD), *rows, _row("all", outcomes)]
    return [*("| " + " | ".join(cells) + " |" for cells in table), ""]


def _row(kind: str, outcomes: Sequence[Outcome]) -> list[str]:
    delays = [o.delay_s for o in outcomes if o.delay_s is not None]
    times = [f"{quantile(delays, q):.1f}" if delays else "" for q in (0.5, 0.9, 1.0)]
    return [kind, f"{len(delays)} / {len(outcomes)}", f"{_share(outcomes):.0%}", *times]


def _false(score: Score) -> list[str]:
    count = len(score.false)
    most = Counter(f"{alarm.series} {alarm.direction}" for alarm in score.false).most_common(SHOWN)
    return [
        f"{count} false alarms at {score.moments} moments in {score.quiet_s / 3600:.1f} quiet hours, "
        f"at most {score.series} series watched, {score.series_days:.2f} series-days: {_rate(score):.2f} a series and day.",
        *(f"* {times} × {series}" for series, times in most),
        "",
    ]


def _missed(outcomes: Sequence[Outcome]) -> list[str]:
    late = [o for o in outcomes if not o.within(WITHIN_S)]
    if not late:
        return []
    lines = [f"Not found within {WITHIN_S:g} s: {len(late)}"]
    for outcome in late[:SHOWN]:
        truth = outcome.truth
        delay = "never" if outcome.delay_s is None else f"after {outcome.delay_s:.1f} s"
        lines.append(f"* {truth.kind} {truth.target} {truth.magnitude:g} (seed {truth.seed}): {delay}")
    return [*lines, *(["* …"] if len(late) > SHOWN else []), ""]


def _share(outcomes: Sequence[Outcome]) -> float:
    return sum(o.within(WITHIN_S) for o in outcomes) / len(outcomes) if outcomes else 1.0


def _rate(score: Score) -> float:
    return len(score.false) / score.series_days if score.series_days else 0.0
