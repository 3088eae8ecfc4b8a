"""A log line is an event with fields, as text or JSON."""

from __future__ import annotations

import json
import logging

import pytest

from drishti.telemetry.logs import BURST, KINDS, PERIOD_S, JsonFormatter, RateLimit, TextFormatter, configure


def record(message: str, *, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    made = logging.LogRecord("gateway.app", logging.WARNING, "x.py", 1, message, (), info)
    made.created = 1_800_000_000.125
    vars(made).update(extra)
    return made


def test_text_has_time_level_logger_message_and_fields() -> None:
    line = TextFormatter().format(record("events are not stored", tenant="default", reason="no ack in time", empty=""))
    assert line == (
        '2027-01-15T08:00:00.125Z WARNING gateway.app events are not stored tenant=default reason="no ack in time" empty=""'
    )


def test_a_line_break_in_a_value_begins_no_line() -> None:
    line = TextFormatter().format(record("refused", reason="x\n2027-01-15T08:00:00.125Z ERROR forged"))
    assert "\n" not in line
    assert "\\n2027" in line


def test_lines_of_one_kind_are_limited_in_rate_and_the_suppressed_ones_are_counted() -> None:
    now = 0.0
    limit = RateLimit(clock=lambda: now)
    assert [limit.filter(record("not exported")) for _ in range(BURST + 7)] == [True] * BURST + [False] * 7
    assert limit.filter(record("something else")), "other kinds are not concerned"
    now = PERIOD_S
    again = record("not exported")
    assert limit.filter(again)
    assert vars(again)["suppressed"] == 7
    assert "suppressed=7" in TextFormatter().format(again)
    assert "suppressed" not in vars(record("not exported"))


def test_kinds_of_lines_are_bounded() -> None:
    limit = RateLimit(clock=lambda: 0.0)
    for number in range(3 * KINDS):
        assert limit.filter(record(f"kind {number}"))
    assert len(limit._kinds) == KINDS


def test_json_is_one_object_a_line() -> None:
    try:
        raise ValueError("broken\nin two")
    except ValueError as error:
        line = JsonFormatter().format(record("failed", error=error, count=3, at=object))
    assert "\n" not in line
    result = json.loads(line)
    assert (result["level"], result["logger"], result["message"], result["count"]) == ("WARNING", "gateway.app", "failed", 3)
    assert "ValueError: broken" in result["exception"]


@pytest.mark.parametrize(("form", "begins"), [("json", "{"), ("text", "20")])
def test_the_form_is_chosen_by_variable(
    form: str, begins: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    monkeypatch.setenv("LOG_LEVEL", "warning")
    configure()
    logging.getLogger("somewhere").info("not shown")
    logging.getLogger("somewhere").warning("shown")
    shown = capsys.readouterr().err
    assert shown.startswith(begins)
    assert "not shown" not in shown
    assert shown.count("\n") == 1
