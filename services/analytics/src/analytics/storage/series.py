"""Ids of series, and which series have rows of their own: kept in PostgreSQL for all writers, and remembered here.

How this works
--------------
A transaction of its own, on a connection of its own, gives ids to the series of a batch before their rows are written, and
admits those that are new to their metric's hour (:mod:`analytics.rollup.admission`). It holds its locks for some milliseconds,
while the writer's transaction may take a second; what it has committed is true whatever becomes of the batch: a series that is
admitted and has no rows yet gets them when the batch is redelivered.

An hour that is remembered here has all its series of the last look. A series that is not among them is looked for once more
before it counts as ``other``, so that one that another replica has admitted meanwhile has its own rows here, too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from analytics.rollup.admission import HOUR_S, Admitted, needs_room, other, room
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Labels, Series
from analytics.storage import rows
from analytics.storage.database import Database, Session

MAX_REMEMBERED = 120_000
"""Series of hours that are remembered, some 45 MB at most; beyond, the hours longest unused are read again when needed."""

MAX_METRICS = 50_000


class Admission(NamedTuple):
    """The cells of a batch with the series that they count for, and how many observations went to ``other``."""

    cells: list[Admitted]
    overflowed: int = 0


class _Hour(NamedTuple):
    """One metric of one tenant in one hour, counted from 1970."""

    tenant: str
    metric: str
    hour: int

    @property
    def starts(self) -> datetime:
        return datetime.fromtimestamp(self.hour * HOUR_S, UTC)


class _Known:
    """What is known of an hour: the id of each series with rows of its own, and that of ``other`` where it was needed."""

    __slots__ = ("admitted", "ids", "used")

    def __init__(self) -> None:
        self.ids: dict[Labels, int] = {}
        self.admitted: set[int] = set()
        self.used = True


Wanted = dict[_Hour, dict[Labels, None]]


class SeriesIds:
    """One batch at a time. ``limit_of`` a tenant and a metric: the series that it may have in an hour."""

    def __init__(self, database: Database, *, limit_of: Callable[[str, str], int]) -> None:
        self._database = database
        self._limit_of = limit_of
        self._session: Session | None = None
        self._metrics: dict[tuple[str, str], int] = {}
        self._hours: OrderedDict[_Hour, _Known] = OrderedDict()
        self._size = 0

    def metric(self, tenant: str, metric: str) -> int:
        """The id of a metric of which series were admitted."""
        return self._metrics[tenant, metric]

    async def admit(self, cells: Mapping[Series, Cell]) -> Admission:
        """Every cell with its series; raises :class:`DatabaseAway` and :class:`Unstorable`."""
        admission = Admission([])
        missing: list[tuple[_Hour, Series, Cell]] = []
        hours = self._hours
        admitted = admission.cells
        for series, cell in cells.items():
            tenant, metric, labels, second = series
            known = hours.get((tenant, metric, second // HOUR_S))  # type: ignore[call-overload]  # as good as an _Hour
            found = None if known is None else known.ids.get(labels)
            if found is None:
                missing.append((_Hour(tenant, metric, second // HOUR_S), series, cell))
            else:
                known.used = True
                admitted.append(Admitted(series, found, cell))
        if not missing:
            return admission
        wanted: Wanted = {}
        for hour, series, _ in missing:
            wanted.setdefault(hour, {})[series.labels] = None
        found_ids = await self._resolve(wanted)
        overflowed = 0
        for hour, series, cell in missing:
            ids = found_ids[hour]
            own = ids.get(series.labels)
            if own is None:
                overflowed += cell.count
            admission.cells.append(Admitted(series, ids[other(series.labels)] if own is None else own, cell))
        self._limit_memory(wanted)
        return admission._replace(overflowed=overflowed)

    def forget_quiet(self) -> None:
        """Forgets the hours that no batch has needed since the last call."""
        for hour in [hour for hour, known in self._hours.items() if not known.used]:
            self._size -= len(self._hours.pop(hour).ids)
        for known in self._hours.values():
            known.used = False

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _resolve(self, wanted: Wanted) -> dict[_Hour, Mapping[Labels, int]]:
        """The ids of what is wanted: of those that are admitted, and of ``other`` where some are not."""
        session = self._session
        if session is None or session.is_closed:
            session = self._session = await self._database.connect(name="series", generic=True)
        try:
            await self._read_metrics(session, wanted)
            begun = await self._read(session, list(wanted), "admissions")
            undecided = {
                hour: labels for hour, labels in wanted.items() if hour not in begun or self._undecided(hour, list(labels))
            }
            if undecided:
                await self._decide(session, undecided)
        except BaseException:
            self._session = None
            session.terminate()
            raise
        return {hour: self._hours[hour].ids for hour in wanted}

    async def _read_metrics(self, session: Session, hours: Iterable[_Hour]) -> None:
        """Makes the ids of all metrics known."""
        if len(self._metrics) > MAX_METRICS:
            used = {(hour.tenant, hour.metric) for hour in self._hours}
            self._metrics = {metric: found for metric, found in self._metrics.items() if metric in used}
        unknown = sorted({(hour.tenant, hour.metric) for hour in hours} - self._metrics.keys())
        for _ in range(2):
            if not unknown:
                return
            columns = [tenant for tenant, _ in unknown], [metric for _, metric in unknown]
            for record in await session.fetch("metric_ids", *columns):
                self._metrics[unknown[record["place"] - 1]] = record["id"]
            unknown = [metric for metric in unknown if metric not in self._metrics]
            if unknown:
                await session.execute("add_metric_ids", [tenant for tenant, _ in unknown], [metric for _, metric in unknown])

    def _undecided(self, hour: _Hour, labels: Iterable[Labels]) -> bool:
        """Whether there are series without an id that may get one."""
        known = self._hours[hour]
        unknown = [one for one in labels if one not in known.ids]
        new = sum(map(needs_room, unknown))
        limit = self._limit_of(hour.tenant, hour.metric)
        left = room(limit, len(known.admitted), new)
        return left > 0 or new < len(unknown) or any(other(one) not in known.ids for one in unknown)

    async def _read(self, session: Session, hours: list[_Hour], statement: str) -> set[_Hour]:
        """Takes the admissions of ``hours`` as they are; returns those that have begun."""
        metrics = [self._metrics[hour.tenant, hour.metric] for hour in hours]
        records = await session.fetch(statement, metrics, [hour.starts for hour in hours])
        new: dict[int, list[_Hour]] = {}
        begun: set[_Hour] = set()
        for record in records:
            hour = hours[record["place"] - 1]
            begun.add(hour)
            known = self._hours.setdefault(hour, _Known())
            for series in record["ids"]:
                if series not in known.admitted:
                    new.setdefault(series, []).append(hour)
        if new:
            for record in await session.fetch("series_labels", list(new)):
                for hour in new[record["id"]]:
                    self._remember(hour, rows.labels_of(hour.metric, record["labels"]), record["id"], admitted=True)
        return begun

    async def _decide(self, session: Session, undecided: Wanted) -> None:
        """Admits what there is room for, and makes the ids of that and of ``other``."""
        hours = sorted(undecided)
        async with session.transaction():
            await self._read(session, hours, "lock_admissions")
            named: list[tuple[_Hour, Labels]] = []
            admitted: list[tuple[_Hour, Labels]] = []
            for hour in hours:
                known = self._hours[hour]
                unknown = [labels for labels in undecided[hour] if labels not in known.ids]
                new = [labels for labels in unknown if needs_room(labels)]
                left = room(self._limit_of(hour.tenant, hour.metric), len(known.admitted), len(new))
                admitted += [(hour, labels) for labels in new[:left]]
                named += [(hour, labels) for labels in unknown if not needs_room(labels)]
                named += [(hour, labels) for labels in {other(labels) for labels in new[left:]} if labels not in known.ids]
            named = list(dict.fromkeys(named))
            wanted = admitted + named
            metrics = [self._metrics[hour.tenant, hour.metric] for hour, _ in wanted]
            texts = [rows.label_text(hour.metric, labels) for hour, labels in wanted]
            ids = [0] * len(wanted)
            for record in await session.fetch("series_ids", metrics, texts):
                ids[record["place"] - 1] = record["id"]
            if admitted:
                starts = [hour.starts for hour, _ in admitted]
                await session.execute("add_admissions", metrics[: len(admitted)], starts, ids[: len(admitted)])
        for place, (hour, labels) in enumerate(wanted):
            self._remember(hour, labels, ids[place], admitted=place < len(admitted))

    def _remember(self, hour: _Hour, labels: Labels, series: int, *, admitted: bool) -> None:
        known = self._hours[hour]
        self._size += labels not in known.ids
        known.ids[labels] = series
        if admitted:
            known.admitted.add(series)

    def _limit_memory(self, used: Iterable[_Hour]) -> None:
        for hour in used:
            self._hours[hour].used = True
            self._hours.move_to_end(hour)
        while self._size > MAX_REMEMBERED and len(self._hours) > 1:
            self._size -= len(self._hours.popitem(last=False)[1].ids)
