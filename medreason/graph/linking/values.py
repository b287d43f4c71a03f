"""What linking returns.

Belongs: mention, candidate, and the kinds they may have.
Does not belong: how they are found.
Rule: offsets are code points of the text given, and `text[start:stop]` is the mention's text.
"""

from __future__ import annotations

from dataclasses import dataclass

FIELDS = ("stem", "context", "option", "answer", "rationale")
IN_PASSING = "in_passing"
"""Status of a mention that is right but nothing is built on: a general word (pain), or a small part of its option."""
STATUSES = ("finding", "family_history", "medication", "history", IN_PASSING)
STAGES = ("exact", "normalised", "sorted_tokens", "partial", "fuzzy", "embedding", "choice")
"""Stages in the order in which they are asked; `partial` is a name inside a longer phrase, `choice` the engine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One node that a mention may name."""

    node_index: int
    stage: str
    score: int
    """Thousandths; 1000 is the same name."""
    name: str
    """The lexicon's name that led here."""
    concept: str
    """Normalised name: candidates of one concept are linked together or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """One span that names an entity."""

    start: int
    stop: int
    text: str
    is_negated: bool = False
    status: str = "finding"
    stage: str = "exact"
    coverage: int = 1000
    """Share of the field's words that the span covers, thousandths; 1000 outside options and answers."""
    phrase_coverage: int = 1000
    """The same of the phrase that it stands in: less than all of it where the name is broader than what is written."""
    node_indices: tuple[int, ...] = ()
    """Nodes of the name, ascending: the concept group."""
    is_class: bool = False
    """True where the name is that of a class (beta blockers) and the nodes are its members."""

    @property
    def is_in_passing(self) -> bool:
        """True where grounding builds nothing on it."""
        return self.status == IN_PASSING

    @property
    def is_finding(self) -> bool:
        """True where the text says that the patient (or the subject) has this now."""
        return not self.is_negated and self.status == "finding"
