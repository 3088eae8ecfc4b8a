"""Parameters of a URL as a question about traces: what nothing stored can have is refused with the parameter's name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drishti.errors import QueryError
from drishti.messages.queries import QUERIES
from gateway.explorer.parsing import fields_of, of_document, of_parameters

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
READ = [query for query in QUERIES if query.path and not query.changes]


@pytest.mark.parametrize("query", READ, ids=lambda query: str(query.name))
def test_a_nul_character_is_refused_in_every_parameter(query: object) -> None:
    model = query.model  # type: ignore[attr-defined]
    for name in fields_of(model).names:
        field = f"{name}.0" if name in fields_of(model).lists else name
        with pytest.raises(QueryError) as refused:
            of_parameters(model, [(name, "a\0b")], {}, tenant="acme", now=NOW)
        assert (refused.value.field, "NUL" in str(refused.value)) == (field, True)


def test_a_nul_character_is_refused_in_a_document() -> None:
    change = next(query for query in QUERIES if query.name == "change_error")
    document = {"status": "resolved", "version": "1\0"}
    with pytest.raises(QueryError) as refused:
        of_document(change.model, document, {"fingerprint": "0" * 16}, tenant="acme", now=NOW)
    assert refused.value.field == "version"
