"""Administrators make and revoke the keys of their own tenant over HTTP, and of no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import digest
from drishti_local.servers import NatsServer
from gateway.administration.answers import NewKey
from gateway.administration.keys import KeyAdministration
from gateway.errors import Refused
from rigs.gateway import Rig, event, running
from rigs.waiting import DEADLINE_S, wait_until

PAGES = "/api/dashboard/analytics/keys"


@pytest.fixture(scope="module")
async def rig(nats_server: NatsServer, nats_url: str) -> AsyncIterator[Rig]:
    async with running(nats_server, query_timeout_s=0.3) as rig:
        yield rig


class Administrator:
    """Asks with one key of a tenant of its own."""

    def __init__(self, rig: Rig, key: str) -> None:
        self._rig, self.key = rig, key

    async def __call__(self, method: str, path: str = "", body: Any = None, root: str = "/api/keys", **headers: str) -> Any:
        """Status and content."""
        sent = headers or {"authorization": f"Bearer {self.key}"}
        sent = {name.replace("_", "-"): value for name, value in sent.items()}
        async with self._rig.http.request(method, self._rig.url + root + path, headers=sent, json=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def made(self, role: str = "producer", **wanted: str) -> tuple[str, str]:
        """Id and text of a new key."""
        status, content = await self("POST", body={"name": "one", "role": role} | wanted)
        assert status == 201, content
        return content["key"]["id"], content["text"]


async def administrator(rig: Rig, tenant: str) -> Administrator:
    return Administrator(rig, await rig.key("admin", tenant))


async def test_a_key_is_made_used_listed_and_revoked(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gateway.administration")
    admin = await administrator(rig, "keys-a")
    status, content = await admin("POST", body={"name": "<b>Bahnhof</b> מפתח", "role": "producer", "expires": "30d"})
    assert status == 201
    key, text = content["key"], content["text"]
    assert (key["name"], key["role"], key["tenant"], key["state"]) == ("<b>Bahnhof</b> מפתח", "producer", "keys-a", "active")
    assert key["expires_at"] > key["created_at"]
    assert (await rig.post("/api/events", event(), authorization=f"Bearer {text}"))[0] == 202
    status, listed = await admin("GET")
    (own, seen) = listed["keys"]
    assert own["own"] is True
    assert (seen["id"], seen["own"], seen["made_by"]) == (key["id"], False, own["id"])
    assert seen["last_used_at"] is not None
    assert text not in str(listed)
    assert digest(text) not in str(listed)
    status, revoked = await admin("DELETE", f"/{key['id']}")
    assert (status, revoked["state"], revoked["revoked_by"]) == (200, "revoked", own["id"])
    status, refused = await rig.post("/api/events", event(), authorization=f"Bearer {text}")
    assert status == 401
    assert refused["error"].startswith("the API key was revoked at ")
    assert (await admin("DELETE", f"/{key['id']}"))[1]["revoked_at"] == revoked["revoked_at"]
    noted = [record.__dict__ for record in caplog.records if record.name == "gateway.administration.keys"]
    assert [(one["key_id"], one["by_key_id"], one["tenant"]) for one in noted] == [(key["id"], own["id"], "keys-a")] * 2
    assert text not in caplog.text + str(noted)


async def test_another_tenant_s_keys_are_unknown_and_none_is_made_for_it(rig: Rig) -> None:
    ours, theirs = await administrator(rig, "keys-b"), await administrator(rig, "keys-c")
    key_id, text = await theirs.made()
    unknown = await ours("DELETE", "/00000000")
    foreign = await ours("DELETE", f"/{key_id}")
    assert (foreign[0], foreign[1]["error"].replace(key_id, "00000000")) == (404, unknown[1]["error"])
    assert key_id not in str(await ours("GET"))
    status, refused = await ours("POST", body={"name": "x", "role": "viewer", "tenant": "keys-c"})
    assert (status, refused["field"]) == (403, "tenant")
    assert (await ours("POST", body={"name": "x", "role": "viewer", "tenant": "keys-b"}))[0] == 201
    assert (await rig.post("/api/events", event(), authorization=f"Bearer {text}"))[0] == 202


@pytest.mark.parametrize("role", ["producer", "viewer", "editor"])
async def test_nobody_but_an_administrator_sees_or_changes_keys(rig: Rig, role: Any) -> None:
    other = Administrator(rig, await rig.key(role, "default"))
    admin = await administrator(rig, "default")
    key_id, _ = await admin.made("viewer")
    for method, path, body in (("GET", "", None), ("POST", "", {"name": "x", "role": "admin"}), ("DELETE", f"/{key_id}", None)):
        for root, headers, status in (
            ("/api/keys", {}, 403),
            (PAGES, {"cookie": f"drishti_token={other.key}", "origin": rig.url}, 403),
            (PAGES, {"origin": rig.url}, 401),
            ("/api/keys", {"cookie": f"drishti_token={admin.key}"}, 401),
        ):
            answer = await other(method, path, body, root=root, **headers)
            assert answer[0] == status, (method, root, answer)
    [seen] = [one for one in (await admin("GET"))[1]["keys"] if one["id"] == key_id]
    assert seen["state"] == "active"


async def test_a_page_changes_keys_with_the_cookie_of_an_administrator_from_its_own_origin_alone(rig: Rig) -> None:
    admin = await administrator(rig, "keys-d")
    cookie, body = f"drishti_token={admin.key}", {"name": "page", "role": "viewer"}
    for foreign in ({"origin": "http://evil.example"}, {"sec_fetch_site": "same-site"}, {"origin": "null"}, {"x_y": "z"}):
        assert (await admin("POST", "", body, root=PAGES, cookie=cookie, **foreign))[0] == 403, foreign
    status, made = await admin("POST", "", body, root=PAGES, cookie=cookie, origin=rig.url)
    assert status == 201
    path = f"/{made['key']['id']}"
    assert (await admin("DELETE", path, root=PAGES, cookie=cookie, origin="http://evil.example"))[0] == 403
    assert (await admin("DELETE", path, root=PAGES, cookie=cookie, origin=rig.url))[0] == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "viewer"}, ""),
        ({"name": "x"}, ""),
        ({"name": "", "role": "viewer"}, "name"),
        ({"name": "x" * 101, "role": "viewer"}, "name"),
        ({"name": "a\nb", "role": "viewer"}, "name"),
        ({"name": 7, "role": "viewer"}, "name"),
        ({"name": "x", "role": "service"}, "role"),
        ({"name": "x", "role": "root"}, "role"),
        ({"name": "x", "role": "viewer", "expires": "yesterday"}, "expires"),
        ({"name": "x", "role": "viewer", "expires": "2020-01-01T00:00:00Z"}, "expires"),
        ({"name": "x", "role": "viewer", "text": "dk_mine_" + "s" * 43}, ""),
        ([], ""),
        (None, ""),
    ],
    ids=str,
)
async def test_what_is_wrong_with_a_new_key_is_said(rig: Rig, body: Any, field: str) -> None:
    status, content = await Administrator(rig, rig.admin)("POST", body=body)
    assert status == (400 if body is None else 422), content
    assert content.get("field", "") == field
    assert len(content["error"]) < 300


async def test_a_name_of_10_kb_is_too_large(rig: Rig) -> None:
    status, content = await Administrator(rig, rig.admin)("POST", body={"name": "x" * 10_000, "role": "viewer"})
    assert (status, content["error"]) == (413, "the body is larger than 8192 bytes")


async def test_the_gateway_says_how_it_is_set_up(rig: Rig) -> None:
    for path, headers, status in (
        ("/api/analytics/setup/gateway", {"authorization": f"Bearer {await rig.key('viewer')}"}, 200),
        ("/api/dashboard/analytics/setup/gateway", {}, 200),
        ("/api/analytics/setup/gateway", {"authorization": f"Bearer {await rig.key('producer')}"}, 403),
        ("/api/analytics/setup/gateway", {}, 401),
    ):
        async with rig.http.get(rig.url + path, headers=headers) as answer:
            assert answer.status == status, path
            if status == 200:
                setup = await answer.json()
                assert {one["what"]: one.get("used") for one in setup["limits"]}["Definitions of metrics"] == 0
                assert "Bus: stream EVENTS" in [one["what"] for one in setup["retention"]]


async def test_a_page_goes_on_with_a_key_of_its_tenant_alone_and_learns_what_became_of_the_last_one(rig: Rig) -> None:
    one = Administrator(rig, "")
    ours, theirs = await administrator(rig, "keys-g"), await administrator(rig, "keys-h")
    root, page = "/api/dashboard/analytics/session", {"origin": rig.url, "drishti_expected_tenant": "keys-g"}
    status, refused = await one("POST", root=root, authorization=f"Bearer {theirs.key}", **page)
    assert (status, refused["field"]) == (409, "tenant")
    assert refused["error"] == "this key is of the tenant keys-h, and the page shows keys-g"
    status, session = await one("POST", root=root, authorization=f"Bearer {ours.key}", **page)
    assert (status, session["may_administer"], session["role"], session["key_problem"]) == (200, True, "admin", "")
    key_id, text = await ours.made("editor")
    await ours("DELETE", f"/{key_id}")
    _, session = await one("GET", root=root, cookie=f"drishti_token={text}")
    assert (session["may_edit"], session["has_key"], session["role"]) == (False, False, None)
    assert session["key_problem"].startswith("the API key was revoked at ")
    assert session["why"].startswith("The API key was revoked at ")


async def test_the_last_administrator_stays_whoever_revokes_whom_at_once(rig: Rig) -> None:
    one = await administrator(rig, "keys-e")
    (own,) = (await one("GET"))[1]["keys"]
    status, content = await one("DELETE", f"/{own['id']}")
    assert status == 409
    assert "drishti keys" in content["error"]
    other_id, text = await one.made("admin")
    other = Administrator(rig, text)
    answers = await asyncio.gather(one("DELETE", f"/{other_id}"), other("DELETE", f"/{own['id']}"))
    assert sorted(status for status, _ in answers) == [200, 401]
    survivor = one if answers[0][0] == 200 else other
    assert [key["state"] for key in (await survivor("GET"))[1]["keys"]].count("active") == 1


async def test_keys_are_bounded_and_those_that_ended_first_make_room(rig: Rig) -> None:
    assert rig.gateway is not None
    tenant = "keys-f"
    by = rig.gateway.ring.check(await rig.key("admin", tenant))
    assert by is not None
    few = KeyAdministration(rig.gateway.ring, rig.gateway.link, most=4, per_minute=6)
    wanted = NewKey(name="x", role="viewer")
    made = [(await few.make(by, wanted))[0].id for _ in range(3)]
    with pytest.raises(Refused, match="this tenant has 4 keys, and no more can be made"):
        await few.make(by, wanted)
    await few.revoke(by, made[1])
    await few.revoke(by, made[2])
    newest, _ = await few.make(by, wanted)

    def known() -> list[str]:
        return [entry.key.id for entry in few.ring.of_tenant(tenant)]

    await wait_until(lambda: known() == [by.id, made[0], made[2], newest.id])
    beside, stop = KeyRing(), asyncio.Event()
    following = asyncio.create_task(beside.follow(rig.bus, stop))
    await asyncio.wait_for(beside.loaded.wait(), DEADLINE_S)
    stop.set()
    await following
    assert [entry.key.id for entry in beside.of_tenant(tenant)] == known(), "what is on the bus is something else"
    await few.make(by, wanted)
    with pytest.raises(Refused, match="in a minute") as refused:
        await few.make(by, wanted)
    assert refused.value.status == 429
    assert refused.value.retry_after_s is not None
