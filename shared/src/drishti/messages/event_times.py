"""How far an event's own time may lie from its arrival. Pure."""

from __future__ import annotations

from datetime import timedelta

OLDEST = timedelta(days=30)
NEWEST = timedelta(minutes=10)
"""An event's own time may lie that far from now: days for devices that were offline, minutes for clocks that are fast."""

TOO_OLD = f"more than {OLDEST.days} days before its arrival"
TOO_NEW = f"more than {NEWEST.seconds // 60} minutes after its arrival"
