"""What became of every row: used, missing, dropped or merged; and when so many are lost that the file is refused.

A file is refused before anything is written. Of a stream, rows were answered by then: each row is reported at once (the first
few of each sort), and the exit status says at the end what a refusal would have said.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from predictor.errors import UnreadableInput

SHARE = 0.1
"""Of the rows, how many may be lost, unless ``--unusable`` says otherwise."""

TOLD = 3
"""Rows with one kind of fault that are reported one by one; the others are counted."""

STRETCH = 3
"""Rows in succession that cannot be read, which are an event rather than noise."""

UNREADABLE = "unreadable"
"""Values that are there but cannot be read; they count as missing."""

SUMMARY, REPEATED = "summary lines", "exact repetitions"
FREE = (SUMMARY, REPEATED)
"""Rows that are dropped and cost nothing."""

FAR = 0.5
"""Of the range of all values used, how far outside of it a value lies that must not be dropped because of its time."""


@dataclass
class _Series:
    """What is counted by series: rows, those lost, how many of them in succession, and the range of the values used."""

    read: int = 0
    lost: int = 0
    newest: int = 0
    stretch: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    fault: str = ""


class Account:
    """``share`` is the option ``--unusable``: ``None`` has the default, and rows that may hold the peak
    but cannot be read refused, too.

    ``live``: what is wrong is reported at once; else when the account is closed.
    """

    def __init__(self, share: float | None = None, *, live: bool = False, out: TextIO | None = None) -> None:
        self._share = share
        self._live = live
        self._out = out if out is not None else sys.stderr
        self._faults: Counter[str] = Counter()
        self._reported: list[str] = []
        self._said: list[str] = []
        self._beyond: list[tuple[str, tuple[float, ...], float, _Series]] = []
        self._grave: str | None = None
        self._series: defaultdict[Sequence[str], _Series] = defaultdict(_Series)
        self.read = self.used = self.empty = self.unreadable = self.merged = 0
        self.dropped: Counter[str] = Counter()
        self.how = ""

    def say(self, what: str) -> None:
        """A remark, for standard error."""
        if self._live:
            self._out.write(f"{what}\n")
        else:
            self._said.append(what)

    def take(self, key: Sequence[str] = ()) -> None:
        """A row of the series ``key`` was read."""
        self.read += 1
        self._series[key].read += 1

    def use(self, value: float, key: Sequence[str] = ()) -> None:
        """A row whose value is used."""
        self.used += 1
        series = self._series[key]
        series.lowest, series.highest = min(series.lowest, value), max(series.highest, value)

    def miss(self) -> None:
        """A row that says itself that it has no value."""
        self.empty += 1

    def fail(
        self,
        line: int,
        sort: str,
        why: str,
        near: tuple[float, ...] = (),
        *,
        grave: bool = False,
        known: bool = False,
        key: Sequence[str] = (),
    ) -> None:
        """A row that is lost: dropped because of ``sort``, or missing where that is :data:`UNREADABLE`.

        ``near`` are values that it may have; ``grave``: it shows that the others may be misread. ``key`` names the series.
        ``known``: the value was read, so that a few such rows in succession hide nothing unless one is :data:`FAR` out.
        """
        if sort == UNREADABLE:
            self.unreadable += 1
        else:
            self.dropped[sort] += 1
        said, series = f"line {line}: {why}", self._series[key]
        if sort not in FREE:
            series.lost += 1
            series.fault = series.fault or said
        if near and len(self._beyond) < 10_000:
            self._beyond.append((said, near, FAR if known else 0.0, series))
        if grave:
            self.doubt(said)
        if (near and not known) or sort == UNREADABLE:
            series.stretch = series.stretch + 1 if series.newest == series.read - 1 else 1
            series.newest = series.read
            if series.stretch == STRETCH:
                self.doubt(f"{said}, as are the rows before it: they may hold the peak")
        self._faults[sort] += 1
        if self._faults[sort] <= TOLD:
            self.say(said)
            self._reported.append(said)

    def doubt(self, said: str) -> None:
        """Something for which what was read must not be called read; the first one counts."""
        self._grave = self._grave or said

    def merge(self, rows: int, how: str) -> None:
        """``rows`` that were used became part of other rows, or gave way to them."""
        self.used -= rows
        self.merged += rows
        self.how = how

    def drop(self, sort: str, rows: int) -> None:
        """``rows`` that were used are dropped after all."""
        self.used -= rows
        self.dropped[sort] += rows

    @property
    def lost(self) -> int:
        """Rows that are of no use, and say not themselves that they are."""
        return self.unreadable + sum(count for sort, count in self.dropped.items() if sort not in FREE)

    def refusal(self) -> str | None:
        """Why what was read must not be called read; ``None``: it may."""
        first = "; ".join(self._reported[:TOLD])
        first = f": {first}" if first else ""
        if not self.read:
            return "there is no row in it after the header"
        if not self.used and not self.merged:
            return f"none of its rows has a value that can be used ({self.read} read){first}"
        share = SHARE if self._share is None else self._share
        if self.lost > share * self.read:
            return (
                f"{self.lost} of {self.read} rows ({self.lost / self.read:.0%}) cannot be used, more than {share:.0%}{first} "
                f"(--unusable {math.ceil(100 * self.lost / self.read)}% goes on without them)"
            )
        if self._share is not None:
            return None
        if self._grave is not None:
            return f"{self._grave} (--unusable {share:.0%} goes on without such rows)"
        for said, near, far, series in self._beyond:
            slack = far * (series.highest - series.lowest) if series.lowest <= series.highest else 0.0
            if any(not series.lowest - slack <= value <= series.highest + slack for value in near):
                return f"{said}: that may be the highest or lowest value of all (--unusable {share:.0%} goes on without it)"
        for key, series in self._series.items():
            if series.lost > max(share * series.read, STRETCH - 1):
                return (
                    f"series {' '.join(key)}: {series.lost} of {series.read} rows cannot be used, more than {share:.0%}: "
                    f"{series.fault} "
                    f"(--unusable {share:.0%} goes on without them)"
                )
        return None

    def refuse(self) -> None:
        """Raises :class:`UnreadableInput` where there is a :meth:`refusal`."""
        why = self.refusal()
        if why is not None:
            raise UnreadableInput(why)

    def close(self, comments: int = 0) -> None:
        """Writes what was not yet said, and the sum."""
        for said in self._said:
            self._out.write(f"{said}\n")
        for sort, count in self._faults.items():
            if count > TOLD:
                self._out.write(f"{count} rows were lost in all: {sort}\n")
        self._said = []
        self._out.write(self.sum(comments) + "\n")

    def sum(self, comments: int = 0) -> str:
        """One line; read is used + missing + dropped + merged."""
        missing = f" ({self.empty} empty, {self.unreadable} unreadable)" if self.unreadable else ""
        dropped = ", ".join(f"{count} {sort}" for sort, count in self.dropped.items())
        return (
            f"rows: {self.read} read = {self.used} used + {self.empty + self.unreadable} missing{missing} + "
            f"{self.dropped.total()} dropped{f' ({dropped})' if dropped else ''} + {self.merged} merged"
            f"{f' ({self.how})' if self.merged else ''}" + (f"; besides, {comments} lines that are no rows" if comments else "")
        )
