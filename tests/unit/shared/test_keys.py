"""API keys in memory: roles, look-up, what revoking and broken entries do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.js.errors import NoKeysError

from drishti.bus import keys
from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import ROLES, ApiKey, Principal, Role, digest

if TYPE_CHECKING:
    from nats.js.kv import KeyValue

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "dk_abc_" + "s" * 43


def stored(role: Role = "producer", *, revoked: bool = False) -> bytes:
    key = ApiKey(id="abc", name="n", tenant="acme", role=role, created_at=NOW, revoked_at=NOW if revoked else None)
    return msgspec.json.encode(key)


def ring(**kwargs: bool) -> KeyRing:
    result = KeyRing()
    result.take(digest(TEXT), stored(**kwargs))
    return result


@pytest.mark.parametrize("header", [f"Bearer {TEXT}", f"bearer  {TEXT} ", TEXT, f"Bearer {TEXT}".encode()])
def test_key_is_known_with_and_without_bearer(header: str | bytes) -> None:
    assert ring().check(header) == Principal("abc", "acme", "producer")


@given(st.one_of(st.binary(), st.text()))
def test_no_other_text_opens_anything(header: str | bytes) -> None:
    assert ring().check(header) is None


def test_text_of_a_key_is_not_what_the_bus_keeps() -> None:
    assert TEXT.encode() not in stored()
    assert ring().check(digest(TEXT)) is None


def test_revoked_key_is_unknown_at_once() -> None:
    result = ring()
    result.take(digest(TEXT), stored(revoked=True))
    assert result.check(TEXT) is None


def test_key_that_was_used_is_unknown_once_it_is_revoked() -> None:
    result = ring()
    assert result.check(TEXT) == result.check(TEXT) == Principal("abc", "acme", "producer")
    result.take(digest(TEXT), stored(revoked=True))
    assert result.check(TEXT) is None


def test_deleted_key_is_unknown() -> None:
    result = ring()
    result.take(digest(TEXT), None)
    assert result.check(TEXT) is None
    assert len(result) == 0


@pytest.mark.parametrize(
    "value", [b"", b"{}", b"\xff", b'{"id":"a","name":"n","tenant":"A B","role":"admin","created_at":"x"}']
)
def test_broken_entry_opens_nothing_and_closes_what_it_replaces(value: bytes) -> None:
    result = ring()
    result.take(digest(TEXT), value)
    assert result.check(TEXT) is None


@pytest.mark.parametrize(
    ("role", "opens"),
    [
        ("producer", {"producer"}),
        ("viewer", {"viewer"}),
        ("editor", {"producer", "viewer", "editor"}),
        ("admin", set(ROLES)),
        ("service", {"producer"}),
    ],
)
def test_role_opens_what_it_should(role: Role, opens: set[str]) -> None:
    principal = Principal("abc", "acme", role)
    assert {other for other in ROLES if principal.may(other)} == opens
    assert principal.may("service") == (role == "service")


class Slow:
    """A bucket whose entries have come, of which the client sees none for some looks, as nats-py does on a busy machine."""

    def __init__(self, entries: dict[str, bytes], blind: int) -> None:
        self._entries = entries
        self._blind = blind

    async def keys(self) -> list[str]:
        self._blind -= 1
        if self._blind >= 0 or not self._entries:
            raise NoKeysError
        return list(self._entries)

    async def status(self) -> SimpleNamespace:
        return SimpleNamespace(values=len(self._entries))

    async def get(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(value=self._entries[name], revision=1)


@pytest.mark.parametrize(("blind", "result"), [(0, 1), (3, 1), (keys.ATTEMPTS, 0)])
async def test_keys_that_the_client_does_not_see_at_once_are_looked_for_again(
    blind: int, result: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "RETRY_S", 0.0)
    text = b'{"id":"1234abcd","name":"ci","tenant":"acme","role":"viewer","created_at":"2026-01-01T00:00:00Z"}'
    bucket = cast("KeyValue", Slow({"hash": text}, blind))
    assert [key.id for key in await keys.list_keys(bucket)] == ["1234abcd"] * result


async def test_a_bucket_without_entries_is_asked_once() -> None:
    bucket = Slow({}, 0)
    assert await keys.list_keys(cast("KeyValue", bucket)) == []
    assert bucket._blind == -1


def test_key_that_expires_opens_until_that_instant_and_says_so_afterwards() -> None:
    clock = [NOW.timestamp()]
    result = KeyRing(lambda: clock[0])
    key = ApiKey(id="abc", name="n", tenant="acme", role="viewer", created_at=NOW, expires_at=NOW + timedelta(seconds=30))
    result.take(digest(TEXT), msgspec.json.encode(key))
    seen = result.changes
    clock[0] += 29.9
    assert result.check(TEXT) is not None
    assert result.changes == seen
    clock[0] += 0.1
    assert result.check(TEXT) is None
    assert result.changes != seen, "whoever watches learns of it"
    assert result.changes == result.changes
    assert len(result) == 0
    assert result.why_not(f"Bearer {TEXT}") == "the API key expired at 2026-01-01 00:00:30 UTC"
    assert [entry.key.id for entry in result.of_tenant("acme")] == ["abc"]
    assert result.used_at(digest(TEXT)) == NOW + timedelta(seconds=29.9)


def test_why_a_key_opens_nothing_is_said_to_who_has_its_text() -> None:
    assert ring(revoked=True).why_not(TEXT) == "the API key was revoked at 2026-01-01 00:00:00 UTC"
    for other in ("", "abc", "dk_abc_" + "t" * 43, digest(TEXT)):
        assert ring(revoked=True).why_not(other) == "the API key is not valid"


def test_an_older_entry_does_not_undo_what_this_process_wrote() -> None:
    result = ring()
    result.take(digest(TEXT), stored(revoked=True), 7)
    result.take(digest(TEXT), stored(), 6)
    assert result.check(TEXT) is None
    result.take(digest(TEXT), stored(), 8)
    assert result.check(TEXT) is not None


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        (" 30d ", timedelta(days=30)),
        ("8w", timedelta(weeks=8)),
        ("2026-01-02T01:00:00+01:00", timedelta(days=1)),
    ],
)
def test_expiry_is_a_span_or_an_instant(text: str, after: timedelta) -> None:
    assert keys.expiry(text, now=NOW) == NOW + after


@pytest.mark.parametrize(
    "text", ["", "0d", "-1d", "30", "1y", "999999w", "2025-12-31T00:00:00Z", "2026-01-02", "2099-01-01T00:00:00Z", "x" * 9000]
)
def test_expiry_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(keys.KeyProblem) as refused:
        keys.expiry(text, now=NOW)
    assert refused.value.field == "expires"
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("name", ["", " ", "a ", "x" * 101, "x" * 10_000, "a\nb", "\x1b[2J", "\u202eabc", "a\x00"])
def test_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(keys.KeyProblem) as refused:
        keys.new_key(name=name, tenant="acme", role="viewer", now=NOW)
    assert refused.value.field == "name"
