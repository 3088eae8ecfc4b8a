"""The AsyncAPI document tells the whole catalogue, and every reference in it leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drishti.contracts import asyncapi
from drishti.messages.catalogue import MESSAGES
from drishti.messages.queries import QUERIES

DOCUMENT = asyncapi.document()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_leads_somewhere() -> None:
    result = set(references(DOCUMENT))
    assert len(result) > 30
    for reference in result:
        assert resolve(reference), reference


def test_every_message_has_its_channel_and_everyone_who_sends_or_receives_it() -> None:
    operations = DOCUMENT["operations"]
    for message in MESSAGES:
        assert DOCUMENT["channels"][message.name]["address"] == message.subject
        senders = {
            name for name, op in operations.items() if name.endswith(f"_sends_{message.name}") and op["action"] == "send"
        }
        assert senders == {f"{user}_sends_{message.name}" for user in message.producers}
        for reader in message.readers:
            assert operations[f"{reader}_receives_{message.name}"]["action"] == "receive"
        for durable in message.durables:
            assert f"{durable.name.split('-')[0]}_receives_{message.name}" in operations


def test_a_micro_batch_may_be_one_or_many() -> None:
    for message in MESSAGES:
        payload = DOCUMENT["components"]["messages"][message.name].get("payload", {})
        assert ("oneOf" in payload) is message.batches


def test_every_question_tells_where_its_answer_comes() -> None:
    for query in QUERIES:
        asks = DOCUMENT["operations"][f"{query.asker}_asks_{query.name}"]
        assert resolve(asks["channel"]["$ref"])["address"] == query.subject
        names = {resolve(entry["$ref"])["$ref"].rpartition("/")[2] for entry in asks["reply"]["messages"]}
        assert names == {f"query_{query.name}_answer", "query_failure"}


def test_every_parameter_of_an_address_is_explained() -> None:
    for channel in DOCUMENT["channels"].values():
        address = channel["address"] or ""
        assert address.count("{") == len(channel.get("parameters", {}))
        assert all(parameter["description"] for parameter in channel.get("parameters", {}).values())
