"""From the texts of questions to mentions and links.

Belongs: which texts of a question are read, the tasks `extract` and `choose` over a shard, what is chosen.
Does not belong: mention detection and candidates (graph/linking), paths (grounding.py).
Rule: a mention takes its nodes from the lexicon where it has any; a model only chooses among candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from medreason.base.text import one_line
from medreason.chains.doubt import Place, is_another_thing, is_doubtful
from medreason.chains.generation.generator import Answer, Generator
from medreason.chains.settings import GroundingSettings
from medreason.chains.tasks import choose, extract
from medreason.chains.tasks.answer import last_sentence
from medreason.chains.tasks.names import readable_name
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.linking.abbreviations import explained_abbreviations, is_doubtful_symbol
from medreason.graph.linking.linker import Linker, borrowed_parts
from medreason.graph.linking.normalise import tokens
from medreason.graph.linking.values import IN_PASSING, Candidate, Mention

Row = Mapping[str, Any]
_ORGANISM = re.compile(
    r"\b(?:(?:micro-?)?organisms?|pathogens?|bacteri(?:um|a)|virus(?:es)?|parasites?|fung(?:us|i)|agents?|microbes?|"
    r"a?etiolog\w+|species|infections?|infectious|caus(?:es?|ed|ing))\b",
    re.IGNORECASE,
)
"""Asks which organism causes it: in the graph it is its infection that is joined to findings."""

_DIAGNOSIS = re.compile(r"\bdiagnos[ei]s\b", re.IGNORECASE)
_PATIENT = re.compile(r"\b(?:(?:year|month|week|day)s?[- ]old|patients?|infant|neonate|newborn)\b", re.IGNORECASE)
_TABLE_ROW = re.compile(r"^\s*(?:\||\\\*).*$", re.MULTILINE)
"""Laboratory values and their footnotes may stand behind the question."""

_FIELD_ORDER = ("stem", "context", "option", "answer", "rationale")
_SENTENCE_CHARACTERS = 300
_STEM_LETTERS = 6
"""Letters that two forms of a word share: pancreatic, pancreatitis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text of a question, and the side whose entities it names."""

    field: str
    letter: str
    side: str
    """question, answer or option."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One mention in its place."""

    text: Text
    mention: Mention


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A mention, its candidates, and which of them it means."""

    spot: Spot
    candidates: tuple[Candidate, ...]
    chosen: tuple[int, ...]
    """Node indices; empty where it stays unlinked."""
    is_asked: bool = False
    """A model (or the rule) chose among candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read of one question."""

    links: tuple[Link, ...]
    failure: Answer[Any] | None = None
    """The answer that could not be had, where there is one."""


def texts_of(row: Row, settings: GroundingSettings) -> list[Text]:
    """The texts of a question that are read, in the order of mentions."""
    texts = [
        Text(field="stem", letter="", side="question", text=row["stem"]),
        Text(field="context", letter="", side="question", text=row["context"]),
        *_answer_texts(row, settings),
    ]
    return [text for text in texts if text.text.strip()]


def _answer_texts(row: Row, settings: GroundingSettings) -> Iterator[Text]:
    if row["answer_type"] in settings.rationale_answer_types:
        yield Text(field="rationale", letter="", side="answer", text=row["gold_rationale"])
    elif row["options"]:
        for option in row["options"]:
            side = "answer" if option["letter"] in row["answer_letters"] else "option"
            yield Text(field="option", letter=option["letter"], side=side, text=option["text"])
    else:
        yield Text(field="answer", letter="", side="answer", text=row["answer_text"])


# ---------------------------------------------------------------- extract


def read_questions(
    rows: Sequence[Row], linker: Linker, graph: KnowledgeGraph, generator: Generator, settings: GroundingSettings
) -> list[Reading]:
    """Mentions and links of every question, in order."""
    detected = [_spots_of(row, linker, graph, settings) for row in rows]
    shown = [_shown(found) for found in detected]
    answers = generator.ask(extract.TASK, [_extract_given(parts) for parts in shown], label="extract")
    spots = [_kept_spots(parts, answer) for parts, answer in zip(shown, answers, strict=True)]
    links = [[_own_link(spot, linker) for spot in some] for some in spots]
    chosen = _choose(rows, links, linker, graph, generator)
    return [
        Reading(links=tuple(some), failure=None if answer.value is not None else answer)
        if failure is None
        else Reading(links=(), failure=failure)
        for (some, failure), answer in zip(chosen, answers, strict=True)
    ]


def asks_organism(stem: str) -> bool:
    """The question is which organism causes it.

    >>> asks_organism("He has diarrhea. Which organism is the most likely cause?"), asks_organism("Which drug is best?")
    (True, False)
    """
    return bool(_ORGANISM.search(last_sentence(_TABLE_ROW.sub("", stem))))


def means_infections(row: Row, linker: Linker) -> bool:
    """An option that is an organism stands for its infection here.

    That is so where the cause or a diagnosis is asked for, and where at least half of the options to a patient's case
    are organisms.
    """
    stem = row["stem"]
    if asks_organism(stem) or _DIAGNOSIS.search(last_sentence(_TABLE_ROW.sub("", stem))):
        return True
    n_organisms = sum(bool(linker.infection_by(option["text"])) for option in row["options"])
    return bool(n_organisms) and 2 * n_organisms >= len(row["options"]) and _PATIENT.search(stem) is not None


def _spots_of(
    row: Row, linker: Linker, graph: KnowledgeGraph, settings: GroundingSettings
) -> list[tuple[Text, tuple[Spot, ...]]]:
    is_cause_asked = means_infections(row, linker)
    spots_by_text = [_spots(text, linker, is_cause_asked=is_cause_asked) for text in texts_of(row, settings)]
    found = _without_borrowed(_in_one_sense(spots_by_text, graph), graph)
    is_study = row["answer_type"] in settings.rationale_answer_types
    return [
        (text, tuple(kept for spot in spots if (kept := _without_doubt(spot, graph, is_study=is_study)) is not None))
        for text, spots in found
    ]


def _without_borrowed(
    found: list[tuple[Text, tuple[Spot, ...]]], graph: KnowledgeGraph
) -> list[tuple[Text, tuple[Spot, ...]]]:
    """The same without parts of options that are another option's whole name."""
    options = {text.letter: [spot.mention for spot in spots] for text, spots in found if text.field == "option"}
    nodes = {node for some in options.values() for mention in some for node in mention.node_indices}
    borrowed = borrowed_parts(options, {node: graph.node_type(node) for node in nodes})
    return [
        (text, tuple(spot for spot in spots if (text.letter, spot.mention.start) not in borrowed))
        for text, spots in found
    ]


def _without_doubt(spot: Spot, graph: KnowledgeGraph, *, is_study: bool) -> Spot | None:
    """The spot without nodes that its wording does not mean; in passing where the words around it put it in doubt."""
    mention, text = spot.mention, spot.text
    nodes = tuple(n for n in mention.node_indices if not is_another_thing(mention.text, graph.node(n).name))
    if mention.node_indices and not nodes:
        return None
    kinds = {graph.node_type(index) for index in nodes}
    place = Place(
        text=text.text,
        start=mention.start,
        stop=mention.stop,
        side="question" if text.field == "rationale" else text.side,
        is_drug=kinds == {"drug"},
        is_gene=kinds == {"gene/protein"},
        is_class=mention.is_class,
        is_study=is_study,
    )
    status = IN_PASSING if is_doubtful(place) else mention.status
    return replace(spot, mention=replace(mention, node_indices=nodes, status=status))


def _spots(text: Text, linker: Linker, *, is_cause_asked: bool) -> tuple[Text, tuple[Spot, ...]]:
    field = text.field
    if field == "answer" and text.text.count(" ") >= linker.settings.max_option_words:
        field = "rationale"  # a long answer is running text, not a name
    mentions = linker.mentions(text.text, field)
    if field in ("option", "answer") and all(mention.is_in_passing for mention in mentions):
        infection = linker.infection_by(text.text) if is_cause_asked else ()
        mentions = infection or _offered(text.text, linker) or mentions
    return text, tuple(Spot(text=text, mention=mention) for mention in mentions)


@dataclass(frozen=True, slots=True, kw_only=True)
class _LongForm:
    """What an abbreviation is short for in this question."""

    words: frozenset[str]
    nodes: tuple[int, ...]


def _in_one_sense(
    found: list[tuple[Text, tuple[Spot, ...]]], graph: KnowledgeGraph
) -> list[tuple[Text, tuple[Spot, ...]]]:
    """The same without mentions that a text of the question itself gives another sense.

    An abbreviation that is explained anywhere in the question means that everywhere in it: SLN is a sentinel lymph node
    and no sarcolipin. A bare gene symbol needs a word of genetics near it.
    """
    long_forms = _long_forms(found)
    return [
        (text, tuple(kept for spot in spots if (kept := _sensed(spot, long_forms, graph)) is not None))
        for text, spots in found
    ]


def _long_forms(found: Sequence[tuple[Text, Sequence[Spot]]]) -> dict[str, _LongForm]:
    known: dict[str, _LongForm] = {}
    for text, spots in found:
        for one in explained_abbreviations(text.text):
            nodes = [
                s.mention.node_indices for s in spots if s.mention.stop == one.stop and s.mention.start <= one.start
            ]
            words = frozenset(_stem(token.key) for token in tokens(text.text[one.start : one.stop]))
            known.setdefault(one.short, _LongForm(words=words, nodes=tuple(nodes[0]) if nodes else ()))
    return known


def _sensed(spot: Spot, long_forms: Mapping[str, _LongForm], graph: KnowledgeGraph) -> Spot | None:
    """The spot in the sense that the question gives it; None where that names nothing."""
    mention, text = spot.mention, spot.text
    long_form = long_forms.get(mention.text)
    if long_form is not None and not set(mention.node_indices) & set(long_form.nodes):
        if long_form.nodes:
            return replace(spot, mention=replace(mention, node_indices=long_form.nodes))
        return spot if _shares_word(mention, long_form, graph) else None
    if text.field in ("option", "answer") or not mention.node_indices or long_form is not None:
        return spot
    is_gene = all(graph.node_type(index) == "gene/protein" for index in mention.node_indices)
    return None if is_gene and is_doubtful_symbol(text.text, mention.start, mention.stop) else spot


def _shares_word(mention: Mention, long_form: _LongForm, graph: KnowledgeGraph) -> bool:
    names = (graph.node(index).name for index in mention.node_indices)
    return any(_stem(token.key) in long_form.words for name in names for token in tokens(name) if len(token.key) > 3)


def _stem(key: str) -> str:
    return key[:_STEM_LETTERS]


def _offered(text: str, linker: Linker) -> tuple[Mention, ...]:
    """An option or answer that only resembles names is one mention without nodes: a model may choose."""
    bare = text.strip(" .,;:\n\t")
    if not bare or text.count(" ") >= linker.settings.max_option_words:
        return ()
    candidates = linker.candidates(bare)
    if not candidates or candidates[0].score < linker.settings.offer_score:
        return ()
    start = text.index(bare)
    return (Mention(start=start, stop=start + len(bare), text=bare, stage=candidates[0].stage),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A text as the task shows it: its beginning, and the spots in it by number."""

    part_no: str
    text: Text
    shown: str
    spots: Mapping[str, Spot]


def _shown(found: Sequence[tuple[Text, Sequence[Spot]]]) -> list[_Shown]:
    """Every text of a question, cut so that all of them together keep to their limit."""
    room, number, parts = extract.MAX_QUESTION_CHARACTERS, 0, []
    for place, (text, spots) in enumerate(found, start=1):
        shown = text.text[: min(room, extract.MAX_PART_CHARACTERS)]
        visible = [spot for spot in spots if spot.mention.stop <= len(shown)][: extract.MAX_SPANS - number]
        numbered = {f"S{number + n}": spot for n, spot in enumerate(visible, start=1)}
        parts.append(_Shown(part_no=f"T{place}", text=text, shown=shown, spots=numbered))
        room, number = room - len(shown), number + len(visible)
    return parts


def _extract_given(parts: Sequence[_Shown]) -> extract.ExtractGiven:
    return extract.ExtractGiven(
        parts=tuple(
            extract.Part(
                no=part.part_no,
                kind=f"option {part.text.letter}" if part.text.letter else part.text.field,
                text=part.shown,
                spans=tuple(extract.DetectedSpan(no=no, text=spot.mention.text) for no, spot in part.spots.items()),
            )
            for part in parts
        )
    )


def _kept_spots(parts: Sequence[_Shown], answer: Answer[extract.Extracted]) -> list[Spot]:
    extracted = answer.value
    if extracted is None:
        return []
    kept: list[Spot] = []
    for part in parts:
        own = [spot for no, spot in part.spots.items() if no in extracted.spans]
        added = [span for span in extracted.more if span.part == part.part_no]
        kept += sorted([*own, *_added_spots(part.text, own, added)], key=lambda spot: spot.mention.start)
    return kept


def _added_spots(text: Text, own: Sequence[Spot], added: Sequence[extract.AddedSpan]) -> Iterator[Spot]:
    taken = [(spot.mention.start, spot.mention.stop) for spot in own]
    for span in added:
        start = text.text.find(span.text)
        while start >= 0 and any(start < stop and begin < start + len(span.text) for begin, stop in taken):
            start = text.text.find(span.text, start + 1)
        if start >= 0:
            taken.append((start, start + len(span.text)))
            mention = Mention(start=start, stop=taken[-1][1], text=span.text, is_negated=span.is_absent)
            yield Spot(text=text, mention=mention)


# ---------------------------------------------------------------- choose


def _own_link(spot: Spot, linker: Linker) -> Link:
    candidates = linker.links(spot.mention)
    if spot.mention.node_indices:
        return Link(spot=spot, candidates=candidates, chosen=tuple(spot.mention.node_indices))
    chosen = tuple(sorted(candidate.node_index for candidate in linker.chosen(candidates)))
    return Link(spot=spot, candidates=candidates, chosen=chosen)


def _choose(
    rows: Sequence[Row],
    links: Sequence[Sequence[Link]],
    linker: Linker,
    graph: KnowledgeGraph,
    generator: Generator,
) -> list[tuple[list[Link], Answer[Any] | None]]:
    """Ask for every mention that has candidates and no clear leader."""
    open_links = [
        (place, position, link)
        for place, some in enumerate(links)
        for position, link in enumerate(some)
        if not link.chosen and link.candidates and link.candidates[0].score >= linker.settings.offer_score
    ]
    given = [_choose_given(rows[place], link, linker, graph) for place, _, link in open_links]
    answers = generator.ask(choose.TASK, given, label="choose")
    decided: list[tuple[list[Link], Answer[Any] | None]] = [(list(some), None) for some in links]
    for (place, position, link), answer in zip(open_links, answers, strict=True):
        some, failure = decided[place]
        if answer.value is None:
            decided[place] = (some, failure or answer)
        else:
            some[position] = replace(link, chosen=_chosen_nodes(link, answer.value), is_asked=True)
    return decided


def _concepts(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.concept, []).append(candidate)
    return list(groups.values())


def _chosen_nodes(link: Link, choice: choose.Chosen) -> tuple[int, ...]:
    if choice.position is None:
        return ()
    return tuple(sorted(candidate.node_index for candidate in _concepts(link.candidates)[choice.position]))


def _choose_given(row: Row, link: Link, linker: Linker, graph: KnowledgeGraph) -> choose.ChooseGiven:
    groups = _concepts(link.candidates)
    lead = groups[0][0].score - groups[1][0].score if len(groups) > 1 else 1000
    first_leads = groups[0][0].score >= linker.settings.accept_score and lead >= linker.settings.lead_score
    shown = [
        choose.Candidate(
            no=f"C{number}",
            name=readable_name(graph.node(group[0].node_index).name, graph.node_type(group[0].node_index)),
            types=tuple(sorted({graph.node_type(candidate.node_index) for candidate in group})),
            match=group[0].stage,
        )
        for number, group in enumerate(groups, start=1)
    ]
    return choose.ChooseGiven(
        mention=link.spot.mention.text,
        sentence=_sentence(row, link.spot),
        candidates=tuple(shown),
        first_leads=first_leads,
    )


def _sentence(row: Row, spot: Spot) -> str:
    """The text around a mention; for an option or answer, the question that it answers."""
    if spot.text.side != "question":
        return one_line(row["stem"][-_SENTENCE_CHARACTERS:], _SENTENCE_CHARACTERS)
    half = _SENTENCE_CHARACTERS // 2
    return one_line(spot.text.text[max(spot.mention.start - half, 0) : spot.mention.stop + half], 2 * half + 200)


# ---------------------------------------------------------------- rows


class NodeNames:
    """Type, id and name of nodes, read once each."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        """Take the graph."""
        self._graph = graph
        self.of = lru_cache(maxsize=500_000)(self._read)

    def _read(self, index: int) -> dict[str, str]:
        node = self._graph.node(index)
        return {"node_type": node.node_type, "node_id": node.node_id, "node_name": node.name}


def mention_rows(item_id: str, reading: Reading) -> Iterator[dict[str, Any]]:
    """Rows of `mentions`."""
    for number, link in enumerate(_in_order(reading)):
        mention, text = link.spot.mention, link.spot.text
        yield {
            "item_id": item_id,
            "mention_no": number,
            "field": text.field,
            "option_letter": text.letter,
            "start": mention.start,
            "stop": mention.stop,
            "text": mention.text,
            "is_negated": mention.is_negated,
            "status": mention.status,
        }


def link_rows(item_id: str, reading: Reading, names: NodeNames) -> Iterator[dict[str, Any]]:
    """Rows of `links`."""
    for number, link in enumerate(_in_order(reading)):
        chosen = frozenset(link.chosen)
        for candidate_no, candidate in enumerate(link.candidates):
            is_chosen = candidate.node_index in chosen
            yield {
                "item_id": item_id,
                "mention_no": number,
                "candidate_no": candidate_no,
                "side": link.spot.text.side,
                **names.of(candidate.node_index),
                "stage": "choice" if is_chosen and link.is_asked else candidate.stage,
                "score": candidate.score,
                "is_chosen": is_chosen,
            }


def _in_order(reading: Reading) -> list[Link]:
    return sorted(
        reading.links,
        key=lambda link: (
            _FIELD_ORDER.index(link.spot.text.field),
            link.spot.text.letter,
            link.spot.mention.start,
            link.spot.mention.stop,
        ),
    )
