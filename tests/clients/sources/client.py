"""Sends by the SDKs of PostHog, Segment and RudderStack for Python: ``python client.py SDK URL KEY``.

A story first: a visitor, who then says who they are. Then one event after the other until a line comes on standard input. Ends
with how many of those it sent, once all are delivered, or with status 1 and the reason where the SDK gave up on some.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

PAUSE_S = 0.01

failures: list[str] = []
stop = threading.Event()


def failed(error: Exception, _items: Any) -> None:
    failures.append(repr(error))


def posthog(url: str, key: str) -> tuple[Callable[[int], Any], Callable[[], None]]:
    from posthog import Posthog

    client = Posthog(key, host=url, on_error=failed, flush_at=20, flush_interval=0.1, gzip=True, max_retries=10)
    client.capture("$pageview", distinct_id="a-posthog", properties={"$process_person_profile": False, "$session_id": "s1"})
    client.capture("$identify", distinct_id="u-posthog", properties={"$anon_distinct_id": "a-posthog", "$set": {"plan": "pro"}})
    client.set(distinct_id="u-posthog", properties={"seats": 5})
    client.alias("u-posthog", "old-posthog")
    client.group_identify("company", "c1", {"size": 3}, distinct_id="u-posthog")
    client.capture("Order Completed", distinct_id="u-posthog", properties={"total": 5, "größe": ["L"], "unheard": {"of": None}})
    return lambda n: client.capture("step", distinct_id="u-posthog", properties={"n": n}), client.shutdown


def segment(url: str, key: str) -> tuple[Callable[[int], Any], Callable[[], None]]:
    from segment.analytics import Client

    return _calls(Client(key, host=url, on_error=failed, upload_size=20, upload_interval=0.1, gzip=True), "segment")


def rudderstack(url: str, key: str) -> tuple[Callable[[int], Any], Callable[[], None]]:
    from rudderstack.analytics.client import Client

    client = Client(key, host=url, on_error=failed, upload_size=20, upload_interval=0.1, max_retries=10)
    return _calls(client, "rudderstack")


def _calls(client: Any, name: str) -> tuple[Callable[[int], Any], Callable[[], None]]:
    user, visitor = f"u-{name}", f"a-{name}"
    client.page(anonymous_id=visitor, name="Home", properties={"url": "/"})
    client.identify(user, {"plan": "pro"}, anonymous_id=visitor)
    client.alias(visitor, user)
    client.group(user, "c1", {"size": 3})
    client.track(
        user, "Order Completed", {"total": 5, "größe": ["L"], "unheard": {"of": None}}, context={"sessionId": "s1", "ip": "::1"}
    )
    return lambda n: client.track(user, "step", {"n": n}), client.shutdown


def main(sdk: str, url: str, key: str) -> int:
    step, shut_down = {"posthog": posthog, "segment": segment, "rudderstack": rudderstack}[sdk](url, key)
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    count = 0
    while not stop.wait(PAUSE_S):
        step(count)
        count += 1
    shut_down()
    print(count if not failures else "\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
