"""The tables of what minutes and hours of spans say together. Pure."""

from __future__ import annotations

from analytics.storage.tables import Table

SPAN_CHANGES = Table("span_changes", ("minute", "tenant"), every="hour")
SPAN_MINUTES = Table("span_minutes")
SPAN_HOURS = Table("span_hours", every="month")
