"""The examples of the OpenTelemetry specification, whose times are of 2018."""

from __future__ import annotations

import re
import time


def of_today(body: bytes) -> bytes:
    """An example in JSON with times of the last or next minutes instead."""
    hundreds_of_s = time.time_ns() // 10**11
    return re.sub(rb'"15447126(\d\d)', lambda found: b'"%d%s' % (hundreds_of_s, found[1]), body)
