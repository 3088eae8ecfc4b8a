"""Settings: frozen types, read once from the environment and passed down.

A service declares a frozen dataclass whose fields name their variable, their meaning and their default::

    @dataclass(frozen=True, kw_only=True)
    class GatewaySettings:
        port: int = setting("GATEWAY_PORT", "port that is open to the public", 8000)
        bus: BusSettings = group(BusSettings)

:func:`load` reads all of them and reports every problem at once. ``docs/settings.md`` is generated from the same fields.
"""

from __future__ import annotations

import dataclasses
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from drishti.errors import SettingsError

S = TypeVar("S")

REQUIRED: Any = object()
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class Secret:
    """A text that prints as stars; :meth:`reveal` gives it where it is used."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "***" if self._text else "''"

    __str__ = __repr__


class SettingEntry(typing.NamedTuple):
    """One setting as the documentation shows it."""

    env: str
    doc: str
    default: Any
    type: Any


def setting(env: str, doc: str, default: Any = REQUIRED) -> Any:
    """A field read from the variable ``env``; without ``default`` the variable must be set."""
    metadata = {"env": env, "doc": doc}
    if default is REQUIRED:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def group(cls: type[Any], *, required: bool = True) -> Any:
    """A field that holds a settings type of its own; where it is not ``required``, code may leave it at the defaults."""
    if required:
        return dataclasses.field(metadata={"group": cls})
    return dataclasses.field(metadata={"group": cls}, default_factory=cls)


def entries(cls: type[Any]) -> Iterator[SettingEntry]:
    """Every setting of ``cls`` and of its groups, in order of declaration."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if "group" in field.metadata:
            yield from entries(field.metadata["group"])
        else:
            default = REQUIRED if field.default is dataclasses.MISSING else field.default
            yield SettingEntry(field.metadata["env"], field.metadata["doc"], default, hints[field.name])


def variable(cls: type[Any], name: str) -> str:
    """The variable that the field ``name`` of ``cls`` is read from."""
    return next(str(field.metadata["env"]) for field in dataclasses.fields(cls) if field.name == name)


OTLP = ("OTEL_EXPORTER_OTLP_ENDPOINT", "where traces and metrics go, with the other standard OTEL_ variables")
"""Read by the OpenTelemetry SDK itself, by every program."""


def explained(cls: type[Any], *others: tuple[str, str]) -> str:
    """The variables of ``cls``, then ``others`` with their meaning, as a ``--help`` shows them."""
    lines = ["environment variables:"]
    for entry in entries(cls):
        needed = " (must be set)" if entry.default is REQUIRED else ""
        default = needed or (f" [{entry.default}]" if entry.default not in ("", None, (), Secret()) else "")
        lines += _wrapped(entry.env, entry.doc + default)
    for names, doc in others:
        lines += _wrapped(names, doc)
    return "\n".join(lines)


def _wrapped(names: str, doc: str) -> list[str]:
    return textwrap.wrap(f"{names:<32} {doc}", 118, initial_indent="  ", subsequent_indent=" " * 35)


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """``cls`` filled from ``environ``; raises :class:`SettingsError` that names every wrong or missing variable."""
    problems: list[str] = []
    settings = _load(cls, environ, problems)
    if problems:
        raise SettingsError(problems)
    return typing.cast("S", settings)


def _load(cls: type[Any], environ: Mapping[str, str], problems: list[str]) -> Any:
    hints = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if "group" in field.metadata:
            values[field.name] = _load(field.metadata["group"], environ, problems)
            continue
        env = field.metadata["env"]
        text = environ.get(env)
        if text is None:
            if field.default is dataclasses.MISSING:
                problems.append(f"{env} is not set: {field.metadata['doc']}")
            continue
        try:
            values[field.name] = _convert(text, hints[field.name])
        except ValueError as error:
            problems.append(f"{env}: {error}")
    if problems:
        return None
    try:
        return cls(**values)
    except ValueError as error:  # a settings type may check what belongs together in __post_init__
        problems.append(str(error))
        return None


def _convert(text: str, kind: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if text == "":
            return None
        return _convert(text, next(a for a in typing.get_args(kind) if a is not type(None)))
    if origin is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(f"{text!r} is neither true nor false")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{text!r} is not {'a whole number' if kind is int else 'a number'}") from None
    if kind is Secret:
        return Secret(text)
    if kind is Path:
        return Path(text).expanduser()
    return text


RUN_HEADER = "drishti-run"
"""Every health answer names the run that the process belongs to, where its environment does: no two runs are confused."""


def run_id_setting() -> Any:
    """The same setting of every service: which run the process belongs to."""
    return setting("DRISHTI_RUN_ID", "name of the run that this process belongs to; health answers carry it", "")


def test_routes_setting() -> Any:
    """The same setting of every service that has something for it."""
    return setting(
        "DRISHTI_TEST_ROUTES",
        "whether routes for test suites are there, which need no key; never where others reach them",
        False,
    )


@dataclass(frozen=True, kw_only=True)
class BusSettings:
    """How to reach NATS. A user and password in the URL count where the variables are not set."""

    url: str = setting(
        "DRISHTI_NATS_URL", "address of NATS; several may be given, separated by commas", "nats://127.0.0.1:4222"
    )
    user: str = setting("NATS_USER", "user at NATS", "")
    password: Secret = setting("NATS_PASSWORD", "password of NATS_USER", Secret())
