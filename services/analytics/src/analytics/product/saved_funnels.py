"""Every tenant's saved funnels and their newest results, as the buckets ``saved_funnels`` and ``funnel_results`` have them."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

from analytics.product.stored_documents import StoredDocuments
from drishti.messages.catalogue import FUNNEL_RESULTS_BUCKET, SAVED_FUNNELS_BUCKET
from drishti.messages.field_types import Token
from drishti.messages.product.saved_funnels import (
    MAX_BYTES,
    MAX_RESULT_BYTES,
    MAX_SAVED_FUNNELS,
    FunnelResult,
    RecentFunnel,
)


class FunnelDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A funnel as it is stored."""

    name: Token
    title: str = ""
    description: str = ""
    funnel: RecentFunnel


SavedFunnels: TypeAlias = StoredDocuments[FunnelDocument]
FunnelResults: TypeAlias = StoredDocuments[FunnelResult]


def saved_funnels() -> SavedFunnels:
    """None before they are followed."""
    return StoredDocuments(
        SAVED_FUNNELS_BUCKET,
        msgspec.json.Decoder(FunnelDocument).decode,
        what="saved funnels",
        most=MAX_SAVED_FUNNELS,
        max_bytes=MAX_BYTES,
        largest="funnel",
    )


def funnel_results() -> FunnelResults:
    """None before they are followed."""
    return StoredDocuments(
        FUNNEL_RESULTS_BUCKET,
        msgspec.json.Decoder(FunnelResult).decode,
        what="results of funnels",
        most=MAX_SAVED_FUNNELS,
        max_bytes=MAX_RESULT_BYTES,
        largest="limit",
    )
