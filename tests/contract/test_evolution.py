"""Within a version only optional fields are added: one deliberately bad change for each rule, and each is found."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drishti.cli import main
from drishti.contracts import evolution, files, schemas
from drishti.contracts.files import ContractBroken
from drishti.contracts.schemas import Schema
from drishti.messages.field_types import OPEN_ENUM
from rigs.contract_examples import ROOT

EVENT = schemas.documents()["event"]
AGGREGATE = schemas.documents()["aggregate"]
INSIGHT = schemas.documents()["insight"]
DASHBOARD = schemas.documents()["dashboard"]


def changed(change: Callable[[Schema], Any], schema: Schema = EVENT) -> list[str]:
    new = copy.deepcopy(schema)
    change(new)
    return evolution.breaks(schema, new)


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda s: s["properties"].pop("session_id"), "session_id: the field is gone"),
        (lambda s: s["required"].append("user_id"), "user_id: the field has become required"),
        (
            lambda s: (s["properties"].update(plan={"type": "string"}), s["required"].append("plan")),
            "plan: the new field is required",
        ),
        (lambda s: s["required"].remove("event_id"), "event_id: the field is no longer required"),
        (lambda s: s["properties"]["event_id"].update(type="integer"), "event_id: the field takes other values"),
        (lambda s: s["properties"]["event_id"].update(maxLength=64), "event_id: the field takes other values"),
        (lambda s: s["properties"]["event_id"].update(maxLength=9999), "event_id: the field takes other values"),
        (lambda s: s.update(additionalProperties=False), "the message: another kind of change"),
    ],
)
def test_a_change_that_breaks_readers_is_reported(change: Callable[[Schema], Any], reported: str) -> None:
    assert changed(change) == [reported]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda s: s["$defs"]["AggregateSeries"]["properties"].pop("p95"), "AggregateSeries.p95: the field is gone"),
        (lambda s: s["$defs"].pop("AggregateSeries"), "AggregateSeries: the type is gone"),
        (lambda s: s["properties"]["resolution"]["enum"].append("1d"), "resolution: the closed enum has other values: 1d"),
        (lambda s: s["properties"]["resolution"]["enum"].remove("1h"), "resolution: the closed enum has other values: 1h"),
    ],
)
def test_a_change_inside_is_reported_as_well(change: Callable[[Schema], Any], reported: str) -> None:
    assert changed(change, AGGREGATE) == [reported]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["properties"].update(plan={"type": "string"}),
        lambda s: s["properties"]["event_id"].update(description="in other words"),
        lambda s: s.update(description="in other words"),
    ],
)
def test_an_optional_field_and_better_words_break_nothing(change: Callable[[Schema], Any]) -> None:
    assert changed(change) == []


def kind(schema: Schema, name: str) -> Schema:
    result: Schema = schema["$defs"][name]
    return result


def severity(schema: Schema) -> Schema:
    """The open enum, in one of the kinds."""
    text, _null = kind(schema, "AnomalyInsight")["properties"]["severity"]["anyOf"]
    result: Schema = text
    return result


def add_kind(schema: Schema) -> None:
    schema["$defs"]["CauseInsight"] = {"type": "object", "properties": {"kind": {"enum": ["cause"]}}, "required": ["kind"]}
    schema["anyOf"].append({"$ref": "#/$defs/CauseInsight"})
    schema["discriminator"]["mapping"]["cause"] = "#/$defs/CauseInsight"


def remove_kind(schema: Schema) -> None:
    schema["anyOf"] = [entry for entry in schema["anyOf"] if not entry["$ref"].endswith("ChangeInsight")]
    del schema["discriminator"]["mapping"]["change"]


def close(schema: Schema) -> None:
    severity(schema)["enum"] = severity(schema).pop(OPEN_ENUM)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: severity(s)[OPEN_ENUM].append("fatal"),
        lambda s: kind(s, "IncidentInsight")["properties"].update(owner={"type": "string"}),
        add_kind,
    ],
)
def test_an_open_enum_takes_values_and_a_union_takes_kinds(change: Callable[[Schema], Any]) -> None:
    assert changed(change, INSIGHT) == []


def opened(values: list[str]) -> list[str]:
    return changed(lambda s: s["properties"].update(resolution={"type": "string", OPEN_ENUM: values}), AGGREGATE)


def test_a_closed_enum_may_be_opened_with_all_its_values() -> None:
    assert opened(["1h", "1m", "1s"]) == []
    assert opened(["1h", "1m"]) == ["resolution: the field takes other values"]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        (lambda s: severity(s)[OPEN_ENUM].remove("info"), "AnomalyInsight.severity: the value 'info' is gone"),
        (close, "AnomalyInsight.severity: the open enum has become closed"),
        (remove_kind, "the kind 'change' is gone"),
        (
            lambda s: kind(s, "AnomalyInsight")["properties"]["direction"]["anyOf"][0]["enum"].append("both"),
            "AnomalyInsight.direction: the closed enum has other values: both",
        ),
        (lambda s: s["discriminator"].update(propertyName="sort"), "the message: another kind of change"),
    ],
)
def test_open_ones_lose_nothing_and_closed_ones_stay_as_they_are(change: Callable[[Schema], Any], reported: str) -> None:
    assert changed(change, INSIGHT) == [reported]


def panels(schema: Schema) -> Schema:
    """The union by a tag that stands in a field."""
    union: Schema = schema["properties"]["panels"]["items"]
    return union


def add_panel(schema: Schema) -> None:
    schema["$defs"]["Clock"] = {"type": "object", "properties": {"kind": {"enum": ["clock"]}}, "required": ["kind"]}
    panels(schema)["anyOf"].append({"$ref": "#/$defs/Clock"})
    panels(schema)["discriminator"]["mapping"]["clock"] = "#/$defs/Clock"


def test_a_union_in_a_field_takes_kinds_and_loses_none() -> None:
    assert changed(add_panel, DASHBOARD) == []
    assert changed(lambda s: panels(s)["discriminator"]["mapping"].pop("pie"), DASHBOARD) == ["panels: the kind 'pie' is gone"]
    renamed = changed(lambda s: panels(s)["discriminator"].update(propertyName="sort"), DASHBOARD)
    assert renamed == ["panels: the field takes other values"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the files' generator looks at."""
    (tmp_path / "shared" / "src" / "drishti").mkdir(parents=True)
    shutil.copytree(ROOT / "shared" / "contracts", tmp_path / "shared" / "contracts")
    files.write(tmp_path)
    return tmp_path


def test_check_tells_a_file_that_was_changed_by_hand(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "check", "--root", str(checkout)]) == 0
    page = checkout / "docs" / "contracts.md"
    page.write_text(page.read_text() + "by hand\n")
    assert main(["contracts", "check", "--root", str(checkout)]) == 1
    assert capsys.readouterr().err.endswith("(`drishti contracts write` mends it):\n  - docs/contracts.md\n")
    assert main(["contracts", "write", "--root", str(checkout)]) == 0
    assert main(["contracts", "check", "--root", str(checkout)]) == 0


def test_a_promise_that_was_committed_is_not_overwritten(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    promised = checkout / "shared" / "contracts" / "schemas" / "event.v1.json"
    schema = json.loads(promised.read_text())
    schema["properties"]["mood"] = {"type": "string"}
    promised.write_text(json.dumps(schema))
    with pytest.raises(ContractBroken, match="event: mood: the field is gone"):
        files.write(checkout)
    assert json.loads(promised.read_text()) == schema
    assert main(["contracts", "check", "--root", str(checkout)]) == 1
    assert "make a new version on a new subject" in capsys.readouterr().err


def test_a_folder_outside_a_checkout_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "check", "--root", str(tmp_path)]) == 1
    assert "is not inside a checkout" in capsys.readouterr().err
