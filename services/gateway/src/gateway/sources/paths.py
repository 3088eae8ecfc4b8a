"""The addresses to which these SDKs post. Pure."""

from __future__ import annotations

from gateway.sources.segment import CALLS

POSTHOG_PATHS = ("/batch", "/capture", "/e", "/i/v0/e", "/i/v0/ai/batch")
"""Each takes one event or many; the SDKs differ in which they call."""

SEGMENT_BATCH = "/v1/batch"

SEGMENT_PATHS = {SEGMENT_BATCH: "", **{f"/v1/{call}": call for call in CALLS}}
"""The kind of the one message that an address takes; of the batch there are all kinds."""

PATHS = (*POSTHOG_PATHS, *SEGMENT_PATHS)
