"""Reports deployments that nobody announced: another ``service.version`` in the resources of a service's spans.

How this works
--------------
What the writer stored is looked at once a message, since all spans of a message have one resource. Every :data:`EVERY_S` the
versions that are new, or were not written for a while, go to the row of their service, which one replica has at a time:
:mod:`analytics.spans.service_versions` decides there what was deployed, and a change of kind ``deployment`` is published as an
insight. Dashboards mark it live, and the history of insights has it for the past; notes of people are stored elsewhere. The
row is committed after the message is out, and the message's id is that of the deployment: it is reported once.

What waits is in memory. Where this process ends before it is written, the version is found by the next spans of the service.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter, OrderedDict
from collections.abc import Mapping

from analytics.errors import DatabaseAway
from analytics.overflow import Overflows
from analytics.spans import service_versions
from analytics.spans.service_versions import Deployment, Seen, version_text
from analytics.spans.span import Resource
from analytics.storage.database import Database, Session
from drishti.bus.connection import Bus
from drishti.errors import BusRefused, BusUnavailable, DuplicateMessage
from drishti.events import ChangeInsight, encode
from drishti.messages import subjects
from drishti.messages.attributes import SERVICE_NAME, SERVICE_VERSION
from drishti.waiting import pause, until

log = logging.getLogger(__name__)

EVERY_S = 5.0

WRITTEN_MS = 30_000
"""A version that goes on is written so often."""

MAX_WAITING = 10_000
MAX_WAITING_OF_ONE = 500
"""Services' minutes that wait to be written, of all tenants and of one."""

MAX_REMEMBERED = 10_000
"""Versions of which it is remembered when they were written; of further ones it is looked up."""

MAX_SERVICES = 1_000
"""Services of a tenant whose versions are known."""

MODEL = "service-version"


class Deployments:
    """``note`` what was stored; ``run`` until ``stop``."""

    def __init__(self, bus: Bus, database: Database, overflows: Overflows) -> None:
        self._bus = bus
        self._database = database
        self._overflows = overflows
        self._waiting: dict[tuple[str, str], dict[int, dict[str, Seen]]] = {}
        self._minutes: Counter[str] = Counter()
        self._written: OrderedDict[tuple[str, str, str], int] = OrderedDict()
        self.published = 0

    def note(self, tenant: str, resource: Resource, *seconds: int) -> None:
        """That spans of ``resource`` are stored, which began in ``seconds`` of the epoch (first and last will do)."""
        version = version_text(resource.attributes.get(SERVICE_VERSION))
        if version is None or not resource.attributes.get(SERVICE_NAME):
            return
        seen = Seen(min(seconds) * 1000, max(seconds) * 1000)
        if seen.first_ms >= 0 and not self._is_written(tenant, resource.service, version, seen):
            self._wait(tenant, resource.service, version, seen)

    def _is_written(self, tenant: str, service: str, version: str, seen: Seen) -> bool:
        last_ms = self._written.get((tenant, service, version))
        return last_ms is not None and last_ms - WRITTEN_MS < seen.last_ms < last_ms + WRITTEN_MS

    def _wait(self, tenant: str, service: str, version: str, seen: Seen) -> None:
        minute = seen.first_ms // 60_000
        minutes = self._waiting.get((tenant, service), {})
        if minute not in minutes:
            if self._minutes[tenant] >= MAX_WAITING_OF_ONE or self._minutes.total() >= MAX_WAITING:
                self._overflows.note("deployments", 1, tenant=tenant)
                return
            self._minutes[tenant] += 1
        versions = self._waiting.setdefault((tenant, service), minutes).setdefault(minute, {})
        known = versions.get(version)
        if known is None and len(versions) >= service_versions.MAX_VERSIONS:
            self._overflows.note("deployments", 1, tenant=tenant)
            return
        versions[version] = seen if known is None else known.and_(seen)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, EVERY_S)
            if not self._waiting:
                continue
            try:
                session = await until(stop, self._database.wait_connection(name="deployments"))
                if session is None:
                    return
                async with session:
                    await self._write_all(session, stop)
            except (DatabaseAway, BusUnavailable, BusRefused, TimeoutError) as error:
                log.warning("deployments are looked for another time", extra={"reason": str(error)})

    async def _write_all(self, session: Session, stop: asyncio.Event) -> None:
        """All that waits; what could not be written waits on."""
        for key in list(self._waiting):
            if stop.is_set():
                return
            minutes = self._waiting.pop(key)
            self._minutes[key[0]] -= len(minutes)
            if not self._minutes[key[0]]:
                del self._minutes[key[0]]
            try:
                await self._write(session, *key, minutes)
            except BaseException:
                for versions in minutes.values():
                    for version, seen in versions.items():
                        self._wait(*key, version, seen)
                raise

    async def _write(self, session: Session, tenant: str, service: str, minutes: Mapping[int, Mapping[str, Seen]]) -> None:
        async with session.transaction():
            rows = await session.fetch("lock_service_versions", tenant, service)
            if not rows:
                await session.execute("know_service", tenant, service, MAX_SERVICES)
                rows = await session.fetch("lock_service_versions", tenant, service)
            if rows:
                known = service_versions.decode(rows[0]["data"])
                beyond = known.suppressed
                for minute in sorted(minutes):
                    for deployment in known.take(minutes[minute]):
                        await self._publish(tenant, service, deployment)
                await session.execute("put_service_versions", tenant, service, service_versions.encode(known))
                beyond = known.suppressed - beyond
            else:
                beyond = 1
        self._overflows.note("deployments", beyond, tenant=tenant)
        for versions in minutes.values():
            for version, seen in versions.items():
                self._remember((tenant, service, version), seen.last_ms)

    def _remember(self, key: tuple[str, str, str], last_ms: int) -> None:
        self._written[key] = max(self._written.pop(key, 0), last_ms)
        if len(self._written) > MAX_REMEMBERED:
            self._written.popitem(last=False)

    async def _publish(self, tenant: str, service: str, deployment: Deployment) -> None:
        insight = in_words(tenant, service, deployment)
        try:
            await self._bus.publish(subjects.insights(tenant, ChangeInsight.kind), encode(insight), msg_id=insight.insight_id)
        except DuplicateMessage:
            return  # it went out, and the transaction of then did not end
        self.published += 1


def in_words(tenant: str, service: str, deployment: Deployment) -> ChangeInsight:
    """The insight that reports a deployment."""
    about = f"deployment\0{tenant}\0{service}\0{deployment.number}\0{deployment.version}"
    verb = "is back at" if deployment.back else "runs"
    return ChangeInsight(
        insight_id=hashlib.blake2b(about.encode(), digest_size=16).hexdigest(),
        tenant=tenant,
        at=deployment.at_ms,
        model=MODEL,
        severity="info",
        message=f"{service} {verb} version {deployment.version}; before: {deployment.before}",
        services=[service],
        change="deployment",
        version=deployment.version,
    )
