"""What tests share about plain clients of NATS."""

from __future__ import annotations

from nats.aio.client import Client


async def settled(client: Client) -> None:
    """Returns when the server has done all that ``client`` asked for before, subscriptions among it.

    nats-py writes the PING of a flush at once, and before it what still waits in its buffer only by chance; when the answer is
    there, the buffer is on its way, and a second PING comes after it.
    """
    await client.flush()
    await client.flush()
