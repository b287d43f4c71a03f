"""Masked re-answer: is the answer reached from what is left of the chain?

Belongs: the evidence of the graph for masked findings, the inputs of the task `answer`, the outcome of an answer.
Does not belong: masking (masking.py), pairing (controls.py), free-text judging (tasks/judge.py).
Rule: evidence is computed in the same way for a chain and for its control, from the masked text and the options alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medreason.chains.grounding import Group, PathJudge, concept_group, intent_of, shown_options
from medreason.chains.reading import NodeNames
from medreason.chains.tasks.answer import (
    MAX_EVIDENCE,
    AnswerGiven,
    Evidence,
    answer_from,
    margin_thousandths,
    option_scores,
)
from medreason.chains.tasks.names import readable_name
from medreason.chains.tasks.protocol import cut
from medreason.chains.tasks.shown import arrow, direction_of
from medreason.chains.tasks.write import MAX_QUESTION_CHARACTERS
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.relations import rule_for
from medreason.graph.linking.linker import Linker
from medreason.graph.paths import Found, Path, PathFinder, Verdict, hops

Row = Mapping[str, Any]

EVIDENCE_VIEW = "full"
_MAX_HOPS, _N_BEST = 3, 5
"""Evidence over more steps joins everything to everything; a few paths of a pair tell whether one supports."""
_STANCE_RANK = {"supports": 0, "against": 1, "neutral": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One masked chain put before the options of one question."""

    question: Row
    lines: tuple[str, ...]
    findings: tuple[Group, ...]
    options: tuple[tuple[str, Group], ...]
    """(letter, concept of the option); options without a link have none."""

    def pairs(self) -> list[tuple[Group, Group]]:
        """What has to be searched."""
        return [(finding, group) for finding in self.findings for _, group in self.options]


def findings_of(lines: Sequence[str], linker: Linker, graph: KnowledgeGraph) -> tuple[Group, ...]:
    """Concepts that a masked chain names and does not deny, in order."""
    mentions = (mention for line in lines for mention in linker.mentions(line, "stem"))
    groups = (
        concept_group(m.node_indices, graph)
        for m in mentions
        if m.node_indices and not (m.is_negated or m.is_in_passing)
    )
    return tuple(dict.fromkeys(groups))


def option_groups(question: Row, linker: Linker, graph: KnowledgeGraph) -> tuple[tuple[str, Group], ...]:
    """Concepts of each option, as grounding links them."""
    return tuple(
        (option["letter"], group)
        for option in question["options"]
        for group in dict.fromkeys(
            concept_group(mention.node_indices, graph)
            for mention in linker.mentions(option["text"], "option")
            if mention.node_indices and not mention.is_in_passing
        )
    )


def search_evidence(asked: Sequence[Asked], finder: PathFinder) -> dict[tuple[Group, Group], Found]:
    """Every distinct pair once."""
    pairs = sorted({pair for one in asked for pair in one.pairs()})
    settings = finder.settings.model_copy(update={"max_hops": _MAX_HOPS, "n_best": _N_BEST})
    finder = PathFinder(finder.graph, settings)
    return dict(zip(pairs, finder.find_batch(pairs, EVIDENCE_VIEW), strict=True))


def answer_given(
    asked: Asked, found: Mapping[tuple[Group, Group], Found], graph: KnowledgeGraph, judge: PathJudge, names: NodeNames
) -> AnswerGiven:
    """The input of the task `answer`."""
    ranked = []
    intent = intent_of(asked.question["stem"])
    for finding in asked.findings:
        for letter, group in asked.options:
            for judged, path in judge.best(found[(finding, group)].paths, intent, 1):
                ranked.append((letter, _STANCE_RANK[judged.kind], path.n_hops, path, judged))
    ranked.sort(key=lambda row: row[:4])
    evidence = [_evidence(letter, path, judged, graph, names) for letter, _, _, path, judged in ranked[:MAX_EVIDENCE]]
    return AnswerGiven(
        question=cut(asked.question["stem"], MAX_QUESTION_CHARACTERS),
        options=shown_options(asked.question),
        masked_chain=asked.lines,
        evidence=tuple(evidence),
    )


def _evidence(letter: str, path: Path, judged: Verdict, graph: KnowledgeGraph, names: NodeNames) -> Evidence:
    first = names.of(path.nodes[0])
    return Evidence(
        finding=readable_name(first["node_name"], first["node_type"]),
        option=letter,
        path=_line(path, graph, names),
        n_hops=path.n_hops,
        stance=judged.kind,
    )


def _line(path: Path, graph: KnowledgeGraph, names: NodeNames) -> str:
    nodes = [names.of(index) for index in path.nodes]
    parts = [readable_name(nodes[0]["node_name"], nodes[0]["node_type"])]
    for one, other, hop in zip(nodes, nodes[1:], hops(graph, path, EVIDENCE_VIEW), strict=False):
        rule = rule_for(hop[0].relation, hop[0].display_relation, one["node_type"], other["node_type"])
        parts += [
            arrow(rule.phrase, direction_of(hop[0].is_direction_known, hop[0].is_reversed)),
            readable_name(other["node_name"], other["node_type"]),
        ]
    return " ".join(parts)


def outcome_of(answer: str, gold: Collection[str]) -> str:
    """`abstained`, `passed` or `failed`, for questions with options."""
    if not answer:
        return "abstained"
    return "passed" if answer == ", ".join(gold) else "failed"


def margin_of(given: AnswerGiven, answer: str) -> int:
    """By how much the evidence leads for this answer, thousandths; 0 where the evidence says something else."""
    scores = option_scores(given.options, given.evidence)
    told = {row.option for row in given.evidence}
    return margin_thousandths(scores) if answer and answer_from(given.question, scores, told) == answer else 0
