"""Arrays of events, and whether their text needs a second look. Pure."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import Struct

from drishti.events import UNDECODABLE
from drishti.messages import jsontext

_Scalar = str | int | float | bool | None
Shallow = dict[str, _Scalar | list[_Scalar] | dict[str, _Scalar]]
"""The ``data`` of most events. What the decoder takes as this needs no search for deep nesting."""

T = TypeVar("T")


class ArrayDecoder(Generic[T]):
    """Decodes arrays of ``model``, and says whether something in the text may be what no later step can take.

    The events may be of a subclass of ``model``: for whoever looks at their fields and forwards the text, and nobody else.
    """

    def __init__(self, model: type[T]) -> None:
        self._any: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[model])  # type: ignore[valid-type]  # a type at run time
        self._shallow: msgspec.json.Decoder[list[T]] = msgspec.json.Decoder(list[_shallow(model)])  # type: ignore[misc]  # a type at run time

    def decode(self, text: bytes) -> tuple[list[T], bool]:
        """The events, and whether :func:`jsontext.fault` must be asked about each; raises one of :data:`UNDECODABLE`."""
        try:
            events = self._shallow.decode(text)
        except UNDECODABLE:
            events = self._any.decode(text)
            return events, jsontext.may_hold_faults(text, len(events))
        return events, jsontext.may_hold_bad_characters(text)


def _shallow(model: type[T]) -> type[T]:
    """``model`` without unknown fields and with flat ``data``: where text is one of these, nothing is nested deeply."""
    data: tuple[str, Any, Any] = ("data", Shallow, msgspec.field(default_factory=dict))
    shallow: Any = msgspec.defstruct(
        model.__name__,
        [data] if "data" in getattr(model, "__struct_fields__", ()) else [],
        bases=(cast(type[Struct], model),),  # T is not bounded by Struct: decoders are not either
        gc=False,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return cast(type[T], shallow)
