"""Drop-off autopsy: what differs between those who went on to a step of a funnel and those who left before it. Pure.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.association import Interval, wilson
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day
from analytics.product.counting.funnels.definition import Funnel
from analytics.product.counting.funnels.matching import Events, events_of
from analytics.product.counting.funnels.orders import walk
from analytics.product.counting.ordering import ranks
from analytics.product.segments.segment import Ints
from analytics.spans.significance import corrected, fisher, within

Moment = Literal["first_step", "step", "before", "after"]
MOMENTS: tuple[Moment, ...] = ("first_step", "step", "before", "after")

FALSE_DISCOVERIES = 0.05
RANGES = 5
FEW = 10
MOST_VALUES = 5_000
"""Values of a property at one moment: of more, it is an id, and is not compared."""

SAMPLES = 5
"""Users who left that are shown for each value."""

_DIGITS = 2
_NO_NUMBER = -math.inf


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


class Split(NamedTuple):
    """Users who left and who went on."""

    left: int
    went_on: int

    @property
    def users(self) -> int:
        return self.left + self.went_on

    @property
    def share(self) -> float:
        """Of those who went on."""
        return self.went_on / self.users

    @property
    def interval(self) -> Interval:
        return wilson(self.went_on, self.users)


class Difference(NamedTuple):
    """``having`` the value or not; ``corrected``: for all that was tried."""

    factor: Factor
    having: Split
    others: Split
    p: float
    corrected: float

    @property
    def interval(self) -> Interval:
        """Of the difference of the shares who went on."""
        (low, high), (other_low, other_high) = self.having.interval, self.others.interval
        mine, theirs = self.having.share, self.others.share
        return Interval(
            mine - theirs - math.hypot(mine - low, other_high - theirs),
            mine - theirs + math.hypot(high - mine, theirs - other_low),
        )


Values = dict[str | float, NDArray[np.int64]]
"""Users who left and who went on, by value."""


@dataclass(kw_only=True)
class AutopsyCounts:
    """Sums over buckets. ``compared``: all users of a moment; ``dropped`` are columns with too many texts."""

    left: int = 0
    went_on: int = 0
    not_yet: int = 0
    compared: dict[Moment, NDArray[np.int64]] = field(default_factory=dict)
    texts: dict[tuple[Moment, str], Values] = field(default_factory=dict)
    numbers: dict[tuple[Moment, str], Values] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)


class _Compared(NamedTuple):
    """Users of a bucket who reached step n - 1: their hashes, places among the users of all days, whether they left, when they
    reached it, and the rows of each moment by day, with whose they are. ``at_moment``: who of them is compared there."""

    hashes: Ints
    left: Bools
    reached_ms: Ints
    rows: Mapping[Moment, Sequence[tuple[Day, Ints, Ints]]]
    at_moment: Mapping[Moment, Bools]
    not_yet: int


def count_bucket(asked: Autopsy, days: Iterable[Day], counts: AutopsyCounts) -> None:
    """Adds the users of one bucket; ``days`` in order."""
    users = _compared(asked, list(days))
    counts.not_yet += users.not_yet
    counts.left += int(users.left.sum())
    counts.went_on += int((~users.left).sum())
    for moment in users.rows:
        at = users.at_moment[moment]
        counts.compared[moment] = counts.compared.get(moment, np.zeros(2, np.int64)) + _split(users.left[at])
        for column in asked.columns:
            if column not in counts.dropped:
                _add_texts(users, moment, column, counts)
            _add_numbers(users, moment, column, counts)


def _add_texts(users: _Compared, moment: Moment, column: str, counts: AutopsyCounts) -> None:
    texts, codes, mine = _texts(users, moment, column)
    if not len(codes):
        return
    into = counts.texts.setdefault((moment, column), {})
    table = np.zeros((len(texts), 2), np.int64)
    np.add.at(table, (codes, (~users.left[mine]).astype(np.int64)), 1)
    for text, row in zip(texts, table, strict=True):
        into[text] = into[text] + row if text in into else row
    if len(into) > MOST_VALUES:
        counts.dropped.add(column)
        for key in [key for key in counts.texts if key[1] == column]:
            del counts.texts[key]


def _add_numbers(users: _Compared, moment: Moment, column: str, counts: AutopsyCounts) -> None:
    largest = _largest(users, moment, column)
    mine = np.flatnonzero(largest > _NO_NUMBER)
    if not len(mine):
        return
    values, places = np.unique(two_digits(largest[mine]), return_inverse=True)
    table = np.zeros((len(values), 2), np.int64)
    np.add.at(table, (places, (~users.left[mine]).astype(np.int64)), 1)
    into = counts.numbers.setdefault((moment, column), {})
    for value, row in zip(values.tolist(), table, strict=True):
        into[value] = into[value] + row if value in into else row


def differences(asked: Autopsy, counts: AutopsyCounts) -> tuple[list[Difference], int]:
    """What differs, the surest first, each value at the moment where it does most; and how many values were tried."""
    tried: list[tuple[Factor, Split, Split]] = []

    def try_one(factor: Factor, having: NDArray[np.int64], everybody: NDArray[np.int64]) -> None:
        mine, others = Split(*having.tolist()), Split(*(everybody - having).tolist())
        if min(mine.users, others.users) >= asked.min_users:
            tried.append((factor, mine, others))

    for (moment, column), values in counts.texts.items():
        for text, row in values.items():
            try_one(Factor(moment, column, text=str(text)), row, counts.compared[moment])
    for (moment, column), values in counts.numbers.items():
        everybody = sum(values.values(), np.zeros(2, np.int64))
        for low, high in _ranges(values):
            having = sum((row for value, row in values.items() if low <= float(value) < high), np.zeros(2, np.int64))
            try_one(Factor(moment, column, low=low, high=high), having, everybody)
    p_values = np.array([_p(mine, others) for _, mine, others in tried])
    rates = corrected(p_values)
    found = [
        Difference(factor, mine, others, float(p), float(rate))
        for (factor, mine, others), p, rate in zip(tried, p_values, rates, strict=True)
        if rate <= FALSE_DISCOVERIES
    ]
    found.sort(key=lambda one: (one.p, one.having.share - one.others.share, one.factor))
    best: dict[tuple[str, str | None, float, float], Difference] = {}
    for one in found:
        low, high = (one.factor.low, one.factor.high) if one.factor.text is None else (0.0, 0.0)
        best.setdefault((one.factor.column, one.factor.text, low, high), one)
    return list(best.values()), len(tried)


def _ranges(values: Values) -> list[tuple[float, float]]:
    ordered = sorted(float(value) for value in values)
    sizes = np.cumsum([int(values[value].sum()) for value in ordered])
    at = [int(np.searchsorted(sizes, place * sizes[-1] / RANGES, "right")) for place in range(1, RANGES)]
    edges = sorted({ordered[min(place, len(ordered) - 1)] for place in at} - {ordered[0]})
    return list(zip([-math.inf, *edges], [*edges, math.inf], strict=True)) if edges else []


def _p(mine: Split, others: Split) -> float:
    total, left = mine.users + others.users, mine.left + others.left
    if not 0 < left < total:
        return 1.0
    share = left / total
    if min(share, 1 - share) * min(mine.users, others.users) >= FEW:
        spread = share * (1 - share) * (1 / mine.users + 1 / others.users)
        return math.erfc(abs(mine.share - others.share) / math.sqrt(2 * spread))
    more = fisher([mine.left], [mine.users], left, total)[0]
    fewer = fisher([mine.went_on], [mine.users], total - left, total)[0]
    return min(1.0, 2 * float(min(more, fewer)))


def two_digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest numbers of two digits that are not above."""
    magnitude = np.abs(values)
    with np.errstate(divide="ignore"):
        exponent = np.where(magnitude > 0, np.floor(np.log10(magnitude)), 0) - (_DIGITS - 1)
    rounded = np.array([float(f"{value:.{_DIGITS - 1}e}") for value in values.tolist()])
    below: NDArray[np.float64] = np.where(rounded > values, rounded - 10.0**exponent, rounded)
    tidy = [float(f"{value:.{_DIGITS}e}") for value in below.tolist()]
    return np.array(tidy)


@dataclass(kw_only=True)
class AutopsyUsers:
    """Users and what of ``factors`` each has: 1 or 0, and -1 who is not compared. ``samples``: some who left, by factor, with
    when they reached step n - 1; ``sampled`` has their hashes in the order in which they were found."""

    factors: Sequence[Factor]
    left: list[Bools] = field(default_factory=list)
    has: list[NDArray[np.int8]] = field(default_factory=list)
    samples: dict[Factor, dict[int, int]] = field(default_factory=dict)
    sampled: list[int] = field(default_factory=list)

    def add_bucket(self, asked: Autopsy, days: Iterable[Day]) -> Ints:
        """Adds the users of one bucket, and returns the hashes of new samples."""
        users = _compared(asked, list(days))
        has = np.stack([self._has(users, factor) for factor in self.factors])
        self.left.append(users.left)
        self.has.append(has)
        known = set(self.sampled)
        for factor, mine in zip(self.factors, has, strict=True):
            samples = self.samples.setdefault(factor, {})
            for place in np.flatnonzero((mine == 1) & users.left)[: SAMPLES - len(samples)].tolist():
                samples[int(users.hashes[place])] = int(users.reached_ms[place])
        new = list(dict.fromkeys(user for one in self.samples.values() for user in one if user not in known))
        self.sampled.extend(new)
        return np.array(new, np.int64)

    @staticmethod
    def _has(users: _Compared, factor: Factor) -> NDArray[np.int8]:
        if factor.text is None:
            largest = _largest(users, factor.moment, factor.column)
            having, compared = (largest >= factor.low) & (largest < factor.high), largest > _NO_NUMBER
            having &= compared
        else:
            texts, codes, mine = _texts(users, factor.moment, factor.column)
            having, compared = np.zeros(len(users.left), np.bool_), users.at_moment[factor.moment]
            if factor.text in texts:
                having[mine[codes == texts.index(factor.text)]] = True
        return np.where(compared, having, -1).astype(np.int8)

    def alike(self, one: Difference, other: Factor) -> float:
        """The probability that chance alone makes ``one`` differ as much among users who are alike in ``other``."""
        left, has = np.concatenate(self.left), np.concatenate(self.has, axis=1)
        mine, groups = has[self.factors.index(one.factor)], has[self.factors.index(other)]
        kept = (mine >= 0) & (groups >= 0)
        bad = left if one.having.share < one.others.share else ~left
        return min(1.0, 2 * within(mine[kept] == 1, bad[kept], groups[kept]))


def _compared(asked: Autopsy, days: Sequence[Day]) -> _Compared:
    funnel, step = asked.funnel, asked.step
    events = events_of(funnel, days)
    before, _ = walk(funnel, events, step - 1)
    after, _ = walk(funnel, events, step)
    t = events.rows.t
    units = np.flatnonzero((before.depth >= step - 1) & (before.arrival >= 0))
    over = t[before.start[units]] + funnel.window_ms
    yet = over <= asked.as_of_ms
    units, over = units[yet], over[yet]
    left, reached = before.depth[units] == step - 1, before.arrival[units]
    reached_ms, users = t[reached], events.rows.users[reached]
    went_ms = np.where(left, np.iinfo(np.int64).max, t[after.arrival[units]])
    moment_rows: dict[Moment, list[tuple[Day, Ints, Ints]]] = {"step": _rows_of(events, days, reached)}
    everybody = np.ones(len(units), np.bool_)
    late = reached_ms + asked.around_ms
    at_moment: dict[Moment, Bools] = {"step": everybody, "before": everybody, "after": (went_ms > late) & (over > late)}
    if step > 2:
        moment_rows["first_step"] = _rows_of(events, days, before.start[units])
        at_moment["first_step"] = everybody
    moment_rows["before"], moment_rows["after"] = _around(asked, days, users, reached_ms, at_moment["after"])
    return _Compared(events.hashes[users], left, reached_ms, moment_rows, at_moment, int((~yet).sum()))


def _rows_of(events: Events, days: Sequence[Day], of: Ints) -> list[tuple[Day, Ints, Ints]]:
    """The rows of the days that are the rows ``of`` of ``events``, with their places in ``of``."""
    ends = np.cumsum([0, *(len(rows) for rows in events.selected)])
    sources = events.sources[of]
    found = []
    for place, day in enumerate(days):
        mine = np.flatnonzero((sources >= ends[place]) & (sources < ends[place + 1]))
        if len(mine):
            found.append((day, events.selected[place][sources[mine] - ends[place]], mine))
    return found


def _around(
    asked: Autopsy, days: Sequence[Day], users: Ints, reached_ms: Ints, compared_after: Bools
) -> tuple[list[tuple[Day, Ints, Ints]], list[tuple[Day, Ints, Ints]]]:
    before, after = [], []
    of_days = ranks([day.segment.users for day in days])
    place = np.full(max((int(rank.max()) + 1 for rank in of_days if len(rank)), default=0), -1)
    place[users] = np.arange(len(users))
    for day, rank in zip(days, of_days, strict=True):
        mine = np.repeat(place[rank], day.segment.counts)
        at = np.flatnonzero(mine >= 0)
        mine = mine[at]
        since = day.start_ms + day.segment.t[at].astype(np.int64) - reached_ms[mine]
        early = (since < 0) & (since >= -asked.around_ms)
        late = (since > 0) & (since <= asked.around_ms) & compared_after[mine]
        before.append((day, at[early], mine[early]))
        after.append((day, at[late], mine[late]))
    return before, after


def _texts(users: _Compared, moment: Moment, column: str) -> tuple[list[str], Ints, Ints]:
    """Texts, and pairs of a text's place among them and a user, each once."""
    labels: dict[str, int] = {}
    codes, mine = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for day, at, whose in users.rows.get(moment, ()):
        found = day.segment.columns.get(column)
        if found is None:
            continue
        of_rows = found.codes[at].astype(np.int64)
        lut = np.zeros(len(found.values) + 1, np.int64)
        for code in np.unique(of_rows[of_rows > 0]).tolist():
            lut[code] = labels.setdefault(found.values[code - 1], len(labels))
        has = of_rows > 0
        codes.append(lut[of_rows[has]])
        mine.append(whose[has])
    many = len(users.left) + 1
    pairs = np.unique(np.concatenate(codes) * many + np.concatenate(mine))
    return list(labels), pairs // many, pairs % many


def _largest(users: _Compared, moment: Moment, column: str) -> NDArray[np.float64]:
    """The largest number of each user; minus infinity: none."""
    largest = np.full(len(users.left), _NO_NUMBER)
    for day, at, whose in users.rows.get(moment, ()):
        found = day.segment.columns.get(column)
        if found is not None and found.numbers is not None:
            np.fmax.at(largest, whose, found.numbers[at])
    return largest


def _split(left: Bools) -> NDArray[np.int64]:
    return np.array([left.sum(), (~left).sum()], np.int64)
