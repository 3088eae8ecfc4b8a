"""Faults of which a day may have none: early returns and exceptions, cut into recorded traces of quiet times.

The code of one service is changed at one place: after a certain log line or call of a certain operation. Every request that
gets there

* **return**: comes back at once: later calls (with everything below them) and log lines of the operation are gone. The caller
  may go on as ever, come back early itself, or fail over the missing answer, always alike in one incident;
* **exception**: fails: as above, and the operations around it end, too, up to a caller that catches it. Whether the failure is
  written to the log, shown by a span of the framework's error page, set as status and exception event, or none of that, is
  drawn for each incident.

Whatever comes after what was cut happens that much earlier. Everything is drawn from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analytics.message_templates import template_of
from benchmarks.rca import converter
from benchmarks.rca.direct import Buckets, read_logs
from benchmarks.rca.nezha import LogRow, SpanRow, service_of

RETURN, EXCEPTION = "return", "exception"
ON, BACK, FAIL = "goes on", "returns", "fails"
MIN_REQUESTS = 5
"""A place that fewer requests of the window reach is no place for a fault."""

MS = 1_000_000


@dataclass(eq=False)
class Node:
    """A span with what is in it. ``error`` is the type of the exception that it ends with."""

    row: SpanRow
    start: int
    end: int
    calls: list[Node] = field(default_factory=list)
    lines: list[LogRow] = field(default_factory=list)
    parent: Node | None = None
    error: str = ""

    @property
    def service(self) -> str:
        return service_of(self.row.pod)

    @property
    def is_served(self) -> bool:
        """Whether another service called it, or somebody outside."""
        return self.parent is None or self.parent.service != self.service

    def events(self) -> list[tuple[int, int, str]]:
        """When each call and line of it was over, when it began, and what it is."""
        calls = [(call.end, call.start, call.row.name) for call in self.calls]
        return sorted([*calls, *((line.time_ns, line.time_ns, template_of(line.text).text) for line in self.lines)])

    def walk(self) -> Iterator[Node]:
        yield self
        for call in self.calls:
            yield from call.walk()

    def shift(self, by: int) -> None:
        for node in self.walk():
            node.start, node.end = node.start - by, node.end - by
            node.lines = [line._replace(time_ns=line.time_ns - by) for line in node.lines]


class Place(NamedTuple):
    """Where the code of a service is changed: after ``after`` in ``operation``."""

    service: str
    operation: str
    after: str


class Incident(NamedTuple):
    """``reactions``: what each calling service makes of it. ``share``: of the requests that get there."""

    place: Place
    kind: str
    reactions: Mapping[str, str]
    is_logged: bool
    has_error_page: bool
    has_status: bool
    share: float


def trees(spans: Iterable[SpanRow], logs: Mapping[bytes, Sequence[LogRow]]) -> list[Node]:
    """The roots of all traces. ``logs`` are by span id."""
    nodes = [Node(row, row.start_ns, row.end_ns, lines=list(logs.get(row.span_id, ()))) for row in spans]
    by_id = {node.row.span_id: node for node in nodes}
    roots = []
    for node in sorted(nodes, key=lambda node: node.start):
        parent = by_id.get(node.row.parent_id)
        if parent is None:
            roots.append(node)
        else:
            node.parent = parent
            parent.calls.append(node)
    return roots


def places(roots: Iterable[Node], least: int = MIN_REQUESTS) -> dict[Place, int]:
    """Places where a change would be seen, with how many traces get there, ``least`` or more."""
    found: dict[Place, set[bytes]] = {}
    for root in roots:
        for node in root.walk():
            if not node.lines and not any(call.service != node.service for each in node.calls for call in each.calls):
                continue
            events = node.events()
            last = max((begin for _, begin, _ in events), default=0)
            for over, _, after in events:
                if last > over:
                    found.setdefault(Place(node.service, node.row.name, after), set()).add(root.row.trace_id)
    return {place: len(traces) for place, traces in found.items() if len(traces) >= least}


def draw(roots: Sequence[Node], kind: str, seed: random.Random, least: int = MIN_REQUESTS) -> Incident | None:
    """An incident in one of the services, all equally likely; ``None`` where no place is fit."""
    fit = sorted(places(roots, least))
    services = sorted({place.service for place in fit})
    if not services:
        return None
    service = seed.choice(services)
    place = seed.choice([place for place in fit if place.service == service])
    everybody = sorted({node.service for root in roots for node in root.walk()})
    weights = (0.5, 0.3, 0.2) if kind == RETURN else (0.1, 0.1, 0.8)
    return Incident(
        place=place,
        kind=kind,
        reactions={name: seed.choices((ON, BACK, FAIL), weights)[0] for name in everybody},
        is_logged=seed.random() < 0.7,
        has_error_page=seed.random() < 0.7,
        has_status=seed.random() < 0.3,
        share=seed.choice((1.0, 1.0, 0.5)),
    )


def strike(incident: Incident, root: Node, seed: random.Random) -> None:
    """Lets the incident happen to one trace, if it gets there."""
    place = incident.place
    for node in list(root.walk()):
        if node.service != place.service or node.row.name != place.operation or not _is_below(node, root):
            continue
        moments = [over for over, _, after in node.events() if after == place.after]
        if moments and seed.random() < incident.share:
            _end_early(node, moments[0])
            if incident.kind == RETURN:
                _answer(incident, node)
            else:
                _fail(incident, node, "java.lang.IllegalStateException")


def add(buckets: Buckets, roots: Iterable[Node]) -> None:
    """Adds traces to sums, by way of OTLP."""
    nodes = [node for root in roots for node in root.walk()]
    rows = [node.row._replace(start_ns=node.start, end_ns=max(node.start, node.end)) for node in nodes]
    lines = [line for node in nodes for line in node.lines]
    errors = {node.row.span_id: node.error for node in nodes if node.error}
    buckets.add_spans(converter.spans(rows, errors), read_logs(converter.logs(lines)))


def _is_below(node: Node, root: Node) -> bool:
    """Whether a span is still there: what was cut off may have been it."""
    while node.parent is not None:
        if node not in node.parent.calls:
            return False
        node = node.parent
    return node is root


def _end_early(node: Node, moment: int) -> None:
    """Ends ``node`` at ``moment``, and lets everything after it happen earlier."""
    node.calls = [call for call in node.calls if call.start < moment]
    for call in node.calls:  # what ran beside the failing call waited for it
        call.end = max(call.start, min(call.end, moment))
    node.lines = [line for line in node.lines if line.time_ns <= moment]
    earlier = node.end - min(node.end, moment + MS // 2)
    shift_after(node, node.end, earlier)
    node.end -= earlier


def shift_after(node: Node, moment: int, by: int) -> None:
    """Lets all that follows ``node``, which ended at ``moment``, happen earlier by so many nanoseconds."""
    while (parent := node.parent) is not None:
        for call in parent.calls[parent.calls.index(node) + 1 :]:
            if call.start >= moment:
                call.shift(by)
        for call in parent.calls:
            if call is not node and call.start < moment <= call.end:  # runs beside it, and waits for it
                call.end = max(call.start, call.end - by)
        parent.lines = [line._replace(time_ns=line.time_ns - by) if line.time_ns >= moment else line for line in parent.lines]
        moment = parent.end
        parent.end = max(parent.start, parent.end - by)
        node = parent


def _answer(incident: Incident, node: Node) -> None:
    """What the nearest calling service makes of a wrong answer."""
    caller = node
    while not caller.is_served and caller.parent is not None:
        caller = caller.parent
    client = caller.parent
    if client is None or client.parent is None:
        return
    reaction = incident.reactions[client.service]
    if reaction == BACK:
        _end_early(client.parent, client.end)
    elif reaction == FAIL:
        _end_early(client.parent, client.end)
        _fail(incident, client.parent, "java.lang.NullPointerException")


def _fail(incident: Incident, node: Node, error: str) -> None:
    """Lets an exception that ends ``node`` travel up."""
    while True:
        if incident.has_status:
            node.error = error
        parent = node.parent
        if node.is_served:
            _report(incident, node, error)
        if parent is None:
            return
        if node.is_served:
            error = "org.springframework.web.client.HttpServerErrorException$InternalServerError"
            reaction = incident.reactions[parent.service]
            if incident.has_status:
                parent.error = error
            if reaction == ON or parent.parent is None:
                return
            node, parent = parent, parent.parent
            if reaction == BACK:
                _end_early(parent, node.end)
                return
        _end_early(parent, node.end)
        node = parent


def _report(incident: Incident, node: Node, error: str) -> None:
    """The framework's own line and page for an exception that nobody caught."""
    if incident.is_logged:
        text = f"20:00:00.000 ERROR o.a.c.c.C.[.[.[.[dispatcherServlet]#175 Servlet.service() threw exception [{error}]"
        row = node.row
        node.lines.append(LogRow(node.end, row.pod, row.trace_id, row.span_id, text))
    if incident.has_error_page:
        identity = bytes(255 - byte for byte in node.row.span_id)
        row = node.row._replace(span_id=identity, parent_id=node.row.span_id, name="BasicErrorController.error")
        page = Node(row, node.end, node.end + MS, parent=node)
        shift_after(node, node.end, -MS)
        node.end += MS
        node.calls.append(page)
