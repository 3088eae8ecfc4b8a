"""Which incidents happen when, to whom and how severely: all of it from a seed. Pure.

Every kind's severity is drawn between what somebody would call an incident and what nobody could miss (:data:`SEVERITY`);
what the number means stands in :data:`MEANING`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.incidents.application import ACCOUNTS, ASSISTANT, EMBED, LARGE, SEARCH, SERVICES, SMALL
from benchmarks.incidents.truth import Direction, Series, Truth

STEP_S, SLOW_S = 45, 90
"""How long an incident lasts; those that come slowly get more time."""

RAMP = 2 / 3
CHANGED = 1.5
"""From that many times the base on, a drift or a leak is one that somebody would call a change."""

JITTER_S = 15
"""Incidents begin at no regular distance."""

SEVERITY: dict[str, tuple[float, float]] = {
    "latency_step": (3.0, 6.0),
    "latency_drift": (3.0, 6.0),
    "error_burst": (0.25, 0.6),
    "traffic_drop": (0.05, 0.2),
    "traffic_surge": (3.0, 6.0),
    "service_silence": (0.0, 0.0),
    "model_slow": (3.0, 6.0),
    "cache_collapse": (0.0, 0.1),
    "memory_leak": (3.0, 6.0),
}
KINDS = tuple(SEVERITY)

MEANING = {
    "latency_step": "requests to one service take so many times as long",
    "latency_drift": "the same, reached evenly over the first two thirds of the incident",
    "error_burst": "that share of one service's requests fails",
    "traffic_drop": "that share of the users' requests is left",
    "traffic_surge": "so many times as many users' requests come",
    "service_silence": "one service is gone, answers nothing and reports nothing",
    "model_slow": "calls to one model take so many times as long",
    "cache_collapse": "that share of the look-ups that would have hit still does",
    "memory_leak": "one service's memory grows evenly to so many times its size, then it starts anew",
}

TARGETS: dict[str, tuple[str, ...]] = {
    "latency_step": (ASSISTANT, ACCOUNTS),
    "latency_drift": (ASSISTANT, ACCOUNTS),
    "error_burst": (ASSISTANT, ACCOUNTS),
    "service_silence": (SEARCH, ACCOUNTS),
    "model_slow": (LARGE, SMALL),
    "memory_leak": SERVICES,
}
"""Who may be hit; the other kinds hit everybody."""


@dataclass(frozen=True)
class Incident:
    """``[begins, ends)`` in whole seconds from the start of the run."""

    kind: str
    target: str
    magnitude: float
    begins: int
    ends: int


@dataclass(frozen=True)
class Plan:
    """A run of ``seconds``; ``seed`` also decides the traffic."""

    seed: int
    seconds: int
    incidents: tuple[Incident, ...]


def draw(
    seed: int, *, kinds: Sequence[str] = KINDS, repeat: int = 1, warm_up_s: int = 330, quiet_s: int = 105, calm_s: int = 0
) -> Plan:
    """``repeat`` incidents of each of ``kinds`` in an order that the seed decides.

    They begin after ``warm_up_s``, each is followed by ``quiet_s`` without any, and ``calm_s`` without any end the run.
    """
    if unknown := [kind for kind in kinds if kind not in SEVERITY]:
        raise ValueError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation([kind for kind in kinds for _ in range(repeat)]).tolist()
    incidents = []
    at = warm_up_s
    for kind in order:
        at += int(rng.integers(0, JITTER_S + 1))
        ends = at + (SLOW_S if kind in ("latency_drift", "memory_leak") else STEP_S)
        low, high = SEVERITY[kind]
        target = str(rng.choice(TARGETS[kind])) if kind in TARGETS else ""
        incidents.append(Incident(kind, target, round(float(rng.uniform(low, high)), 3), at, ends))
        at = ends + quiet_s
    return Plan(seed, at + calm_s, tuple(incidents))


def truths(plan: Plan, first: Sequence[int], start: int) -> list[Truth]:
    """What is known of the plan's incidents; ``first``: the first affected second of each, ``start``: the run's, since 1970."""
    return [
        Truth(
            seed=plan.seed,
            kind=incident.kind,
            target=incident.target,
            magnitude=incident.magnitude,
            begins=start + incident.begins,
            first_affected=start + affected,
            ends=start + incident.ends,
            series=concerned(incident),
        )
        for incident, affected in zip(plan.incidents, first, strict=True)
    ]


def concerned(incident: Incident) -> tuple[Series, ...]:
    """The series whose alarm counts as having found ``incident``, with the direction that it must have."""
    target = incident.target
    match incident.kind:
        case "latency_step" | "latency_drift":
            return _durations("request_duration_ms", "service", target)
        case "error_burst":
            return _with_total("requests", "error_rate", "service", target, "up")
        case "traffic_drop":
            return _rates("down")
        case "traffic_surge":
            return _rates("up")
        case "service_silence":
            # the total hardly moves; without search nothing is embedded
            lost = [Series("requests", "rate", {"service": target}, "down")]
            return (*lost, *([Series("llm_requests", "rate", {"model": EMBED}, "down")] if target == SEARCH else []))
        case "model_slow":
            caller = _durations("request_duration_ms", "service", ASSISTANT)
            pace = _with_total("llm_time_per_output_token_ms", "avg", "model", target, "up")
            return (*_durations("llm_duration_ms", "model", target), *pace, *caller)
        case "cache_collapse":
            return (Series("cache_requests", "hit_rate", {}, "down"),)
        case "memory_leak":
            return _with_total("memory_usage_bytes", "avg", "service", target, "up")
    raise ValueError(incident.kind)


def _with_total(metric: str, field: str, label: str, value: str, direction: Direction) -> tuple[Series, ...]:
    return Series(metric, field, {label: value}, direction), Series(metric, field, {}, direction)


def _durations(metric: str, label: str, value: str) -> tuple[Series, ...]:
    return tuple(s for field in ("avg", "p95") for s in _with_total(metric, field, label, value, "up"))


def _rates(direction: Direction) -> tuple[Series, ...]:
    """Everything that follows the number of users."""
    labels: dict[str, tuple[str, tuple[str, ...]]] = {
        "requests": ("service", SERVICES),
        "llm_requests": ("model", (LARGE, SMALL, EMBED)),
        "events": ("event_type", ("dharma_query", "wisdom_generated", "page_view", "llm_call", "cache_access", "feedback")),
    }
    expected = [Series(metric, "rate", {}, direction) for metric in labels]
    expected += [Series(m, "rate", {name: value}, direction) for m, (name, values) in labels.items() for value in values]
    return tuple(expected)
