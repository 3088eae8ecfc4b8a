"""Importing the SDK costs an application little: what it sends with, and what its framework brings, is imported when needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("nats", "starlette", "uvicorn", "faststream", "aiohttp", "asyncpg", "psutil", "opentelemetry.sdk", "numpy", "pydantic")


@pytest.mark.parametrize("module", ["drishti.analytics", "drishti.tracing", "drishti.events", "drishti.instrumentation"])
def test_public_modules_import_no_server_and_no_client_of_one(module: str) -> None:
    program = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
