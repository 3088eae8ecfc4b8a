"""Questions that the guides of product analytics show are answered, as they are pasted, of the sample application."""

from __future__ import annotations

import itertools
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import msgspec

from drishti_local.servers import NatsServer
from rigs.product_questions import asking
from wisdom.habits import Crowd
from wisdom.story import Story

GUIDES = Path(__file__).parents[3] / "docs"
QUESTION = re.compile(r'"\$DRISHTI_URL/api/analytics(/[^"]+)" -d \'(\{.*?\})\'', flags=re.DOTALL)
DAYS = 20
CHANGES = {"/people/undo", "/people/exclusion"}
"""What depends on ids of the reader's own, or would change what is answered to the others."""


def questions() -> list[tuple[str, str, dict[str, object]]]:
    found = [
        (guide.name, path, json.loads(body))
        for guide in sorted(GUIDES.glob("*.md"))
        for path, body in QUESTION.findall(guide.read_text(encoding="utf-8"))
    ]
    return [one for one in found if one[1] not in CHANGES]


async def test_questions_of_guides_are_answered_of_the_sample_application(own_nats: NatsServer, postgres_url: str) -> None:
    asked = questions()
    assert len(asked) >= 8
    known = date(2026, 3, 1)
    begins = datetime.combine(datetime.now(UTC).date(), time(), UTC) - timedelta(days=DAYS)
    later = begins - datetime.combine(known, time(), UTC)
    story = Story(Crowd(108), known)
    told = [msgspec.structs.replace(one.event, timestamp=one.at + later) for _ in range(DAYS) for one in story.next_day()]
    async with asking(own_nats, postgres_url, {}) as asker:
        for _, of_type in itertools.groupby(sorted(told, key=lambda one: one.event_type), key=lambda one: one.event_type):
            await asker.analytics.publish(*of_type)
        await asker.analytics.wait_settled()
        refused = []
        for guide, path, body in asked:
            status, found = await asker.change(path, **body)
            if status != 200 or found.get("users") == 0 or found.get("sessions") == 0 or found.get("paths") == 0:
                refused.append((guide, path, status, found))
    assert refused == []
