"""Rows that share a time, made one: as ``--merge`` says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from predictor.command.input.account import Account
from predictor.command.input.rows import Row
from predictor.command.times.grid import MERGES


def merged(rows: Iterable[Row], how: str | None, account: Account) -> Iterator[Row]:
    """``rows``; where ``how`` is given, one in place of those of one series and time that follow each other.

    It comes when the series' next time does, at the latest at the end.
    """
    if how is None:
        yield from rows
        return
    waiting: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        before = waiting.get(row.key, [])
        if before and before[0].at != row.at:
            yield _one(before, how, account)
            waiting[row.key] = [row]
        else:
            waiting.setdefault(row.key, []).append(row)
    for some in waiting.values():
        yield _one(some, how, account)


def _one(rows: list[Row], how: str, account: Account) -> Row:
    if len(rows) == 1:
        return rows[0]
    known = [row.value for row in rows if row.value == row.value]
    value = float(MERGES[how](np.array(known))) if known else rows[0].value
    if len(known) > 1:
        for one in known[1:]:
            account.use(one, rows[0].key)
        account.merge(len(known) - 1, f"--merge {how}")
    return replace(rows[0], text=f"{value:.10g}" if known else rows[0].text, value=value)
