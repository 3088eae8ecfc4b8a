"""The series of one metric, which come in the same messages and are judged together. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from predictor.series.ring import Ints
from predictor.series.watch import Watch


@dataclass
class Group:
    """The series that come in the same messages: those of one metric of one tenant."""

    watches: tuple[Watch, ...] = ()
    """How they are judged."""
    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    judged: int = 0
    minute: int = 0

    @property
    def watched(self) -> bool:
        """Whether anomalies are looked for, or only forecasts made."""
        return any(watch.watched for watch in self.watches)


class Groups:
    """One :class:`Group` for each metric of a tenant that came by. ``rows`` are those of the table of series."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Group] = {}

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Tenant and metric of each; more may be added meanwhile."""
        return iter(list(self._groups))

    def __getitem__(self, metric: tuple[str, str]) -> Group:
        return self._groups[metric]

    def add(self, tenant: str, metric: str, watches: tuple[Watch, ...]) -> Group:
        """The group of this metric, which is a new one, judged as ``watches`` say, where there was none."""
        group = self._groups.get((tenant, metric))
        if group is None:
            group = self._groups[tenant, metric] = Group(watches)
        return group

    def restore(self, groups: dict[tuple[str, str], Group]) -> None:
        """Takes these in place of all."""
        self._groups = groups

    def take_away(self, row: int) -> None:
        """``row`` is no series of any of them any more."""
        for group in self._groups.values():
            group.rows = group.rows[group.rows != row]

    def judged_until(self) -> int:
        """The latest second that was judged of any metric; 0 before the first."""
        return max((group.judged for group in self._groups.values()), default=0)
