"""The import rules hold who they should, and are seen to refuse what they forbid."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = (ROOT / "shared" / "src", *sorted((ROOT / "services").glob("*/src")))
DEADLINE_S = 120.0


def rules() -> dict[str, Any]:
    """The contracts of ``pyproject.toml`` by their names."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {contract["name"]: contract for contract in tool["contracts"]}


(PURE_RULE,) = (rule for name, rule in rules().items() if name.startswith("pure modules"))
PURE: list[str] = PURE_RULE["source_modules"]


def held(name: str) -> bool:
    """Whether the rule of pure modules names ``name``, or the package that it lies in."""
    return any(name == pure or name.startswith(f"{pure}.") for pure in PURE)


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the packages by its name."""
    for source in PACKAGES:
        for path in sorted(source.rglob("*.py")):
            name = ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_every_module_that_calls_itself_pure_is_held_to_it() -> None:
    called = {name for name, tree in modules() if re.search(r"(^|[.;:] )(The p|P)ure\b", ast.get_docstring(tree) or "")}
    assert len(called) > 20
    assert {name for name in called if not held(name)} == set(), "add it to the source modules of the rule in pyproject.toml"


def test_pure_modules_ask_no_clock_and_open_no_file() -> None:
    """What no import tells: ``datetime.now()`` and ``open``."""
    result = []
    for name, tree in modules():
        for node in ast.walk(tree) if held(name) else ():
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("open", "print") or re.search(r"\bdate(time)?\.(now|utcnow|today)$", called):
                    result.append(f"{name}:{node.lineno} {called}")
    assert result == []


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the rules, to be spoilt."""
    folder = tmp_path_factory.mktemp("checkout")
    for source in PACKAGES:
        shutil.copytree(
            source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.egg-info", "static", "__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> tuple[int, str]:
    """Exit status and report of the import rules on the packages in ``folder``."""
    # Without its own PYTHONPATH the packages of the checkout would be looked at.
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return done.returncode, done.stdout + done.stderr


PLANTED = {
    "gateway/app.py": ("import analytics", "gateway is not allowed to import analytics"),
    "drishti/messages/subjects.py": ("import predictor", "drishti is not allowed to import predictor"),
    "gateway/questions/query.py": ("import asyncpg", "gateway.questions.query is not allowed to import asyncpg"),
    "gateway/otlp/exports.py": ("from starlette.requests import Request", "gateway.otlp is not allowed to import starlette"),
    "analytics/rollup/windows.py": ("from time import time", "analytics.rollup is not allowed to import time"),
    "analytics/rollup/uniques.py": ("import asyncio", "analytics.rollup is not allowed to import asyncio"),
    "drishti/sdk/producer.py": ("from drishti.service import disk", "drishti.sdk is not allowed to import drishti.service"),
    "predictor/series/ring.py": ("from predictor import app", "predictor.series is not allowed to import nats"),
    "dashboard_stream/live/values.py": ("import os", "dashboard_stream.live.values is not allowed to import os"),
}


def test_what_is_forbidden_is_refused(copy: Path) -> None:
    status, report = lint(copy)
    assert status == 0, report
    for module, (line, _) in PLANTED.items():
        path = copy / module
        # At the end: also an import that comes late is one.
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    status, report = lint(copy)
    assert status == 1
    assert "5 broken" in report
    reported = re.sub(r"\s+", " ", report)
    assert [expected for _, expected in PLANTED.values() if expected not in reported] == []


def test_the_rules_name_modules_that_exist() -> None:
    assert [name for name in PURE if importlib.util.find_spec(name) is None] == []
