"""Into how many partitions all series are divided, by metric and tenant. Pure."""

from __future__ import annotations

PARTITIONS = 64
"""Enough for a dozen replicas; few enough for one artefact each. Part of the artefacts: another number is another state."""
