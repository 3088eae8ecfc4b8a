"""What the address of a dashboard's frames chooses: values of variables, and panels. Pure.

``?panels=requests,errors``: frames hold only what these panels ask, by their ids. Equal choices are equal here, whatever the
order of their parameters, so that everybody who chooses the same has the same frames.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.variables import PARAMETER, Chosen, WrongChoice, chosen_of

PANELS = "panels"
OF_VIEWERS = frozenset({"since", "hz"})
"""What a viewer asks of the gateway, which answers it from the frames of a choice. Without the gateway all frames come."""


class Choice(NamedTuple):
    """``panels``: their ids, sorted; none: all of the dashboard, and its ``feed``."""

    chosen: Chosen = ()
    panels: tuple[str, ...] = ()


def choice_of(document: DashboardDocument, parameters: Iterable[tuple[str, str]]) -> Choice:
    """What the parameters of an address choose. Raises :class:`drishti.dashboards.variables.WrongChoice`, also for parameters
    of other names: they would be a mistake that nobody sees."""
    given = list(parameters)
    for name, _ in given:
        if name != PANELS and not name.startswith(PARAMETER):
            raise WrongChoice(f"there is no parameter {name[:64]!r}; there are {PANELS} and {PARAMETER}<variable>")
    return Choice(chosen_of(document, given), _panels(document, [value for name, value in given if name == PANELS]))


def panel_ids(values: Iterable[str]) -> tuple[str, ...]:
    """The ids in the values of the parameter ``panels``: each once, sorted."""
    return tuple(sorted({part for value in values for name in value.split(",") if (part := name.strip())}))


def _panels(document: DashboardDocument, values: Iterable[str]) -> tuple[str, ...]:
    ids = panel_ids(values)
    known = [panel.id for panel in document.panels if panel.id is not None]
    for name in ids:
        if name not in known:
            raise WrongChoice(f"{document.name} has no panel {name[:64]!r}; it has {', '.join(known) or 'none'}")
    return ids
