"""YAML files that hold documents: one or several in each, or a list of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from drishti.errors import DrishtiError
from drishti.plain_text import escaped

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 4 << 20
"""Of one file: 2,000 metrics with a text for each have less."""
MAX_DEPTH = 100
"""Lists and mappings within each other, in a text that somebody sent."""


class WrongFiles(DrishtiError):
    """Some files cannot be applied; ``problems`` has a line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("nothing was changed:\n" + "\n".join(f"  - {escaped(problem, lines=True)}" for problem in problems))


_STEPS = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")
"""Of the path of a field: a place in a list, or a name."""


class Found(NamedTuple):
    """One document; ``where`` names file and line."""

    where: str
    document: Any
    path: Path
    node: yaml.Node

    def where_of(self, field: str) -> str:
        """File and line of ``panels[2].value.metric``; of what is around it where it is not there itself."""
        node = self.node
        for step in steps(field):
            below = _below(node, step)
            if below is None:
                break
            node = below
        return f"{self.path}:{node.start_mark.line + 1}"


def steps(field: str) -> list[str | int]:
    """The names and places in ``panels[2].value.metric``, from the outside."""
    return [int(place) if place else name for place, name in _STEPS.findall(field)]


def value_at(document: Any, field: str) -> Any:
    """What stands at ``panels[2].value.metric``; ``None`` where nothing does."""
    for step in steps(field):
        if isinstance(step, int):
            document = document[step] if isinstance(document, list) and step < len(document) else None
        else:
            document = document.get(step) if isinstance(document, dict) else None
    return document


def read(paths: Iterable[Path], problems: list[str]) -> Iterator[Found]:
    """Every document of the files, and of the YAML files in those that are folders.

    ``problems`` gets a line for each file that cannot be read; none of its documents come.
    """
    for path in _files(paths, problems):
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            documents = list(_documents(path, path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error) or type(error).__name__
            problems.append(f"{path}: {' '.join(str(reason).split())}")
            continue
        yield from documents


def parse(text: str) -> Any:
    """The one document in ``text``; raises ``ValueError`` with the line that is wrong.

    Aliases are refused: with them a short text holds billions of items.
    """
    try:
        _check_structure(text)
        loader = _Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def dump(document: dict[str, Any]) -> str:
    """The document as text, its fields in their order."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def export(texts: Mapping[str, str], folder: Path | None) -> None:
    """Writes a file for each text into ``folder``, by the names given; without one all of them to standard output."""
    if folder is None:
        sys.stdout.write("---\n".join(texts.values()))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    except OSError as error:
        raise DrishtiError(f"{folder} cannot be written: {error.strerror}") from None
    sys.stderr.write(f"{len(texts)} {'file' if len(texts) == 1 else 'files'} in {folder}\n")


def _files(paths: Iterable[Path], problems: list[str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
            yield from inside
        elif path.exists():
            yield path
        else:
            problems.append(f"{path}: no such file")


class _Loader(yaml.CSafeLoader):
    """YAML without the trap of a key that is there twice, of which the last one would count.

    Read by libyaml: the parser in Python takes seconds for what a request may hold.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", node.start_mark)
                names.add(key.value)
        return super().construct_mapping(node, deep)


def _check_structure(text: str) -> None:
    """Raises :class:`yaml.YAMLError` where an alias is, or nesting deeper than :data:`MAX_DEPTH`, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.YAMLError(f"nested too deeply {event.start_mark}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"aliases (*name) are not taken {event.start_mark}")


def _documents(path: Path, text: str) -> Iterator[Found]:
    """Every document with the line that it begins at; those of a list one by one."""
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                continue
            nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
            for one in nodes:
                document = loader.construct_document(one)
                if document is not None or len(nodes) > 1:
                    yield Found(f"{path}:{one.start_mark.line + 1}", document, path, one)
    finally:
        loader.dispose()


def _below(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None
