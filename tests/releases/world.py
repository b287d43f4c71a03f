"""A small made-up world that releases are assembled from.

Belongs: raw records, questions, groundings, chains and verdicts for a list of fates, in the registry's form.
Does not belong: assertions.
Rule: everything follows from the list of fates: record number n has fate n, and its texts and hashes are made from n.

A fate says where a record ends: `released`, one of the stages that it leaves at (`raw`, `normalisation`, `curation`,
`unlinked`, `unpathed`, `generation`, `verification`), `second_sample` (released by its second chain), `seeded_fault`,
`benchmark`, `benchmark_fault`, `deferred`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from medreason.base.canonical import item_id, joined_sha256, sha256_bytes
from medreason.base.store import Store, TableRef
from medreason.base.store.tables import parquet_bytes
from medreason.base.tables.chains import CHAINS, VERDICTS
from medreason.base.tables.grounding import COVERAGE, LINKS, MENTIONS, OUTCOMES, PATHS
from medreason.base.tables.questions import QUARANTINE, QUESTIONS
from medreason.base.tables.raw import RAW_TABLES
from medreason.chains.verification.policy import VerificationSettings
from medreason.releases.assemble import assemble
from medreason.releases.gates import prove
from medreason.releases.values import Build, Candidate, GateProof, GraphFacts, ReleaseInputs, SourceFile

FATES = (
    *("released", "second_sample", "raw", "normalisation", "curation", "unlinked", "unpathed", "generation"),
    *("verification", "seeded_fault", "benchmark", "benchmark_fault"),
)
"""One record of every kind that a release can hold."""

_REASONS = {
    "raw": "malformed_record",
    "benchmark_fault": "malformed_record",
    "normalisation": "gold_missing",
    "curation": "contaminated",
}
_GROUNDED = {"released", "second_sample", "generation", "verification", "seeded_fault", "deferred"}
TEMPLATE = "Write a chain for {{ block }}\n"
TEMPLATE_SHA256 = sha256_bytes(TEMPLATE.encode())
SUITE_SHA256 = sha256_bytes(b"suite of release_rows")
BUILD = Build(
    run_id="run-1",
    started_at="2026-11-20T01:00:00Z",
    finished_at="2026-11-20T01:01:00Z",
    code={"version": "0.1.0"},
    facts={"seconds": {"raw": 1}},
)
_FILES = {"train": "train.jsonl", "benchmark": "test.jsonl"}

_Row = dict[str, Any]


def role(fate: str) -> str:
    """Benchmark records are of the second source."""
    return "benchmark" if fate.startswith("benchmark") else "train"


def origin(n: int, fate: str) -> _Row:
    """The nine columns that questions and quarantine share."""
    of = role(fate)
    return {
        "item_id": item_id("medqa", f"r{n}"),
        "source": "medqa",
        "dataset_name": "medqa" if of == "train" else "medqa_test",
        "split": "dev",
        "role": of,
        "raw_record_id": f"r{n}",
        "raw_file_sha256": sha256_bytes(_FILES[of].encode()),
        "raw_locator": f"line:{n + 1}",
        "record_sha256": joined_sha256(("record", str(n))),
    }


def inputs(fates: Sequence[str] = FATES, **changes: Any) -> ReleaseInputs:
    """What a release of records with these fates follows from; `changes` replace fields."""
    numbered = list(enumerate(fates))
    fields = {
        "dataset": "made-up",
        "raw": {"medqa": RAW_TABLES["medqa"].from_rows([_raw(n, fate) for n, fate in numbered])},
        "questions": QUESTIONS.from_rows([_question(n, f) for n, f in numbered if f not in _BEFORE_QUESTIONS]),
        "quarantined": _quarantine(numbered, _BEFORE_QUESTIONS),
        "curation_quarantined": _quarantine(numbered, {"curation"}),
        "mentions": MENTIONS.from_rows([_mention(n, f) for n, f in numbered if f in _GROUNDED]),
        "links": LINKS.from_rows([link for n, f in numbered if f in _GROUNDED for link in _links(n, f)]),
        "paths": PATHS.from_rows([path for n, f in numbered if f in _GROUNDED for path in _paths(n, f)]),
        "outcomes": OUTCOMES.from_rows(
            [_outcome(n, f) for n, f in numbered if f in _GROUNDED | {"unlinked", "unpathed"}]
        ),
        "chains": CHAINS.from_rows([chain for n, f in numbered if f in _GROUNDED for chain in _chains(n, f)]),
        "verdicts": VERDICTS.from_rows([v for n, f in numbered if f in _GROUNDED for v in _verdicts(n, f)]),
        "verification": VerificationSettings(),
        "sources": _sources(fates),
        "graph": GraphFacts(
            layout="primekg",
            file_name="kg.csv",
            file_sha256=sha256_bytes(b"kg"),
            graph_sha256=sha256_bytes(b"arrays"),
            n_nodes=4,
            n_edges=3,
        ),
        "templates": {TEMPLATE_SHA256: TEMPLATE},
        "coverage": COVERAGE.from_rows(_coverage()),
        "configuration": {"dataset": "made-up", "engine": {"kind": "rule"}, "compute": {"kind": "in_process"}},
    }
    return ReleaseInputs(**(fields | changes))


def candidate(fates: Sequence[str] = FATES, **changes: Any) -> Candidate:
    """The release of these records, in memory."""
    return assemble(inputs(fates, **changes))


def proofs(store: Store, made: Candidate, outcome: str = "passed") -> tuple[GateProof, ...]:
    """The one gate of this world, proven for the candidate's rows."""
    rows = made.tables["rows"]
    ref = TableRef(table="release_rows", sha256=sha256_bytes(parquet_bytes(rows)), n_rows=rows.num_rows)
    result = {
        **{"form": 1, "gate": "release_rows", "table": "release_rows", "suite_sha256": SUITE_SHA256},
        **{"outcome": outcome, "n_rows": rows.num_rows, "rules": []},
    }
    return (prove(store, "release_rows", SUITE_SHA256, ref, result),)


_BEFORE_QUESTIONS = {"raw", "normalisation", "benchmark_fault"}


def _raw(n: int, fate: str) -> _Row:
    fault = {"fault_reason": "malformed_record", "fault_detail": "line"} if fate in ("raw", "benchmark_fault") else {}
    content = {} if fault else {"question": f"Question {n}?", "answer": "Gout", "answer_idx": "A"}
    entry_no = ("train", "benchmark").index(role(fate))
    return origin(n, fate) | {"layout": "options4", "entry_no": entry_no, "record_no": n} | fault | content


def _question(n: int, fate: str) -> _Row:
    return origin(n, fate) | {
        "stem": f"Which disease fits number {n}?",
        "context": "A made-up note.\nSecond line." if n % 2 else "",
        "options": [{"letter": "A", "text": "Gout"}, {"letter": "B", "text": "Scurvy"}],
        "answer_type": "choice",
        "answer_letters": ["A"],
        "answer_text": "Gout",
        "answer_lower": "",
        "answer_upper": "",
        "gold_rationale": "NEVER RELEASED",
        "facets": [{"name": "topic", "value": "joints"}],
        "language": "en",
        "group_id": f"g{n}",
    }


def _quarantine(numbered: Sequence[tuple[int, str]], fates: set[str]) -> pa.Table:
    rows = [
        origin(n, fate) | {"stage": fate.replace("benchmark_fault", "raw"), "reason": _REASONS[fate], "detail": ""}
        for n, fate in numbered
        if fate in fates
    ]
    return QUARANTINE.from_rows(rows)


def _mention(n: int, fate: str) -> _Row:
    return {
        **{"item_id": origin(n, fate)["item_id"], "mention_no": 0, "field": "stem", "option_letter": ""},
        **{"start": 0, "stop": 5, "text": "Which", "is_negated": False, "status": "finding"},
    }


def _links(n: int, fate: str) -> list[_Row]:
    node = {"side": "question", "node_type": "disease", "stage": "exact", "mention_no": 0}
    item = origin(n, fate)["item_id"]
    return [
        node
        | {"item_id": item, "candidate_no": 0, "node_id": "1", "node_name": "fever", "score": 1000, "is_chosen": True},
        node
        | {"item_id": item, "candidate_no": 1, "node_id": "9", "node_name": "fervor", "score": 700, "is_chosen": False},
    ]


def edge(n: int) -> str:
    """The edge that record n's chain cites."""
    return joined_sha256(("edge", str(n % 3)))[:16]


def path_id(n: int) -> str:
    """The path that record n's chain was written from."""
    return joined_sha256(("disease", "1", "disease", str(n % 3 + 2)))[:16]


def _paths(n: int, fate: str) -> list[_Row]:
    hop = {"relation": "indication", "display_relation": "indication", "is_reversed": False, "is_direction_known": True}
    ends = [("disease", "1", "fever"), ("disease", str(n % 3 + 2), "gout")]
    base = {
        **{"item_id": origin(n, fate)["item_id"], "target": "answer", "view": "full", "n_hops": 1, "cost": 10},
        **{"n_shortest": 1, "verdict": "supports", "verdict_reason": ""},
        "nodes": [{"node_type": kind, "node_id": number, "node_name": name} for kind, number, name in ends],
    }
    return [
        base | {"path_no": 0, "path_id": path_id(n), "hops": [[hop | {"edge_id": edge(n)}]]},
        base | {"path_no": 1, "path_id": "f" * 16, "hops": [[hop | {"edge_id": "e" * 16}]]},
    ]


def _outcome(n: int, fate: str) -> _Row:
    reason = {"unlinked": "no_question_entity", "unpathed": "no_path"}.get(fate, "")
    return {
        **{"item_id": origin(n, fate)["item_id"], "outcome": "quarantined" if reason else "ok", "reason": reason},
        **{"detail": "", "answer_side": "answer", "n_question_nodes": 1, "n_answer_nodes": 1, "n_paths": 2},
    }


def _chains(n: int, fate: str) -> list[_Row]:
    return [_chain(n, fate, sample) for sample in range(2 if fate == "second_sample" else 1)]


def _chain(n: int, fate: str, sample: int) -> _Row:
    outcome, reason = {"generation": ("quarantined", "cannot_write"), "deferred": ("deferred", "")}.get(
        fate, ("ok", "")
    )
    steps = [{"step_no": 1, "text": "Fever goes with gout.", "edge_ids": [edge(n)]}] if outcome == "ok" else []
    return {
        **{
            "item_id": origin(n, fate)["item_id"],
            "sample_no": sample,
            "outcome": outcome,
            "reason": reason,
            "detail": "",
        },
        **{"path_ids": [path_id(n)], "findings": ["fever - gout"], "steps": steps, "conclusion": "The answer is gout."},
        **{"reasoning": f"Chain {n}.{sample}: fever, gout.", "answer_given": "A", "writer_sees_gold": True},
        **{"fault_label": "wrong_edge" if fate == "seeded_fault" else "", "engine_kind": "rule", "model_id": "rule"},
        **{
            "model_revision": "1",
            "response_model": "rule",
            "finish_reason": "stop",
            "template_sha256": TEMPLATE_SHA256,
        },
        "request_sha256": joined_sha256(("request", str(n), str(sample))),
        "response_sha256": joined_sha256(("response", str(n), str(sample))) if outcome == "ok" else "",
    }


def _verdicts(n: int, fate: str) -> list[_Row]:
    failing = {"verification": {0}, "second_sample": {0}}.get(fate, set())
    samples = [] if fate in ("generation", "deferred") else range(len(_chains(n, fate)))
    return [
        _verdict(n, fate, sample, check, is_control, fails=sample in failing or is_control)
        for sample in samples
        for check in ("step_support", "re_answer")
        for is_control in (False, True)
    ]


def _verdict(n: int, fate: str, sample: int, check: str, is_control: bool, *, fails: bool) -> _Row:
    asked = joined_sha256((check, str(n), str(sample), str(is_control))) if check == "re_answer" else ""
    return {
        **{"item_id": origin(n, fate)["item_id"], "sample_no": sample, "check": check, "is_control": is_control},
        **{"outcome": "failed" if fails else "passed", "score": 0 if fails else 1000, "detail": "1" if fails else ""},
        **{"control_item_id": "medqa:0000000000000000" if is_control else "", "answer_given": "A"},
        **{"request_sha256": asked, "response_sha256": asked},
    }


def _coverage() -> list[_Row]:
    names = ("kind", "node_type", "code", "name", "n_in_graph", "n_linked", "n_on_paths", "n_reached", "n_questions")
    lines = [
        ("node_type", "disease", "", "", 4, 1, 3, 3, 5),
        ("relation", "", "indication", "indication", 3, 0, 2, 2, 5),
        ("entity", "disease", "1", "fever", 3, 5, 5, 1, 5),
        ("entity", "disease", "5", "scurvy", 0, 0, 0, 0, 0),
    ]
    return [dict(zip(names, line, strict=True)) for line in lines]


def _sources(fates: Sequence[str]) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(
            **{"entry_no": entry_no, "source": "medqa", "dataset_name": name, "file_name": _FILES[of]},
            file_sha256=sha256_bytes(_FILES[of].encode()),
            **{"layout": "options4", "split": "dev", "role": of, "n_records": sum(role(fate) == of for fate in fates)},
            **{"licence_spdx": "CC0-1.0", "licence_url": "https://example.org/licence"},
            **{"is_redistributable": True, "egress": "any"},
        )
        for entry_no, (of, name) in enumerate((("train", "medqa"), ("benchmark", "medqa_test")))
    )
