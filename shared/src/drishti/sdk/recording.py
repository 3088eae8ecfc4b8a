"""Who keeps, in this process, what would be sent: tests, by :func:`drishti.capture`. While somebody does, nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from drishti.events import AnalyticsEvent, RequestEvent


class Recorder(Protocol):
    """Takes what the SDK would send. Called from any thread."""

    def take_event(self, event: AnalyticsEvent) -> None: ...
    def take_request(self, request: RequestEvent) -> None: ...
    def take_llm_call(self, call: Mapping[str, Any]) -> None: ...


recorders: tuple[Recorder, ...] = ()
"""Replaced, never changed: whoever reads it needs no lock."""


def add(recorder: Recorder) -> None:
    global recorders
    recorders = (*recorders, recorder)


def remove(recorder: Recorder) -> None:
    global recorders
    recorders = tuple(each for each in recorders if each is not recorder)


def event(taken: AnalyticsEvent) -> None:
    for recorder in recorders:
        recorder.take_event(taken)


def request(taken: RequestEvent) -> None:
    for recorder in recorders:
        recorder.take_request(taken)


def llm_call(facts: Mapping[str, Any]) -> None:
    for recorder in recorders:
        recorder.take_llm_call(facts)
