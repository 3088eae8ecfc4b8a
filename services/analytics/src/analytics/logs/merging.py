"""Templates that differ in one variable word become one: ``User alice logged in``, ``User bob logged in``, … Pure.

Which words of a line are variable cannot be seen in one line. Among all templates of a service it can: templates of equally
many words are split by the word that has the fewest values among them, and so on, until every word that differs has another
value in each of those that are left: these are one statement. The fewer of their words are equal, the more of them it takes.
The result depends on which templates there are, and on nothing else: not on their order, not on who counted them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analytics.message_templates import MASK

NEEDED = ((0.75, 3), (0.6, 5), (0.5, 10))
"""So many templates are one where at least such a share of their words is equal."""

PASSES = 4
"""After templates became one, others may be equal to them but for another word."""

MAX_WORDS = 64
"""Templates of more words are compared as they are."""

_Words = tuple[str, ...]


class Merged(NamedTuple):
    """One template, and the places of those that it was made of."""

    text: str
    members: tuple[int, ...]


def merge(templates: Sequence[str]) -> list[Merged]:
    """The statements behind ``templates``, in the order of their first members."""
    lengths: defaultdict[int, dict[_Words, list[int]]] = defaultdict(dict)
    for place, text in enumerate(templates):
        words = tuple(text.split())
        lengths[len(words)].setdefault(words, []).append(place)
    found: list[Merged] = []
    for length, group in lengths.items():
        if 1 < length <= MAX_WORDS:
            for _ in range(PASSES):
                before = len(group)
                group = _joined(_merged(sorted(group.items())))
                if len(group) == before:
                    break
        found += [Merged(" ".join(words), tuple(sorted(members))) for words, members in group.items()]
    return sorted(found, key=lambda one: one.members)


def _joined(groups: Iterable[tuple[_Words, list[int]]]) -> dict[_Words, list[int]]:
    found: dict[_Words, list[int]] = {}
    for words, members in groups:
        found.setdefault(words, []).extend(members)
    return found


def _merged(group: list[tuple[_Words, list[int]]]) -> list[tuple[_Words, list[int]]]:
    """``group`` has different templates of equally many words."""
    least = NEEDED[0][1]
    if len(group) < least:
        return group
    values = [len(set(column)) for column in zip(*(words for words, _ in group), strict=True)]
    varying = [place for place, count in enumerate(values) if count > 1]
    splitting = min(varying, key=lambda place: values[place])
    if values[splitting] < len(group):
        parts: defaultdict[str, list[tuple[_Words, list[int]]]] = defaultdict(list)
        for words, members in group:
            parts[words[splitting]].append((words, members))
        return [one for part in parts.values() for one in _merged(part)]
    equal = 1 - len(varying) / len(values)
    needed = next((count for share, count in NEEDED if equal >= share), None)
    if needed is None or len(group) < needed:
        return group
    common = list(group[0][0])
    for place in varying:
        common[place] = MASK
    return [(tuple(common), [place for _, members in group for place in members])]
