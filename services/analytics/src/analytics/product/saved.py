"""All that tenants save about users."""

from __future__ import annotations

from typing import NamedTuple

from analytics.product.saved_funnels import FunnelResults, SavedFunnels, funnel_results, saved_funnels
from analytics.product.stored_cohorts import StoredCohorts, stored_cohorts


class Saved(NamedTuple):
    """Each is to be followed."""

    cohorts: StoredCohorts
    funnels: SavedFunnels
    results: FunnelResults


def nothing_saved() -> Saved:
    """Before they are followed."""
    return Saved(stored_cohorts(), saved_funnels(), funnel_results())
