"""What an autopsy compares, exactly. Pure.

Definition
----------
Of a funnel by user, who reached step n - 1 is compared, from the start that the funnel counts: they *went on* if they reached
step n from there, and *left* if not. A user whose window is not over at ``as_of`` is not compared yet, whether gone on or not.

A user has a value of a property at a moment:

* ``first_step``: in the event of the first step (where step n - 1 is another);
* ``step``: in the event by which step n - 1 was reached;
* ``before``: in any event of the ``around_ms`` before that event;
* ``after``: in any event of the ``around_ms`` after it. Who went on within that time, and whose window ended in it, is not
  compared at this moment: they had less time to meet anything, so whatever takes time would seem to make users leave.

Events of the very instant of step n - 1 count for neither ``before`` nor ``after``. Of several numbers the largest counts.
Numbers are cut into up to :data:`RANGES` ranges, each of which is compared with the others among users who have a number; a
text is compared with everybody else. A value is tried where ``min_users`` have it and as many have not, whoever of them left.

Tests are two-sided: pooled z of two shares, Fisher's exact test where fewer than :data:`FEW` are expected in a cell. Corrected
for all values that were tried by Benjamini and Hochberg: where nothing differs, the probability that anything is reported is at
most :data:`FALSE_DISCOVERIES`. The interval of the difference of two shares is that of R. G. Newcombe (1998, method 10).

How it is computed
------------------
First counts of all values are summed up, bucket by bucket; numbers by their first two digits, of which ranges are made. Then
the users are read again for the values that differ alone, to see which of these still do among users who are alike in another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analytics.product.counting.funnels.definition import Funnel

Moment = Literal["first_step", "step", "before", "after"]

FALSE_DISCOVERIES = 0.05
RANGES = 5

FEW = 10


@dataclass(frozen=True, kw_only=True)
class Autopsy:
    """``step`` counts from 1, and is 2 at least; ``columns`` are compared."""

    funnel: Funnel
    step: int
    columns: Sequence[str]
    around_ms: int
    as_of_ms: int
    min_users: int

    @property
    def read_from_ms(self) -> int:
        return max(0, self.funnel.from_ms - self.around_ms)

    @property
    def read_to_ms(self) -> int:
        return self.funnel.to_ms + self.funnel.window_ms + self.around_ms


class Factor(NamedTuple):
    """A value of a column at a moment: a text, or numbers from ``low`` to ``high``, without that one."""

    moment: Moment
    column: str
    text: str | None = None
    low: float = -math.inf
    high: float = math.inf
