"""What items say of metrics: no item says nothing in silence."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from analytics.ingest.extract import observe
from analytics.ingest.items import Family, Item, key_of, space_of
from drishti.events import AnalyticsEvent


def test_an_item_of_an_unknown_type_is_an_error_and_not_passed_over() -> None:
    """Passed over, it would be acknowledged and stored nowhere."""
    other = msgspec.defstruct("AnalyticsEvent", [], bases=(AnalyticsEvent,), kw_only=True)
    body = other(event_id="1", event_type="t")
    now = datetime.now(UTC)
    item = Item(key_of(space_of(Family.EVENTS, "acme"), "1"), "acme", now, int(now.timestamp()), body, None)
    with pytest.raises(TypeError, match="AnalyticsEvent"):
        observe([item], {})
