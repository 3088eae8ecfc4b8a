"""Rights at NATS follow the catalogue: what a user may publish or read is what its role needs, and nothing more."""

from __future__ import annotations

import json
import re

import pytest

from drishti.bus import permissions
from drishti.messages import catalogue
from drishti.messages.catalogue import ADMIN, MESSAGES, PRODUCER, SERVICES, USERS
from drishti.messages.queries import QUERIES

OTHERS = [user for user in USERS if user != ADMIN]


def allows(pattern: str, subject: str) -> bool:
    """Whether NATS' ``pattern`` covers ``subject``."""
    expression = re.escape(pattern).replace(r"\*", r"[^.]+")
    return re.fullmatch(expression.removesuffix(">") + (".+" if pattern.endswith(">") else ""), subject) is not None


def may_publish(user: str, subject: str) -> bool:
    return any(allows(pattern, subject) for pattern in permissions.of(user).publish)


def may_subscribe(user: str, subject: str) -> bool:
    return any(allows(pattern, subject) for pattern in permissions.of(user).subscribe)


@pytest.mark.parametrize("user", OTHERS)
def test_a_user_publishes_what_it_produces_and_nothing_else_of_the_catalogue(user: str) -> None:
    for message in MESSAGES:
        assert may_publish(user, message.wildcard.replace(">", "default.x")) is (user in message.producers), message.name
    for query in QUERIES:
        assert may_publish(user, query.subject) is (user == query.asker)
        assert may_subscribe(user, query.subject) is (user == query.answerer)


@pytest.mark.parametrize("user", OTHERS)
def test_nobody_subscribes_a_streams_subjects_past_its_consumers(user: str) -> None:
    assert not any(may_subscribe(user, message.wildcard.replace(">", "default.x")) for message in MESSAGES)


@pytest.mark.parametrize("user", OTHERS)
def test_a_stream_is_read_by_its_consumers_and_by_who_erases_users_only(user: str) -> None:
    for message in MESSAGES:
        follows = user in (*message.readers, *catalogue.ERASERS)
        assert may_publish(user, f"$JS.API.CONSUMER.CREATE.{message.stream}.any") is follows, message.stream
        for durable in message.durables:
            owns = durable.name.startswith(f"{user}-")
            assert may_publish(user, f"$JS.API.CONSUMER.MSG.NEXT.{message.stream}.{durable.name}") is owns
            assert may_publish(user, f"$JS.ACK.{message.stream}.{durable.name}.1.1.1.1.1") is owns


@pytest.mark.parametrize("user", OTHERS)
def test_nobody_but_admin_changes_streams_or_gives_rights(user: str) -> None:
    for name in [message.stream for message in MESSAGES] + [f"KV_{bucket}" for bucket in catalogue.BUCKETS]:
        for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE"):
            erases = verb == "MSG.DELETE" and user in catalogue.ERASERS and not name.startswith("KV_")
            assert may_publish(user, f"$JS.API.STREAM.{verb}.{name}") is erases, (verb, name)
    assert not may_publish(user, "$SYS.REQ.SERVER.PING")
    assert may_publish(user, f"$KV.{catalogue.API_KEYS_BUCKET}.x") is (user == catalogue.GATEWAY)


def test_keys_are_read_and_changed_by_the_gateway_alone_and_models_belong_to_the_predictor() -> None:
    for user in OTHERS:
        assert may_publish(user, f"$JS.API.CONSUMER.CREATE.KV_{catalogue.API_KEYS_BUCKET}.x") is (user == catalogue.GATEWAY)
        assert may_publish(user, f"$O.{catalogue.MODELS_BUCKET}.C.x") is (user == catalogue.PREDICTOR)


def test_every_inbox_is_read_by_its_owner_alone() -> None:
    for owner in SERVICES:
        assert [user for user in OTHERS if may_subscribe(user, f"_INBOX_{owner}.x.1")] == [owner]
    assert [user for user in OTHERS if may_subscribe(user, "_INBOX.x.1")] == [PRODUCER]


def test_replies_go_only_to_whoever_may_ask() -> None:
    for user in OTHERS:
        answered = {asker for asker in SERVICES if may_publish(user, f"_INBOX_{asker}.x.1")}
        assert answered == {query.asker for query in QUERIES if query.answerer == user}
        answers = any(query.answerer == user for query in QUERIES)
        assert [may_publish(user, inbox) for inbox in ("_INBOX_admin.x.1", "_INBOX.x.1")] == [answers, answers]


def test_admin_may_everything() -> None:
    assert may_publish(ADMIN, "$JS.API.STREAM.DELETE.EVENTS")
    assert may_subscribe(ADMIN, "events.v1.default.x")


def test_passwords_are_written_so_that_none_ends_its_quotes() -> None:
    awkward = 'a"} ]\n\\'
    block = permissions.users({user: f"{awkward}{user}" for user in USERS})
    result = re.findall(r'user: ("[^"]+"), password: (".*?[^\\]"), permissions', block)
    assert {json.loads(user): json.loads(password) for user, password in result} == {u: awkward + u for u in USERS}


def test_the_template_names_a_variable_for_each_user_and_holds_no_password() -> None:
    assert re.findall(r"password: (\S+), permissions", permissions.template()) == [
        f"$NATS_PASSWORD_{user.upper().replace('-', '_')}" for user in USERS
    ]
