"""Which versions of a service were seen, and when: how a deployment is recognised in spans. Pure.

A version is deployed when it is seen while another one was seen before it, so the first one ever is no deployment. While a
deployment rolls out, both versions are seen: that is one deployment, of when the new version came first. A version that comes
back after :data:`GONE_MS`, in which only others were seen, is deployed again: that is a rollback. Everything goes by the times
of spans, so spans that come twice or late change nothing, but for those of a version before the first one that was known: that
one was deployed, then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

GONE_MS = 120_000
"""A version that was not seen for so long, while another one was, does not run any more."""

MAX_VERSIONS = 20
"""Versions of a service that are remembered: those that were seen last."""

MAX_DEPLOYMENTS = 10
PERIOD_MS = 3_600_000
"""More deployments of a service in an hour are counted, not reported: a version that differs by process is none."""

MAX_TEXT = 64
"""Characters of a version: what messages about deployments carry."""


class Seen(NamedTuple):
    """When a version was seen first and last, in epoch milliseconds."""

    first_ms: int
    last_ms: int

    def and_(self, other: Seen) -> Seen:
        return Seen(min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms))


class Deployment(NamedTuple):
    """That ``version`` runs from ``at_ms`` on, and ``before`` ran until then; ``back``: it had run before that, too. ``number``
    counts the deployments of the service."""

    version: str
    at_ms: int
    before: str
    back: bool
    number: int


class ServiceVersions(Struct):
    """What is known of one service; ``deployments`` holds the instants of the newest ones."""

    versions: dict[str, Seen] = {}
    deployments: list[int] = []
    count: int = 0
    suppressed: int = 0

    def take(self, seen: Mapping[str, Seen]) -> list[Deployment]:
        """Adds what was seen within about a minute; returns what was deployed in it, in order."""
        result = []
        for version, when in sorted(seen.items(), key=lambda item: item[1]):
            before, back = self._replaced(version, when)
            if before is not None:
                result += self._deployed(version, when.first_ms, before, back)
            elif (after := self._replaced_by(version, when)) is not None:
                result += self._deployed(after, self.versions[after].first_ms, version, False)
            known = self.versions.get(version)
            self.versions[version] = when if known is None else known.and_(when)
        while len(self.versions) > MAX_VERSIONS:
            del self.versions[min(self.versions, key=lambda version: self.versions[version].last_ms)]
        return result

    def _deployed(self, version: str, at_ms: int, before: str, back: bool) -> list[Deployment]:
        """The deployment, unless there are too many."""
        if sum(abs(at_ms - at) < PERIOD_MS for at in self.deployments) >= MAX_DEPLOYMENTS:
            self.suppressed += 1
            return []
        self.count += 1
        self.deployments = [*self.deployments, at_ms][-MAX_DEPLOYMENTS:]
        return [Deployment(version, at_ms, before, back, self.count)]

    def _replaced_by(self, version: str, when: Seen) -> str | None:
        """The version that was taken for the first one, where ``version`` is not known and ran shortly before it."""
        if version in self.versions or not self.versions:
            return None
        first = min(self.versions, key=lambda name: self.versions[name].first_ms)
        begun_ms = self.versions[first].first_ms
        return first if when.first_ms < begun_ms < when.last_ms + PERIOD_MS else None

    def _replaced(self, version: str, when: Seen) -> tuple[str | None, bool]:
        """The version that ``version`` takes over from, where it does, and whether it had run before."""
        known = self.versions.get(version)
        others = {name: seen for name, seen in self.versions.items() if name != version and seen.first_ms < when.first_ms}
        if known is not None:
            if when.first_ms <= known.last_ms + GONE_MS:
                return None, False
            others = {name: seen for name, seen in others.items() if seen.last_ms > known.last_ms}
        if not others:
            return None, False
        return max(others, key=lambda name: others[name].last_ms), known is not None


def encode(state: ServiceVersions) -> bytes:
    return msgspec.json.encode(state)


def decode(data: bytes | None) -> ServiceVersions:
    """The inverse of :func:`encode`; of ``None``, a service of which nothing is known."""
    return ServiceVersions() if data is None else msgspec.json.decode(data, type=ServiceVersions)


def version_text(value: object) -> str | None:
    """A ``service.version`` as it is compared and shown; ``None`` where it says nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip()[:MAX_TEXT] or None
