"""``drishti``, the command, against a real NATS."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from drishti.bus import dead_letters, keys
from drishti.bus.connection import Bus
from drishti.messages import subjects
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.contract_examples import payloads
from rigs.drishti_command import DrishtiCommand
from rigs.waiting import DEADLINE_S


@pytest.fixture
def drishti(own_nats: NatsServer) -> DrishtiCommand:
    return DrishtiCommand({"DRISHTI_NATS_URL": own_nats.url("admin")})


async def refused(bus: Bus, payload: bytes, reason: str, event_type: str = "feedback") -> None:
    """One message of EVENTS that analytics has refused."""
    subject = subjects.events("default", event_type)
    sequence = await bus.publish(subject, payload, msg_id=f"first-{event_type}-{len(payload)}")
    result = await bus.js.pull_subscribe_bind("analytics-events", "EVENTS")
    (msg,) = await result.fetch(1, timeout=DEADLINE_S)
    assert msg.metadata.sequence.stream == sequence
    await bus.refuse(msg, reason, by="analytics")
    await msg.ack_sync()
    await result.unsubscribe()


async def test_a_key_is_made_shown_once_listed_and_revoked(drishti: DrishtiCommand, admin: Bus) -> None:
    status, text, reported = await drishti("keys", "create", "--name", "ci", "--role", "viewer", "--tenant", "acme")
    assert status == 0, reported
    key_id = re.match(r"dk_([0-9a-f]+)_\S{40,}\n$", text)
    assert key_id is not None, text
    assert f"key {key_id[1]} of tenant acme, role viewer" in reported
    (key,) = await keys.list_keys(await admin.kv("api_keys"))
    assert (key.id, key.tenant, key.role, key.revoked_at) == (key_id[1], "acme", "viewer", None)
    _, listed, _ = await drishti("keys", "list")
    assert key.id in listed
    assert text.strip() not in listed
    await (await admin.kv("api_keys")).put("damaged", b"{")  # by whatever hand: the others can still be managed
    assert (await drishti("keys", "revoke", key.id))[0] == 0
    (key,) = await keys.list_keys(await admin.kv("api_keys"))
    assert key.revoked_at is not None
    status, _, problem = await drishti("keys", "revoke", "nothing")
    assert (status, problem) == (1, "drishti: there is no key 'nothing'\n")
    status, _, problem = await drishti("keys", "create", "--name", "ci", "--tenant", "A B")
    assert (status, problem) == (1, "drishti: 'A B' cannot be a tenant: use 1 to 64 of a-z, 0-9, _ and -\n")
    status, _, reported = await drishti("keys", "create", "--name", "short", "--expires", "30d")
    assert status == 0, reported
    (short,) = [key for key in await keys.list_keys(await admin.kv("api_keys")) if key.name == "short"]
    assert short.expires_at == short.created_at + timedelta(days=30)
    assert f"until {short.expires_at:%Y-%m-%d %H:%M:%S}Z" in reported
    assert (await drishti("keys", "create", "--name", "short", "--expires", "tomorrow"))[0] == 1


async def test_dead_letters_are_listed_and_get_another_chance_once(drishti: DrishtiCommand, admin: Bus) -> None:
    bad = b'{"event_id": 7, "event_type": "feedback"}'
    await refused(admin, bad, "event_id: Expected `str`, got `int`")
    await refused(admin, b"{", "Input data was truncated", "other")
    _, listed, _ = await drishti("dead", "list")
    first, second = listed.splitlines()[1:]
    assert re.match(r"1 .*Z  events\.v1\.default\.feedback +analytics  41 +event_id: Expected `str`, got `int`", first)
    assert "events.v1.default.other" in second
    _, listed, _ = await drishti("dead", "list", "--subject", "events.*.*.other")
    assert len(listed.splitlines()) == 2
    _, listed, _ = await drishti("dead", "list", "--last", "1")
    assert "… and 1 older ones" in listed

    status, output, reported = await drishti("dead", "replay", "1")
    assert (status, output) == (0, "1 to events.v1.default.feedback\n1 published again\n"), reported
    again = await admin.js.get_msg("EVENTS", subject="events.v1.default.feedback")
    assert (again.data, again.seq) == (bad, 3)
    assert [d.number async for d in dead_letters.letters(admin.js)] == [2]
    status, _, reported = await drishti("dead", "replay", "1")
    assert (status, reported) == (1, "1: no such letter\n")
    assert (await drishti("dead", "replay", "--all"))[1].endswith("1 published again\n")
    assert [d async for d in dead_letters.letters(admin.js)] == []
    assert (await drishti("dead", "list"))[1] == "no dead letters\n"


async def test_every_recorded_letter_is_listed(drishti: DrishtiCommand, admin: Bus) -> None:
    examples = [param.values[0] for param in payloads("dead_letter")]
    for payload in examples:
        await admin.publish(subjects.dead("events.v1.default.feedback"), payload)
    status, listed, reported = await drishti("dead", "list")
    assert (status, reported) == (0, "")
    for line, payload in zip(listed.splitlines()[1:], examples, strict=True):
        assert json.loads(payload)["subject"] in line
        assert line.endswith(json.loads(payload)["reason"])


async def test_what_is_no_letter_hides_no_other(drishti: DrishtiCommand, admin: Bus) -> None:
    await admin.publish("dead.v1.by.hand", b"no letter")
    await refused(admin, b"{", "Input data was truncated")
    status, listed, reported = await drishti("dead", "list")
    assert status == 0
    assert [line.split()[0] for line in listed.splitlines()] == ["number", "2"]
    assert "DEAD holds what is no dead letter number=1" in reported
    assert (await drishti("dead", "replay", "1"))[0] == 1
    assert (await admin.js.get_msg("DEAD", seq=1)).data == b"no letter"


async def test_a_letter_too_large_for_the_bus_is_replayed_whole_while_its_stream_has_it(
    drishti: DrishtiCommand, admin: Bus
) -> None:
    large = json.dumps({"event_id": 7, "event_type": "feedback", "data": {"text": "x" * 900_000}}).encode()
    await refused(admin, large, "event_id: Expected `str`, got `int`")
    (result,) = [d async for d in dead_letters.letters(admin.js)]
    assert result.letter.truncated
    assert large.startswith(result.letter.payload)
    assert (await drishti("dead", "replay", "1"))[0] == 0
    assert (await admin.js.get_msg("EVENTS", seq=2)).data == large

    await admin.js.purge_stream("DEAD")
    await refused_again(admin)
    await admin.js.purge_stream("EVENTS")
    status, _, reported = await drishti("dead", "replay", "--all")
    assert status == 1
    assert "EVENTS has dropped message 2 since" in reported
    assert len([d async for d in dead_letters.letters(admin.js)]) == 1, "what could not be replayed stays"


async def refused_again(bus: Bus) -> None:
    result = await bus.js.pull_subscribe_bind("analytics-events", "EVENTS")
    (msg,) = await result.fetch(1, timeout=DEADLINE_S)
    await bus.refuse(msg, "still wrong", by="analytics")
    await msg.ack_sync()
    await result.unsubscribe()


async def test_the_declaration_may_be_repeated_and_tells_what_differs(drishti: DrishtiCommand, admin: Bus) -> None:
    assert await drishti("bus", "declare") == (0, "the bus is as the catalogue says\n", "")
    await admin.js.delete_stream("DEAD")
    assert (await drishti("bus", "declare"))[:2] == (0, "made stream DEAD\n")
    config = (await admin.js.stream_info("EVENTS")).config
    config.max_age = 60.0
    config.duplicate_window = 60.0
    await admin.js.update_stream(config)
    status, output, reported = await drishti("bus", "declare")
    assert (status, output) == (1, "")
    assert "stream EVENTS: max_age is 60.0, the catalogue says 259200.0" in reported
    assert (await admin.js.stream_info("EVENTS")).config.max_age == 60.0, "nothing was changed"


async def test_where_the_bus_is_comes_from_the_local_run(own_nats: NatsServer, tmp_path: Path) -> None:
    (tmp_path / "admin.env").write_text(f"DRISHTI_NATS_URL={own_nats.url('admin')}\n")
    assert (await DrishtiCommand({"DRISHTI_HOME": str(tmp_path)})("keys", "list"))[0] == 0
    as_producer = {"DRISHTI_HOME": str(tmp_path), "DRISHTI_NATS_URL": own_nats.url("producer")}
    assert (await DrishtiCommand(as_producer)("keys", "list"))[0] == 0, "client.env in the shell does not stand in the way"
    status, _, reported = await DrishtiCommand({"DRISHTI_HOME": str(tmp_path / "none")})("keys", "list")
    assert status == 1
    assert reported.startswith("drishti: DRISHTI_NATS_URL is not set, and ")


async def test_an_absent_bus_is_said_in_one_line() -> None:
    address = f"127.0.0.1:{free_port()}"
    status, _, reported = await DrishtiCommand({"DRISHTI_NATS_URL": f"nats://admin:secret@{address}"})("keys", "list")
    assert status == 1
    assert reported.startswith(f"drishti: NATS at {address} gave no access within 5 s ([Errno ")
    assert "secret" not in reported
    assert len(reported.splitlines()) == 1


async def test_a_wrong_password_is_said_in_one_line(own_nats: NatsServer) -> None:
    wrong = f"nats://admin:secret@127.0.0.1:{own_nats.port}"
    status, _, reported = await DrishtiCommand({"DRISHTI_NATS_URL": wrong})("keys", "list")
    assert status == 1
    assert "Authorization Violation" in reported
    assert "secret" not in reported
    assert len(reported.splitlines()) == 1


@pytest.mark.parametrize(
    ("environ", "arguments", "reported"),
    [
        ({"DRISHTI_NATS_URL": "nats://h:door"}, ("keys", "list"), "DRISHTI_NATS_URL: 'nats://h:door' is no address of NATS"),
        ({}, ("dead", "replay"), "which letters? Give their numbers, or --all"),
        ({}, ("dead", "replay", "--all", "3"), "which letters? Give their numbers, or --all"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    environ: dict[str, str], arguments: tuple[str, ...], reported: str
) -> None:
    status, output, errors = await DrishtiCommand(environ)(*arguments)
    assert (status, output) == (1, "")
    assert errors.startswith(f"drishti: {reported}")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("dead",), ("dead", "list", "--last", "0"), ("keys", "create")])
async def test_wrong_usage_has_a_status_of_its_own(arguments: tuple[str, ...]) -> None:
    status, _, errors = await DrishtiCommand({})(*arguments)
    assert status == 2
    assert errors.startswith("usage: drishti")


async def test_a_producer_may_not_make_keys(own_nats: NatsServer) -> None:
    status, output, reported = await DrishtiCommand({"DRISHTI_NATS_URL": own_nats.url("producer")})(
        "keys", "create", "--name", "x"
    )
    assert (status, output) == (1, ""), reported
    assert "Traceback" not in reported


@pytest.mark.parametrize(
    ("pattern", "subject", "matches"),
    [
        (">", "events.v1.a.b", True),
        ("events.>", "events.v1.a.b", True),
        ("events.v1.a.b", "events.v1.a.b", True),
        ("events.*.a.*", "events.v1.a.b", True),
        ("events.v1", "events.v1.a.b", False),
        ("events.v1.a.b.>", "events.v1.a.b", False),
        ("events.v1.a.b.c", "events.v1.a.b", False),
        ("requests.>", "events.v1.a.b", False),
    ],
)
def test_subjects_match_as_nats_has_it(pattern: str, subject: str, matches: bool) -> None:
    letter = dead_letters.DeadLetter(subject=subject, stream="EVENTS", sequence=1, reason="", refused_by="", at=0, payload=b"")
    assert dead_letters.on_subject(pattern)(dead_letters.Dead(1, letter)) is matches
