"""How many steps of a file a ``--horizon`` or ``--season`` is."""

from __future__ import annotations

import sys

from predictor.command.options import Span
from predictor.command.times.steps import MONTH_S, Step
from predictor.errors import UnreadableInput

MOST_STEPS = 100_000
"""A horizon beyond this is a slip of the finger."""


def steps(asked: Span, step: Step, option: str) -> int:
    """``asked`` in steps. Raises :class:`UnreadableInput` where it is none."""
    if asked.months and step.months:
        exact = asked.months / step.months
    else:
        seconds = asked.months * MONTH_S if asked.months else float(asked)
        exact = seconds / step.seconds if asked.timed else float(asked)
    count = round(exact)
    if count and abs(exact - count) > 1e-9 * count:
        sys.stderr.write(f"{option}: {asked} is no whole number of steps of the file ({step}), {count} are taken\n")
    if count < 1:
        raise UnreadableInput(f"{option}: {asked} is less than one step of the file ({step})")
    if count > MOST_STEPS:
        raise UnreadableInput(f"{option}: {count:,} steps are more than {MOST_STEPS:,}")
    return count
