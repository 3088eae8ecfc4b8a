"""What descriptions of operations have in common: parameters, and the answers to what is refused. Pure."""

from __future__ import annotations

from typing import Any

from gateway.openapi.schemas import content


def problems(*codes: int) -> dict[str, Any]:
    """The answers with these codes: a :class:`Problem` each."""
    texts = {
        400: "The request cannot be read.",
        401: "No valid API key.",
        403: "The key's role does not open this.",
        404: "There is none of that name.",
        408: "The body came too slowly.",
        409: "Somebody else changed it meanwhile.",
        413: "The body is too large, or holds too many events.",
        415: "Another media type or content encoding than these.",
        422: "The question cannot be answered as it is asked.",
        429: "Too much at once; Retry-After says when to retry.",
        503: "Not stored, not answered: retry after Retry-After.",
        504: "Analytics gave no answer in time.",
        507: "The bus has no room for it.",
    }
    return {str(code): {"description": texts[code], "content": content("Problem")} for code in codes}


def parameter(
    name: str, description: str, schema: dict[str, Any], *, required: bool = False, place: str = "query"
) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema}


def without_key(summary: str) -> dict[str, Any]:
    """An operation that needs no key, and nothing else to describe."""
    return {"summary": summary, "security": [], "responses": {"200": {"description": summary}}}
