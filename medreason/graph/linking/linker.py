"""The linker: one object that turns texts into mentions and mentions into nodes.

Belongs: putting names, mentions and candidates together, caching, the sides of a question.
Does not belong: rules of the parts (the other modules here), what becomes of a row (chains/shards).
Rule: every answer depends on the text, the two tables and the settings alone, so answers are cached per distinct text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

import pyarrow as pa

from medreason.graph.linking.candidates import CandidateFinder, choose
from medreason.graph.linking.mentions import MentionFinder
from medreason.graph.linking.names import Names
from medreason.graph.linking.normalise import tokens
from medreason.graph.linking.settings import LinkingSettings
from medreason.graph.linking.values import Candidate, Mention

_OPTION_FIELDS = ("option", "answer")
_QUESTION_FIELDS = ("stem", "context")
"""Where the members of a class of drugs that a text names were never named themselves."""
_PATIENT_TYPES = frozenset(["disease", "effect/phenotype"])
_N_CACHED = 100_000


class Linker:
    """Finds mentions and candidates; opened in each worker from two tables.

    Args: tables in the forms of `graph_nodes` and `graph_lexicon`; settings.
    """

    def __init__(self, nodes: pa.Table, lexicon: pa.Table, settings: LinkingSettings | None = None) -> None:
        """Open the lexicon and build the automaton (about 1.5 s for 130,000 names)."""
        self.settings = settings or LinkingSettings()
        self._names = Names(nodes, lexicon, self.settings)
        self._mentions = MentionFinder(self._names, self.settings)
        self._candidates = CandidateFinder(self._names, self.settings)
        only_agents = self.settings.model_copy(update={"scopes": ("agent",)})
        self._organisms = MentionFinder(Names(nodes, lexicon, only_agents), only_agents)
        self._cached_option = lru_cache(_N_CACHED)(self._option)
        self._cached_candidates = lru_cache(_N_CACHED)(self._candidates.find)

    def mentions(self, text: str, field: str = "stem") -> tuple[Mention, ...]:
        """Mentions of one field, in order of start.

        Args: the text; its field (one of FIELDS). An option or answer is taken as a whole where it is a name, or nearly
            one; else by the names inside it that cover enough of it.
        """
        if field in _OPTION_FIELDS:
            return self._cached_option(text)
        return self._mentions.in_text(text, with_classes=field not in _QUESTION_FIELDS)

    def infection_by(self, text: str) -> tuple[Mention, ...]:
        """An option that is just an organism, as the infection it causes: for questions that ask for the cause.

        Nobody who asks what "Giardia lamblia" names gets giardiasis: `mentions` never gives this.
        """
        whole = self._organisms.whole(text) if self.settings.preset == "platform" else None
        return (whole,) if whole else ()

    def candidates(self, mention_text: str, node_types: Collection[str] = ()) -> tuple[Candidate, ...]:
        """Nodes that this text may name, best first; of these types alone where some are given."""
        return self._cached_candidates(mention_text, tuple(sorted(node_types)))

    def links(self, mention: Mention) -> tuple[Candidate, ...]:
        """Candidates of a mention; those of its own nodes first, with the mention's stage."""
        return _own_candidates(mention) if mention.node_indices else self.candidates(mention.text)

    def chosen(self, candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
        """The candidates that are linked without asking a model: one concept, or none."""
        return choose(tuple(candidates), self.settings)

    def _option(self, text: str) -> tuple[Mention, ...]:
        found = self._mentions.in_option(text) or self._nearly_whole(text)
        if self.settings.preset == "medreason" or _covers(found, text):
            return found
        return tuple(sorted((*found, *self._mentions.in_passing(text, found)), key=lambda m: m.start))

    def _nearly_whole(self, text: str) -> tuple[Mention, ...]:
        """An option that no name equals, as a whole, where one concept is near enough and leads."""
        words = tokens(text)
        if not words or len(words) > self.settings.max_option_words:
            return ()
        start, stop = words[0].start, words[-1].stop
        chosen = self.chosen(self.candidates(text[start:stop]))
        if not chosen:
            return ()
        nodes = tuple(sorted(c.node_index for c in chosen))
        return (Mention(start=start, stop=stop, text=text[start:stop], stage=chosen[0].stage, node_indices=nodes),)


def _covers(found: Sequence[Mention], text: str) -> bool:
    """The one mention is the whole text."""
    return len(found) == 1 and found[0].stop - found[0].start >= len(text.strip())


_STAGE_SCORES = {"exact": 1000, "normalised": 990, "sorted_tokens": 950}


def _own_candidates(mention: Mention) -> tuple[Candidate, ...]:
    score = _STAGE_SCORES.get(mention.stage, mention.phrase_coverage)
    return tuple(
        Candidate(node_index=index, stage=mention.stage, score=score, name=mention.text, concept=mention.text)
        for index in mention.node_indices
    )


def finding_nodes(mentions: Iterable[Mention]) -> tuple[int, ...]:
    """Nodes of the question's side, ascending: findings; where there are none, the history; else current drugs.

    Negated findings and those of relatives never count.
    """
    by_status: dict[str, set[int]] = defaultdict(set)
    for mention in mentions:
        if not mention.is_negated:
            by_status[mention.status].update(mention.node_indices)
    for status in ("finding", "history", "medication"):
        if by_status[status]:
            return tuple(sorted(by_status[status]))
    return ()


def borrowed_parts(
    mentions_by_letter: Mapping[str, Sequence[Mention]], types: Mapping[int, str]
) -> frozenset[tuple[str, int]]:
    """(letter, start) of parts of options that are another option's whole name, where they name a disease or finding.

    Transcortical sensory aphasia is not the Wernicke aphasia that stands beside it; a drug is itself in any option.
    """
    whole = {
        letter: {node for one in found if one.stage != "partial" and not one.is_in_passing for node in one.node_indices}
        for letter, found in mentions_by_letter.items()
    }
    return frozenset(
        (letter, one.start)
        for letter, found in mentions_by_letter.items()
        for one in found
        if one.stage == "partial"
        and all(types[node] in _PATIENT_TYPES for node in one.node_indices)
        and any(nodes.intersection(one.node_indices) for other, nodes in whole.items() if other != letter)
    )


def collapsed_options(nodes_by_letter: Mapping[str, Collection[int]]) -> tuple[tuple[str, ...], ...]:
    """Groups of options that are linked to the same nodes, so that the graph cannot tell them apart.

    >>> collapsed_options({"A": [3], "B": [4], "C": [3], "D": []})
    (('A', 'C'),)
    """
    letters: dict[frozenset[int], list[str]] = defaultdict(list)
    for letter, nodes in sorted(nodes_by_letter.items()):
        if nodes:
            letters[frozenset(nodes)].append(letter)
    return tuple(tuple(group) for group in letters.values() if len(group) > 1)
