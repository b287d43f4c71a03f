"""Findings whose words stand apart: "ulcers in the distal esophagus", "low levels of IgA", "pulses are absent".

Belongs: the key under which such wordings equal a name, the windows of a text that may be one.
Does not belong: names as they are written (mentions.py), word order of whole options (names.py).
Rule: a window is a finding only where every word of weight in it is a word of one name, and the other way round; words
that say where in general (serum, level, distal) weigh nothing, a side or urine does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from medreason.graph.linking.normalise import OF_NO_WEIGHT, SAME_WORD, singular

_LEVEL_WORDS = frozenset(
    (
        "level", "concentration", "circulating", "serum", "blood", "plasma", "activity", "value", "titer", "finding",
        "content", "total", "function", "species",
    )
)  # fmt: skip
"""What a laboratory's wording adds to the thing measured: "low serum levels of IgA" is "IgA decreased"."""
_PREPOSITIONS = frozenset(["of", "in", "on", "over", "around", "from", "at"])
_VERBS = frozenset(
    ["is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "appears", "appear", "feels"]
)
_UP_OR_DOWN = frozenset(
    (
        "increased", "elevated", "high", "raised", "elevation", "increase", "decreased", "reduced", "low", "diminished",
        "decrease", "reduction", "abnormal", "absent", "absence",
    )
)  # fmt: skip
ANCHORS = _PREPOSITIONS | _VERBS | _UP_OR_DOWN
"""Words around which such a wording is looked for."""
_WEIGHTLESS = (
    OF_NO_WEIGHT
    | _PREPOSITIONS
    | _VERBS
    | frozenset(["her", "his", "their", "my", "your", "its", "left", "right", "both", "distal", "proximal", "some"])
)
_INFECTIONS = frozenset(["infection", "infections"])
"""Words whose "with" says of what: "infection with Candida species"; any other "with" joins two findings."""
_ADJECTIVE_ENDS = ("ical", "inal", "eal", "nal", "ral", "ic", "ous", "ary", "ular", "ive")
_COMMANDS = frozenset(["increase", "decrease"])
"""Nouns before a preposition, else what somebody is to do ("increase the temperature")."""
_WORDS_BEFORE, _WORDS_BEHIND = 4, 7


def loose_words(keys: Iterable[str]) -> list[str]:
    """Words of weight, in one form each; laboratory words only where nothing else is left.

    >>> loose_words(["low", "levels", "of", "iga"]), loose_words(["blood", "pressure", "decreased"])
    (['decreased', 'iga'], ['decreased', 'pressure'])
    """
    words = [_plain(key) for key in keys if key not in _WEIGHTLESS]
    return sorted(word for word in words if word not in _LEVEL_PLAIN)


@lru_cache(maxsize=100_000)
def _plain(key: str) -> str:
    one = singular(key)
    return SAME_WORD.get(key) or SAME_WORD.get(one, one)


_LEVEL_PLAIN = frozenset(map(_plain, _LEVEL_WORDS))


def loose_key(keys: Iterable[str]) -> str:
    """The key of a wording; empty where fewer than two words of weight are left.

    >>> loose_key(["ulcers", "in", "the", "distal", "esophagus"]) == loose_key(["esophageal", "ulceration"])
    True
    """
    words = loose_words(keys)
    return " ".join(words) if len(words) > 1 else ""


def windows(keys: Sequence[str], is_break: Callable[[int], bool], known: Callable[[str], bool]) -> Iterator[range]:
    """Runs of words around an anchor that may be one wording, each without a break inside.

    Args: folded words of a text; whether a new statement begins at a place; whether some name has this plain word.
    """

    def is_useful(place: int) -> bool:
        key = keys[place]
        return key in _WEIGHTLESS or (plain := _plain(key)) in _LEVEL_PLAIN or known(plain)

    for place, key in enumerate(keys):
        if key in ANCHORS or (key == "with" and place and keys[place - 1] in _INFECTIONS):
            first = last = place
            while first > max(0, place - _WORDS_BEFORE) and is_useful(first - 1) and not is_break(first):
                first -= 1
            while last + 1 < min(len(keys), place + _WORDS_BEHIND) and is_useful(last + 1) and not is_break(last + 1):
                last += 1
            if last > first:
                yield from _runs(keys, first, place, last)


def _runs(keys: Sequence[str], first: int, place: int, last: int) -> Iterator[range]:
    for start in range(first, place + 1):
        for stop in range(last, place - 1, -1):
            is_framed = stop > start and keys[start] not in _WEIGHTLESS and keys[stop] not in _WEIGHTLESS
            if is_framed and not _is_command(keys, start) and not _is_open(keys, start, stop):
                yield range(start, stop + 1)


def _is_command(keys: Sequence[str], start: int) -> bool:
    """ "Increase the dose" tells what to do; a word follows wherever this is asked."""
    return keys[start] in _COMMANDS and keys[start + 1] not in _PREPOSITIONS


def _is_open(keys: Sequence[str], start: int, stop: int) -> bool:
    """An adjective behind a preposition waits for a noun: "depression in clinical populations" names no depression.

    >>> _is_open(["depression", "in", "clinical"], 0, 2), _is_open(["ulcers", "in", "esophagus"], 0, 2)
    (True, False)
    """
    return not _PREPOSITIONS.isdisjoint(keys[start:stop]) and keys[stop].endswith(_ADJECTIVE_ENDS)
