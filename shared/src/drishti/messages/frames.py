"""What a browser receives over a dashboard's WebSocket. Pure."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from drishti.messages.field_types import EpochMs, ServiceNames
from drishti.messages.product.saved_funnels import FunnelResult


class FrameData(Struct, kw_only=True):
    """``values`` is always complete; ``series`` holds points to append or, by equal time, replace; ``events`` are new ones.

    ``problems`` is complete too: sentences for people, why the numbers are not current or leave something out. So is
    ``service_names``. ``funnels``: the newest results of saved funnels that panels show, by their names: all, or in an update
    those that are new.
    """

    values: dict[str, float | None]
    series: dict[str, list[tuple[int, float | None]]]
    events: list[dict[str, Any]]
    problems: list[str] = []
    service_names: ServiceNames = {}
    funnels: dict[str, FunnelResult] = {}


class Frame(Struct, kw_only=True):
    """What a browser receives. The first frame is a ``snapshot``; ``seq`` counts frames within one ``epoch``."""

    type: Literal["snapshot", "update"]
    dashboard: str
    epoch: str
    seq: int
    ts: EpochMs
    data: FrameData
