"""What one number of a dashboard is, and how it is called. Pure.

A **reading** is one field of one metric, as the total and for each single value of the labels in ``by``. Its name in a frame is
``<metric>.<field>``, with a running total's span behind the field and the labels in braces: ``requests.rate``,
``requests.rate{service=gateway}``, ``events.count.24h{event_type=feedback}``. A labelled name appears with the first message
that carries the label's value. Where the question is of some values of dimensions only, they stand before the labels:
``requests.rate[service=gateway]{route=/login}``.

What a field means is said in :mod:`drishti.measures.fields`; a point of a line is the field of one window. The value "now":

==================== ===========================================================
rate, sum_rate       over the last ``over_s`` closed seconds
other quotients      over the last ``over_s`` seconds (error_rate, avg, shares such as hit_rate)
percentiles, value   of the running minute, at its start of the one before
uniques              the larger of the running minute and the one before
count, errors, sum   with ``span``: added over the clock hours of the span
==================== ===========================================================

``span`` ``1h`` is the running clock hour (UTC), ``24h`` the newest 24 clock hours with the running one.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from drishti.dashboards.conditions import Where, can_be_merged, text_of
from drishti.dashboards.panel_parts import OVER_S, Span
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.measures.fields import PUBLISHED_PERCENTILES, VALUE

Labels = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name. Empty for the total."""

TOTAL: Labels = ()

MINUTE_S = 60

MINUTE_FIELDS = frozenset({*PUBLISHED_PERCENTILES, VALUE, "uniques"})
"""Their value now is that of one minute: windows of these do not merge."""

UNKNOWN = MetricDefinition(name="", kind=Kind.COUNTER)
"""What a reading is of until a tenant's registry says it."""


class Reading(Struct, frozen=True, kw_only=True):
    """One field of one metric. A reading with a ``span`` is a running total and has no line.

    ``definition`` is the metric's in a tenant's registry, from which its unit and kind are taken.
    """

    metric: str
    field: str
    by: tuple[str, ...] = ()
    where: Where = ()
    total: bool = True
    resolution: Literal["1s", "1m"] = "1s"
    over_s: int = OVER_S
    span: Span | None = None
    value: bool = True
    definition: MetricDefinition = UNKNOWN

    @property
    def window_s(self) -> int | None:
        """The seconds that the value "now" is computed over; ``None`` where ``span`` says it, or there is no value."""
        if self.span or not self.value:
            return None
        return MINUTE_S if self.field in MINUTE_FIELDS else self.over_s

    @property
    def name(self) -> str:
        return name(self.metric, self.field, span=self.span, where=self.where)

    def named(self, labels: Labels) -> str:
        """The name of the series with ``labels`` of this reading."""
        return name(self.metric, self.field, labels, self.span, self.where)

    @property
    def share(self) -> Share | None:
        """The share of the metric's count that this is, where it is one."""
        return self.definition.share(self.field)

    @property
    def label_sets(self) -> frozenset[tuple[str, ...]]:
        """The names of the labels that its series have, beside those that ``where`` names."""
        if (share := self.share) is not None:
            return frozenset({(), (share.dimension,)})
        return frozenset({(label,) for label in self.by} | ({()} if self.total else set()))

    @property
    def is_live(self) -> bool:
        """Whether the metric goes live by all the dimensions that this asks, and what is put together can be."""
        published = {frozenset(labels) for labels in self.definition.published}
        conditions = {condition.label for condition in self.where}
        if any(conditions.union(labels) not in published for labels in self.label_sets):
            return False
        if can_be_merged(self.field):
            return True
        lines = self.label_sets - {TOTAL} or self.label_sets
        return all(condition.is_one for labels in lines for condition in self.where if condition.label not in labels)

    def covers(self, labels: Labels) -> bool:
        """Whether the series with ``labels`` belongs to this reading."""
        return self.total if not labels else len(labels) == 1 and labels[0][0] in self.by


def name(metric: str, field: str, labels: Labels = TOTAL, span: Span | None = None, where: Where = ()) -> str:
    """``requests.rate{service=gateway}``: the name of a value and of a line."""
    text = (f"{metric}.{field}.{span}" if span else f"{metric}.{field}") + text_of(where)
    return text + "{" + ",".join(f"{label}={value}" for label, value in labels) + "}" if labels else text
