"""What follows from the attributes of a span, worked out once for all spans that are alike. Pure.

Most spans of an operation differ in their ids and times alone, or in attributes that nothing here asks for (a thread, a port,
a user agent). :func:`derive` is given attributes that note which names were asked for (:class:`AskedAttributes`). Two spans of
one service, name and kind whose asked attributes are equal give the same result, whatever their other attributes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from analytics.spans import conventions, database_calls, fingerprints, gen_ai, red
from analytics.spans.operations import operation_of
from analytics.spans.span import Attributes, Derived, Span, Status


class AskedAttributes(dict[str, Any]):
    """Attributes that note in ``asked`` the names that were asked for, there or not; ``all_asked`` where they were gone
    through.

    Whether there are any at all may be asked without a note."""

    __slots__ = ("all_asked", "asked")

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.asked: set[str] = set()
        self.all_asked = False

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)

    def __bool__(self) -> bool:
        return super().__len__() > 0

    def __len__(self) -> int:
        self.all_asked = True
        return super().__len__()

    def __iter__(self) -> Iterator[str]:
        self.all_asked = True
        return super().__iter__()

    def keys(self) -> Any:
        self.all_asked = True
        return super().keys()

    def items(self) -> Any:
        self.all_asked = True
        return super().items()

    def values(self) -> Any:
        self.all_asked = True
        return super().values()


def derive(span: Span, attributes: Attributes, operation: str | None = None) -> Derived:
    """What follows from service, name and kind of ``span`` and from ``attributes``, which are its own, and from nothing else
    that it says; ``operation`` where that is known already."""
    if operation is None:
        operation = operation_of(span.name, span.kind, attributes)
    if span.status is not Status.UNSET or attributes is not span.attributes or span.operation != operation:
        span = replace(span, status=Status.UNSET, attributes=attributes, operation=operation, derived=None)
    return Derived(
        operation,
        red.labels_of(span),
        database_calls.labels_of(span),
        gen_ai.is_call(span),
        fingerprints.tells_error(span),
        conventions.http_status(attributes),
        conventions.error_type(attributes),
    )
