"""What the documents point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = [p for p in ROOT.rglob("*.md") if not {".venv", "node_modules", ".pytest_cache"} & set(p.parts)]
GUIDES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    within = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith(("#", "mailto:"))]
    assert [link for link in within if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_examples_that_ask_or_send_have_the_address_and_the_key_of_the_run(guide: Path) -> None:
    shell = re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), flags=re.DOTALL)
    calls = [
        call for block in shell for call in re.split(r"(?=\bcurl )", block) if call.startswith("curl ") and "/api/" in call
    ]
    assert [call for call in calls if "$DRISHTI_URL" not in call or "$DRISHTI_API_KEY" not in call] == []


def test_there_are_documents() -> None:
    assert ROOT / "README.md" in DOCUMENTS


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_the_readme_leads_to_every_guide(guide: Path) -> None:
    assert f"](docs/{guide.name})" in (ROOT / "README.md").read_text(encoding="utf-8")
