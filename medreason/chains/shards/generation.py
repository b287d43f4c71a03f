"""Writing of chains for a shard of questions: a pure function, in process or on Ray the same.

Belongs: `generate_shard`, its tools, rows of `chains`.
Does not belong: what a writer is asked and how its answer is read (tasks/write.py), cutting shards (assets).
Rule: a row depends on its own question alone, so any cut into shards gives the same table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from medreason.base.tables.chains import CHAINS
from medreason.chains.generation.generator import Answer, Generator
from medreason.chains.grounding import (
    PathSummary,
    near_letters,
    shown_options,
    shown_target,
)
from medreason.chains.settings import ChainSettings
from medreason.chains.shards.rows import Row, grouped_rows, summaries
from medreason.chains.tasks import write
from medreason.chains.tasks.answer import asks_exception
from medreason.chains.tasks.faults import fault_label
from medreason.chains.tasks.protocol import cut
from medreason.chains.tasks.shown import edge_ids, path_line, show_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationTools:
    """What writing needs."""

    generator: Generator
    settings: ChainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writing:
    """One question before the writer, and what its numbers stand for."""

    item_id: str
    given: write.WriteGiven
    path_ids: tuple[str, ...]
    """Of `P1`, `P2`, ..."""
    edges: Mapping[str, str]
    """Edge ids of `E1`, `E2`, ..."""


def generate_shard(questions: pa.Table, paths: pa.Table, pruned: pa.Table, tools: GenerationTools) -> pa.Table:
    """Chains of every question that has pruned paths: `n_samples` rows each, whatever came of them.

    Args: tables in the forms of `questions`, `paths`, `pruned_paths`; rows of other questions are left alone.
    """
    by_path = {(row["item_id"], row["path_no"]): row for row in paths.to_pylist()}
    shown: dict[str, list[Row]] = {}
    for row in pruned.sort_by([("item_id", "ascending"), ("shown_no", "ascending")]).to_pylist():
        shown.setdefault(row["item_id"], []).append(by_path[(row["item_id"], row["path_no"])])
    near = {item_id: summaries(rows) for item_id, rows in grouped_rows(by_path.values()).items()}
    writings = [
        _writing(row, shown[row["item_id"]], near[row["item_id"]], tools.settings)
        for row in questions.to_pylist()
        if row["item_id"] in shown
    ]
    n = tools.settings.n_samples
    answers = tools.generator.ask(write.TASK, [one.given for one in writings], n=n, label="write")
    rows = [_chain_row(writings[place // n], place % n, answer, tools) for place, answer in enumerate(answers)]
    return CHAINS.from_rows(rows)


def _writing(row: Row, paths: Sequence[Row], known: Sequence[PathSummary], settings: ChainSettings) -> _Writing:
    if not settings.writer_sees_gold:
        paths = _without_hint(row, paths)
    targets = [shown_target(row, path["target"]) for path in paths]
    gold = row["answer_letters"] if settings.writer_sees_gold else []
    is_exception = asks_exception(row["stem"])
    told = {*near_letters(row, known), *([] if is_exception else row["answer_letters"])}
    # Of an option that was not searched, or only found further away, nothing is known that could be told; where the
    # exception is asked for, silence is what is looked for, and every option without a path counts.
    letters = {option["letter"] for option in row["options"]}
    searched = letters if is_exception else {shown_target(row, target) for target, _, _ in known}
    silent = [letter for option in row["options"] if (letter := option["letter"]) not in told and letter in searched]
    given = write.WriteGiven(
        question=cut(row["stem"], write.MAX_QUESTION_CHARACTERS),
        context=cut(row["context"], write.MAX_CONTEXT_CHARACTERS),
        answer_type=row["answer_type"],
        options=shown_options(row),
        answer_letters=tuple(gold),
        answer=cut(row["answer_text"], write.MAX_ANSWER_CHARACTERS) if settings.writer_sees_gold else "",
        unconnected=tuple(silent) if gold and row["answer_type"] != "yes_no_maybe" else (),
        paths=show_paths(paths, targets),
    )
    ids = tuple(path["path_id"] for path in paths)
    return _Writing(item_id=row["item_id"], given=given, path_ids=ids, edges=edge_ids(paths))


def _without_hint(row: Row, paths: Sequence[Row]) -> list[Row]:
    """One path for each target, in order of the targets' names: number and order must not tell the answer."""
    first: dict[str, Row] = {}
    for path in paths:
        first.setdefault(shown_target(row, path["target"]), path)
    return [first[target] for target in sorted(first)]


def _chain_row(writing: _Writing, sample_no: int, answer: Answer[write.Chain], tools: GenerationTools) -> Row:
    chain = answer.value
    rates = tools.generator.settings.fault_rates
    return {
        "item_id": writing.item_id,
        "sample_no": sample_no,
        "outcome": answer.outcome.value,
        "reason": str(answer.reason or ""),
        "detail": answer.detail,
        "path_ids": list(writing.path_ids),
        **(_content(writing, chain) if chain is not None else _NO_CONTENT),
        "writer_sees_gold": tools.settings.writer_sees_gold,
        "fault_label": fault_label(writing.given, rates) if chain is not None and rates else "",
        "engine_kind": answer.engine_kind,
        "model_id": answer.model_id,
        "model_revision": answer.model_revision,
        "response_model": answer.response_model,
        "finish_reason": answer.finish_reason,
        "template_sha256": answer.template_sha256,
        "request_sha256": answer.request_sha256,
        "response_sha256": answer.response_sha256,
    }


_NO_CONTENT: Row = {
    "findings": [],
    "steps": [],
    "conclusion": "",
    "reasoning": "",
    "answer_given": "",
}


def _content(writing: _Writing, chain: write.Chain) -> Row:
    by_no = {path.no: path for path in writing.given.paths}
    findings = [path_line(by_no[no]) for no in chain.paths]
    steps = [
        {"step_no": number, "text": step.text, "edge_ids": [writing.edges[edge] for edge in step.edges]}
        for number, step in enumerate(chain.steps, start=1)
    ]
    return {
        "findings": findings,
        "steps": steps,
        "conclusion": chain.conclusion,
        "reasoning": write.reasoning_text(findings, [step.text for step in chain.steps], chain.conclusion),
        "answer_given": chain.answer,
    }
