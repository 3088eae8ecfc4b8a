"""What is reported of a series, as a sentence for people. Pure.

A sentence says the value, the band and the window by which an incident was judged, and of rare things how many there were: a
share of 43.8 % is 7 of 16.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from predictor.anomalies.findings import OVER_BUDGET, Finding
from predictor.anomalies.lifecycle import Change, Phase
from predictor.seconds.verdicts import Statistic
from predictor.series.watch import Kind, SeriesKey, Watch

FEW = 100
"""So many or fewer are counted out."""


def name(key: SeriesKey, watch: Watch) -> str:
    """``request_duration_ms p95 of service wisdom``"""
    labels = ", ".join(f"{label} {value}" for label, value in key.labels)
    return f"{watch.title} {key.field}" + (f" of {labels}" if labels else "")


def number(watch: Watch, value: float) -> str:
    return _digits(value * 100 if watch.kind is Kind.SHARE else value)


def quantity(watch: Watch, value: float) -> str:
    return f"{number(watch, value)} {watch.unit}".rstrip()


def unwatched(metric: str, watched: int, count: int, limit: int) -> str:
    """Of a metric for whose series there is no room, or room again; ``limit``: the most series of one metric."""
    if not count:
        return f"all series of {metric} are watched"
    many = f"{count:,} of {watched + count:,} series of {metric} are {OVER_BUDGET}"
    if watched >= limit:
        return f"{many}. One metric may have {limit:,} (PREDICTOR_MAX_SERIES)"
    return f"{many}. PREDICTOR_SERIES says for how many there is room in all, which is shared between the metrics"


def state(finding: Finding) -> str:
    """Of a series that is new, watched, not judged for now or judged again."""
    if finding.judgement is not None:
        text = "is judged again" if finding.judgement else f"is not judged now: {lack(finding)}"
    else:
        text = "is watched for anomalies from now on" if finding.ready else "is new: learning what is normal, no alarms yet"
    return f"{name(finding.key, finding.watch)} {text}"


def below(held: float, needed: float) -> str:
    """``held`` with as many digits as tell it from ``needed``, which is more: ``11.9``, where ``12`` would be enough."""
    digits = next((n for n in range(4) if float(f"{held:.{n}f}") < float(f"{needed:.0f}")), 4)
    return f"{held:.{digits}f}"


def lack(finding: Finding) -> str | None:
    """Why the series is not judged: ``4 requests in 8 s, 10 needed``."""
    known = finding.lack
    if finding.reason is not None:
        return finding.reason
    if known is None:
        return None
    if not known.ready:
        return "what is normal is not known yet"
    events, window = finding.watch.counted, span(known.window_s)
    if finding.watch.kind is Kind.RATE:
        return f"{below(known.held, known.needed)} {events} expected in {window}, {known.needed:.0f} needed"
    held = "no" if not known.held else f"{known.held:.0f}"
    return f"{held} {events.removesuffix('s') if known.held == 1 else events} in {window}, {known.needed:.0f} needed"


def span(seconds: float) -> str:
    """``8 s``, ``10 min``"""
    return f"{seconds / 60:.0f} min" if seconds >= 120 and seconds % 60 == 0 else f"{seconds:.0f} s"


def incident(finding: Finding, change: Change) -> str:
    """The sentence of one phase of an incident."""
    who, lasted = name(finding.key, finding.watch), span(finding.at - change.since)
    if change.phase is Phase.LAPSED:
        return f"{who} is not judged any more: {lack(finding)}. Closed after {lasted}; whether it recovered is not known"
    if change.phase is Phase.ADAPTED:
        return f"{who} {_settled(finding, change.since)}"
    if not math.isfinite(finding.value):
        return f"{who} is silent: nothing came" + (f" for {lasted} now" if change.phase is Phase.ONGOING else "")
    now = _now(finding, change)
    if not math.isfinite(finding.lower):
        return f"{who} {now}" + (" again, after a silence" if change.phase is Phase.RESOLVED else "")
    expected = _expected(finding)
    if change.phase is Phase.UNJUDGED:
        ago = span(finding.at - (finding.judged_at or finding.at))
        return f"{who} is not judged now: {lack(finding)}. Last judged {ago} ago, it {now.replace('is', 'was', 1)}; {expected}"
    if change.phase is Phase.RECOVERED:
        return f"{who} {now}, after it had been taken as the new normal; it has recovered"
    if change.phase is Phase.RESOLVED:
        if finding.lower <= finding.value <= finding.upper:
            return f"{who} {now} again, as expected ({expected.removeprefix('expected ')}), after {lasted}"
        return f"{who} {now}, no longer too {'high' if change.direction > 0 else 'low'} after {lasted}; {expected}"
    if change.phase is Phase.ESCALATED:
        return f"{who} {now}, worse than when it began {lasted} ago; {expected}"
    return f"{who} {now}" + (f", for {lasted} now" if change.phase is Phase.ONGOING else "") + f"; {expected}"


def _now(finding: Finding, change: Change) -> str:
    watch, window = finding.watch, span(finding.window_s)
    if finding.statistic is Statistic.LIKELIHOOD:
        return f"is slower than its last minutes explain: evidence {_digits(finding.value)} in {window}"
    if finding.statistic is Statistic.GAP:
        return f"is silent: nothing came for {window}"
    counted = _counted(finding) if change.phase is not Phase.RECOVERED else ""
    return f"is {quantity(watch, finding.value)}" + (f" ({counted})" if counted else "")


def _counted(finding: Finding) -> str:
    """What the value is made of, where it was by the second or by the minute."""
    if not finding.window_s:
        return ""
    watch, window = finding.watch, span(finding.window_s)
    if watch.kind is Kind.RATE and (count := finding.value * finding.window_s) <= FEW:
        return f"{count:.0f} in {window}"
    if watch.kind is Kind.SHARE and 0 < finding.weight <= FEW:
        return f"{finding.value * finding.weight:.0f} of {finding.weight:.0f} in {window}"
    if watch.kind is Kind.LEVEL and 0 < finding.weight <= FEW:
        return f"{finding.weight:.0f} in {window}"
    return f"in {window}"


def _expected(finding: Finding) -> str:
    watch, low, high = finding.watch, finding.lower, finding.upper
    if finding.statistic is Statistic.LIKELIHOOD:
        mean = f"on average {quantity(watch, finding.observed)}, usually {quantity(watch, finding.usual)}"
        return f"expected {_digits(low)} to {_digits(high)} ({mean})"
    if finding.statistic is Statistic.GAP:
        return f"no longer than {span(math.ceil(1.0 / low))} expected, at {quantity(watch, finding.usual)}"
    band = f"expected {number(watch, low)}–{quantity(watch, high)}"
    if watch.kind is Kind.RATE and finding.window_s and finding.value * finding.window_s <= FEW:
        return f"{band} ({low * finding.window_s:.0f} to {high * finding.window_s:.0f})"
    if watch.kind is Kind.SHARE and 0 < finding.weight <= FEW:
        return f"{band} ({low * finding.weight:.0f} to {high * finding.weight:.1f})"
    return band


def _settled(finding: Finding, since: int) -> str:
    watch = finding.watch
    expected = ""
    if finding.statistic is Statistic.LIKELIHOOD:
        value = f"at {quantity(watch, finding.observed)} on average"
        expected = f"; expected before {quantity(watch, finding.usual)}"
    else:
        value = f"at {quantity(watch, finding.value)}" if math.isfinite(finding.value) else "silent"
        if finding.statistic is Statistic.GAP:
            value, expected = "silent", f"; expected before {quantity(watch, finding.expected)}"
        elif math.isfinite(finding.lower) and math.isfinite(finding.upper):
            expected = f"; expected before {number(watch, finding.lower)}–{quantity(watch, finding.upper)}"
        elif math.isfinite(finding.expected):
            expected = f"; expected before {quantity(watch, finding.expected)}"
    return (
        f"stays {value} since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC{expected}. "
        "Nothing recovered: from here on it is taken as the new normal"
    )


def _digits(value: float) -> str:
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == 0 else f"{value:,.1f}" if size >= 1 else f"{value:.2g}"
