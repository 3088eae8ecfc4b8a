"""The command line against a real NATS."""

from __future__ import annotations

import asyncio

import pytest

from drishti import cli
from drishti_local.servers import NatsServer
from rigs.command import Command


@pytest.fixture
def drishti(own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process: exit status, standard output and standard error."""
    monkeypatch.setenv("DRISHTI_NATS_URL", own_nats.url("admin"))

    async def run(*arguments: str) -> tuple[int, str, str]:
        status = await asyncio.to_thread(cli.main, arguments)
        return status, *capsys.readouterr()

    return run
