"""Dead letters: what was refused, why, and how it gets another chance."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import msgspec
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from drishti.bus.connection import Bus
from drishti.bus.faults import own_errors, with_own_errors
from drishti.errors import BusRefused
from drishti.events import UNDECODABLE, DeadLetter
from drishti.messages import catalogue, subjects

log = logging.getLogger(__name__)

STREAM = catalogue.DEAD

NO_MESSAGE = 10057
"""JetStream's number for a message that is not there (any more)."""

_decoder = msgspec.json.Decoder(DeadLetter)

_HEADER = re.compile(r"[A-Za-z0-9_-]+")

Wanted = Callable[["Dead"], bool]


class Dead(NamedTuple):
    """A letter and its number in DEAD."""

    number: int
    letter: DeadLetter


class Replayed(NamedTuple):
    """What became of one letter; ``problem`` is empty where it was published again."""

    dead: Dead
    problem: str = ""


async def letters(js: JetStreamContext, wanted: Wanted = lambda _: True) -> AsyncIterator[Dead]:
    """The letters that wait now and that ``wanted`` picks, oldest first. What came later is left for the next time."""
    with own_errors():
        state = (await js.stream_info(STREAM)).state
    number = state.first_seq
    while number <= state.last_seq:
        with own_errors():
            try:
                # Numbers have gaps where letters were replayed: the next one there is asked for.
                msg = await js.get_msg(STREAM, seq=number, next=True, subject=">")
            except NotFoundError:
                return
        number = (msg.seq or number) + 1
        if number - 1 > state.last_seq:
            return
        try:
            dead = Dead(number - 1, _decoder.decode(msg.data or b""))
        except UNDECODABLE as error:
            # Not by Drishti, then; it must not hide the others.
            about = {"number": number - 1, "reason": str(error)}
            log.error("%s holds what is no dead letter", STREAM, extra=about)  # noqa: TRY400 - where msgspec stood says nothing
            continue
        if wanted(dead):
            yield dead


@with_own_errors
async def replay(bus: Bus, dead: Dead) -> Replayed:
    """Publishes what the letter holds where it came from, then takes the letter away.

    Ended between the two, or run by two at once, it may be published twice: the consumers count an event once all the same. A
    message that is refused again comes back as a new letter.
    """
    letter = dead.letter
    if not subjects.publishable(letter.subject):
        return Replayed(dead, f"{letter.subject!r} is no subject that a message can be published to")
    payload = letter.payload
    if letter.truncated:
        try:
            whole = await bus.js.get_msg(letter.stream, seq=letter.sequence)
        except NotFoundError:
            return Replayed(dead, f"too large for a letter, and {letter.stream} has dropped message {letter.sequence} since")
        payload = whole.data or b""
        if whole.subject != letter.subject or letter.payload not in payload:
            return Replayed(
                dead, f"too large for a letter, and message {letter.sequence} of {letter.stream} is another one now"
            )
    # Without an id: with the one that it had, or any other that somebody used before, the stream would drop it.
    headers = {name: value for name, value in letter.headers.items() if _may_be_sent_again(name)}
    try:
        await bus.publish(letter.subject, payload, headers=headers or None)
    except BusRefused as error:
        return Replayed(dead, str(error))
    try:
        await bus.js.delete_msg(STREAM, dead.number)
    except APIError as error:
        if error.err_code != NO_MESSAGE:  # else somebody else took it away, who has published it too
            raise
    return Replayed(dead)


def _may_be_sent_again(header: str) -> bool:
    """Whether ``header`` is the message's own: none that the server acts on or that no client can send."""
    return _HEADER.fullmatch(header) is not None and not header.lower().startswith("nats-") and header.lower() != "status"


def on_subject(pattern: str) -> Wanted:
    """Picks letters by the subject on which they were first; ``*`` and ``>`` as NATS has them."""
    tokens = pattern.split(".")

    def matches(dead: Dead) -> bool:
        parts = dead.letter.subject.split(".")
        for index, part in enumerate(tokens):
            if part == ">":
                return len(parts) > index
            if index >= len(parts) or part not in ("*", parts[index]):
                return False
        return len(parts) == len(tokens)

    return matches
