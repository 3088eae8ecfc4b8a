"""Every setting is documented, and every setting that is documented exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from drishti import settings
from drishti.contracts import files
from rigs.contract_examples import ROOT

PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SOURCES = ("shared/src", "services", "deploy/local/src", "examples")

STANDARD = re.compile(r"OTEL_|LOG_|PYTHON|(TMPDIR|PATH|HOME|LANG|TERM|NO_COLOR)$")
"""Variables that mean the same to every program."""


def modules() -> Iterator[Path]:
    """Every module of the packages."""
    for folder in SOURCES:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def declared() -> Iterator[str]:
    """The variable of every call of ``setting(…)``."""
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setting":
                name = node.args[0]
                assert isinstance(name, ast.Constant), f"{path}: the variable's name must be a literal"
                yield str(name.value)


def test_every_setting_is_on_the_page() -> None:
    result = set(declared())
    assert len(result) > 40
    assert [name for name in sorted(result) if f"| `{name}` |" not in PAGE] == []


def test_every_setting_of_the_page_exists() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(declared())


def test_every_setting_says_what_it_means() -> None:
    for program, cls in files.settings_types().items():
        for entry in settings.entries(cls):
            assert len(entry.doc) > 10, (program, entry.env)


def test_no_variable_is_read_past_the_settings() -> None:
    """``os.environ[…]`` and ``os.environ.get(…)`` with a literal name only variables that are documented, or standard."""
    result = {
        (path.name, name)
        for path in modules()
        for name in re.findall(r"environ(?:\.get)?[\(\[]\s*\"(\w+)\"", path.read_text(encoding="utf-8"))
    }
    assert {name for _, name in result} & {"OTEL_SDK_DISABLED"}, "the pattern finds what it looks for"
    assert {(module, name) for module, name in result if not STANDARD.match(name) and f"`{name}`" not in PAGE} == set()
