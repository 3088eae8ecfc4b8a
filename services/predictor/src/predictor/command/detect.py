"""``detect``: one row in, one row out."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from typing import TextIO

import numpy as np

from predictor import plugins
from predictor.command.clock import Clock
from predictor.command.progress import Progress
from predictor.command.rows import Notes, Row, opened, read
from predictor.detectors.interface import Anomaly, Detector

HEADER = "timestamp,value,anomaly_score,is_anomaly"
DETAILS = ",kind,direction,expected,lower95,upper95,confidence,state"

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
                    row.line, "were not later than those before", f"{row.timestamp} is not later than the row before it"
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
    drawn: list[tuple[Row, Judged]] | None = [] if options.plot else None
    with opened(options.file) as file:
        _score(file, judge, notes, sys.stdout, details=options.details, drawn=drawn)
    notes.close()
    if drawn is not None:
        from predictor.command import plot

        plot.anomalies(options.plot, options.file, drawn)
    return 0


def _score(
    file: TextIO, judge: Judge, notes: Notes, out: TextIO, *, details: bool, drawn: list[tuple[Row, Judged]] | None
) -> None:
    rows = read(file, notes)
    first = next(rows, None)  # a file that is none is refused before anything is written
    out.write(HEADER + (DETAILS if details else "") + "\n")
    out.flush()
    progress = Progress("rows scored")
    alone = out.isatty()  # the rows themselves show how far it is
    row = first
    done = 0
    while row is not None:
        judged = judge.take(row)
        line = f"{_cell(row.timestamp)},{_cell(row.text)},{judged.score:.9g},{judged.alarm:d}"
        out.write(line + (_details(judged) if details else "") + "\n")
        out.flush()
        if drawn is not None:
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


def _cell(text: str) -> str:
    """``text`` as a cell: quoted where it must be."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
