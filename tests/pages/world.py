"""Values that pages are made from, small and made up.

Belongs: paths, rows, quarantine, gate results, and report inputs made of them; texts can be replaced by hostile ones.
Does not belong: assertions.
Rule: everything is in the registry's form, so that a page is tried on what a release holds.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from medreason.base.reasons import Reason
from medreason.base.tables.grounding import COVERAGE
from medreason.base.tables.questions import QUARANTINE
from medreason.base.tables.releases import RELEASE_LINEAGE, RELEASE_PATHS, RELEASE_ROWS, RELEASE_SOURCES
from medreason.pages.grounded import GroundedQuestion
from medreason.pages.report import CheckShare, ReportInputs, ShownGraph, Writer

HASH = "ab" * 32
REASONS = {"no_path": 6, "gold_missing": 4, "no_answer_entity": 3, "contaminated": 2, "unsupported_step": 1}
COUNTS = {
    **{"raw": 36, "benchmark": 5, "normalised": 32, "curated": 30, "linked": 27, "pathed": 21, "generated": 21},
    **{"verified": 20, "released": 20, "quarantined": 16},
}
PLAIN = {
    "question": "A tall man has arachnodactyly. What is the diagnosis?",
    "option": "Marfan syndrome",
    "step": "Marfan syndrome presents with arachnodactyly.",
    "name": "Marfan syndrome",
    "detail": "looked in stem",
}
"""Texts of the world by the place where they stand."""


def item_id(number: int) -> str:
    """Id of question `number`."""
    return f"medqa:{number:016x}"


def edge(**changes: Any) -> dict[str, Any]:
    """A finding of a disease, walked from the finding."""
    return {
        "edge_id": "0123456789abcdef",
        "relation": "disease_phenotype_positive",
        "display_relation": "phenotype present",
        "is_reversed": True,
        "is_direction_known": True,
    } | changes


def path(number: int = 0, *, name: str = "Marfan syndrome", **changes: Any) -> dict[str, Any]:
    """A path from a finding to a disease."""
    return {
        "item_id": item_id(0),
        "path_no": number,
        "path_id": f"{number:016x}",
        "target": "answer",
        "view": "full",
        "n_hops": 1,
        "cost": 900,
        "n_shortest": 1,
        "nodes": [
            {"node_type": "effect/phenotype", "node_id": "1", "node_name": "Arachnodactyly"},
            {"node_type": "disease", "node_id": "2", "node_name": name},
        ],
        "hops": [[edge()]],
        "verdict": "supports",
        "verdict_reason": "",
    } | changes


def gate_result(outcome: str = "warned") -> dict[str, Any]:
    """A stored result with a rule in every state that the outcome allows."""
    rule = {"expectation": "ExpectColumnValuesToBeUnique", "column": "item_id", "severity": "critical", "why": "ids"}
    good = {"success": True, "n_evaluated": 9, "n_failed": 0, "failed_item_ids": [], "exception": ""}
    short = {"success": False, "n_failed": 2, "failed_item_ids": [item_id(7)], "severity": "warning", "column": "stem"}
    broken = {"success": False, "n_evaluated": 0, "exception": "exception: column is missing", "column": "options"}
    more = {"passed": [], "warned": [short], "failed": [short, short | {"severity": "critical"}], "error": [broken]}
    return {
        "gate": "questions",
        "table": "questions",
        "suite_sha256": HASH,
        "outcome": outcome,
        "n_rows": 9,
        "rules": [rule | good, *(rule | good | change for change in more[outcome])],
    }


def _row(number: int, texts: dict[str, str]) -> dict[str, Any]:
    return {
        "dataset_name": "medqa",
        "id_in_dataset": f"r{number}",
        "question": texts["question"],
        "options": f"A. {texts['option']}\nB. Gout",
        "answer": texts["option"],
        "reasoning": texts["step"],
        "item_id": item_id(number),
        "source": "medqa",
        "split": "train",
        "answer_type": "choice",
        "answer_letters": ["A"],
        "language": "en",
        "steps": [{"step_no": 1, "text": texts["step"], "edge_ids": ["0123456789abcdef"]}],
        "conclusion": f"The answer is {texts['option']}.",
        "sample_no": 0,
        "engine_kind": "rule",
        "model_id": "rule",
        "model_revision": "",
        "writer_sees_gold": True,
        "keep_rule": "step_support",
        "label": "graph-consistent",
        "step_support": "passed",
        "step_support_score": 1000,
        "re_answer": "abstained",
    }


def _lineage(number: int, texts: dict[str, str]) -> dict[str, Any]:
    link = {
        "mention_no": 0,
        "field": "stem",
        "text": "arachnodactyly",
        "side": "question",
        "stage": "exact",
        "score": 1000,
    }
    node = {"node_type": "effect/phenotype", "node_id": "1", "node_name": texts["name"]}
    hashes = ("row_sha256", "raw_file_sha256", "record_sha256", "graph_sha256", "template_sha256")
    return {
        **dict.fromkeys((*hashes, "request_sha256", "response_sha256"), HASH),
        **dict.fromkeys(("response_model", "finish_reason", "engine_kind", "model_id", "model_revision"), "rule"),
        "item_id": item_id(number),
        "source": "medqa",
        "raw_record_id": f"r{number}",
        "raw_locator": f"line:{number}",
        "answer_side": "answer",
        "links": [link | node],
        "path_ids": [f"{0:016x}", f"{1:016x}"],
        "edge_ids": ["0123456789abcdef"],
        "sample_no": 0,
        "verdicts": [],
    }


def _paths(number: int, texts: dict[str, str]) -> list[dict[str, Any]]:
    changes = {"item_id": item_id(number), "name": texts["name"]}
    return [path(0, **changes), path(1, target="option:B", verdict="against", verdict_reason="denied", **changes)]


def _quarantined(number: int, reason: str, texts: dict[str, str]) -> dict[str, Any]:
    return {
        "item_id": item_id(1000 + number),
        "source": "medqa",
        "dataset_name": "medqa",
        "split": "train",
        "role": "train",
        "raw_record_id": f"q{number}",
        "raw_file_sha256": HASH,
        "raw_locator": f"line:{number}",
        "record_sha256": HASH,
        "stage": Reason(reason).stage.value,
        "reason": reason,
        "detail": texts["detail"],
    }


def _sources() -> list[dict[str, Any]]:
    source = {
        **{
            "source": "medqa",
            "dataset_name": "medqa",
            "file_name": "dev.jsonl",
            "file_sha256": HASH,
            "layout": "options4",
        },
        **{"split": "dev", "role": "train", "role_conflict": "", "n_records": 36, "licence_spdx": "MIT"},
        **{"licence_url": "https://example.org/licence", "is_redistributable": True, "egress": "any"},
    }
    return [
        source | {"entry_no": 0},
        source | {"entry_no": 1, "licence_url": "javascript:alert(1)", "role": "benchmark"},
    ]


def report_inputs(texts: dict[str, str] | None = None, n_rows: int = 24, **changes: Any) -> ReportInputs:
    """Everything a report needs; `texts` replace those of PLAIN, `changes` fields."""
    told = PLAIN | (texts or {})
    left = [reason for reason, n in REASONS.items() for _ in range(n)]
    fields = {
        "dataset": "made-up",
        "release_id": HASH,
        "counts": COUNTS,
        "funnel": {"medqa": COUNTS},
        "quarantine_reasons": REASONS,
        "keep_rules": ["step_support"],
        "writers": [Writer(engine_kind="rule", model_id="rule", model_revision="", n_rows=20)],
        "checks": [CheckShare(check="re_answer", n=20, n_passed=10, n_control=20, n_control_passed=10)],
        "graph": ShownGraph(layout="primekg", file_name="kg.csv", graph_sha256=HASH, n_nodes=49193, n_edges=712825),
        "gates": [gate_result("warned")],
        "rows": RELEASE_ROWS.from_rows([_row(n, told) for n in range(n_rows)]),
        "lineage": RELEASE_LINEAGE.from_rows([_lineage(n, told) for n in range(n_rows)]),
        "paths": RELEASE_PATHS.from_rows([row for n in range(n_rows) for row in _paths(n, told)]),
        "quarantine": QUARANTINE.from_rows([_quarantined(n, reason, told) for n, reason in enumerate(left)]),
        "sources": RELEASE_SOURCES.from_rows(_sources()),
        "coverage": graph_coverage(),
        "ungrounded": [ungrounded(texts=told)],
    }
    return ReportInputs(**(fields | changes))


def graph_coverage() -> pa.Table:
    """Coverage of a graph with one type that is half reached, one that never is, and one relation."""
    counts = ("n_in_graph", "n_linked", "n_on_paths", "n_reached", "n_questions")
    lines = {
        ("node_type", "disease", "", ""): (4, 1, 2, 2, 9),
        ("node_type", "pathway", "", ""): (3, 0, 0, 0, 0),
        ("relation", "", "disease_phenotype_positive", "phenotype present"): (8, 0, 2, 2, 9),
        ("entity", "disease", "2", "Marfan syndrome"): (5, 9, 9, 1, 9),
        ("entity", "pathway", "7", "Never <b>seen</b> pathway"): (6, 0, 0, 0, 0),
    }
    names = ("kind", "node_type", "code", "name")
    rows = [{**dict(zip(names, key, strict=True)), **dict(zip(counts, n, strict=True))} for key, n in lines.items()]
    return COVERAGE.from_rows(rows)


def ungrounded(reason: str = "no_answer_entity", texts: dict[str, str] | None = None) -> GroundedQuestion:
    """A question whose finding is linked, whose relative's is not counted, and whose answer is not linked."""
    told = PLAIN | (texts or {})
    number = item_id(77)
    stem = f"Fever and cough; her father has gout. {told['question']}"
    mention = {"item_id": number, "field": "stem", "option_letter": "", "is_negated": False, "status": "finding"}
    places = [(0, 5, "Fever"), (10, 15, "cough"), (32, 36, "gout")]
    mentions = [
        mention | {"mention_no": n, "start": start, "stop": stop, "text": text}
        for n, (start, stop, text) in enumerate(places)
    ]
    mentions[2]["status"] = "family_history"
    link = {"item_id": number, "candidate_no": 0, "side": "question", "stage": "exact", "is_chosen": True}
    nodes = {0: ("effect/phenotype", told["name"]), 2: ("disease", "gout")}
    links = [
        link | {"mention_no": n, "node_type": kind, "node_id": str(n), "node_name": name, "score": 1000 - n}
        for n, (kind, name) in nodes.items()
    ]
    options = [{"letter": "A", "text": told["option"]}, {"letter": "B", "text": "Gout"}]
    question = {"item_id": number, "dataset_name": "medqa", "stem": stem, "context": "", "options": options}
    answer = {"answer_letters": ["A"], "answer_text": told["option"], "gold_rationale": ""}
    outcome = {"item_id": number, "outcome": "quarantined", "reason": reason, "detail": told["detail"]}
    sides = {"answer_side": "answer", "n_question_nodes": 1, "n_answer_nodes": 0, "n_paths": 0}
    return GroundedQuestion(
        question=question | answer, mentions=tuple(mentions), links=tuple(links), paths=(), outcome=outcome | sides
    )
