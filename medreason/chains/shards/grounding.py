"""Grounding of a shard of questions: a pure function, in process or on Ray the same.

Belongs: `ground_shard`, its tools, rows of the tables it returns.
Does not belong: steps of grounding (chains/reading.py, chains/grounding.py), cutting shards (assets).
Rule: a row depends on its own question alone, so any cut into shards gives the same tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from medreason.base.reasons import Reason
from medreason.base.tables.grounding import LINKS, MENTIONS, OUTCOMES, PATHS, PRUNED_PATHS
from medreason.chains.generation.generator import Generator
from medreason.chains.grounding import (
    OK,
    KeptPath,
    PathJudge,
    Sides,
    Status,
    failed,
    keep_paths,
    path_rows,
    prune_paths,
    search,
    sides_of,
    status_of,
    status_of_answer,
    support_status,
)
from medreason.chains.reading import NodeNames, Reading, link_rows, mention_rows, read_questions
from medreason.chains.settings import GroundingSettings
from medreason.chains.shards.rows import Row
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.linking.linker import Linker
from medreason.graph.paths import PathFinder


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingTools:
    """What grounding needs; one set per thread, since a finder holds workspaces."""

    graph: KnowledgeGraph
    linker: Linker
    finder: PathFinder
    generator: Generator
    settings: GroundingSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounded:
    """Tables of one shard, each in the registry's form."""

    mentions: pa.Table
    links: pa.Table
    paths: pa.Table
    pruned_paths: pa.Table
    outcomes: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One question on its way through grounding."""

    row: Row
    reading: Reading
    sides: Sides
    paths: list[KeptPath]
    path_rows: list[Row]
    status: Status


def ground_shard(questions: pa.Table, tools: GroundingTools) -> Grounded:
    """Mentions, links, paths, pruned paths and the outcome of every question.

    Args: a table in the form of `questions`.
    """
    rows = questions.to_pylist()
    early = {row["item_id"]: support_status(row, tools.settings) for row in rows}
    grounded = [row for row in rows if early[row["item_id"]] == OK]
    names = NodeNames(tools.graph)
    cases = _cases(grounded, tools, names)
    pruned, statuses = _pruned(cases, tools)
    return Grounded(
        mentions=MENTIONS.from_rows([r for c in cases for r in mention_rows(c.row["item_id"], c.reading)]),
        links=LINKS.from_rows([r for c in cases for r in link_rows(c.row["item_id"], c.reading, names)]),
        paths=PATHS.from_rows([r for c in cases for r in c.path_rows]),
        pruned_paths=PRUNED_PATHS.from_rows(pruned),
        outcomes=OUTCOMES.from_rows(list(_outcome_rows(rows, early, cases, statuses, tools.settings))),
    )


def _cases(rows: Sequence[Row], tools: GroundingTools, names: NodeNames) -> list[_Case]:
    readings = read_questions(rows, tools.linker, tools.graph, tools.generator, tools.settings)
    sides = [sides_of(row, one, tools.graph, tools.settings) for row, one in zip(rows, readings, strict=True)]
    found = search(sides, tools.finder)
    judge = PathJudge(tools.graph, tools.finder)
    cases = []
    for row, reading, both in zip(rows, readings, sides, strict=True):
        paths = keep_paths(row, both, found, tools.finder.settings.views, judge, tools.settings)
        status = status_of(row, both, paths) if reading.failure is None else status_of_answer(reading.failure)
        rows_of_paths = path_rows(row["item_id"], paths, tools.graph, names)
        cases.append(_Case(row=row, reading=reading, sides=both, paths=paths, path_rows=rows_of_paths, status=status))
    return cases


def _pruned(cases: Sequence[_Case], tools: GroundingTools) -> tuple[list[Row], dict[str, Status]]:
    """Rows of `pruned_paths`, and the status of each question after pruning."""
    statuses = {case.row["item_id"]: case.status for case in cases}
    pathed = [case for case in cases if case.status == OK]
    results = prune_paths([c.row for c in pathed], [c.path_rows for c in pathed], tools.generator, tools.settings)
    rows = []
    for case, (shown, answer) in zip(pathed, results, strict=True):
        item_id = case.row["item_id"]
        if answer.value is None:
            statuses[item_id] = status_of_answer(answer)
        elif not shown:
            statuses[item_id] = failed(Reason.NO_SUPPORTING_PATH, "pruning kept none of the paths")
        rows += [
            {
                "item_id": item_id,
                "shown_no": number,
                "path_no": path["path_no"],
                "path_id": path["path_id"],
                "chosen_by": answer.engine_kind,
            }
            for number, path in enumerate(shown)
        ]
    return rows, statuses


def _outcome_rows(
    rows: Sequence[Row],
    early: Mapping[str, Status],
    cases: Sequence[_Case],
    statuses: Mapping[str, Status],
    settings: GroundingSettings,
) -> Iterator[Row]:
    by_item = {case.row["item_id"]: case for case in cases}
    for row in rows:
        case = by_item.get(row["item_id"])
        status = statuses.get(row["item_id"], early[row["item_id"]])
        is_rationale = row["answer_type"] in settings.rationale_answer_types
        yield {
            "item_id": row["item_id"],
            "outcome": status.outcome.value,
            "reason": status.reason,
            "detail": status.detail,
            "answer_side": "rationale" if is_rationale else "answer",
            "n_question_nodes": _n_nodes(case.sides.question) if case else 0,
            "n_answer_nodes": _n_nodes(case.sides.answer) if case else 0,
            "n_paths": sum(path.target == "answer" for path in case.paths) if case else 0,
        }


def _n_nodes(groups: Sequence[tuple[int, ...]]) -> int:
    return len({node for group in groups for node in group})
