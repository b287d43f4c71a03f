"""Putting a release together in memory.

Belongs: what became of each question, the released rows, their lineage and paths, the complete quarantine.
Does not belong: reading and writing (candidate.py, publish.py), files (layout.py), the keep rule (chains/verification).
Rule: every training record comes out exactly once, as a row or in the quarantine; while anything is deferred nothing
comes out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from medreason.base.errors import Incomplete
from medreason.base.reasons import Outcome, Reason
from medreason.base.tables.chains import CHAINS, VERDICTS
from medreason.base.tables.grounding import COVERAGE, OUTCOMES
from medreason.base.tables.questions import QUARANTINE
from medreason.base.tables.registry import row_hashes
from medreason.base.tables.releases import RELEASE_LINEAGE, RELEASE_PATHS, RELEASE_ROWS, RELEASE_SOURCES
from medreason.chains.verification.policy import Decision, VerificationSettings, decide
from medreason.questions.quarantine import quarantine_table
from medreason.releases import counts
from medreason.releases.arrow import chosen, rows_where, values
from medreason.releases.examples import ungrounded
from medreason.releases.identity import release_id, table_facts
from medreason.releases.release_config import released_configuration
from medreason.releases.values import (
    CHECKS,
    NOT_APPLICABLE,
    Candidate,
    ReleaseInputs,
)

REASONS = {reason.value: reason for reason in Reason}
_Row = dict[str, Any]
_ChainKey = tuple[str, int]
Left = tuple[Reason, str]
"""Why a question is not released, and what was met."""


def assemble(inputs: ReleaseInputs) -> Candidate:
    """The release that follows from these inputs.

    Raises: Incomplete while anything is deferred; CorruptRelease where a record is lost or doubled.
    """
    decisions = decide_chains(inputs.chains, inputs.verdicts, inputs.verification)
    refuse_deferred(inputs, decisions)
    curated = _curated(inputs)
    fates = decide_fates(values(curated, "item_id"), inputs.outcomes, decisions)
    released = {item: fate for item, fate in fates.items() if isinstance(fate, Decision)}
    left = {item: fate for item, fate in fates.items() if not isinstance(fate, Decision)}
    tables = _tables(inputs, curated, released, left)
    _prove(inputs, curated, released, tables["quarantine"])
    return _candidate(inputs, tables, curated)


def decide_chains(chains: pa.Table, verdicts: pa.Table, settings: VerificationSettings) -> dict[str, Decision]:
    """What the keep rule says of each question that has chains; a chain with a seeded fault is never kept."""
    columns = ["item_id", "sample_no", "outcome", "reason", "detail", "engine_kind", "fault_label"]
    rows = [_without_seeded(row) for row in chains.select(columns).to_pylist()]
    return {decision.item_id: decision for decision in decide(rows, verdicts.to_pylist(), settings)}


def _without_seeded(chain: _Row) -> _Row:
    if not chain["fault_label"] or chain["outcome"] != Outcome.OK:
        return chain
    refused = {"outcome": Outcome.QUARANTINED.value, "reason": Reason.RELEASE_RULE.value}
    return {**chain, **refused, "detail": f"seeded fault {chain['fault_label']}"}


def refuse_deferred(inputs: ReleaseInputs, decisions: Mapping[str, Decision]) -> None:
    """Raises: Incomplete where a question, chain or verdict waits for an answer."""
    deferred = {Outcome.DEFERRED.value}
    waiting = {
        "questions in grounding": rows_where(inputs.outcomes, "outcome", deferred).num_rows,
        "chains": rows_where(inputs.chains, "outcome", deferred).num_rows,
        "verdicts": rows_where(inputs.verdicts, "outcome", deferred).num_rows,
        "decisions": sum(decision.outcome is Outcome.DEFERRED for decision in decisions.values()),
    }
    if any(waiting.values()):
        told = ", ".join(f"{n} {name}" for name, n in waiting.items() if n)
        raise Incomplete(f"deferred: {told}", where="release")


def decide_fates(
    item_ids: Iterable[str], outcomes: pa.Table, decisions: Mapping[str, Decision]
) -> dict[str, Decision | Left]:
    """What becomes of each curated question: the decision that releases one of its chains, or why none.

    A question that no stage speaks of gets no entry; the conservation proof then names it.
    """
    names = ("outcome", "reason", "detail")
    states = zip(*(values(outcomes, name) for name in names), strict=True)
    grounded = dict(zip(values(outcomes, "item_id"), states, strict=True))
    fates: dict[str, Decision | Left] = {}
    for item in item_ids:
        outcome, reason, detail = grounded.get(item, ("", "", ""))
        decision = decisions.get(item)
        if outcome == Outcome.QUARANTINED:
            fates[item] = (REASONS[reason], detail)
        elif outcome == Outcome.OK and decision is not None:
            fates[item] = decision if decision.outcome is Outcome.OK else (REASONS[decision.reason], decision.detail)
    return fates


def _curated(inputs: ReleaseInputs) -> pa.Table:
    gone = set(values(inputs.curation_quarantined, "item_id"))
    train = rows_where(inputs.questions, "role", {counts.TRAIN})
    return rows_where(train, "item_id", set(values(train, "item_id")) - gone)


# ---------------------------------------------------------------- tables


def _tables(
    inputs: ReleaseInputs, curated: pa.Table, released: Mapping[str, Decision], left: Mapping[str, Left]
) -> dict[str, pa.Table]:
    questions = {row["item_id"]: row for row in rows_where(curated, "item_id", released.keys()).to_pylist()}
    chains = _by_chain(rows_where(inputs.chains, "item_id", released.keys()))
    written = {item: chains[item, kept.sample_no] for item, kept in released.items()}
    verdicts = _verdicts_of(inputs.verdicts, released)
    rows = RELEASE_ROWS.from_rows(
        [_row(questions[item], chain, verdicts[item], released[item]) for item, chain in written.items()]
    )
    return {
        "rows": rows,
        "lineage": _lineage(inputs, rows, questions, written, verdicts),
        "paths": _paths(inputs.paths, written),
        "quarantine": _quarantine(inputs, curated, left),
        "outcomes": OUTCOMES.conform(inputs.outcomes),
        "chains": CHAINS.conform(inputs.chains),
        "verdicts": VERDICTS.conform(inputs.verdicts),
        "coverage": COVERAGE.conform(inputs.coverage),
        "sources": RELEASE_SOURCES.from_rows([asdict(source) for source in inputs.sources]),
    }


def _by_chain(table: pa.Table) -> dict[_ChainKey, _Row]:
    return {(row["item_id"], row["sample_no"]): row for row in table.to_pylist()}


def _verdicts_of(verdicts: pa.Table, released: Mapping[str, Decision]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in rows_where(VERDICTS.conform(verdicts), "item_id", released.keys()).to_pylist():
        if row["sample_no"] == released[row["item_id"]].sample_no:
            found[row["item_id"]].append(row)
    return found


def _row(question: _Row, chain: _Row, verdicts: Sequence[_Row], kept: Decision) -> _Row:
    own = {verdict["check"]: verdict for verdict in verdicts if not verdict["is_control"]}
    outcomes = {check: own[check]["outcome"] if check in own else NOT_APPLICABLE for check in CHECKS}
    from_question = ("dataset_name", "item_id", "source", "split", "answer_type", "answer_letters", "language")
    from_chain = (
        *("reasoning", "steps", "conclusion", "sample_no"),
        *("engine_kind", "model_id", "model_revision", "writer_sees_gold"),
    )
    return {
        "id_in_dataset": question["raw_record_id"],
        "question": "\n\n".join(part for part in (question["context"], question["stem"]) if part),
        "options": "\n".join(f"{option['letter']}. {option['text']}" for option in question["options"]),
        "answer": question["answer_text"],
        "keep_rule": kept.keep_rule,
        "label": kept.label,
        "step_support_score": own["step_support"]["score"] if "step_support" in own else 0,
        **outcomes,
        **{name: question[name] for name in from_question},
        **{name: chain[name] for name in from_chain},
    }


def _lineage(
    inputs: ReleaseInputs,
    rows: pa.Table,
    questions: Mapping[str, _Row],
    written: Mapping[str, _Row],
    verdicts: Mapping[str, Sequence[_Row]],
) -> pa.Table:
    hashes = dict(zip(values(rows, "item_id"), row_hashes(rows), strict=True))
    sides = dict(zip(values(inputs.outcomes, "item_id"), values(inputs.outcomes, "answer_side"), strict=True))
    links = _links(inputs.mentions, inputs.links, questions.keys())
    return RELEASE_LINEAGE.from_rows(
        [
            {
                **_origin_of(question),
                **_writing_of(written[item]),
                "row_sha256": hashes[item],
                "answer_side": sides[item],
                "graph_sha256": inputs.graph.graph_sha256,
                "links": links[item],
                "verdicts": [{name: verdict[name] for name in _VERDICT} for verdict in verdicts[item]],
            }
            for item, question in questions.items()
        ]
    )


_VERDICT = ("check", "is_control", "outcome", "score", "control_item_id", "request_sha256", "response_sha256")
_LINK = ("mention_no", "side", "node_type", "node_id", "node_name", "stage", "score")


def _origin_of(question: _Row) -> _Row:
    names = ("item_id", "source", "raw_record_id", "raw_file_sha256", "raw_locator", "record_sha256")
    return {name: question[name] for name in names}


def _writing_of(chain: _Row) -> _Row:
    names = (
        *("sample_no", "path_ids", "template_sha256", "request_sha256", "response_sha256", "response_model"),
        *("finish_reason", "engine_kind", "model_id", "model_revision"),
    )
    cited = {edge for step in chain["steps"] for edge in step["edge_ids"]}
    return {name: chain[name] for name in names} | {"edge_ids": sorted(cited)}


def _links(mentions: pa.Table, links: pa.Table, items: Iterable[str]) -> dict[str, list[_Row]]:
    items = set(items)
    spans = {
        (row["item_id"], row["mention_no"]): {"field": row["field"], "text": row["text"]}
        for row in rows_where(mentions, "item_id", items).to_pylist()
    }
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in chosen(rows_where(links, "item_id", items), "is_chosen").to_pylist():
        found[row["item_id"]].append({name: row[name] for name in _LINK} | spans[row["item_id"], row["mention_no"]])
    for rows in found.values():
        rows.sort(key=lambda row: (row["mention_no"], row["node_type"], row["node_id"]))
    return found


def _paths(paths: pa.Table, written: Mapping[str, _Row]) -> pa.Table:
    used = {(item, path) for item, chain in written.items() for path in chain["path_ids"]}
    near = rows_where(paths, "item_id", written.keys())
    wanted = [pair in used for pair in zip(values(near, "item_id"), values(near, "path_id"), strict=True)]
    return RELEASE_PATHS.conform(near.filter(pa.array(wanted, pa.bool_())))


def _quarantine(inputs: ReleaseInputs, curated: pa.Table, left: Mapping[str, Left]) -> pa.Table:
    later = quarantine_table(curated, left)
    parts = (inputs.quarantined, inputs.curation_quarantined, later)
    return QUARANTINE.conform(pa.concat_tables([QUARANTINE.conform(part) for part in parts]))


def _prove(inputs: ReleaseInputs, curated: pa.Table, released: Mapping[str, Decision], quarantine: pa.Table) -> None:
    counts.prove_conservation(
        counts.raw_records(inputs.raw, counts.TRAIN),
        counts.record_ids(rows_where(curated, "item_id", released.keys())),
        counts.record_ids(rows_where(quarantine, "role", {counts.TRAIN})),
    )


# ---------------------------------------------------------------- facts


def _candidate(inputs: ReleaseInputs, tables: Mapping[str, pa.Table], curated: pa.Table) -> Candidate:
    configuration = released_configuration(inputs.configuration)
    facts = {name: table_facts(table) for name, table in tables.items()}
    funnel_tables = (tables["sources"], tables["quarantine"], tables["rows"])
    return Candidate(
        dataset=inputs.dataset,
        release_id=release_id(facts, graph=inputs.graph, prompts=inputs.templates, configuration=configuration),
        tables=tables,
        counts=counts.count_tables(*funnel_tables),
        funnel=counts.funnel(*funnel_tables),
        quarantine_reasons=counts.quarantine_reasons(tables["quarantine"]),
        keep_rules=sorted(set(values(tables["rows"], "keep_rule"))),
        generators=counts.generators(tables["rows"]),
        tallies=counts.tally(tables["verdicts"]),
        graph=inputs.graph,
        prompts=dict(sorted(inputs.templates.items())),
        configuration=configuration,
        ungrounded=ungrounded(inputs, curated),
    )
