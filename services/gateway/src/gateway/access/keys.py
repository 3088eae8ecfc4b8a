"""Who may come in: the key of a request against the key ring, and what its role opens."""

from __future__ import annotations

import base64
import binascii

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import Principal, Role
from gateway.asgi import Headers
from gateway.errors import RETRY_AFTER_S, Refused


def authenticate(ring: KeyRing, headers: Headers, role: Role) -> Principal:
    """The caller by its ``Authorization: Bearer`` or ``X-API-Key`` header.

    Raises :class:`Refused`: 401 without a valid key, 403 where the key's role is another, 503 while no key is known yet.
    """
    return authenticate_text(ring, key_of(headers), role)


def key_of(headers: Headers) -> bytes | None:
    """What the request brings as its key, valid or not."""
    return headers.get(b"authorization") or headers.get(b"x-api-key")


def key_of_basic(headers: Headers) -> bytes | None:
    """The user name of a request's ``Authorization: Basic``, which some SDKs send their key as; ``None`` without one."""
    scheme, _, packed = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        return base64.b64decode(packed.strip(), validate=True).partition(b":")[0] or None
    except binascii.Error:
        return None


def authenticate_text(ring: KeyRing, text: bytes | None, role: Role) -> Principal:
    """The same for a key that came in another way."""
    if not ring.loaded.is_set():
        raise Refused(503, "the gateway does not know the API keys yet", retry_after_s=RETRY_AFTER_S)
    if not text:
        raise Refused(401, "an API key is needed: Authorization: Bearer <key>, or X-API-Key: <key>")
    principal = ring.check(text)
    if principal is None:
        raise Refused(401, ring.why_not(text))
    if not principal.may(role):
        raise Refused(403, f"a key with role {principal.role} may not do this; {role} is needed")
    return principal
