"""Settings are read once, tell every problem at once, and keep secrets to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from drishti.errors import SettingsError
from drishti.settings import OTLP, BusSettings, Secret, entries, explained, group, load, setting


@dataclass(frozen=True, kw_only=True)
class Example:
    port: int = setting("EX_PORT", "a port", 8000)
    ratio: float = setting("EX_RATIO", "a ratio", 0.5)
    on: bool = setting("EX_ON", "a switch", False)
    names: tuple[str, ...] = setting("EX_NAMES", "some names", ())
    folder: Path | None = setting("EX_FOLDER", "a folder", None)
    needed: Secret = setting("EX_SECRET", "a secret")
    bus: BusSettings = group(BusSettings)

    def __post_init__(self) -> None:
        if self.port < 1:
            raise ValueError("EX_PORT: must be 1 or more")


def test_values_are_converted_by_their_types() -> None:
    result = load(
        Example,
        {
            "EX_PORT": "9000",
            "EX_RATIO": "0.25",
            "EX_ON": "Yes",
            "EX_NAMES": "a, b,,c",
            "EX_FOLDER": "/var/x",
            "EX_SECRET": "s3cret",
            "NATS_USER": "gateway",
        },
    )
    assert (result.port, result.ratio, result.on, result.names) == (9000, 0.25, True, ("a", "b", "c"))
    assert result.folder == Path("/var/x")
    assert (result.needed.reveal(), result.bus.user) == ("s3cret", "gateway")


def test_what_is_not_set_has_its_default() -> None:
    result = load(Example, {"EX_SECRET": "x", "EX_FOLDER": ""})
    assert (result.port, result.on, result.names, result.folder) == (8000, False, (), None)
    assert result.bus.url == "nats://127.0.0.1:4222"


def test_all_problems_are_reported_at_once_by_the_variables_name() -> None:
    with pytest.raises(SettingsError) as caught:
        load(Example, {"EX_PORT": "eight", "EX_RATIO": "half", "EX_ON": "perhaps"})
    assert caught.value.problems == [
        "EX_PORT: 'eight' is not a whole number",
        "EX_RATIO: 'half' is not a number",
        "EX_ON: 'perhaps' is neither true nor false",
        "EX_SECRET is not set: a secret",
    ]


def test_what_does_not_belong_together_is_a_problem_too() -> None:
    with pytest.raises(SettingsError, match="EX_PORT: must be 1 or more"):
        load(Example, {"EX_PORT": "0", "EX_SECRET": "x"})


def test_a_secret_prints_as_stars_wherever_it_is() -> None:
    result = load(Example, {"EX_SECRET": "s3cret", "NATS_PASSWORD": "pa55"})
    for text in (repr(result), str(result), f"{result.needed}", repr([result.bus.password]), str([result])):
        assert "s3cret" not in text
        assert "pa55" not in text
    assert "***" in repr(result)
    assert not Secret()
    assert Secret("a") == Secret("a") != Secret("b")


def test_entries_tell_every_setting_with_those_of_its_groups() -> None:
    result = [entry.env for entry in entries(Example)]
    assert result[:2] == ["EX_PORT", "EX_RATIO"]
    assert result[-3:] == ["DRISHTI_NATS_URL", "NATS_USER", "NATS_PASSWORD"]


def test_help_explains_every_variable_in_lines_that_fit() -> None:
    text = explained(Example, ("OTHER_ONE", "read elsewhere, " * 12), OTLP)
    assert all(len(line) <= 118 for line in text.splitlines())
    assert [line.split()[0] for line in text.splitlines()[1:] if line[2] != " "] == [
        *(entry.env for entry in entries(Example)),
        "OTHER_ONE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]
    assert "a port [8000]" in text
    assert "a secret (must be set)" in text
    assert "a folder\n" in text
