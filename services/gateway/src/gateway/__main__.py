"""``python -m gateway``: settings, then the service."""

from __future__ import annotations

import gateway
from drishti.service import lifecycle
from gateway.app import serve
from gateway.settings import GatewaySettings

if __name__ == "__main__":
    lifecycle.run(serve, GatewaySettings, name="gateway", about=gateway.__doc__, takes_own_signals=True)
