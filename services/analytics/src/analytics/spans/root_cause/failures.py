"""Failures of traces, whichever service they are in: how usual they are, and whom they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analytics.spans.root_cause.sums import Passed, Sums
from analytics.spans.root_cause.transitions import Transition, is_failure
from analytics.spans.root_cause.trimming import usual_rate

SERVICE = "<service>"
_NAME = re.compile(r"[a-z0-9_-]+")


class Failures:
    """The kinds of failure of two stretches of time. A kind is what a failure says without the names of services."""

    def __init__(self, window: Sums, usual: Sequence[Sums]) -> None:
        self._services = {origin[0] for sums in (window, *usual) for origin, _ in sums.transitions}
        self._kinds: dict[str, tuple[str, str]] = {}
        counts, traces = self._counts(window)
        minutes = [self._counts(minute) for minute in usual if minute.sequences]
        self._news = {}
        for kind, count in counts.items():
            before, of_before = usual_rate([(found.get(kind, 0), of) for found, of in minutes])
            self._news[kind] = max(0.0, 1 - before * traces / (of_before * count)) if of_before else 1.0

    def news(self, passed: Passed) -> float:
        """Which share of the trace's first failure is new: 0 where as many traces failed like that before, 1 where none did,
        and where it did not fail."""
        kind = self._first(passed)
        return 1.0 if kind is None else self._news.get(kind, 1.0)

    def accused(self, transition: Transition) -> str:
        """The service that a transition speaks against: the one that its failure names, otherwise its own."""
        service = transition[0][0]
        return self._named(transition[1], service) if is_failure(transition) else service

    def _counts(self, sums: Sums) -> tuple[dict[str, int], int]:
        """How many traces failed first in each way, and of how many."""
        sequences = sums.sampled().values()
        counts: dict[str, int] = {}
        for passed in sequences:
            if (kind := self._first(passed)) is not None:
                counts[kind] = counts.get(kind, 0) + 1
        return counts, len(sequences)

    def _first(self, passed: Passed) -> str | None:
        for transition in passed:
            if is_failure(transition):
                return self._read(transition[1])[0]
        return None

    def _named(self, said: str, service: str) -> str:
        named = self._read(said)[1]
        return named if named and named != service else service

    def _read(self, said: str) -> tuple[str, str]:
        """The kind of a failure, and the only service that it names."""
        known = self._kinds.get(said)
        if known is None:
            names = [name for name in dict.fromkeys(_NAME.findall(said.lower())) if name in self._services]
            kind = said
            for name in names:
                kind = kind.replace(name, SERVICE)
            known = self._kinds[said] = kind, names[0] if len(names) == 1 else ""
        return known
