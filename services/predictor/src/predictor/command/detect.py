"""``detect``: one row in, one row out.

A file is read whole and refused before anything is written; a pipe is answered row by row, each with what the rows before it
show, and what would have been refused ends with status 1.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from predictor import plugins
from predictor.command import INTERRUPTED
from predictor.command.input import keys
from predictor.command.input.account import REPEATED, Account
from predictor.command.input.columns import Reading
from predictor.command.input.files import cell, named, opened, streamed
from predictor.command.input.rows import Reader, Row, by_key, named_series, read_file, read_stream
from predictor.command.options import reading_of
from predictor.command.results.digits import rounding, written
from predictor.command.results.judged import Judged, Reason
from predictor.command.results.progress import Progress
from predictor.command.times.clock import Clock
from predictor.command.times.merging import merged
from predictor.detectors.interface import Anomaly, Detector, Explaining, Ground, Verdicts
from predictor.errors import UnreadableInput
from predictor.series.ring import Ints

HEADER = "timestamp,value,anomaly_score,is_anomaly"
DETAILS = ",kind,direction,expected,lower95,upper95,confidence,state,statistic,observed"

DIGITS = 6
"""Fewest digits of what was expected."""

MOST_DRAWN = 100_000
"""Rows of one page: some 30 MB, which browsers still move about."""

SILENT = ("count", "gap")
"""The statistics of a silence."""

NOT_LATER = "not later than the rows before"

Placed = tuple[Row, float | None]
"""A row, and the time that counts for it; ``None``: it has no place."""


class Judge:
    """Every series under one detector, row by row."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._places: dict[tuple[str, ...], Ints] = {}
        self._lost: set[tuple[str, ...]] = set()

    def take(self, row: Row, at: float | None) -> Judged:
        """Judges the newest row, which has its place at the time ``at`` (``None``: it has none), and learns it.

        A row that cannot be read is no silence: it teaches nothing, and a gap that it leaves is not one.
        """
        if row.lost:
            self._lost.add(row.key)
        if at is None or row.lost:
            return Judged()
        place = self._places.get(row.key)
        if place is None:
            place = self._places[row.key] = np.array([len(self._places)], np.int64)
            self._detector.reserve(len(self._places))
        verdict = self._detector.update(place, np.array([at]), np.array([row.value]))
        lost = row.key in self._lost
        if lost and not math.isnan(row.value):
            self._lost.remove(row.key)
        if lost and verdict.kind[0] == Anomaly.SILENCE:
            return Judged(learning=bool(verdict.learning[0]))
        kind, direction = Anomaly(int(verdict.kind[0])), int(verdict.direction[0])
        reason = self._reason(int(place[0]), row.value, verdict) if verdict.alarm[0] else None
        if reason is not None:
            direction = reason.side
            if kind in (Anomaly.SPIKE, Anomaly.DROP) or (kind is Anomaly.SILENCE and reason.statistic not in SILENT):
                kind = Anomaly.SPIKE if direction > 0 else Anomaly.DROP
        return Judged(
            score=float(verdict.score[0]),
            alarm=bool(verdict.alarm[0]),
            kind=kind,
            direction=direction,
            expected=float(verdict.expected[0]),
            lower=float(verdict.lower[0]),
            upper=float(verdict.upper[0]),
            confidence=float(verdict.confidence[0]),
            learning=bool(verdict.learning[0]),
            reason=reason,
        )

    def _reason(self, place: int, value: float, verdict: Verdicts) -> Reason | None:
        """What the alarm at ``place`` is for: the strongest of the detector's grounds on the side that the verdict names,
        or else the strongest; of a detector that gives none, the band of its verdict."""
        grounds = self._detector.grounds(place) if isinstance(self._detector, Explaining) else ()
        if not grounds:
            lower, upper, expected = (float(part[0]) for part in (verdict.lower, verdict.upper, verdict.expected))
            grounds = [Ground("step", lower, upper, expected=expected)]
        reasons = [reason for ground in grounds if (reason := _outside(ground, value)) is not None]
        scattered = verdict.kind[0] == Anomaly.VARIANCE
        fitting = [reason for reason in reasons if (reason.statistic == "scatter") == scattered] or reasons
        on_side = [reason for reason in fitting if reason.side == verdict.direction[0]]
        return next(iter((fitting if scattered else on_side) or fitting), None)


def _outside(ground: Ground, value: float) -> Reason | None:
    """The reason that ``ground`` is, of a row with that ``value``; ``None`` where what was observed is not outside of it."""
    own = ground.of_value and not ground.smoothed
    observed = value if own else ground.observed
    side = int(observed - ground.upper > rounding(ground.upper)) - int(ground.lower - observed > rounding(ground.lower))
    if not side:
        return None
    name = "value" if own else "mean" if ground.smoothed else ground.statistic
    middle = 0.5 * (ground.lower + ground.upper) if math.isnan(ground.expected) else ground.expected
    return Reason(name, observed, middle, ground.lower, ground.upper, side)


def run(options: argparse.Namespace) -> int:
    plugins.detector(options.detector)  # an unknown one is refused before anything is read
    reading = reading_of(options)
    if options.plot and reading.keys:
        raise UnreadableInput("--plot draws one series: leave out --by, or split the file")
    live = streamed(options.file)
    account = Account(reading.unusable, live=live)
    drawn: deque[tuple[Row, Judged]] = deque(maxlen=MOST_DRAWN if options.plot else 0)
    interrupted = False
    with opened(options.file) as file:
        if live:
            reader, rows = read_stream(file, reading, account)
            placed = _place(reader, merged(rows, reading.merge, account), account)
        else:
            progress = Progress("rows read")
            reader, read = read_file(file, reading, account, progress.step)
            progress.close()
            placed = iter(_check(reader, read, reading, account))
        try:
            _score(placed, [reader.table.header[column] for column in reader.columns.by], options, drawn)
        except KeyboardInterrupt:  # how the reading of a stream ends: what was seen of it is drawn all the same
            interrupted = True
    for remark in reader.numbers.remarks():
        account.say(remark)
    if options.plot:
        from predictor.command.results import plot

        if len(drawn) == MOST_DRAWN:
            account.say(f"{options.plot} shows the newest {MOST_DRAWN:,} rows")
        plot.anomalies(options.plot, options.file, drawn)
    account.close(reader.table.comments)
    if interrupted:
        return INTERRUPTED
    with named(options.file):
        account.refuse()
    return 0


def _check(reader: Reader, rows: list[Row], reading: Reading, account: Account) -> list[Placed]:
    """The rows of a file with their places. Raises :class:`UnreadableInput` for what is no series, or several."""
    names = [reader.table.header[column] for column in reader.columns.others]
    if reading.merge is None and reading.by != ("none",):
        for key, some in by_key(rows).items():
            known = [row for row in some if row.at == row.at]
            whole = {(row.at, row.value, row.others) for row in known}
            times = len({row.at for row in known})
            shared = len(known) - times if len(whole) > times else 0  # exact repetitions alone are harmless
            refused = keys.refusal(known, names, shared, "share their time with another row")
            if refused is not None:
                with named_series(key):
                    raise UnreadableInput(refused)
    placed = list(_place(reader, merged(rows, reading.merge, account), account, set()))
    account.refuse()
    return placed


def _place(reader: Reader, rows: Iterable[Row], account: Account, seen: set[object] | None = None) -> Iterator[Placed]:
    """Each row with its time by its series' :class:`Clock`, entered in the account.

    Exact repetitions are recognised among rows that are not later: in a file by all rows ``seen``, in a stream by the newest.
    """
    clocks: dict[tuple[str, ...], Clock] = {}
    newest: dict[tuple[str, ...], Row] = {}
    names = [reader.table.header[column] for column in reader.columns.others]
    other: str | None = None
    for row in rows:
        if not math.isfinite(row.at):
            yield row, None
            continue
        before = newest.get(row.key)
        if row.value == row.value and _repeated(row, before, seen):
            account.fail(row.line, REPEATED, f"{row.timestamp} was there before, with the same value", key=row.key)
            yield row, None
            continue
        clock = clocks.setdefault(row.key, Clock())
        added = clock.added
        at = clock.place(row.at)
        if at is not None:
            if clock.added != added:
                if other is not None:
                    account.doubt(
                        f"line {row.line}: column {other!r} changes where the times begin again: several series (--by)"
                    )
                account.say(f"line {row.line}: the clock was set back: {row.timestamp} and what follows count as later")
            newest[row.key] = row
            if row.value == row.value:
                account.use(row.value, row.key)
        elif row.value == row.value:  # others were entered as missing
            why = f"{row.timestamp} is not later than the rows before it: they must be in order of time"
            account.fail(row.line, NOT_LATER, why, (row.value,), known=True, key=row.key)
            if before is not None and other is None and (other := keys.changed(before, row, names)) is not None:
                account.say(f"line {row.line}: column {other!r} is another than in line {before.line}: several series (--by)?")
        yield row, at


def _repeated(row: Row, before: Row | None, seen: set[object] | None) -> bool:
    """Whether a row of its series said the same."""
    if seen is None:
        return before is not None and (before.at, before.value, before.others) == (row.at, row.value, row.others)
    said = (row.key, row.at, row.value, row.others)
    if said in seen:
        return True
    seen.add(said)
    return False


def _score(rows: Iterator[Placed], by: list[str], options: argparse.Namespace, drawn: deque[tuple[Row, Judged]]) -> None:
    first = next(rows, None)  # a file that is none is refused before anything is written
    out = sys.stdout
    out.write("".join(f"{cell(name)}," for name in by) + HEADER + (DETAILS if options.details else "") + "\n")
    out.flush()
    progress = Progress("rows scored")
    alone = out.isatty()  # the rows themselves show how far it is
    judge = Judge(plugins.detector(options.detector))
    done, placed = 0, first
    while placed is not None:
        row, at = placed
        judged = judge.take(row, at)
        line = "".join(f"{cell(part)}," for part in row.key)
        line += f"{cell(row.timestamp)},{cell(row.text)},{judged.score:.9g},{judged.alarm:d}"
        out.write(line + (_details(row, judged) if options.details else "") + "\n")
        out.flush()
        drawn.append((row, judged))
        done += 1
        if not alone:
            progress.step(done, 0)
        placed = next(rows, None)
    progress.close()


def _details(row: Row, judged: Judged) -> str:
    kind = "" if judged.kind is Anomaly.NONE else judged.kind.name.lower()
    direction = {1: "up", -1: "down"}.get(judged.direction, "")
    band, statistic, observed = _band(row, judged)
    state = "learning" if judged.learning else "ready"
    confidence = written((judged.confidence,), DIGITS)[0]
    return f",{kind},{direction},{','.join(band)},{confidence},{state},{statistic},{observed}"


def _band(row: Row, judged: Judged) -> tuple[Sequence[str], str, str]:
    """``expected`` and the band; and of an anomaly, whose they are: the statistic, and what was observed of it."""
    reason = judged.reason
    if reason is None:
        known = (math.nan,) * 3 if judged.alarm else (judged.expected, judged.lower, judged.upper)
        return written(known, DIGITS, row.value), "", ""
    band = (reason.expected, reason.lower, reason.upper)
    if reason.statistic == "value":
        return written(band, DIGITS, row.value), reason.statistic, repr(row.value).removesuffix(".0")
    *edges, observed = written((*band, reason.observed), DIGITS)
    return edges, reason.statistic, observed
