"""Everything that happens in the simulated application during a plan. Pure; the same plan gives the same traffic.

Each chance event has a generator of its own, named for what it decides, and is drawn for every arrival whether or not an
incident makes it moot: what an incident does not touch stays as it would have been.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.incidents import application as app
from benchmarks.incidents.affected import drift_shows
from benchmarks.incidents.arrivals import Floats, arrivals
from benchmarks.incidents.plan import CHANGED, RAMP, Incident, Plan

Rows = NDArray[np.void]
Bools = NDArray[np.bool_]

REQUESTS = np.dtype([("at", "f8"), ("service", "i8"), ("duration_ms", "f8"), ("failed", "?")])
CALLS = np.dtype([("at", "f8"), ("model", "i8"), ("duration_ms", "f8"), ("failed", "?"), ("tokens", "i8")])
LOOKUPS = np.dtype([("at", "f8"), ("hit", "?")])
TOLD = np.dtype([("at", "f8"), ("type", "i8")])
REPORTS = np.dtype([("at", "f8"), ("service", "i8"), ("cpu", "f8"), ("memory", "f8")])


@dataclass(frozen=True)
class Traffic:
    """Rows with ``at`` (seconds from the start, when it ended or was reported), sorted by it, all within the plan.

    ``service``, ``model`` and ``type`` are places in the application's tuples. ``first`` holds the first affected second of
    each of the plan's incidents.
    """

    plan: Plan
    requests: Rows
    calls: Rows
    lookups: Rows
    tracked: Rows
    reports: Rows
    first: tuple[int, ...]


def happen(plan: Plan, data: Path | None = None) -> Traffic:
    """The traffic of ``plan``; ``data``: the folder of the recorded arrivals."""
    happened = _Run(plan, data).traffic()
    if not any(incident.kind == "latency_drift" for incident in plan.incidents):
        return happened
    twin = _Run(replace(plan, incidents=()), data).traffic()

    def first(incident: Incident, known: int) -> int:
        if incident.kind != "latency_drift":
            return known
        place = app.SERVICES.index(incident.target)
        return drift_shows(incident, *(t.requests[t.requests["service"] == place] for t in (happened, twin)))

    return replace(happened, first=tuple(first(i, known) for i, known in zip(plan.incidents, happened.first, strict=True)))


class _Run:
    """The parts of one run, and the first second that each incident changes."""

    def __init__(self, plan: Plan, data: Path | None) -> None:
        self._plan = plan
        self._data = data
        self._first: dict[Incident, float] = {}

    def traffic(self) -> Traffic:
        asked = self._crowd(0, 1.0)
        viewed = self._crowd(1, app.ACCOUNTS_SHARE)
        requests, calls, lookups, tracked = self._questions(asked)
        pages, seen = self._pages(viewed)
        requests = self._without_silent(_sorted(np.concatenate([requests, pages])))
        tracked = np.concatenate([tracked, seen])
        return Traffic(
            plan=self._plan,
            requests=self._within(requests),
            calls=self._within(calls),
            lookups=self._within(lookups),
            tracked=self._within(tracked),
            reports=self._within(self._reports(requests)),
            first=tuple(int(self._first.get(incident, incident.begins)) for incident in self._plan.incidents),
        )

    def _planned(self, *kinds: str, target: str | None = None) -> list[Incident]:
        """Incidents of ``kinds``: of all targets, or of one."""
        return [i for i in self._plan.incidents if i.kind in kinds and target in (None, i.target)]

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self._plan.seed, 3, zlib.crc32(name.encode())])

    def _note(self, incident: Incident, at: Floats) -> None:
        """``at``: when what the incident touched was measured."""
        if len(at):
            self._first[incident] = min(self._first.get(incident, np.inf), float(at.min()))

    def _crowd(self, stream: int, share: float) -> _Crowd:
        """Who comes, with what a drop takes away and a surge adds."""
        times, tokens = arrivals(self._plan.seed, self._plan.seconds, stream=stream, share=share, data=self._data)
        usual = len(times)
        left = np.ones(usual, np.bool_)
        luck = self._rng(f"drop {stream}").random(usual)
        more: list[tuple[Floats, Floats]] = []
        for incident in self._planned("traffic_drop"):
            left &= ~(_during(incident, times) & (luck >= incident.magnitude))
        for number, incident in enumerate(self._planned("traffic_surge")):
            rng = self._rng(f"surge {stream} {number}")
            here = np.flatnonzero(_during(incident, times))
            copies = np.repeat(here, rng.poisson(incident.magnitude - 1.0, len(here)))
            moved = times[copies] + rng.uniform(-0.5, 0.5, len(copies))
            more.append((np.clip(moved, incident.begins, incident.ends - 1e-6), tokens[copies]))
        if more:
            times = np.concatenate([times, *(t for t, _ in more)])
            tokens = np.concatenate([tokens, *(n for _, n in more)])
            left = np.concatenate([left, np.ones(len(times) - usual, np.bool_)])
        return _Crowd(times, tokens, left, usual, self._plan.seed, stream)

    def _questions(self, crowd: _Crowd) -> tuple[Rows, Rows, Rows, Rows]:
        at = crowd.times
        searched = crowd.left.copy()
        for incident in self._planned("service_silence", target=app.SEARCH):
            searched &= ~_during(incident, at)
        embed_ms = crowd.scattered("embed", *app.EMBED_MS)
        search_ms = embed_ms + crowd.scattered("search", *app.OWN_MS[app.SEARCH])
        looked_up = at + np.where(searched, search_ms, 0.0) / 1000
        hit = self._hits(crowd, looked_up)
        model = np.where(crowd.luck("model") < app.LARGE_SHARE, app.MODELS.index(app.LARGE), app.MODELS.index(app.SMALL))
        tokens = np.minimum(crowd.tokens, app.MAX_TOKENS)
        llm_ms = self._calls(crowd, looked_up, hit, model, tokens)
        call_failed = crowd.luck("call fails") < app.CALL_FAILS
        own_ms = crowd.scattered("assistant", *app.OWN_MS[app.ASSISTANT])
        total_ms = own_ms + np.where(searched, search_ms, 0.0) + np.where(hit, app.CACHED_MS, llm_ms)
        served = self._served(app.ASSISTANT, crowd, total_ms, ~hit & call_failed)
        left, asked = crowd.left, crowd.left & ~hit
        searches = _rows(
            REQUESTS,
            at=at + search_ms / 1000,
            service=app.SERVICES.index(app.SEARCH),
            duration_ms=search_ms,
            failed=crowd.luck("search fails") < app.REQUEST_FAILS,
        )[searched]
        answered_at = looked_up + llm_ms / 1000
        calls = _rows(CALLS, at=answered_at, model=model, duration_ms=llm_ms, failed=call_failed, tokens=tokens)[asked]
        embed = app.MODELS.index(app.EMBED)
        embedded = _rows(CALLS, at=at + embed_ms / 1000, model=embed, duration_ms=embed_ms, failed=False, tokens=0)[searched]
        answered = left & ~served["failed"]
        thinks = crowd.between("thinks", *app.FEEDBACK_AFTER_S)
        judged = answered & (crowd.luck("feedback") < app.FEEDBACK_SHARE)
        tracked = [
            _rows(TOLD, at=at, type=app.QUERY)[left],
            _rows(TOLD, at=served["at"], type=app.GENERATED)[answered],
            _rows(TOLD, at=served["at"] + thinks, type=app.FEEDBACK)[judged],
        ]
        return (
            np.concatenate([served[left], searches]),
            np.concatenate([calls, embedded]),
            _rows(LOOKUPS, at=looked_up, hit=hit)[left],
            np.concatenate(tracked),
        )

    def _pages(self, crowd: _Crowd) -> tuple[Rows, Rows]:
        own_ms = crowd.scattered("page", *app.OWN_MS[app.ACCOUNTS])
        served = self._served(app.ACCOUNTS, crowd, own_ms, np.zeros(len(own_ms), np.bool_))
        seen = crowd.left.copy()
        for incident in self._planned("service_silence", target=app.ACCOUNTS):
            seen &= ~_during(incident, crowd.times)
        return served[seen], _rows(TOLD, at=crowd.times, type=app.PAGE)[seen]

    def _hits(self, crowd: _Crowd, looked_up: Floats) -> Bools:
        hit: Bools = crowd.luck("hit") < app.HIT_SHARE
        luck = crowd.luck("collapse")
        for incident in self._planned("cache_collapse"):
            lost = hit & _during(incident, looked_up) & (luck >= incident.magnitude)
            self._note(incident, looked_up[lost & crowd.left])
            hit = hit & ~lost
        return hit

    def _calls(self, crowd: _Crowd, begun: Floats, hit: Bools, model: NDArray[Any], tokens: Floats) -> Floats:
        """Milliseconds of each call to ``large`` or ``small``."""
        first = np.array([app.FIRST_TOKEN_MS.get(name, 0.0) for name in app.MODELS])[model]
        each = np.array([app.TOKEN_MS.get(name, 0.0) for name in app.MODELS])[model]
        durations: Floats = crowd.scattered("llm", 1.0, app.MODEL_SCATTER) * (first + each * tokens)
        for incident in self._planned("model_slow"):
            slow = _during(incident, begun) & (model == app.MODELS.index(incident.target))
            durations = np.where(slow, durations * incident.magnitude, durations)
            touched = slow & crowd.left & ~hit
            self._note(incident, (begun + durations / 1000)[touched])
        return durations

    def _served(self, service: str, crowd: _Crowd, usual_ms: Floats, failed: Bools) -> Rows:
        """Requests to ``service``, with what slows them down and fails them."""
        at, took = crowd.times, usual_ms
        failed = failed | (crowd.luck(f"{service} fails") < app.REQUEST_FAILS)
        for incident in self._planned("latency_step", "latency_drift", target=service):
            factor = np.where(_during(incident, at), _factor(incident, at), 1.0)
            took = took * factor
            if incident.kind == "latency_step":  # a drift shows later than in its first slow request
                self._note(incident, (at + took / 1000)[crowd.left & (factor > 1.0)])
        luck = crowd.luck(f"{service} burst")
        for incident in self._planned("error_burst", target=service):
            burst = _during(incident, at) & (luck < incident.magnitude)
            self._note(incident, (at + took / 1000)[crowd.left & burst & ~failed])
            failed = failed | burst
        place = app.SERVICES.index(service)
        return _rows(REQUESTS, at=at + took / 1000, service=place, duration_ms=took, failed=failed)

    def _without_silent(self, requests: Rows) -> Rows:
        """What was under way when a service went away is never answered."""
        for service, name in enumerate(app.SERVICES):
            for incident in self._planned("service_silence", target=name):
                requests = requests[~((requests["service"] == service) & _during(incident, requests["at"]))]
        return requests

    def _reports(self, requests: Rows) -> Rows:
        parts = []
        for service, name in enumerate(app.SERVICES):
            rng = self._rng(f"reports {name}")
            at = np.arange(rng.uniform(0, app.REPORT_EVERY_S), self._plan.seconds, app.REPORT_EVERY_S)
            wander = np.zeros(len(at))
            for i, step in enumerate(rng.normal(0, app.MEMORY_SCATTER, len(at))):
                wander[i] = app.MEMORY_STICKS * wander[i - 1] + step
            memory = app.MEMORY_BYTES[name] * np.exp(wander)
            for incident in self._planned("memory_leak", target=name):
                factor = np.where(_during(incident, at), _factor(incident, at), 1.0)
                memory = memory * factor
                self._note(incident, at[factor >= CHANGED])
            ended = requests["at"][requests["service"] == service]
            served = np.searchsorted(ended, at) - np.searchsorted(ended, at - app.REPORT_EVERY_S)
            busy = app.CPU_IDLE + served / app.REPORT_EVERY_S * app.CPU_REQUEST_S[name]
            cpu = busy * rng.lognormal(0, app.CPU_SCATTER, len(at))
            reports = _rows(REPORTS, at=at, service=service, cpu=cpu, memory=memory)
            for incident in self._planned("service_silence", target=name):
                reports = reports[~_during(incident, reports["at"])]
            parts.append(reports)
        return np.concatenate(parts)

    def _within(self, rows: Rows) -> Rows:
        return _sorted(rows[rows["at"] < self._plan.seconds])


class _Crowd:
    """Who comes: times, tokens of the answers, and who of them is ``left``; the first ``usual`` are there without incidents."""

    def __init__(self, times: Floats, tokens: Floats, left: Bools, usual: int, seed: int, stream: int) -> None:
        self.times = times
        self.tokens = tokens
        self.left = left
        self._usual = usual
        self._seed = (seed, 4, stream)

    def luck(self, name: str) -> Floats:
        """A uniform number for each, decided by ``name``; those that a surge adds change nothing for the others."""
        rng = np.random.default_rng([*self._seed, zlib.crc32(name.encode())])
        return np.concatenate([rng.random(self._usual), rng.random(len(self.times) - self._usual)])

    def between(self, name: str, low: float, high: float) -> Floats:
        return low + (high - low) * self.luck(name)

    def scattered(self, name: str, middle: float, sigma: float) -> Floats:
        """Lognormal around ``middle``, by Box and Muller's transform of two uniform numbers."""
        radius = np.sqrt(-2.0 * np.log1p(-self.luck(f"{name} radius")))
        drawn: Floats = middle * np.exp(sigma * radius * np.cos(2.0 * np.pi * self.luck(f"{name} angle")))
        return drawn


def _during(incident: Incident, at: Floats) -> Bools:
    within: Bools = (at >= incident.begins) & (at < incident.ends)
    return within


def _factor(incident: Incident, at: Floats) -> Floats:
    """By how much a latency or a leak is multiplied at ``at``, within the incident."""
    length = incident.ends - incident.begins
    ramp = {"latency_step": 0.0, "latency_drift": RAMP * length, "memory_leak": float(length)}[incident.kind]
    done = np.clip((at - incident.begins) / ramp, 0.0, 1.0) if ramp else np.ones(len(at))
    factors: Floats = 1.0 + (incident.magnitude - 1.0) * done
    return factors


def _rows(kind: np.dtype[np.void], **columns: Any) -> Rows:
    table = np.zeros(len(columns["at"]), kind)
    for name, values in columns.items():
        table[name] = values
    return table


def _sorted(rows: Rows) -> Rows:
    return rows[np.argsort(rows["at"], kind="stable")]
