"""Which mark is the decimal one: what a column of numbers shows of it. Pure."""

from __future__ import annotations

import re

_GROUPS = {
    mark: re.compile(f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}")
    for mark in (",", r"\.", " ", "'", "_")
}
"""A whole number with marks between its thousands, or as India has them: 12,34,567."""

NAMES = {".": "point", ",": "comma"}


class DecimalMark:
    """The decimal mark of a column. ``given``: what ``--decimal`` says. ``separator`` is what stands between the file's cells:
    with semicolons, points may be those of thousands. ``undecided``: for each mark, a number that leaves it open."""

    def __init__(self, given: str | None, separator: str) -> None:
        self.given = given
        self._separator = separator
        self._proofs = {".": 0, ",": 0}
        self.undecided: dict[str, str] = {}
        self._small = self._large = 0

    @property
    def is_proven(self) -> bool:
        """Whether a number showed which mark it is."""
        return any(self._proofs.values())

    def observe(self, body: str, exponent: str) -> None:
        """Takes the digits of a number, with whatever stands between them, as evidence."""
        commas, points = body.count(","), body.count(".")
        if not commas and not points:
            self._small += 0 < len(body.lstrip("0")) <= 3
            self._large += len(body) > 3 and body.isdigit()
            return
        last = "," if body.rfind(",") > body.rfind(".") else "."
        first = "." if last == "," else ","
        whole, _, fraction = body.rpartition(last)
        if commas and points:
            if body.count(last) == 1 and _grouped(whole, first):
                self._proofs[last] += 1
        elif body.count(last) > 1:
            if _grouped(body, last):
                self._proofs[first] += 1
        elif len(fraction) != 3 or whole[:1] in ("", "0") or not whole.isdigit() or len(whole) > 3 or exponent:
            self._proofs[last] += 1
        else:
            self.undecided.setdefault(last, body)

    def known(self) -> str | None:
        """The decimal mark, or ``None`` while it is open."""
        if self.given:
            return self.given
        points, commas = self._proofs["."], self._proofs[","]
        if points != commas:
            return "." if points > commas else ","
        if points or len(self.undecided) > 1:
            return None
        mark = next(iter(self.undecided), "")
        if not mark or (mark == "." and self._separator != ";"):
            return "."
        if self._small and not self._large:  # the mark is that of the thousands
            return "." if mark == "," else ","
        return None

    def question(self, text: str) -> str:
        """What to ask where ``text`` leaves open what it is."""
        readings = [float(number) for mark in ".," if (number := python_number(text, mark))]
        said = " or ".join(f"{reading:.10g}" for reading in readings)
        return f"{text!r} may be {said}, and the other values do not show which: --decimal . or --decimal , says it"


def _grouped(text: str, mark: str) -> bool:
    return _GROUPS["\\." if mark == "." else mark].fullmatch(text) is not None


def python_number(body: str, mark: str) -> str | None:
    """``body`` as Python writes it, where ``mark`` is the decimal one; ``None`` where it is none then."""
    whole, separator, fraction = body.partition(mark)
    marks = {c for c in whole if not c.isdigit()}
    if len(marks) > 1 or (marks and not _grouped(whole, marks.pop())) or (fraction and not fraction.isdigit()):
        return None
    if separator and not fraction and (mark == "," or not whole):
        return None
    return "".join(c for c in whole if c.isdigit()) + ("." + fraction if fraction else "")
