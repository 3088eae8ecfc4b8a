"""When the spans of a trace began, with the clocks of their hosts brought in line. Pure.

How this works
--------------
Clocks of two hosts differ, so a server's span may seem to begin before the call that caused it. Where a span and its parent are
of different hosts and the span lies outside of its parent, it is moved, and everything below it on the same host with it. The
rules are those of Jaeger's clock skew adjuster, with one more for messages:

* a span no longer than its parent is put into the middle of it: request and response are assumed to travel equally long;
* a longer one has outlived its parent (a timeout, or work that goes on): it is moved only as far as to not begin before it;
* so is a span of the kind CONSUMER and one whose parent is a PRODUCER: nobody waits for it, it may well begin later.

Which spans were moved, and by how much, is in :attr:`Times.moved`. Spans of one host are never moved against each other. The
host is what the resource says of it; where it says nothing, each instance of a service counts as a host.
"""

from __future__ import annotations

from msgspec import Struct

from analytics.spans.span import Resource, Span, SpanKind
from analytics.spans.trace import Trace

HOST = ("host.id", "host.ip", "host.name", "k8s.pod.uid", "k8s.pod.name", "container.id")
"""Attributes of a resource that name the host, the first one that is there counts."""


class Times(Struct, frozen=True):
    """Start and end of each span of a trace by position, in nanoseconds since 1970, and by how much those were moved that were
    (positive: to a later time)."""

    starts: list[int]
    ends: list[int]
    moved: dict[int, int]


def correct(trace: Trace) -> Times:
    """The times of all spans of ``trace``."""
    spans, children = trace.spans, trace.children
    starts = [span.start_ns for span in spans]
    ends = [span.start_ns + span.duration_ns for span in spans]
    moved: dict[int, int] = {}
    hosts_by_key: dict[int, str] = {}
    hosts = []
    for span in spans:
        resource = span.resource
        found = hosts_by_key.get(resource.key)
        if found is None:
            found = hosts_by_key[resource.key] = host(resource)
        hosts.append(found)
    if len(set(hosts_by_key.values())) == 1:
        return Times(starts, ends, moved)
    for root in trace.origins:
        waiting = [(child, root) for child in children[root]]
        while waiting:
            position, parent = waiting.pop()
            if hosts[position] == hosts[parent]:
                by = moved.get(parent, 0)
            else:
                by = _difference(spans, starts, ends, position, parent)
            if by:
                starts[position] += by
                ends[position] += by
                moved[position] = by
            if children[position]:
                waiting.extend([(child, position) for child in children[position]])
    return Times(starts, ends, moved)


def host(resource: Resource) -> str:
    """What names the host whose clock the spans of ``resource`` have."""
    attributes = resource.attributes
    for name in HOST:
        value = attributes.get(name)
        if value:
            return f"{name}={value[0] if isinstance(value, list) else value}"
    return f"service={resource.service} {attributes.get('service.instance.id', '')}"


def _difference(spans: list[Span], starts: list[int], ends: list[int], position: int, parent: int) -> int:
    """By how much the span must be moved to lie where its parent allows it."""
    start, end, parent_start, parent_end = starts[position], ends[position], starts[parent], ends[parent]
    long, room = end - start, parent_end - parent_start
    if long > room or spans[position].kind is SpanKind.CONSUMER or spans[parent].kind is SpanKind.PRODUCER:
        return max(0, parent_start - start)
    if start >= parent_start and end <= parent_end:
        return 0
    return parent_start + (room - long) // 2 - start
