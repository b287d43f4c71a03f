"""From links to paths: sides, search, verdicts, order, pruning, and what became of each question.

Belongs: the two sides of a question, paths to the answer and to every wrong option, the outcome with its reason.
Does not belong: mentions and links (reading.py), the search itself (graph/paths), Arrow tables (shards/).
Rule: nothing is forced: a question whose sides are not joined by a path that supports its answer says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from itertools import pairwise
from typing import Any, Literal

from medreason.base.reasons import Outcome, Reason
from medreason.base.text import comparison_key
from medreason.chains.generation.generator import Answer, Generator
from medreason.chains.reading import NodeNames, Reading, Row
from medreason.chains.settings import GroundingSettings
from medreason.chains.tasks import prune
from medreason.chains.tasks.answer import asks_exception, last_sentence
from medreason.chains.tasks.protocol import cut
from medreason.chains.tasks.shown import ShownOption, show_paths
from medreason.chains.tasks.write import MAX_OPTION_CHARACTERS, MAX_OPTIONS_CHARACTERS, MAX_QUESTION_CHARACTERS
from medreason.chains.twins import nodes_as_finding, nodes_of_thing
from medreason.graph.knowledge.graph import KnowledgeGraph, PathEdge
from medreason.graph.linking.values import Mention
from medreason.graph.paths import Found, Path, PathFinder, Verdict, hops, path_id
from medreason.graph.paths.verdicts import Walk, verdict_of

Group = tuple[int, ...]
"""Nodes of one concept, ascending: searched as one side."""

_SUPPORTS = Verdict(kind="supports")
_TREATMENTS = frozenset({"indication", "off-label use", "palliation"})
_SIDE_EFFECTS = frozenset({"drug_effect"})
_HANDLING_PROTEIN = re.compile(r"(?:ABC[A-G]\d+|CYP\d+[A-Z]\d+|UGT\d[A-Z]\d+|SLC(?:O|22|21|47)\w+|ALB|ORM\d)")
"""Pumps, enzymes and carriers of drugs; graphs from DrugBank list many of them as targets."""
_CLASSES_OF_ALL = frozenset({"disease", "syndrome", "disorder", "genetic disease", "disease by infectious agent"})
"""Names of classes that hold so much that a path over them joins anything."""
SYMPTOM_AS_DISEASE = "symptom_as_disease"
"""Rule of a path on which a symptom is said to present with something."""
EXCEPTION = "the question asks for the exception, and too few of the other options are nearer to it"
"""Detail of a question whose answer does not stand out."""
NOT_ASKED_FOR = "not_asked_for"
"""Rule of a path that is sound but answers another question: an indication where a contraindication is asked for."""
Intent = Literal["", "contraindication", "adverse_effect", "treatment"]

_STANCE_RANK = {"supports": 0, "against": 1, "neutral": 2}
_N_JUDGED = 6
"""Paths of one pair and view that get a verdict before the best are kept."""
_ADVERSE = re.compile(
    r"\b(?:adverse|side[ -]effects?|toxicit(?:y|ies)|drug[- ]induced|complications? of th(?:is|e) (?:drug|medication)|"
    r"(?:drug|medication|agent)s? (?:\w+ ){0,4}(?:responsible|caus\w+|implicated|suspected)|"
    r"caus(?:al|ing|ative) (?:drug|medication|agent))",
    re.IGNORECASE,
)
_TREATMENT = re.compile(
    r"\b(?:treat(?:s|ed|ing|ment)?|therap(?:y|ies|eutic)|pharmacotherapy|indicated|approved|drug of choice|prophyla\w+|"
    r"managed?|management|prescrib(?:e|ed|ing)|administ(?:er|ered|ration)|switch(?:ed|ing)? to|used (?:for|in|to))\b",
    re.IGNORECASE,
)
_OF_TOXICITY = re.compile(
    r"\btoxicit(?:y|ies) (?:is|are|can be|should be) (?:treated|managed|reversed)\b|"
    r"\b(?:treat\w*|manag\w*|antidote|therapy) (?:\w+ ){0,3}(?:of|for|to) (?:[\w-]+ ){0,4}toxicity\b",
    re.IGNORECASE,
)
"""A toxicity that is to be treated is no effect asked for."""
_CONTRAINDICATION = re.compile(r"\b(?:contra-?indicat\w+|should (?:not be|be avoided)|must not be)", re.IGNORECASE)
# What a vignette also says of anything else: read only where the question itself is asked.
_AVOIDANCE = re.compile(
    r"\b(?:should be (?:stopped|discontinued|withheld|withdrawn|held)|(?:is|are) to be avoided|best avoided|"
    r"(?:likes?|wants?|try|best|have|important) to avoid(?! the develop)|"
    r"(?:would|should|must|do) (?:you |he |she |one )?avoid\b|discourag\w+ the use|used? with caution|"
    r"(?:drug|medication|agent)s? (?:\w+ ){0,3}be (?:stopped|discontinued|withheld))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that paths lead to."""

    name: str
    """`answer`, or `option:<letter>`."""
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both sides of one question."""

    question: tuple[Group, ...]
    targets: tuple[Target, ...]
    """The answer first."""

    @property
    def answer(self) -> tuple[Group, ...]:
        """Concepts of the answer."""
        return self.targets[0].groups


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPath:
    """One path of one question."""

    target: str
    view: str
    path: Path
    n_shortest: int
    verdict: Verdict

    @property
    def rank(self) -> tuple[int, int, int, tuple[int, ...]]:
        """Total order of a question's paths to one target."""
        return (_STANCE_RANK[self.verdict.kind], self.path.cost, len(self.path.nodes), self.path.nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What grounding came to."""

    outcome: Outcome
    reason: str = ""
    detail: str = ""


OK = Status(outcome=Outcome.OK)


def failed(reason: Reason, detail: str = "") -> Status:
    """A status that puts the question into the quarantine."""
    return Status(outcome=Outcome.QUARANTINED, reason=str(reason), detail=detail)


def status_of_answer(answer: Answer[Any]) -> Status:
    """The status of a question whose request was not answered well."""
    return Status(outcome=answer.outcome, reason=str(answer.reason or ""), detail=answer.detail)


def support_status(row: Row, settings: GroundingSettings) -> Status:
    """Whether this kind of question is grounded at all."""
    if row["language"] not in settings.languages:
        return failed(Reason.LANGUAGE_NOT_SUPPORTED, row["language"])
    if row["answer_type"] not in settings.answer_types:
        return failed(Reason.ANSWER_TYPE_NOT_SUPPORTED, row["answer_type"])
    return OK


# ---------------------------------------------------------------- sides


def sides_of(row: Row, reading: Reading, graph: KnowledgeGraph, settings: GroundingSettings) -> Sides:
    """Concepts of both sides, cut to their limits.

    What a wrong option names as well is the answer's side only where the answer names nothing of its own.
    """
    answer = _groups(reading, graph, side="answer", letter=None)
    shared = set(_groups(reading, graph, side="option", letter=None))
    answer = ([group for group in answer if group not in shared] or answer)[: settings.max_answer_groups]
    wrong = [option["letter"] for option in row["options"] if option["letter"] not in row["answer_letters"]]
    options = (
        Target(
            name=f"option:{letter}",
            groups=tuple(_groups(reading, graph, side="option", letter=letter)[: settings.max_option_groups]),
        )
        for letter in wrong
    )
    question = _question_groups(reading, graph)[: settings.max_question_groups]
    return Sides(question=tuple(question), targets=(Target(name="answer", groups=tuple(answer)), *options))


def _groups(reading: Reading, graph: KnowledgeGraph, *, side: str, letter: str | None) -> list[Group]:
    links = (
        link
        for link in reading.links
        if link.spot.text.side == side and link.chosen and letter in (None, link.spot.text.letter)
    )
    return list(dict.fromkeys(concept_group(link.chosen, graph) for link in links if _is_built_on(link.spot.mention)))


def _is_built_on(mention: Mention) -> bool:
    return not (mention.is_negated or mention.is_in_passing)


def concept_group(nodes: Sequence[int], graph: KnowledgeGraph) -> Group:
    """All nodes of the things that these nodes stand for, ascending."""
    return tuple(sorted({member for node in nodes for member in nodes_of_thing(node, graph)}))


def finding_group(nodes: Sequence[int], graph: KnowledgeGraph) -> Group:
    """The same for what a question tells of, with what holds of whoever has it."""
    return tuple(sorted({member for node in nodes for member in nodes_as_finding(node, graph)}))


def _question_groups(reading: Reading, graph: KnowledgeGraph) -> list[Group]:
    """Findings; where there are none, the history; else current drugs. Negated ones and those of relatives never."""
    places: dict[str, dict[Group, tuple[bool, int, Group]]] = {}
    for link in reading.links:
        mention = link.spot.mention
        # A member of a class that the question names ("opioids") is no finding: it would speak for a drug nobody named.
        is_named = _is_built_on(mention) and not mention.is_class
        if link.spot.text.side == "question" and link.chosen and is_named:
            group = finding_group(link.chosen, graph)
            place = (link.spot.text.field != "stem", min(graph.degree(node) for node in group), group)
            of_status = places.setdefault(mention.status, {})
            of_status[group] = min(of_status.get(group, place), place)
    for status in ("finding", "history", "medication"):
        if status in places:
            return sorted(places[status], key=places[status].__getitem__)
    return []


# ---------------------------------------------------------------- search


def search(sides: Sequence[Sides], finder: PathFinder) -> dict[tuple[str, Group, Group], Found]:
    """Every distinct pair of the shard once in every view."""
    pairs = sorted({pair for one in sides for target in one.targets for pair in pairs_of(one, target)})
    found: dict[tuple[str, Group, Group], Found] = {}
    for view in finder.settings.views:
        for pair, result in zip(pairs, finder.find_batch(pairs, view), strict=True):
            found[(view, *pair)] = result
    return found


def pairs_of(sides: Sides, target: Target) -> Iterator[tuple[Group, Group]]:
    """Pairs of concepts to search between."""
    return ((one, other) for one in sides.question for other in target.groups)


class PathJudge:
    """Verdicts of paths, each computed once a shard, and read in the light of what the question asks for."""

    def __init__(self, graph: KnowledgeGraph, finder: PathFinder) -> None:
        """Take graph and declared hub degree."""
        self._graph = graph
        self._hub_degree = finder.settings.hub_degree
        self._names = NodeNames(graph)
        self._known: dict[tuple[int, ...], Verdict] = {}
        # A shard's paths share most of their nodes and hops: reading each once takes a third of the time.
        self._edges = cache(graph.edges_between)
        self._type = cache(graph.node_type)
        self._concept = cache(partial(nodes_of_thing, graph=graph))
        self._degree = cache(graph.degree)

    def __call__(self, path: Path, intent: Intent) -> Verdict:
        """The verdict for a question: what it asks for supports, what it does not ask for does not."""
        known = self._known.get(path.nodes)
        if known is None:
            known = self._known[path.nodes] = self._judge(path)
        if intent == "contraindication":
            return _SUPPORTS if known.rule == "contraindication" else _unasked(known)
        if intent == "adverse_effect":
            if known.rule == "side_effect_as_treatment":
                return _SUPPORTS
            return _unasked(known) if self._rests_on(path, _TREATMENTS) else known
        is_unasked = intent == "treatment" and self._rests_on(path, _SIDE_EFFECTS)
        return _unasked(known) if is_unasked else known

    def best(self, paths: Sequence[Path], intent: Intent, n: int) -> list[tuple[Verdict, Path]]:
        """The `n` best of a pair's paths, supporting ones first; judges no more of them than it takes."""
        judged: list[tuple[Verdict, Path]] = []
        for path in paths[:_N_JUDGED]:
            judged.append((self(path, intent), path))
            if sum(known.kind == "supports" for known, _ in judged) == n:
                break
        return sorted(judged, key=lambda pair: (_STANCE_RANK[pair[0].kind], pair[1]))[:n]

    def _judge(self, path: Path) -> Verdict:
        walk = Walk(
            types=tuple(map(self._type, path.nodes)),
            hops=self._hops(path),
            concepts=tuple(map(self._concept, path.nodes)),
            degrees=tuple(map(self._degree, path.nodes)),
            hub_degree=self._hub_degree,
        )
        known = verdict_of(walk)
        return known if known.kind != "supports" else self._second_look(path)

    def _hops(self, path: Path) -> tuple[tuple[PathEdge, ...], ...]:
        return tuple(self._edges(one, other) for one, other in pairwise(path.nodes))

    def _second_look(self, path: Path) -> Verdict:
        """What a vocabulary's names tell, beyond the types and relations that the graph's rules know."""
        nodes = [self._names.of(index) for index in path.nodes]
        if any(map(_is_symptom_disease, nodes)):
            walked = zip(self._hops(path), pairwise(nodes), strict=True)
            if any(_is_symptom_as_disease(hop, ends) for hop, ends in walked):
                return Verdict(kind="neutral", rule=SYMPTOM_AS_DISEASE)
        if any(comparison_key(node["node_name"]) in _CLASSES_OF_ALL for node in nodes[1:-1]):
            return Verdict(kind="neutral", rule="hub")
        is_shared = any(
            _HANDLING_PROTEIN.fullmatch(middle["node_name"]) and one["node_type"] == other["node_type"] == "drug"
            for one, middle, other in zip(nodes, nodes[1:], nodes[2:], strict=False)
        )
        if is_shared:
            return Verdict(kind="neutral", rule="shared_drug_handling")
        return Verdict(kind="neutral", rule="shared_side_effect") if self._passes_side_effect(path) else _SUPPORTS

    def _rests_on(self, path: Path, relations: frozenset[str]) -> bool:
        return any(hop[0].relation in relations for hop in self._hops(path))

    def _passes_side_effect(self, path: Path) -> bool:
        """A drug on the way, which neither side names, joins them by what it can cause."""
        inner = path.nodes[1:-1]
        return any(
            hop[0].relation in _SIDE_EFFECTS and any(self._type(end) == "drug" and end in inner for end in ends)
            for hop, ends in zip(self._hops(path), pairwise(path.nodes), strict=True)
        )


def _is_symptom_disease(node: Mapping[str, str]) -> bool:
    return node["node_type"] == "disease" and comparison_key(node["node_name"]) in _symptoms()


def _is_symptom_as_disease(hop: Sequence[PathEdge], ends: tuple[Mapping[str, str], Mapping[str, str]]) -> bool:
    """The edge says that a symptom presents with something, as text-mined edges do."""
    if hop[0].relation != "disease_phenotype_positive":
        return False
    return _is_symptom_disease(ends[1] if hop[0].is_reversed else ends[0])


@cache
def _symptoms() -> frozenset[str]:
    lines = resources.files("medreason.chains").joinpath("symptoms.words").read_text(encoding="utf-8").splitlines()
    return frozenset(comparison_key(line) for line in lines if not line.startswith("#"))


def _unasked(known: Verdict) -> Verdict:
    return Verdict(kind="neutral", rule=NOT_ASKED_FOR) if known.kind == "supports" else known


def intent_of(stem: str) -> Intent:
    """What kind of relation a question asks for, where that turns round what supports an answer."""
    asked = last_sentence(stem)
    if _CONTRAINDICATION.search(stem) or _AVOIDANCE.search(asked):
        return "contraindication"
    if _ADVERSE.search(stem) and not _OF_TOXICITY.search(asked):
        return "adverse_effect"
    return "treatment" if _TREATMENT.search(asked) else ""


def keep_paths(
    row: Row,
    sides: Sides,
    found: Mapping[tuple[str, Group, Group], Found],
    views: Sequence[str],
    judge: PathJudge,
    settings: GroundingSettings,
) -> list[KeptPath]:
    """The paths of one question, the answer's first, each target's in order of rank.

    Of a path and its reverse (both ends stand on both sides) the first one is kept.
    """
    kept: list[KeptPath] = []
    intent = intent_of(row["stem"])
    reach = settings.max_option_hops
    for target in sides.targets:
        is_answer = target.name == "answer"
        limit = settings.max_paths if is_answer else settings.max_option_paths
        best: dict[tuple[int, ...], KeptPath] = {}
        for pair in pairs_of(sides, target):
            for view in views:
                one = found[(view, *pair)]
                if is_answer or one.distance <= reach:
                    for judged, path in judge.best(one.paths, intent, settings.max_paths_per_pair):
                        key = min(path.nodes, path.nodes[::-1])
                        best.setdefault(key, _kept(target, view, path, one, judged))
        kept += sorted(best.values(), key=lambda path: path.rank)[:limit]
        if is_answer:  # what is told of options beside the answer was looked for as far away as the answer
            supporting = (one.path.n_hops for one in kept if one.verdict.kind == "supports")
            reach = max(reach, min(supporting, default=0))
    return kept


def _kept(target: Target, view: str, path: Path, found: Found, judged: Verdict) -> KeptPath:
    return KeptPath(target=target.name, view=view, path=path, n_shortest=found.n_shortest, verdict=judged)


def status_of(row: Row, sides: Sides, paths: Sequence[KeptPath]) -> Status:
    """What grounding came to; the first reason met.

    Where the question asks for the exception, a path to its answer supports nothing, only those to other options do.
    """
    if not sides.question:
        return failed(Reason.NO_QUESTION_ENTITY)
    if not sides.answer:
        return failed(Reason.NO_ANSWER_ENTITY)
    to_answer = [path for path in paths if path.target == "answer"]
    is_exception = asks_exception(row["stem"])
    if is_exception and stands_out(row, path_summaries(paths)):
        return OK
    if not to_answer:
        return failed(Reason.NO_PATH)
    if is_exception:
        return failed(Reason.NO_SUPPORTING_PATH, EXCEPTION)
    if not any(path.verdict.kind == "supports" for path in to_answer):
        return failed(Reason.NO_SUPPORTING_PATH, to_answer[0].verdict.rule)
    return OK


PathSummary = tuple[str, str, int]
"""Target, verdict, hops."""


def path_summaries(paths: Iterable[KeptPath]) -> list[PathSummary]:
    """Kept paths as `near_letters` wants them."""
    return [(path.target, path.verdict.kind, path.path.n_hops) for path in paths]


def near_letters(row: Row, paths: Iterable[PathSummary]) -> set[str]:
    """Letters of wrong options that a path supports which is as short as the shortest one to the answer.

    Where the question asks for the exception it has to be shorter: that is what makes the answer stand out.
    """
    supporting = [(target, n_hops) for target, kind, n_hops in paths if kind == "supports"]
    is_exception = asks_exception(row["stem"])
    shortest = min((n for target, n in supporting if target == "answer"), default=99 if is_exception else 0)
    limit = shortest - 1 if is_exception else shortest
    return {target.partition(":")[2] for target, n_hops in supporting if target != "answer" and n_hops <= limit}


def stands_out(row: Row, paths: Iterable[PathSummary]) -> bool:
    """At least half of the other options are nearer to the question than the answer, the exception asked for."""
    n_wrong = len(row["options"]) - 1
    near = near_letters(row, paths)
    return len(row["answer_letters"]) == 1 and bool(near) and 2 * len(near) >= n_wrong


def path_rows(item_id: str, paths: Sequence[KeptPath], graph: KnowledgeGraph, names: NodeNames) -> list[dict[str, Any]]:
    """Rows of `paths`."""
    return [
        {
            "item_id": item_id,
            "path_no": number,
            "path_id": path_id(graph, kept.path),
            "target": kept.target,
            "view": kept.view,
            "n_hops": kept.path.n_hops,
            "cost": kept.path.cost,
            "n_shortest": kept.n_shortest,
            "nodes": [names.of(index) for index in kept.path.nodes],
            "hops": _hop_rows(graph, kept),
            "verdict": kept.verdict.kind,
            "verdict_reason": kept.verdict.rule,
        }
        for number, kept in enumerate(paths)
    ]


def _hop_rows(graph: KnowledgeGraph, kept: KeptPath) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "edge_id": edge.edge_id,
                "relation": edge.relation,
                "display_relation": edge.display_relation,
                "is_reversed": edge.is_reversed,
                "is_direction_known": edge.is_direction_known,
            }
            for edge in hop
        ]
        for hop in hops(graph, kept.path, kept.view)
    ]


# ---------------------------------------------------------------- pruning


def prune_paths(
    rows: Sequence[Row], paths: Sequence[Sequence[dict[str, Any]]], generator: Generator, settings: GroundingSettings
) -> list[tuple[list[dict[str, Any]], Answer[prune.Pruned]]]:
    """For each question the rows of `paths` to show, in the order to show them, and the answer that said so."""
    orders = [sorted(some, key=_cost_order) for some in paths]
    given = [_prune_given(row, order, settings) for row, order in zip(rows, orders, strict=True)]
    answers = generator.ask(prune.TASK, given, label="prune")
    return [
        ([order[position] for position in answer.value.positions] if answer.value else [], answer)
        for order, answer in zip(orders, answers, strict=True)
    ]


def _cost_order(row: Mapping[str, Any]) -> tuple[int, int]:
    """Cost over all targets: that the answer's paths stand first in the table must not show."""
    return (row["cost"], row["path_no"])


def shown_target(row: Row, target: str) -> str:
    """What a target is called in an input: the option's letter, or `answer`."""
    if target.startswith("option:"):
        return target.partition(":")[2]
    is_one_option = row["options"] and len(row["answer_letters"]) == 1 and row["answer_type"] != "yes_no_maybe"
    return str(row["answer_letters"][0]) if is_one_option else "answer"


def shown_options(row: Row) -> tuple[ShownOption, ...]:
    """The options as inputs hold them."""
    limit = min(MAX_OPTION_CHARACTERS, MAX_OPTIONS_CHARACTERS // max(len(row["options"]), 1))
    return tuple(ShownOption(letter=option["letter"], text=cut(option["text"], limit)) for option in row["options"])


def _prune_given(row: Row, paths: Sequence[Mapping[str, Any]], settings: GroundingSettings) -> prune.PruneGiven:
    targets = [shown_target(row, path["target"]) for path in paths]
    answer = shown_target(row, "answer")
    # Where the exception is asked for, the other options carry the chain: a path to the answer would speak against it.
    to_answer = 0 if asks_exception(row["stem"]) else settings.prune_to
    quotas = [
        prune.Quota(target=target, at_most=to_answer if target == answer else settings.prune_to_option)
        for target in sorted(set(targets))
    ]
    return prune.PruneGiven(
        question=cut(row["stem"], MAX_QUESTION_CHARACTERS),
        options=shown_options(row),
        quotas=tuple(quotas),
        paths=show_paths(paths, targets),
    )
