"""How large a message is to the server."""

import pytest

from drishti.bus.publish import size_beyond

FRAME = b"NATS/1.0\r\nname: v\r\n\r\n"
"""What the client sends for the headers of this test, before the payload."""


@pytest.mark.parametrize("name", ["name", "näme", "ネーム", "n\N{SEEDLING}me"])
@pytest.mark.parametrize("payload", [b"", b"x" * 40])
def test_size_is_reported_exactly_from_the_first_byte_beyond_the_limit(name: str, payload: bytes) -> None:
    size = len(FRAME) - len("name") + len(name.encode()) + len(payload)
    result = [size_beyond(limit, payload, {name: "v"}) for limit in (size - 1, size, size + 1, 10 * size)]
    assert result == [size, 0, 0, 0]


def test_message_without_headers_is_as_large_as_its_payload() -> None:
    assert [size_beyond(limit, b"x" * 80, None) for limit in (79, 80)] == [80, 0]
