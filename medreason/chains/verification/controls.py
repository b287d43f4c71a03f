"""Controls: which question lends its findings.

Belongs: the pairing.
Does not belong: what is done with it (re_answer.py, chains/shards).
Rule: the pairing follows from the item ids alone: the same for any order of rows, any cut into shards, any machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from medreason.base.canonical import joined_sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """What the pairing looks at."""

    item_id: str
    source: str
    n_options: int
    group_id: str
    """Questions of one article or note are no control for each other."""


def pair_controls(items: Sequence[Partner]) -> dict[str, str]:
    """For each item the one that lends its findings: same source and number of options, else same source, else any.

    Items that stand alone, or only beside their own group, get none.
    """
    pairs: dict[str, str] = {}
    keys = (lambda one: (one.source, one.n_options), lambda one: one.source, lambda one: "")
    for key in keys:
        groups: dict[Hashable, list[Partner]] = {}
        for item in sorted(items, key=_seeded_order):
            groups.setdefault(key(item), []).append(item)
        for group in groups.values():
            pairs |= {item_id: other for item_id, other in _cycle(group).items() if item_id not in pairs}
    return pairs


def _seeded_order(item: Partner) -> tuple[str, str]:
    return (joined_sha256(("control", item.item_id)), item.item_id)


def _cycle(group: Sequence[Partner]) -> dict[str, str]:
    """Each item takes the next one of another group."""
    found = {}
    for place, item in enumerate(group):
        following = [*group[place + 1 :], *group[:place]] if len(group) < 50 else _ring(group, place)
        other = next((one for one in following if one.group_id != item.group_id), None)
        if other is not None:
            found[item.item_id] = other.item_id
    return found


def _ring(group: Sequence[Partner], place: int) -> list[Partner]:
    """The next 50: a larger group never has that many of one article in a row."""
    return [group[(place + step) % len(group)] for step in range(1, 50)]
