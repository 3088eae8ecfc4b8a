"""``detect``: one row in, one row out."""

from __future__ import annotations

import argparse
import math
import sys
from collections import deque
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from predictor import plugins
from predictor.command import INTERRUPTED
from predictor.command.clock import Clock
from predictor.command.files import cell, opened
from predictor.command.progress import Progress
from predictor.command.rows import Notes, Row, read
from predictor.detectors.interface import Anomaly, Detector

HEADER = "timestamp,value,anomaly_score,is_anomaly"
DETAILS = ",kind,direction,expected,lower95,upper95,confidence,state"

MOST_DRAWN = 100_000
"""Rows of one page: some 30 MB, which browsers still move about."""

_ROW = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Judged:
    """What is said of one row. ``expected`` and the 95 % band are NaN where nothing was expected yet."""

    score: float = 0.0
    alarm: bool = False
    kind: Anomaly = Anomaly.NONE
    direction: int = 0
    expected: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    confidence: float = 0.0
    learning: bool = True


class Judge:
    """One series under one detector, row by row."""

    def __init__(self, detector: Detector, notes: Notes) -> None:
        self._detector = detector
        self._notes = notes
        self._clock = Clock()
        detector.reserve(1)

    def take(self, row: Row) -> Judged:
        """Judges the newest row, and learns it."""
        at = self._clock.place(row.at) if math.isfinite(row.at) else None
        if at is None:
            if math.isfinite(row.at):
                self._notes.add(
                    row.line,
                    "were not later than those before, and score 0: the input must be in order of time",
                    f"{row.timestamp} is not later than the rows before it",
                )
            return Judged()
        verdict = self._detector.update(_ROW, np.array([at]), np.array([row.value]))
        return Judged(
            score=float(verdict.score[0]),
            alarm=bool(verdict.alarm[0]),
            kind=Anomaly(int(verdict.kind[0])),
            direction=int(verdict.direction[0]),
            expected=float(verdict.expected[0]),
            lower=float(verdict.lower[0]),
            upper=float(verdict.upper[0]),
            confidence=float(verdict.confidence[0]),
            learning=bool(verdict.learning[0]),
        )


def run(options: argparse.Namespace) -> int:
    notes = Notes()
    judge = Judge(plugins.detector(options.detector), notes)
    drawn: deque[tuple[Row, Judged]] = deque(maxlen=MOST_DRAWN if options.plot else 0)
    interrupted = False
    with opened(options.file) as file:
        try:
            _score(file, judge, notes, sys.stdout, details=options.details, drawn=drawn)
        except KeyboardInterrupt:  # how the reading of a stream ends: what was seen of it is drawn all the same
            interrupted = True
    notes.close()
    if options.plot:
        from predictor.command import plot

        if len(drawn) == MOST_DRAWN:
            notes.say(f"{options.plot} shows the newest {MOST_DRAWN:,} rows")
        plot.anomalies(options.plot, options.file, drawn)
    return INTERRUPTED if interrupted else 0


def _score(file: TextIO, judge: Judge, notes: Notes, out: TextIO, *, details: bool, drawn: deque[tuple[Row, Judged]]) -> None:
    rows = read(file, notes)
    first = next(rows, None)  # a file that is none is refused before anything is written
    out.write(HEADER + (DETAILS if details else "") + "\n")
    out.flush()
    progress = Progress("rows scored")
    alone = out.isatty()  # the rows themselves show how far it is
    row = first
    if row is None:
        notes.say("there is no row in it after the header")
    done = 0
    while row is not None:
        judged = judge.take(row)
        line = f"{cell(row.timestamp)},{cell(row.text)},{judged.score:.9g},{judged.alarm:d}"
        out.write(line + (_details(judged) if details else "") + "\n")
        out.flush()
        drawn.append((row, judged))
        done += 1
        if not alone:
            progress.step(done, 0)
        row = next(rows, None)
    progress.close()


def _details(judged: Judged) -> str:
    numbers = (judged.expected, judged.lower, judged.upper, judged.confidence)
    kind = "" if judged.kind is Anomaly.NONE else judged.kind.name.lower()
    direction = {1: "up", -1: "down"}.get(judged.direction, "")
    return f",{kind},{direction},{','.join(_number(x) for x in numbers)},{'learning' if judged.learning else 'ready'}"


def _number(x: float) -> str:
    return f"{x:.6g}" if math.isfinite(x) else ""
