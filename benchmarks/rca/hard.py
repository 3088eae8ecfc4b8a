"""Faults as days that nobody has seen may have them: of all kinds and sizes, in thin traffic, with signals missing.

Each is put into two neighbouring quiet stretches of a recorded day and ranked against those before them. Drawn for each, from
a seed:

* its kind and its service; how many times slower (1.5 to 20), by one factor for all calls;
* how many requests the window has, and how many stretches the baseline has;
* what is missing: log lines or gauges, in the window or everywhere;
* whether a quarter of the baseline had the same fault earlier;
* whether a second service has another fault at the same time. Then the better placed of both counts.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analytics.spans.root_cause.sums import Sums, merged
from benchmarks.rca import synthetic
from benchmarks.rca.direct import Buckets
from benchmarks.rca.nezha import Fault, SpanRow
from benchmarks.rca.quiet import Quiet
from benchmarks.rca.scoring import Judged, judged
from benchmarks.rca.slowness import contend, delay
from benchmarks.rca.synthetic import EXCEPTION, RETURN, Incident, Node

DELAY, CONTENTION, CONSUMED = "network_delay", "cpu_contention", "cpu_consumed"
KINDS = (DELAY, CONTENTION, CONSUMED, EXCEPTION, RETURN)

MIN_FACTOR, MAX_FACTOR = 1.5, 20.0
MIN_REQUESTS = 3
"""Requests of the window that meet a fault."""

TRACES = (0, 0, 60, 25, 12)
"""Requests in the window; 0: all that there are."""

BASELINES = (1, 3, 6, 12)
NOTHING, LOGS, ALL_LOGS, GAUGES, ALL_GAUGES = "nothing", "logs", "all logs", "gauges", "all gauges"
MISSING = (NOTHING, NOTHING, LOGS, ALL_LOGS, GAUGES, ALL_GAUGES)


class Setting(NamedTuple):
    """What was drawn beside the fault. ``met``: requests of the window that met it."""

    kind: str
    service: str
    factor: float
    traces: int
    met: int
    stretches: int
    missing: str
    came_earlier: bool
    second: str


GROUPS: dict[str, Callable[[Setting], str]] = {
    "kind": lambda setting: setting.kind,
    "requests that met it": lambda setting: "3 or 4" if setting.met < 5 else "5 to 9" if setting.met < 10 else "10 or more",
    "slower": lambda setting: "-" if not setting.factor else "up to 3 times" if setting.factor < 3 else "3 to 20 times",
    "minutes before": lambda setting: "1" if setting.stretches == 1 else "2 or more",
    "missing": lambda setting: setting.missing,
    "came earlier": lambda setting: "yes" if setting.came_earlier else "no",
    "two at once": lambda setting: "yes" if setting.second else "no",
}
"""By what shares are printed."""


class Hard(NamedTuple):
    setting: Setting
    result: Judged

    @property
    def place(self) -> int:
        return self.result.place


def faults(quiet: Quiet, number: int, seed: int) -> Iterator[Hard]:
    """``number`` faults of each kind."""
    for kind in KINDS:
        drawn = random.Random(f"{seed} hard {kind}")
        for _ in range(number if len(quiet.stretches) > 2 else 0):
            if (found := _fault(quiet, kind, drawn)) is not None:
                yield found


def _fault(quiet: Quiet, kind: str, drawn: random.Random) -> Hard | None:
    first = drawn.randrange(1, len(quiet.stretches) - 1)
    chosen = (first, first + 1)
    rest = range(max(0, first - drawn.choice(BASELINES)), first)
    spans = _thinned([span for at in chosen for span in quiet.stretches[at]], drawn.choice(TRACES), drawn)
    missing = drawn.choice(MISSING)
    is_logged = missing not in (LOGS, ALL_LOGS)
    roots = synthetic.trees(spans, quiet.logs if is_logged else {})
    effect = _Effect.drawn(roots, kind, is_logged, drawn)
    if effect is None:
        return None
    second = _Effect.drawn(roots, drawn.choice(KINDS), is_logged, drawn) if drawn.random() < 0.15 else None
    if second is not None and second.service == effect.service:
        second = None
    came_earlier = len(rest) > 3 and drawn.random() < 0.3
    window = _sums(roots, [one for one in (effect, second) if one is not None], drawn)
    if missing not in (GAUGES, ALL_GAUGES):
        loads = {one.service: one.load for one in (effect, second) if one is not None}
        for at in chosen:
            quiet.add_gauges(window, at, loads)
    baseline = []
    for number, at in enumerate(rest):
        has_logs, has_gauges = missing != ALL_LOGS, missing != ALL_GAUGES
        if came_earlier and number % 4 == 0:
            earlier = _sums(synthetic.trees(quiet.stretches[at], quiet.logs if has_logs else {}), [effect], drawn)
            if has_gauges:
                quiet.add_gauges(earlier, at, {effect.service: effect.load})
        else:
            earlier = quiet.usual(at, has_logs=has_logs, has_gauges=has_gauges)
        baseline.append(earlier)
    setting = Setting(
        kind,
        effect.service,
        effect.factor,
        len(roots),
        effect.met,
        len(rest),
        missing,
        came_earlier,
        second.service if second else "",
    )
    at_s = min(span.start_ns for span in spans) // 10**9
    result = judged(Fault(at_s, effect.service, kind), window, baseline)
    if second is not None:
        other = judged(Fault(at_s, second.service, kind), window, baseline)
        result = min(result, other, key=lambda one: one.place or math.inf)
    return Hard(setting, result._replace(about=str(setting._asdict())))


class _Effect(NamedTuple):
    """What is done to the window. ``load``: how many times busier the processor of ``service`` is."""

    kind: str
    service: str
    factor: float
    load: float
    met: int
    by_ns: int
    incident: Incident | None

    @classmethod
    def drawn(cls, roots: Sequence[Node], kind: str, is_logged: bool, drawn: random.Random) -> _Effect | None:
        factor = math.exp(drawn.uniform(math.log(MIN_FACTOR), math.log(MAX_FACTOR)))
        if kind in (EXCEPTION, RETURN):
            incident = synthetic.draw(roots, kind, drawn, MIN_REQUESTS)
            if incident is None:
                return None
            if not is_logged:
                incident = incident._replace(is_logged=False)
            met = synthetic.places(roots, MIN_REQUESTS)[incident.place]
            return cls(kind, incident.place.service, 0.0, 1.0, met, 0, incident)
        met_by: dict[str, set[bytes]] = {}
        waits: dict[str, list[int]] = {}
        for root in roots:
            for node in root.walk():
                client = node.parent
                if client is not None and client.service != node.service:
                    waits.setdefault(node.service, []).append(client.end - client.start)
                    met_by.setdefault(node.service, set()).add(root.row.trace_id)
        services = sorted(service for service, met in met_by.items() if len(met) >= MIN_REQUESTS)
        if not services:
            return None
        service = drawn.choice(services)
        load = drawn.uniform(3, 30) if kind == CONSUMED or (kind == CONTENTION and drawn.random() < 0.7) else 1.0
        by_ns = int(max(20 * synthetic.MS, (factor - 1) * statistics.median(waits[service])))
        return cls(kind, service, factor, load, len(met_by[service]), by_ns, None)

    def strike(self, roots: list[Node], drawn: random.Random) -> None:
        if self.incident is not None:
            for root in roots:
                synthetic.strike(self.incident, root, drawn)
        elif self.kind == DELAY:
            delay(roots, self.service, self.by_ns, drawn)
        else:
            contend(roots, self.service, self.factor if self.kind == CONTENTION else 1.1, drawn)


def _sums(roots: list[Node], effects: Sequence[_Effect], drawn: random.Random) -> Sums:
    for effect in effects:
        effect.strike(roots, drawn)
    struck = Buckets()
    synthetic.add(struck, roots)
    return merged(struck.values())


def _thinned(spans: list[SpanRow], traces: int, drawn: random.Random) -> list[SpanRow]:
    """The spans of so many traces; of all where ``traces`` is 0."""
    ids = sorted({span.trace_id for span in spans})
    if not traces or len(ids) <= traces:
        return spans
    kept = set(drawn.sample(ids, traces))
    return [span for span in spans if span.trace_id in kept]
