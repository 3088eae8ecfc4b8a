"""The generated schemas: as committed, valid, and of one mind with the decoders about every example."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from drishti.contracts import files, schemas
from drishti.events import BatchDecoder
from drishti.messages.catalogue import MESSAGES
from rigs.contract_examples import ROOT, paths, payloads

MODELS = schemas.models()
EXAMPLES = [pytest.param(name, *p.values, id=f"{name}-{p.id}") for name in MODELS for p in payloads(name)]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas.documents()[name], format_checker=Draft202012Validator.FORMAT_CHECKER)


def items(payload: bytes) -> list[Any]:
    result = json.loads(payload)
    return result if isinstance(result, list) else [result]


def test_generated_files_are_as_committed() -> None:
    assert files.differing(ROOT) == [], "run `drishti contracts write` and commit what it wrote"


@pytest.mark.parametrize("name", MODELS)
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schemas.documents()[name])


def test_every_message_of_the_catalogue_has_examples() -> None:
    for message in MESSAGES:
        assert paths(message.name), message.name


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_every_example_is_valid_by_schema_and_decoder(name: str, payload: bytes) -> None:
    for item in items(payload):
        validator(name).validate(item)
    BatchDecoder(MODELS[name]).decode(payload)


@pytest.mark.parametrize(("name", "payload"), EXAMPLES)
def test_schema_and_decoder_agree_on_what_is_wrong(name: str, payload: bytes) -> None:
    """Each field in turn is left out and given a wrong value: both take it, or neither does."""
    check = validator(name)
    decoder = msgspec.json.Decoder(MODELS[name])
    for item in items(payload):
        spoilt = [{k: v for k, v in item.items() if k != field} for field in item]
        spoilt += [item | {field: wrong} for field in item for wrong in ([[]], {"x": [1]}, True)]
        for variant in spoilt:
            assert check.is_valid(variant) is takes(decoder, variant), variant


def takes(decoder: msgspec.json.Decoder[Any], item: Any) -> bool:
    try:
        decoder.decode(json.dumps(item))
    except msgspec.ValidationError:
        return False
    return True
