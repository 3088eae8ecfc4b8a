"""Files of definitions: what is wrong is said with file, line and field, and what is written can be read again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.measures.built_in import FED
from drishti.measures.definition_checks import check
from drishti.measures.definition_files import Wanted, read, text_of, text_of_pack
from drishti.measures.definitions import Kind, MetricDefinition, Share
from drishti.yaml_files import WrongFiles, parse

TWO = """
name: queue.depth
kind: gauge
unit: "{message}"
dimensions: [service]
published: [[], [service]]
---
- name: checkouts
  kind: counter
  dimensions: [outcome]
  published: [[], [outcome]]
  shares:
    - {name: success_rate, dimension: outcome, value: ok}
- pack: wisdom
  enabled: false
---
tenant: acme
name: checkouts
kind: counter
"""


def documents(folder: Path, text: str, **more: str) -> list[Wanted]:
    (folder / "metrics.yaml").write_text(text, encoding="utf-8")
    return read([folder], **more)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(WrongFiles) as caught:
        documents(folder, text)
    return [problem.removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_file_holds_documents_and_lists_of_them(tmp_path: Path) -> None:
    depth, checkouts, pack, acme = documents(tmp_path, TWO)
    assert depth.definition is not None
    assert depth.definition.published == ((), ("service",))
    assert checkouts.definition is not None
    assert checkouts.definition.shares == (Share(name="success_rate", dimension="outcome", value="ok"),)
    assert (pack.pack, pack.enabled, pack.tenant) == ("wisdom", False, "default")
    assert acme.tenant == "acme"
    assert documents(tmp_path, "name: a\nkind: gauge\n", tenant="acme")[0].tenant == "acme"
    assert documents(tmp_path, "# nothing yet\n") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: a\nkind: gauge\nunit: 1\n", "metrics.yaml:3: unit: Expected `str`, got `int`"),
        ("name: a\nkind: gauge\n---\nname: on\nkind: gauge\n", "metrics.yaml:4: name: Expected `str`, got `bool`"),
        ("name: a\nkind: gauges\n", "metrics.yaml:2: kind: Invalid enum value 'gauges'; there are counter, gauge,"),
        ("- name: a\n  kind: gauge\n  colour: red\n", "metrics.yaml:3: colour: there is no such field; there are name,"),
        ("- 7\n", "metrics.yaml:1: must be a mapping such as `name: queue.depth`, not int"),
        ("name: a\nname: b\nkind: gauge\n", "metrics.yaml: 'name' is there twice"),
        ("name: [\n", "metrics.yaml: while parsing"),
        ("name: !!python/object:os.system a\n", "metrics.yaml: could not determine a constructor"),
        ("name: a\nkind: gauge\n---\nname: A\nkind: gauge\n", "metrics.yaml:4: a is in "),
        ("pack: nothing\n", "metrics.yaml:1: pack: there is no pack of that name; there are wisdom"),
        ("pack: wisdom\nenabled: 1\n", "metrics.yaml:2: enabled: must be true or false"),
        ("pack: wisdom\nkind: gauge\n", "metrics.yaml:2: kind: a pack has no such field"),
        ("tenant: 1\nname: a\nkind: gauge\n", "metrics.yaml:1: tenant: must be a text"),
        ("&a [*a]\n", "metrics.yaml"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_field(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text)[0].startswith(problem)


def test_a_caret_stands_under_the_character_that_is_wrong(tmp_path: Path) -> None:
    (wrong,) = problems(tmp_path, "name: liked\nkind: derived\nexpression: count(feedback where stars => 4)\n")
    first, expression, caret = wrong.splitlines()
    assert first.startswith("metrics.yaml:3: expression: ")
    assert expression.strip() == "count(feedback where stars => 4)"
    assert caret.index("^") == expression.index("> 4")
    (wrong,) = problems(tmp_path, "name: paid\nkind: counter\nsource: {event: signup, where: 'plan = = 1'}\n")
    assert wrong.splitlines()[1].strip() == "plan = = 1"


def test_a_metric_that_registered_itself_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    arrived = MetricDefinition(name="queue.depth", kind=Kind.GAUGE, dimensions=("service",), origin="otlp")
    (one,) = documents(tmp_path, text_of(arrived))
    assert one.definition == arrived


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    wrong = problems(tmp_path, "name: ''\nkind: gauge\nunit: ''\n---\nname: b\n")
    assert [line.split(": ")[:2][-1] for line in wrong[1:]] == ["name", "unit", "kind"]
    with pytest.raises(WrongFiles, match="no such file"):
        read([tmp_path / "absent.yaml"])


@pytest.mark.parametrize("definition", [pytest.param(metric, id=token) for token, metric in FED.items()])
def test_what_is_written_reads_as_it_was(tmp_path: Path, definition: MetricDefinition) -> None:
    (one,) = documents(tmp_path, text_of(definition, tenant="acme"))
    assert one.tenant == "acme"
    assert one.definition == msgspec.structs.replace(definition, origin="tenant")
    (pack,) = documents(tmp_path, text_of_pack("wisdom", enabled=False))
    assert (pack.pack, pack.enabled) == ("wisdom", False)


@given(st.text(min_size=1, max_size=40), st.text(max_size=80), st.lists(st.text(min_size=1, max_size=20), max_size=8))
def test_names_that_yaml_could_take_for_something_else_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, name: str, description: str, dimensions: list[str]
) -> None:
    definition = MetricDefinition(name=name, kind=Kind.COUNTER, description=description, dimensions=tuple(dimensions))
    if not check(definition):
        (one,) = documents(tmp_path_factory.getbasetemp(), text_of(definition))
        assert one.definition == definition


@pytest.mark.parametrize("text", ["[" * 2_000, "[" * 101 + "]" * 101, "- " * 101 + "a"])
def test_a_text_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"depth|deeply"):
        parse(text)
