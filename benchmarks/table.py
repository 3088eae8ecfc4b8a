"""The table that a run prints, in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

_HEAD = ("what", "sizes", "Drishti", "reference", "ratio", "must be", "")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the table. ``met`` tells whether it is as it must be; ``notes`` go below the table."""

    name: str
    what: str
    sizes: str
    ours: str
    must_be: str
    met: bool
    reference: str = ""
    ratio: str = ""
    notes: Sequence[str] = field(default=())


def render(results: Sequence[Result], footer: Sequence[str]) -> str:
    """The table, the notes of each line under its name, and the footer."""
    lines = [line(_HEAD), line(["---"] * len(_HEAD)), *map(_result, results)]
    for r in results:
        if r.notes:
            lines += ["", f"`{r.name}`:", "", *(f"* {note}" for note in r.notes)]
    return "\n".join([*lines, "", *footer]) + "\n"


def _result(r: Result) -> str:
    return line([r.what, r.sizes, r.ours, r.reference, r.ratio, r.must_be, "met" if r.met else "**missed**"])


def line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
