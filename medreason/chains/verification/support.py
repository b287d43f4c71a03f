"""Step support: does each step say what the edges it cites say?

Belongs: the check of one chain against the edges of its paths, and its score.
Does not belong: whether the answer can be reached again (re_answer.py), what is kept (policy.py).
Rules: a cited edge must be in the graph and on a path of this question; a step names both ends of each edge it cites
and keeps relation, direction and polarity; a step without edges may only say of options that nothing was found, and
only where nothing was found; the conclusion names the gold answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medreason.base.text import comparison_key
from medreason.chains.tasks.answer import asks_exception
from medreason.chains.tasks.names import readable_name
from medreason.chains.tasks.phrasing import phrase_forms
from medreason.chains.tasks.write import option_label, split_letters
from medreason.graph.knowledge.relations import RelationRule, rule_for

Row = Mapping[str, Any]

_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\bSt\.)\s+(?=[A-Z\"“])")
_NEGATIONS = frozenset({"not", "never", "no", "without", "neither", "nor", "cannot", "isn", "doesn", "contraindicated"})
_ABSENCE = re.compile(
    r"\b(?:no (?:\w+ ){0,3}(?:connections?|paths?|links?|evidence)|not (?:\w+ ){0,2}(?:connected|linked))", re.I
)
_OPTION_LETTERS = re.compile(r"(?<![\w'])([A-Z])(?= \(|[,.;:)]| and\b| or\b|$)")
_TREATMENT_CUES = re.compile(r"\b(?:treat(?:s|ed|ment)?|indicated|therap\w+|first[- ]line|prescribed)\b", re.I)
_EFFECT_CUES = re.compile(r"\b(?:side[- ]effects?|adverse)\b", re.I)
_CUE_RELATIONS = (
    (_TREATMENT_CUES, frozenset({"indication", "off-label use", "contraindication", "palliation"})),
    (_EFFECT_CUES, frozenset({"drug_effect"})),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFact:
    """One edge as the check needs it."""

    edge_id: str
    subjects: tuple[str, ...]
    """Comparison keys under which a text may name the subject."""
    objects: tuple[str, ...]
    rule: RelationRule
    is_direction_known: bool
    ends: tuple[tuple[str, str], tuple[str, str]]
    """(type, id) of both ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What the check says of one chain."""

    n_claims: int
    """Steps and the conclusion."""
    failed: tuple[str, ...]
    """Step numbers, and `conclusion`, each with what is wrong."""

    @property
    def score_thousandths(self) -> int:
        """Share of steps (and conclusion) that are supported."""
        n_failed = len({fault.partition(":")[0] for fault in self.failed})
        return 1000 * (self.n_claims - n_failed) // self.n_claims if self.n_claims else 0


class NodeTerms:
    """Names under which a text may speak of a node, as comparison keys."""

    def __init__(self, synonyms: Mapping[tuple[str, str], Collection[str]] | None = None) -> None:
        """Args: further names by (node_type, node_id)."""
        self._synonyms = synonyms or {}
        self.of = lru_cache(maxsize=200_000)(self._read)

    def _read(self, node_type: str, node_id: str, name: str) -> tuple[str, ...]:
        names = (readable_name(name, node_type), name, *self._synonyms.get((node_type, node_id), ()))
        return tuple(key for key in dict.fromkeys(map(comparison_key, names)) if key)


def edge_facts(paths: Sequence[Row], terms: NodeTerms) -> dict[str, EdgeFact]:
    """Every edge of these rows of `paths`, by id."""
    facts: dict[str, EdgeFact] = {}
    for path in paths:
        for one, other, hop in zip(path["nodes"], path["nodes"][1:], path["hops"], strict=False):
            for edge in hop:
                facts.setdefault(edge["edge_id"], _fact(edge, one, other, terms))
    return facts


def _fact(edge: Row, one: Row, other: Row, terms: NodeTerms) -> EdgeFact:
    subject, target = (other, one) if edge["is_reversed"] and edge["is_direction_known"] else (one, other)
    names = [terms.of(node["node_type"], node["node_id"], node["node_name"]) for node in (subject, target)]
    return EdgeFact(
        edge_id=edge["edge_id"],
        subjects=names[0],
        objects=names[1],
        rule=rule_for(edge["relation"], edge["display_relation"], subject["node_type"], target["node_type"]),
        is_direction_known=edge["is_direction_known"],
        ends=((subject["node_type"], subject["node_id"]), (target["node_type"], target["node_id"])),
    )


# ---------------------------------------------------------------- a chain


def check_chain(
    chain: Row,
    question: Row,
    facts: Mapping[str, EdgeFact],
    supported_letters: Collection[str],
    known_edges: Collection[str],
) -> Support:
    """Hold every step and the conclusion of a chain against its edges.

    Args: a row of `chains`; its question; edges of its question's paths; letters of wrong options that a path supports
        which is as short as the answer's shortest; ids of the edges that the graph was found to hold.
    """
    is_rule = chain["engine_kind"] == "rule"
    failed = []
    for step in chain["steps"]:
        fault = _step_fault(step, question, facts, supported_letters, known_edges, is_strict=is_rule)
        if fault:
            failed.append(f"{step['step_no']}: {fault}")
    if fault := _conclusion_fault(chain, question):
        failed.append(f"conclusion: {fault}")
    return Support(n_claims=len(chain["steps"]) + 1, failed=tuple(failed))


def _step_fault(
    step: Row,
    question: Row,
    facts: Mapping[str, EdgeFact],
    supported_letters: Collection[str],
    known_edges: Collection[str],
    *,
    is_strict: bool,
) -> str:
    if not step["edge_ids"]:
        return _absence_fault(step["text"], question, supported_letters)
    sentences = keyed_sentences(step["text"])
    for edge_id in step["edge_ids"]:
        fact = facts.get(edge_id)
        if fact is None or edge_id not in known_edges:
            return f"edge {edge_id} is not on a path of this question"
        if not (is_said(sentences, fact) or (not is_strict and is_said_freely(step["text"], sentences, fact))):
            return f"edge {edge_id} does not say so"
    return _uncited_fault(sentences, [facts[edge_id] for edge_id in step["edge_ids"]]) if is_strict else ""


def _uncited_fault(sentences: Sequence[str], cited: Sequence[EdgeFact]) -> str:
    """A relation phrase that no cited edge has is a claim out of nothing."""
    forms = {form for fact in cited for form in _keyed_forms(fact.rule.phrase)}
    rest = [_without(sentence, sorted(forms, key=len, reverse=True)) for sentence in sentences]
    for form in _telling_forms():
        if form not in forms and any(f" {form} " in sentence for sentence in rest):
            return f"says {form!r}, which no cited edge says"
    return ""


def _without(sentence: str, forms: Sequence[str]) -> str:
    for form in forms:
        sentence = sentence.replace(f" {form} ", " | ")
    return sentence


@lru_cache(maxsize=1)
def _telling_forms() -> tuple[str, ...]:
    from medreason.graph.knowledge.relations import RELATIONS

    forms = {form for rule in RELATIONS for form in _keyed_forms(rule.phrase)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


@lru_cache(maxsize=1_000)
def _keyed_forms(phrase: str) -> tuple[str, ...]:
    return tuple(comparison_key(form) for form in phrase_forms(phrase))


def keyed_sentences(text: str) -> list[str]:
    """Sentences as comparison keys between blanks, so that ` name ` finds whole words.

    >>> len(keyed_sentences("St. Louis encephalitis presents with fever. It is rare."))
    2
    """
    return [f" {comparison_key(sentence)} " for sentence in _SENTENCE_END.split(text)]


def is_said(sentences: Sequence[str], fact: EdgeFact) -> bool:
    """A sentence says subject, relation, object in this order, not denied; unknown directions count both ways."""
    orders = [(fact.subjects, fact.objects)]
    if not fact.is_direction_known or fact.rule.is_symmetric:
        orders.append((fact.objects, fact.subjects))
    return any(
        _says(sentence, form, subjects, objects)
        for sentence in sentences
        for form in _keyed_forms(fact.rule.phrase)
        for subjects, objects in orders
    )


def _says(sentence: str, form: str, subjects: Sequence[str], objects: Sequence[str]) -> bool:
    for start, stop in _occurrences(sentence, form):
        before, after = sentence[: start + 1], sentence[stop - 1 :]
        is_denied = before.rstrip().rsplit(" ", 1)[-1] in _NEGATIONS
        if not is_denied and _names_any(before, subjects) and _names_any(after, objects):
            return True
    return False


def _occurrences(sentence: str, form: str) -> Iterator[tuple[int, int]]:
    start = sentence.find(f" {form} ")
    while start >= 0:
        yield start, start + len(form) + 2
        start = sentence.find(f" {form} ", start + 1)


def _names_any(text: str, names: Sequence[str]) -> bool:
    return any(f" {name} " in text for name in names)


def is_said_freely(text: str, sentences: Sequence[str], fact: EdgeFact) -> bool:
    """In other words than ours: both ends are named, polarity is kept, and no other kind of relation is claimed."""
    whole = f" {comparison_key(text)} "
    if not (_names_any(whole, fact.subjects) and _names_any(whole, fact.objects)):
        return False
    with_both = [s for s in sentences if _names_any(s, fact.subjects) and _names_any(s, fact.objects)] or [whole]
    is_denied = any(_NEGATIONS.intersection(sentence.split()) for sentence in with_both)
    if is_denied != (fact.rule.polarity == "negative"):
        return False
    return all(
        fact.rule.relation in relations or not any(cue.search(sentence) for sentence in with_both)
        for cue, relations in _CUE_RELATIONS
    )


def _absence_fault(text: str, question: Row, supported_letters: Collection[str]) -> str:
    named = named_options(text, question["options"])
    if not named or not _ABSENCE.search(text):
        return "cites no edge"
    gold = () if asks_exception(question["stem"]) else question["answer_letters"]
    if wrong := sorted(named & {*supported_letters, *gold}):
        return f"says that nothing leads to {', '.join(wrong)}, but a path does"
    return ""


def named_options(text: str, options: Sequence[Row]) -> set[str]:
    """Letters of the options that a text speaks of, by text or letter.

    Texts are taken out longest first: one option's text may hold another's, or a capital that looks like a letter.
    """
    named = set()
    for option in sorted(options, key=lambda one: -len(one["text"])):
        for wording in dict.fromkeys((option_label(option["text"]), option["text"].strip(" .;,"))):
            place = text.casefold().find(wording.casefold()) if wording else -1
            if place >= 0 and len(text.casefold()) == len(text):
                named.add(option["letter"])
                text = f"{text[:place]}\u2026{text[place + len(wording) :]}"
    return named | ({option["letter"] for option in options} & set(_OPTION_LETTERS.findall(text)))


def _is_named(option_text: str, text: str) -> bool:
    key = comparison_key(option_text)
    return bool(key) and f" {key} " in f" {comparison_key(text)} "


def _conclusion_fault(chain: Row, question: Row) -> str:
    if not question["options"]:
        return "" if chain["conclusion"].strip() else "is empty"
    gold = list(question["answer_letters"])
    if list(split_letters(chain["answer_given"])) != gold:
        return "gives another answer than the gold one"
    texts = [option["text"] for option in question["options"] if option["letter"] in gold]
    letters = _OPTION_LETTERS.findall(chain["conclusion"])
    is_named = all(letter in letters for letter in gold) or all(_is_named(t, chain["conclusion"]) for t in texts)
    others = [option for option in question["options"] if option["letter"] not in gold]
    if not is_named:
        only_other = any(_is_named(option["text"], chain["conclusion"]) for option in others)
        return "names another option" if only_other else "does not name the answer"
    return ""
