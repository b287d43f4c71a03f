"""The opened lexicon: names by key, which of them may be looked for in running text.

Belongs: grouping of lexicon rows, what makes a name a symbol, a general word, a whole-only name.
Does not belong: the making of the rows (knowledge/lexicon.py), search (mentions.py).
Rule: opened from two tables alone, so that a worker needs no other state.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from medreason.graph.linking.composed import loose_key
from medreason.graph.linking.normalise import letters_and_digits, singular, sorted_key, token_keys
from medreason.graph.linking.phrases import side_words
from medreason.graph.linking.settings import LinkingSettings
from medreason.graph.linking.words import (
    CLINICAL_SYMBOLS,
    GENERIC_NAMES,
    LABORATORY_PROTEINS,
    MISLEADING_NAMES,
    NAMES_WITHOUT_NODE,
    PASSING_NAMES,
)

Value = TypeVar("Value")
ANYWHERE, IN_OPTIONS, IN_TEXT, WHOLE, NOWHERE = 0, 1, 2, 3, 4
"""In running text; inside a phrase that is an option or answer, and in running text in passing; in running text in
passing alone; as a whole option or answer; not at all. Each counts where the next ones do."""
_PATIENT_TYPES = frozenset(["disease", "effect/phenotype"])
_MOST_TWINS = 6
_STEM_LETTERS = 5
_SYMBOL = re.compile(r"^[A-Z0-9][A-Z0-9-]{1,6}s?$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of one node."""

    node_index: int
    node_type: str
    name: str
    scope: str
    symbol: str
    """Letters and digits that the text has to show in this very case; empty where case does not matter."""
    reach: int
    """ANYWHERE, IN_OPTIONS, IN_TEXT, WHOLE or NOWHERE: where the name counts."""


class Names:
    """Entries by normalised name and by sorted tokens."""

    def __init__(self, nodes: pa.Table, lexicon: pa.Table, settings: LinkingSettings) -> None:
        """Open tables in the forms of `graph_nodes` and `graph_lexicon`."""
        self.types = _types(nodes)
        self._node_names = _node_names(nodes)
        self.settings = settings
        self.by_key: dict[str, tuple[Entry, ...]] = _grouped(self._entries(lexicon))
        self._by_sorted_key: dict[str, tuple[str, ...]] | None = None
        self._by_loose_key: dict[str, tuple[Entry, ...]] | None = None
        self._loose_words: frozenset[str] = frozenset()

    def _entries(self, lexicon: pa.Table) -> Iterator[tuple[str, Entry]]:
        scopes, symbol_types = frozenset(self.settings.scopes), frozenset(self.settings.symbol_types)
        columns = (lexicon[c].to_pylist() for c in ("name_key", "node_index", "name", "origin", "scope"))
        for key, index, name, origin, scope in zip(*columns, strict=True):
            if scope not in scopes:
                continue
            kind = self.types[index]
            must_match_case = (kind in symbol_types and scope == "name") or _is_symbol(name)
            symbol = letters_and_digits(name) if must_match_case else ""
            yield key, Entry(index, kind, name, scope, symbol, self._reach(key, kind, symbol, origin))

    def _reach(self, key: str, kind: str, symbol: str, origin: str) -> int:
        settings = self.settings
        if key in NAMES_WITHOUT_NODE:
            return WHOLE
        if not any(map(str.isalpha, key)) or (kind in _PATIENT_TYPES and _is_misleading(key)):
            return NOWHERE  # "12" is a number, never the tumour with t(7;12)
        if symbol and kind in settings.symbol_types and origin != "everyday":
            is_clear = len(symbol) >= settings.min_symbol_length and symbol not in CLINICAL_SYMBOLS
            return ANYWHERE if is_clear else WHOLE
        if symbol and len(symbol) < 3 and origin != "everyday":
            return WHOLE
        if kind in settings.whole_only_types or len(key) < 2:
            return WHOLE
        if kind in settings.symbol_types:
            return IN_OPTIONS if _last_singular(key) in LABORATORY_PROTEINS else ANYWHERE
        if key in GENERIC_NAMES or _last_singular(key) in GENERIC_NAMES:
            return IN_TEXT if _last_singular(key) in PASSING_NAMES and kind in _PATIENT_TYPES else WHOLE
        return ANYWHERE if " " in key or kind not in settings.one_word_whole_only_types else WHOLE

    def keys_in_text(self) -> list[str]:
        """Keys that texts are searched for, in order."""
        found = {key for key, entries in self.by_key.items() if any(e.reach < WHOLE for e in entries)}
        return sorted(found | (NAMES_WITHOUT_NODE if self.settings.preset == "platform" else frozenset()))

    def matching(self, key: str, written: str, *, where: int) -> tuple[Entry, ...]:
        """Entries of a key that fit what was written and count there (ANYWHERE, IN_OPTIONS, IN_TEXT, WHOLE)."""
        fitting = (e for e in self.by_key.get(key, ()) if e.reach <= where and _case_fits(e, written, where))
        return self._of_one_sense(tuple(fitting))

    def _of_one_sense(self, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """A name's own nodes before the members of a class of that name; a disease before a pathway called like it."""
        own = tuple(e for e in entries if e.scope != "class")
        if not own:
            is_told = self.settings.min_class_nodes <= len(entries) <= self.settings.max_class_nodes
            return entries if is_told else ()
        return tuple(e for e in own if e.node_type in _PATIENT_TYPES) or own

    def keys_by_sorted(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Normalised names that are the same up to word order; where there are none, up to small and equal words."""
        if self._by_sorted_key is None:
            self._by_sorted_key = _grouped((sorted_key(key.split(" ")), key) for key in self.by_key)
        found = self._by_sorted_key.get(sorted_key(keys), ())
        same_words = sorted(keys)
        return tuple(key for key in found if sorted(key.split(" ")) == same_words) or found

    def stems(self, node_index: int) -> frozenset[str]:
        """Beginnings of the longer words of a node's own name."""
        keys = token_keys(self._node_names[node_index])
        return frozenset(key[:_STEM_LETTERS] for key in keys if len(key) > 3)

    def by_loose_key(self) -> dict[str, tuple[Entry, ...]]:
        """Findings and diseases by the key under which word order, places and laboratory words do not matter."""
        if self._by_loose_key is None:
            pairs = ((loose_key(key.split(" ")), entry) for key, entry in self._composable())
            grouped = _grouped(pair for pair in pairs if pair[0])
            self._by_loose_key = {key: found for key, found in grouped.items() if _is_one_thing(found)}
            self._loose_words = frozenset(word for key in self._by_loose_key for word in key.split(" "))
        return self._by_loose_key

    def loose_words(self) -> frozenset[str]:
        """Every word of weight in such a key."""
        self.by_loose_key()
        return self._loose_words

    def _composable(self) -> Iterator[tuple[str, Entry]]:
        for key, entries in self.by_key.items():
            for entry in entries:
                if entry.node_type in _PATIENT_TYPES and entry.reach == ANYWHERE and _is_wording(key, entry):
                    yield key, entry


def _is_wording(key: str, entry: Entry) -> bool:
    return " " in key and not entry.symbol and entry.scope != "class" and not side_words(key)


def _is_one_thing(entries: Sequence[Entry]) -> bool:
    """Few enough nodes to be the twins of one meaning."""
    return len({entry.node_index for entry in entries}) <= _MOST_TWINS


def _node_names(nodes: pa.Table) -> dict[int, str]:
    indexes: list[Any] = nodes["node_index"].to_pylist()
    return dict(zip(indexes, nodes["node_name"].to_pylist(), strict=True))


def _types(nodes: pa.Table) -> dict[int, str]:
    indexes: list[Any] = nodes["node_index"].to_pylist()
    kinds: list[Any] = nodes["node_type"].to_pylist()
    return dict(zip(indexes, kinds, strict=True))


def _is_symbol(name: str) -> bool:
    """True for abbreviations: short, in capitals; OMIM's long capital names are none.

    >>> [_is_symbol(name) for name in ("PCOS", "NSAIDs", "AZOTEMIA", "Fever", "IL-2")]
    [True, True, False, False, True]
    """
    if not _SYMBOL.match(name):
        return False
    return sum(map(str.isalpha, name)) <= 5 or any(map(str.isdigit, name)) or name.endswith("s")


def _is_misleading(key: str) -> bool:
    return key in MISLEADING_NAMES or _last_singular(key) in MISLEADING_NAMES


def _last_singular(key: str) -> str:
    head, blank, last = key.rpartition(" ")
    return head + blank + singular(last)


def _case_fits(entry: Entry, written: str, where: int) -> bool:
    if not entry.symbol:
        return True
    shown = letters_and_digits(written)
    return shown == entry.symbol or (where == WHOLE and shown.casefold() == entry.symbol.casefold() and len(shown) >= 3)


def _grouped(pairs: Iterable[tuple[str, Value]]) -> dict[str, tuple[Value, ...]]:
    grouped: dict[str, list[Value]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return {key: tuple(values) for key, values in grouped.items()}
