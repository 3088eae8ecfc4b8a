"""One line of the table of ``make bench-ml``. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.table import line

_HEAD = ("measure", "for comparison", "at least", "aim", "measured", "")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """``met``: as good as ``at_least``; ``None``: it could not be measured, and ``measured`` says why."""

    what: str
    comparison: str
    at_least: str
    aim: str
    measured: str
    met: bool | None


def render(measures: Sequence[Measure], footer: Sequence[str]) -> str:
    rows = [
        line(
            [
                m.what,
                m.comparison,
                m.at_least,
                m.aim,
                m.measured,
                {True: "met", False: "**missed**", None: "not measured"}[m.met],
            ]
        )
        for m in measures
    ]
    return "\n".join([line(_HEAD), line(["---"] * len(_HEAD)), *rows, "", *footer]) + "\n"
