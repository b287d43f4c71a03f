"""Phrases: what may stand between the words of a name without changing what it names.

Belongs: articles and possessives behind a preposition, sides of the body.
Does not belong: normal forms of single words (normalise.py), search (mentions.py).
Rule: names and texts lose the same words, and a name that has a side is found only where the text says that side.
"""

from __future__ import annotations

from collections.abc import Sequence

_PREPOSITIONS = frozenset(["of", "in", "on", "to", "with", "at", "over", "from", "around", "behind", "for", "by"])
_DETERMINERS = frozenset(["the", "a", "an", "her", "his", "their", "my", "your", "its"])
_SIDES = frozenset(["left", "right", "both"])


def bare_places(keys: Sequence[str]) -> list[int]:
    """Places of the words that stay when articles and sides behind a preposition go.

    >>> words = ["lump", "in", "her", "right", "breast"]
    >>> [words[place] for place in bare_places(words)]
    ['lump', 'in', 'breast']
    """
    kept: list[int] = []
    for place, key in enumerate(keys):
        is_behind = bool(kept) and keys[kept[-1]] in _PREPOSITIONS
        is_last = place + 1 == len(keys)
        if not is_behind or is_last or key not in _DETERMINERS | _SIDES:
            kept.append(place)
    return kept


def bare_phrase(key: str) -> str:
    """A normalised name without them.

    >>> bare_phrase("cancer of the breast")
    'cancer of breast'
    """
    words = key.split(" ")
    return " ".join(words[place] for place in bare_places(words))


def side_words(key: str) -> frozenset[str]:
    """Sides that a normalised name says.

    >>> sorted(side_words("mass in the left atrium"))
    ['left']
    """
    return _SIDES.intersection(key.split(" "))
