"""Word lists of linking: written by hand after counting what names match in English clinical text.

Belongs: reading `word_lists/`: symbols that clinicians write for something else, words too general to be a finding.
Does not belong: thresholds (settings.py), cues of context (context.py), names of nodes (the lexicon).
Rule: an entry is folded tokens with one blank between, as `normalise.name_key` makes them; symbols keep their case.
"""

from __future__ import annotations

from importlib import resources


def _read(name: str) -> frozenset[str]:
    text = resources.files("medreason.graph.linking").joinpath("word_lists", f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _pairs(name: str) -> frozenset[tuple[str, str]]:
    return frozenset((left, right) for left, _, right in (line.partition(" = ") for line in _read(name)))


CLINICAL_SYMBOLS = _read("clinical_symbols")
"""Gene symbols that mean something else in clinical text."""
WELL_KNOWN_GENES = _read("well_known_genes")
"""Gene symbols of letters alone that need no word of genetics beside them."""
GENERIC_NAMES = _read("generic_names")
"""Names that count only as a whole option or answer."""
PASSING_NAMES = _read("passing_names")
"""General names that running text mentions in passing: linked there, but nothing is built on them."""
MISLEADING_NAMES = _read("misleading_names")
"""Names that vocabularies give to a disease or finding and that mean another thing."""
WRONG_NAMES = _pairs("wrong_names")
"""(name, node): names that vocabularies give to a node and that mean another thing."""
LABORATORY_PROTEINS = _read("laboratory_proteins")
"""Proteins that are a laboratory value in running text."""
SALT_WORDS = _read("salt_words")
"""Words behind a drug's name that name its salt."""
SALT_BASES_KEPT = _read("salt_bases_kept")
"""First words whose salts stay whole."""
LIGHT_WORDS = _read("light_words")
"""Words of an option that weigh nothing in its coverage."""
OTHER_KIND_HEADS = _read("other_kind_heads")
"""Words that make another kind of thing of a disease: vaccine, antibody, test."""
BODY_WORDS = _read("body_words")
"""Parts of the body, which narrow a finding behind them."""
ANYWHERE_FINDINGS = _read("anywhere_findings")
"""Last words of findings that may be in any part of the body."""
NAMES_WITHOUT_NODE = _read("names_without_node")
"""Longer things that a text is searched for so that no shorter name is found in them."""
