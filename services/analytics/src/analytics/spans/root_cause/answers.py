"""A ranking as an answer to people. Pure."""

from __future__ import annotations

from analytics.spans.root_cause.ranking import Ranking
from drishti.messages.root_causes import CauseEvidence, CauseSuspect, RootCauseAnswer, RootCauseQuery


def answer(asked: RootCauseQuery, ranking: Ranking, *, as_of: int, complete_to: int, usual_from: int) -> RootCauseAnswer:
    """The answer to a question; ``usual_from`` is where the minutes begin that were compared with."""
    return RootCauseAnswer(
        from_ms=asked.from_ms,
        to_ms=asked.to_ms,
        as_of=as_of,
        complete_to=complete_to,
        usual_from=usual_from,
        clear=ranking.is_clear,
        note=ranking.note,
        traces=ranking.traces,
        usual_traces=ranking.baseline_traces,
        sampled=ranking.sampled,
        suspects=[
            CauseSuspect(
                service=suspect.service,
                operation=suspect.operation,
                kind=suspect.kind,
                score=round(suspect.score, 1),
                path=list(suspect.path),
                evidence=[
                    CauseEvidence(
                        kind=reason.kind, operation=reason.operation, weight=round(reason.weight, 1), summary=reason.words
                    )
                    for reason in suspect.evidence
                ],
            )
            for suspect in ranking.suspects[: asked.limit]
        ],
    )


def services(found: RootCauseAnswer) -> list[str]:
    """The tokens of the services in an answer."""
    return sorted({service for suspect in found.suspects for service in suspect.path})
