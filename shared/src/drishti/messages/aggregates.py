"""What analytics publishes: the series of a metric in a window. Pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from drishti.messages.field_types import EpochMs, Resolution, ServiceNames, Token


class AggregateSeries(Struct, gc=False, omit_defaults=True, kw_only=True):
    """One series of one window. A field is absent where the metric's kind does not have it.

    ``count`` observations, of them ``errors`` failed; ``sum``, ``min``, ``max`` in the metric's unit; ``p50``, ``p95``,
    ``p99`` within 1 % of the true value; ``uniques`` a HyperLogLog estimate (1.6 % standard error). ``value`` is what a KPI's
    expression comes to; a KPI's series has nothing else, and is absent where the expression has no value in the window.
    """

    labels: dict[str, str] = {}
    count: int = 0
    errors: int | None = None
    sum: float | None = None
    min: float | None = None
    max: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    uniques: float | None = None
    value: float | None = None

    def quantile(self, part: float) -> float | None:
        """The percentile that was published for ``part``, where there is one."""
        return {0.5: self.p50, 0.95: self.p95, 0.99: self.p99}.get(part)

    def distinct(self) -> float | None:
        return self.uniques


class Aggregate(Struct, omit_defaults=True, kw_only=True):
    """All series of one metric in one window, whole: a later ``revision`` of the same window replaces this one.

    ``window_start`` inclusive; the window is ``resolution`` long. ``final`` says that no more is expected; a late event still
    yields a later final revision. ``published_at`` is when analytics read the numbers. A series that was active a moment
    ago and is silent now is present with ``count`` 0 (counters only). The series with empty labels is the total.

    A message is never a part: it fits the bus by itself. Of each set of labels it names the series that were active lately and
    then those that count most, up to a limit (``ANALYTICS_PUBLISHED_SERIES``, fewer where the message would be too large); what
    is beyond is one series whose labels are all ``other``. So each set of labels adds up to the total.

    A KPI is published like any other metric, as ``value``: the total, and the label sets that all of its terms have and one of
    them publishes. Its numbers come from the merged cells of the terms in the window, so those of a label set do not add up.

    ``version`` is that of the metric's definition: after a change of what is counted, windows that had ended before keep the
    numbers of the old version.
    """

    tenant: Token
    metric: Token
    unit: str
    resolution: Resolution
    window_start: EpochMs
    revision: int
    final: bool = False
    published_at: EpochMs
    series: list[AggregateSeries]
    service_names: ServiceNames = {}
    version: Annotated[int, Meta(ge=1)] = 1
