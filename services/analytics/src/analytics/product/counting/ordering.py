"""The rows of one bucket over several days, by user and time. Pure."""

from __future__ import annotations

import numpy as np

from analytics.product.segments.segment import Ints


def ranks(users: list[Ints]) -> list[Ints]:
    """For the distinct users of each day, their places among all of them."""
    if not users:
        return []
    _, places = np.unique(np.concatenate(users), return_inverse=True)
    return np.split(places.astype(np.int64), np.cumsum([len(of_day) for of_day in users])[:-1])


def by_user(users: Ints) -> Ints:
    """The order by user of rows that are in the order of time for each user; rows of a user keep their order.

    One sort of packed integers: ten times as fast as a stable sort of the places."""
    shift = len(users).bit_length()
    return np.sort((users << shift) | np.arange(len(users))) & ((1 << shift) - 1)


def settle_ties(order: Ints, users: Ints, t: Ints, *keys: Ints) -> Ints:
    """``order`` with the rows of one user and instant put in the order of ``keys``, the first of which counts most: whichever
    came first, the answer is the same."""
    if len(order) < 2:
        return order
    u, at = users[order], t[order]
    same = (u[1:] == u[:-1]) & (at[1:] == at[:-1])
    if not same.any():
        return order
    tied = np.flatnonzero(np.r_[False, same] | np.r_[same, False])
    rows = order[tied]
    settled = order.copy()
    settled[tied] = rows[np.lexsort((*(key[rows] for key in reversed(keys)), at[tied], u[tied]))]
    return settled
