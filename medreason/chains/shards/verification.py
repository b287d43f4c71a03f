"""Verification of a shard of chains: a pure function, in process or on Ray the same.

Belongs: `verify_shard`, its tools, rows of `verdicts`.
Does not belong: single checks (chains/verification/), cutting shards (assets).
Rule: the pairing of controls, which needs all questions, is made from all of them; so any cut gives the same table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from medreason.base.reasons import Outcome
from medreason.base.tables.chains import VERDICTS
from medreason.chains.generation.generator import Answer, Generator
from medreason.chains.grounding import (
    PathJudge,
    near_letters,
)
from medreason.chains.reading import NodeNames
from medreason.chains.shards.rows import Row, grouped, summaries
from medreason.chains.tasks import answer as answer_task
from medreason.chains.tasks import judge as judge_task
from medreason.chains.tasks import write
from medreason.chains.tasks.protocol import cut
from medreason.chains.twins import nodes_of_thing
from medreason.chains.verification.controls import Partner, pair_controls
from medreason.chains.verification.masking import mask_text, masked_chain, option_terms
from medreason.chains.verification.policy import VerificationSettings
from medreason.chains.verification.re_answer import (
    Asked,
    answer_given,
    findings_of,
    margin_of,
    option_groups,
    outcome_of,
    search_evidence,
)
from medreason.chains.verification.support import EdgeFact, NodeTerms, Support, check_chain, edge_facts
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.linking.linker import Linker
from medreason.graph.paths import PathFinder


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationTools:
    """What the checks need."""

    graph: KnowledgeGraph
    linker: Linker
    finder: PathFinder
    generator: Generator
    settings: VerificationSettings
    synonyms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Further names of nodes, by node index (`synonyms_of`)."""


def synonyms_of(lexicon: pa.Table) -> dict[int, tuple[str, ...]]:
    """Names of each node in a table of the form of `graph_lexicon`; names of classes are no names of their members."""
    found: dict[int, dict[str, None]] = {}
    columns = (lexicon.column(name).to_pylist() for name in ("node_index", "name", "scope"))
    for index, name, scope in zip(*columns, strict=True):
        if scope != "class":
            found.setdefault(index, {})[name] = None
    return {index: tuple(names) for index, names in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """One chain with all that its checks look at."""

    chain: Row
    question: Row
    paths: list[Row]
    facts: Mapping[str, EdgeFact]
    terms: tuple[str, ...]
    lines: tuple[str, ...]
    """The masked chain."""


def verify_shard(
    questions: pa.Table,
    links: pa.Table,
    paths: pa.Table,
    chains: pa.Table,
    tools: VerificationTools,
    *,
    only_items: Collection[str] | None = None,
) -> pa.Table:
    """Verdicts of every written chain, each check beside its control.

    Args: tables in the forms of the registry, of ALL questions, since a control takes its findings from another one;
        with `only_items` the verdicts of these questions alone are computed, and only what they need is looked at.
    """
    ordered = chains.sort_by([("item_id", "ascending"), ("sample_no", "ascending")])
    written = [row for row in ordered.to_pylist() if row["outcome"] == Outcome.OK.value]
    asked = {row["item_id"]: row for row in _of_items(questions, {one["item_id"] for one in written}).to_pylist()}
    partners = pair_controls([_partner(asked[item_id]) for item_id in dict.fromkeys(one["item_id"] for one in written)])
    wanted = {one["item_id"] for one in written if only_items is None or one["item_id"] in only_items}
    needed = wanted | {partners[item_id] for item_id in wanted if item_id in partners}
    some = [one for one in written if one["item_id"] in needed]
    checked = list(_checked(asked, _of_items(links, needed), _of_items(paths, needed), some, tools))
    first = {one.chain["item_id"]: one for one in reversed(checked)}
    own = [one for one in checked if one.chain["item_id"] in wanted]
    controls = [(one, first[partners[one.chain["item_id"]]]) for one in own if one.chain["item_id"] in partners]
    rows = [*_support_rows(own, controls, tools), *_re_answer_rows(own, controls, tools)]
    return VERDICTS.from_rows(rows)


def _of_items(table: pa.Table, item_ids: Collection[str]) -> pa.Table:
    return table.filter(pc.is_in(table.column("item_id"), value_set=pa.array(sorted(item_ids), pa.string())))


def _checked(
    questions: Mapping[str, Row], links: pa.Table, paths: pa.Table, chains: Sequence[Row], tools: VerificationTools
) -> Iterator[_Checked]:
    by_item = grouped(paths)
    nodes = _option_nodes(links, tools)
    terms_of_nodes = NodeTerms(_synonyms_by_key(nodes, by_item, tools))
    for chain in chains:
        rows = by_item.get(chain["item_id"], [])
        facts = edge_facts([row for row in rows if row["path_id"] in chain["path_ids"]], terms_of_nodes)
        yield _masked(chain, questions[chain["item_id"]], rows, facts, nodes.get(chain["item_id"], set()), tools)


def _masked(
    chain: Row,
    question: Row,
    paths: list[Row],
    facts: Mapping[str, EdgeFact],
    option_nodes: set[tuple[str, str]],
    tools: VerificationTools,
) -> _Checked:
    ends = {(node["node_type"], node["node_id"]) for path in paths for node in path["nodes"][-1:]}
    hidden = option_nodes | ends
    indices = [tools.graph.index_of(*key) for key in sorted(hidden)]
    names = [name for index in indices if index is not None for name in _names(index, tools)]
    texts = [option["text"] for option in question["options"]] or [question["answer_text"]]
    terms = option_terms(texts, names)
    letters = [option["letter"] for option in question["options"]]
    lines = masked_chain(chain, paths, facts, hidden, terms, letters)
    return _Checked(chain=chain, question=question, paths=paths, facts=facts, terms=terms, lines=lines)


def _names(index: int, tools: VerificationTools) -> tuple[str, ...]:
    return (tools.graph.node(index).name, *tools.synonyms.get(index, ()))


def _option_nodes(links: pa.Table, tools: VerificationTools) -> dict[str, set[tuple[str, str]]]:
    """Per question the nodes of its options and answer, with all nodes of their concepts."""
    found: dict[str, set[tuple[str, str]]] = {}
    columns = (links.column(name).to_pylist() for name in ("item_id", "side", "is_chosen", "node_type", "node_id"))
    for item_id, side, is_chosen, node_type, node_id in zip(*columns, strict=True):
        if is_chosen and side != "question":
            found.setdefault(item_id, set()).update(_concept_keys(node_type, node_id, tools.graph))
    return found


def _concept_keys(node_type: str, node_id: str, graph: KnowledgeGraph) -> Iterator[tuple[str, str]]:
    yield (node_type, node_id)
    index = graph.index_of(node_type, node_id)
    for member in nodes_of_thing(index, graph) if index is not None else ():
        node = graph.node(member)
        yield (node.node_type, node.node_id)


def _synonyms_by_key(
    nodes: Mapping[str, set[tuple[str, str]]], paths: Mapping[str, list[Row]], tools: VerificationTools
) -> dict[tuple[str, str], tuple[str, ...]]:
    keys = {key for some in nodes.values() for key in some}
    keys |= {(n["node_type"], n["node_id"]) for rows in paths.values() for row in rows for n in row["nodes"]}
    indices = {key: tools.graph.index_of(*key) for key in keys}
    return {key: tools.synonyms.get(index, ()) for key, index in indices.items() if index is not None}


def _partner(question: Row) -> Partner:
    return Partner(
        item_id=question["item_id"],
        source=question["source"],
        n_options=len(question["options"]),
        group_id=question["group_id"],
    )


# --- step support


def _support_rows(
    checked: Sequence[_Checked], controls: Sequence[tuple[_Checked, _Checked]], tools: VerificationTools
) -> Iterator[Row]:
    known = _known_edges(checked, tools.graph)
    for one in checked:
        yield _support_row(one, _support(one, one.chain, one.facts, known), control_item_id="")
    for one, other in controls:
        swapped = {**one.chain, "steps": _with_edges_of(one.chain["steps"], list(other.facts))}
        facts = {**one.facts, **other.facts}
        support = _support(one, swapped, facts, known | set(facts))
        yield _support_row(one, support, control_item_id=other.chain["item_id"])


def _support(one: _Checked, chain: Row, facts: Mapping[str, EdgeFact], known: Collection[str]) -> Support:
    near = near_letters(one.question, summaries(one.paths))
    return check_chain(chain, one.question, facts, near, known)


def _known_edges(checked: Sequence[_Checked], graph: KnowledgeGraph) -> set[str]:
    """Ids of cited edges that the graph itself holds between these ends."""
    facts = {fact.edge_id: fact for one in checked for fact in one.facts.values()}
    return {edge_id for edge_id, fact in facts.items() if _graph_holds(fact, graph)}


def _graph_holds(fact: EdgeFact, graph: KnowledgeGraph) -> bool:
    one, other = (graph.index_of(*end) for end in fact.ends)
    if one is None or other is None:
        return False
    return any(edge.edge_id == fact.edge_id for edge in graph.edges_between(one, other))


def _with_edges_of(steps: Sequence[Row], other_edges: Sequence[str]) -> list[Row]:
    """The same steps, citing another question's edges one after another."""
    number, swapped = 0, []
    for step in steps:
        n_cited = len(step["edge_ids"])
        cited = [other_edges[(number + n) % len(other_edges)] for n in range(n_cited)] if other_edges else []
        swapped.append({**step, "edge_ids": cited if n_cited else []})
        number += n_cited
    return swapped


def _support_row(one: _Checked, support: Support, *, control_item_id: str) -> Row:
    return {
        "item_id": one.chain["item_id"],
        "sample_no": one.chain["sample_no"],
        "check": "step_support",
        "is_control": bool(control_item_id),
        "outcome": "failed" if support.failed else "passed",
        "score": support.score_thousandths,
        "detail": "; ".join(support.failed),
        "control_item_id": control_item_id,
        "answer_given": "",
        "request_sha256": "",
        "response_sha256": "",
    }


# --- re-answer


def _re_answer_rows(
    checked: Sequence[_Checked], controls: Sequence[tuple[_Checked, _Checked]], tools: VerificationTools
) -> list[Row]:
    """The task `answer` for every chain and every control, in one call."""
    masked = {id(one): findings_of(one.lines, tools.linker, tools.graph) for pair in controls for one in pair}
    masked |= {id(one): findings_of(one.lines, tools.linker, tools.graph) for one in checked if id(one) not in masked}
    pairs = [*((one, one) for one in checked), *controls]
    limit = tools.settings.max_findings
    asked = [_asked(one, other, masked[id(other)][:limit], tools) for one, other in pairs]
    found = search_evidence(asked, tools.finder)
    judge, names = PathJudge(tools.graph, tools.finder), NodeNames(tools.graph)
    given = [answer_given(one, found, tools.graph, judge, names) for one in asked]
    answers = tools.generator.ask(answer_task.TASK, given, label="re_answer")
    judged = _judged(pairs, answers, tools)
    return [
        _re_answer_row(one, other, input_, answer, verdict)
        for (one, other), input_, answer, verdict in zip(pairs, given, answers, judged, strict=True)
    ]


def _asked(one: _Checked, other: _Checked, findings: tuple[tuple[int, ...], ...], tools: VerificationTools) -> Asked:
    """The other's masked chain before the one's options."""
    letters = [option["letter"] for option in one.question["options"]]
    lines = other.lines if one is other else tuple(mask_text(line, one.terms, letters) for line in other.lines)
    options = option_groups(one.question, tools.linker, tools.graph)
    return Asked(question=one.question, lines=lines, findings=findings, options=options)


def _judged(
    pairs: Sequence[tuple[_Checked, _Checked]],
    answers: Sequence[Answer[answer_task.Answered]],
    tools: VerificationTools,
) -> list[Answer[judge_task.Judged] | None]:
    """Judgements of free-text answers; None where letters decide or nothing was answered."""
    open_places = [
        place
        for place, ((one, _), answer) in enumerate(zip(pairs, answers, strict=True))
        if not one.question["options"] and answer.value is not None and answer.value.answer
    ]
    given = [_judge_given(pairs[place][0].question, _text(answers[place]), tools) for place in open_places]
    judged: list[Answer[judge_task.Judged] | None] = [None] * len(pairs)
    for place, verdict in zip(open_places, tools.generator.ask(judge_task.TASK, given, label="judge"), strict=True):
        judged[place] = verdict
    return judged


def _text(answer: Answer[answer_task.Answered]) -> str:
    return answer.value.answer if answer.value is not None else ""


def _judge_given(question: Row, answer: str, tools: VerificationTools) -> judge_task.JudgeGiven:
    sides = [
        {node for m in tools.linker.mentions(text, "answer") if m.stage != "partial" for node in m.node_indices}
        for text in (answer, question["answer_text"])
    ]
    concepts = [{member for node in nodes for member in nodes_of_thing(node, tools.graph)} for nodes in sides]
    return judge_task.JudgeGiven(
        question=cut(question["stem"], write.MAX_QUESTION_CHARACTERS),
        answer_type=question["answer_type"],
        answer=cut(answer, judge_task.MAX_ANSWER_CHARACTERS),
        gold=cut(question["answer_text"], judge_task.MAX_ANSWER_CHARACTERS),
        lower=question["answer_lower"],
        upper=question["answer_upper"],
        same_concept=bool(concepts[0]) and concepts[0] == concepts[1],
    )


def _re_answer_row(
    one: _Checked,
    other: _Checked,
    given: answer_task.AnswerGiven,
    answer: Answer[answer_task.Answered],
    judged: Answer[judge_task.Judged] | None,
) -> Row:
    text = _text(answer)
    outcome, detail = _re_answer_outcome(one.question, answer, judged)
    is_control = one is not other
    return {
        "item_id": one.chain["item_id"],
        "sample_no": one.chain["sample_no"],
        "check": "re_answer",
        "is_control": is_control,
        "outcome": outcome,
        "score": margin_of(given, text) if one.question["options"] else 0,
        "detail": detail,
        "control_item_id": other.chain["item_id"] if is_control else "",
        "answer_given": text,
        "request_sha256": answer.request_sha256,
        "response_sha256": answer.response_sha256,
    }


def _re_answer_outcome(
    question: Row, answer: Answer[answer_task.Answered], judged: Answer[judge_task.Judged] | None
) -> tuple[str, str]:
    for one in (answer, judged):
        if one is not None and one.value is None:
            is_deferred = one.outcome is Outcome.DEFERRED
            return ("deferred", one.detail) if is_deferred else ("cannot_judge", str(one.reason or ""))
    if question["options"]:
        outcome = outcome_of(_text(answer), question["answer_letters"])
        return outcome, f"answers {_text(answer)}" if outcome == "failed" else ""
    if judged is None or judged.value is None:
        return "abstained", ""
    return {"correct": "passed", "incorrect": "failed", "cannot_judge": "cannot_judge"}[judged.value.verdict], ""
