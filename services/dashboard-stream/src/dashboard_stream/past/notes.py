"""A note of a user at an instant or a range of time, and what may be one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from drishti.measures.definition_checks import Fault, InvalidDefinition
from drishti.measures.definition_reading import fault_of
from drishti.messages.field_types import EpochMs, Token
from drishti.plain_text import unfit

MAX_TEXT = 2_000
MAX_TAGS = 8
MAX_BYTES = 16 * 1024
"""Of a note as JSON."""

SHOWN = 300
"""Notes of a range that are answered, the newest: more cannot be distinguished in a chart."""

_EARLIEST_MS, _LATEST_MS = 0, 4_102_444_800_000
"""1970 to 2100: other instants are mistakes."""

Tag = Annotated[str, Meta(min_length=1, max_length=40)]


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``text`` at the instant ``at``, or from ``at`` to ``until``. A deployment may name the ``version`` that runs from then.

    Text is plain text: no part of it is markup. ``service`` is the service that it is about; empty: the whole system.
    """

    at: EpochMs
    until: EpochMs | None = None
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    kind: Literal["note", "deployment"] = "note"
    service: Token | Literal[""] = ""
    version: Annotated[str, Meta(max_length=64)] = ""

    @property
    def end(self) -> int:
        return self.at if self.until is None else self.until


def given(content: Mapping[str, Any]) -> Note:
    """The note that was sent; raises :class:`InvalidDefinition` with every reason."""
    try:
        note = msgspec.convert(content, Note)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidDefinition([fault_of(error)]) from None
    if faults := faults_of(note):
        raise InvalidDefinition(faults)
    return note


def decode(value: bytes) -> Note:
    """The note of an entry; raises as :func:`given` does."""
    try:
        content = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDefinition([fault_of(error)]) from None
    if not isinstance(content, dict):
        raise InvalidDefinition([Fault("", "is no object")])
    return given(content)


def faults_of(note: Note) -> list[Fault]:
    """What is wrong with a note whose fields have the right types."""
    faults: list[Fault] = []
    for field, at in (("at", note.at), ("until", note.end)):
        if not _EARLIEST_MS <= at <= _LATEST_MS:
            faults.append(Fault(field, "must be an instant in epoch milliseconds, from 1970 to 2100"))
    if note.until is not None and note.until <= note.at:
        faults.append(Fault("until", "must be later than `at`; leave it out for an instant"))
    if not note.text.strip():
        faults.append(Fault("text", "must say something"))
    texts = [("text", note.text), ("version", note.version), *((f"tags[{i}]", tag) for i, tag in enumerate(note.tags))]
    faults += [Fault(field, *wrong) for field, text in texts if (wrong := unfit(text, lines=field == "text"))]
    if len(set(note.tags)) < len(note.tags):
        faults.append(Fault("tags", "must differ from each other"))
    return faults


def within(notes: Mapping[str, Note], begin_ms: int, end_ms: int) -> list[tuple[str, Note]]:
    """Those that touch the range, with their ids, the newest first."""
    found = [(key, note) for key, note in notes.items() if note.at <= end_ms and note.end >= begin_ms]
    return sorted(found, key=lambda one: (-one[1].at, one[0]))
