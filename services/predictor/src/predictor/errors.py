"""What can go wrong in the predictor. None of these ends the service: each has a stated treatment."""

from __future__ import annotations

from drishti.errors import DrishtiError


class UnfitArtefact(DrishtiError):
    """A stored model cannot be used here (broken, or made by other versions). Treatment: say so, and learn anew."""


class UnreadableInput(DrishtiError):
    """A file of the command line is not what it must be. Treatment: one line that says why, and exit status 1."""


class UnknownPlugin(DrishtiError):
    """No detector or forecaster of that name is installed. Treatment: one line that lists those that are."""


class FailedPlugin(DrishtiError):
    """A plug-in raised something, or what it says cannot be. Treatment: one line that names it; in the service, see
    :mod:`predictor.forecasting.schedule`."""


class ContradictoryInsight(DrishtiError):
    """An alarm would say that something is wrong whose value lies within its band. A fault of this program: never sent."""
