"""The OpenAPI document of the gateway: its examples are answers that it describes."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from drishti.messages.queries import QUERIES
from gateway.openapi.document import document
from rigs.contract_examples import paths

EXPLORED = [query for query in QUERIES if query.path]


def answers() -> list[Any]:
    """Each example of the document as a parameter: its schema and its value."""
    return [
        pytest.param(described["schema"], example["value"], id=f"{operation['operationId']}-{name}")
        for of_path in document()["paths"].values()
        for operation in of_path.values()
        for answer in operation["responses"].values()
        for described in answer.get("content", {}).values()
        for name, example in described.get("examples", {}).items()
    ]


@pytest.mark.parametrize(("schema", "value"), answers())
def test_every_example_is_as_its_schema_says(schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": document()["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


@pytest.mark.parametrize("query", EXPLORED, ids=lambda query: query.name)
def test_every_question_of_the_explorer_shows_all_its_recorded_answers(query: Any) -> None:
    verb = "post" if query.by_body else "get"
    for prefix in ("/api/analytics", "/api/dashboard/analytics"):
        described = document()["paths"][f"{prefix}{query.path}"][verb]["responses"]["200"]["content"]["application/json"]
        recorded = {path.stem for path in paths(f"query_{query.name}_answer")}
        assert set(described["examples"]) == recorded
        assert recorded
