"""What is said of each series and second, and of which statistic. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields

import numpy as np

from predictor.series.ring import Bools, Floats, Ints


class Statistic(enum.IntEnum):
    """What was held against a band."""

    MEAN = 0
    """The window's mean, share or rate, in the metric's unit."""
    GAP = 1
    """How long nothing came: no event in the window, where at least one was expected."""
    LIKELIHOOD = 2
    """How much better "everything takes longer" explains the window's observations: a number without a unit."""
    STEP = 3
    """By the minute: the value, against the ones just before it."""
    LEVEL = 4
    """By the minute: the value, against what most of the last days reached."""


@dataclass(frozen=True)
class Verdicts:
    """What is said of each row, as arrays of one length.

    ``score`` in [0, 1] (1 - tail probability, see the module); ``direction`` +1 or -1. ``value``, ``expected``, ``lower``,
    ``upper`` are of one ``statistic`` of the newest ``window_s`` seconds, in the metric's unit (events per second, a share, a
    mean) except for a likelihood; ``observed`` and ``usual`` are always in the metric's unit. ``outside``: the value is
    beyond the band in ``direction``; ``unusual`` implies it, and ``calm`` is the contrary. ``improved``: as far away as what
    is unusual, but to the side that is good news. ``judged`` is false where the window held too little to say anything (its
    ``weight``, observations or seconds, of which ``needed`` are wanted; events for a rate); so are ``unusual``, ``outside``
    and ``calm`` then. ``seen`` counts the windows of the baseline, ``confidence`` in [0, 1] is their share of those of ten
    minutes. ``kind`` is an :class:`~predictor.detectors.interface.Anomaly` where ``unusual``, and ``grave`` says that the
    change is critical.
    """

    judged: Bools
    ready: Bools
    seen: Ints
    unusual: Bools
    outside: Bools
    calm: Bools
    improved: Bools
    direction: Ints
    score: Floats
    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    observed: Floats
    usual: Floats
    statistic: Ints
    window_s: Floats
    weight: Floats
    needed: Floats
    kind: Ints
    grave: Bools
    confidence: Floats


def joined(parts: list[Verdicts], place: Ints) -> Verdicts:
    """``parts`` one after the other, ``place`` saying where each row of the answer stands in them."""
    return Verdicts(**{f.name: np.concatenate([getattr(part, f.name) for part in parts])[place] for f in fields(Verdicts)})
