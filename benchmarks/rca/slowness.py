"""Slow faults, put into recorded traces of quiet times: a delayed network, and a processor that is fought over.

What comes after something that takes longer happens that much later, up to the root.
"""

from __future__ import annotations

import random

from benchmarks.rca.synthetic import Node, shift_after

SPREAD = 0.3
"""Of the logarithm of how much slower one call is than another."""


def delay(roots: list[Node], service: str, by_ns: int, seed: random.Random) -> None:
    """Every call from another service to ``service``, and from it to another, takes ``by_ns`` longer or so, half of it before
    the call arrives."""
    for root in roots:
        for node in list(root.walk()):
            client = node.parent
            if client is None or client.service == node.service or service not in (node.service, client.service):
                continue
            more = int(by_ns * seed.lognormvariate(0, SPREAD))
            node.shift(-more // 2)
            _grow(client, more)


def contend(roots: list[Node], service: str, factor: float, seed: random.Random) -> None:
    """The own time of every span of ``service`` is some ``factor`` times what it was."""
    for root in roots:
        for node in list(root.walk()):
            if node.service == service:
                _grow(node, int(own_ns(node) * (factor * seed.lognormvariate(0, SPREAD) - 1)))


def own_ns(node: Node) -> int:
    """What none of the calls of a span covers."""
    left, reached = node.end - node.start, node.start
    for begin, end in sorted((call.start, call.end) for call in node.calls):
        begin, end = max(begin, reached), min(end, node.end)
        if end > begin:
            left -= end - begin
            reached = end
    return max(0, left)


def _grow(node: Node, by_ns: int) -> None:
    if by_ns > 0:
        ended = node.end
        node.end += by_ns
        shift_after(node, ended, -by_ns)
