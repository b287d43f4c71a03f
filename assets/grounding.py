"""grounding/{mentions,links,paths,pruned_paths,outcomes,coverage}: questions tied to the graph.

Belongs: one step that makes the five tables, what they reach of the graph, the conservation check.
Does not belong: the work (medreason/chains/shards/grounding.py), where it runs (assets/base/shards.py).
Rule: every curated question has one outcome; what cannot be grounded says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.base import versions
from assets.base.model import RunModel
from assets.base.settings import BuildSettings
from assets.base.shards import run_job
from assets.base.work import OWNERS, Work, many_outputs, one_output
from medreason.base.store import TableRef
from medreason.base.tables.graph import EDGES, NODES
from medreason.base.tables.grounding import COVERAGE, LINKS, MENTIONS, OUTCOMES, PATHS, PRUNED_PATHS
from medreason.base.tables.questions import QUESTIONS

GROUP = "grounding"
VERSION = versions.code_version(*versions.GROUNDING)
_N_SHOWN_WITH_PATHS, _N_SHOWN_WITHOUT = 2, 4
SPECS = {"mentions": MENTIONS, "links": LINKS, "paths": PATHS, "pruned_paths": PRUNED_PATHS, "outcomes": OUTCOMES}
_DESCRIPTIONS = {
    "mentions": "Spans of stem, context, options, answer and long answer that may name an entity.",
    "links": "Candidates of each mention with stage and score; the chosen ones are its links.",
    "paths": "Ranked shortest paths from the question to the answer and to wrong options, each with its verdict.",
    "pruned_paths": "The paths that the writer is shown, in the order shown.",
    "outcomes": "What grounding came to for each question, with the reason where it ends here.",
}
GRAPH_INPUTS = {
    "nodes": dg.AssetIn(key=["graph", "nodes"]),
    "arrays": dg.AssetIn(key=["graph", "csr"]),
    "lexicon": dg.AssetIn(key=["graph", "lexicon"]),
}


@dg.multi_asset(
    name="ground",
    outs={
        name: dg.AssetOut(
            key=[GROUP, name],
            owners=OWNERS,
            kinds={"python", "ray"},
            group_name=GROUP,
            code_version=VERSION,
            description=_DESCRIPTIONS[name],
        )
        for name in SPECS
    },
    ins={"questions": dg.AssetIn(key=["curation", "questions"]), **GRAPH_INPUTS},
)
def ground(
    settings: BuildSettings,
    model: RunModel,
    questions: TableRef,
    nodes: TableRef,
    arrays: TableRef,
    lexicon: TableRef,
) -> Iterator[dg.Output[TableRef]]:
    """Extract, link, search, judge and prune, in shards."""
    config = settings.configuration()
    inputs = {"questions": questions, "nodes": nodes, "arrays": arrays, "lexicon": lexicon}
    work = Work(settings=settings, name="grounding", code_version=VERSION)
    made: dict[str, pa.Table] = {}

    def make() -> tuple[dict[str, pa.Table], dict[str, Any]]:
        tables, shown = run_job(settings, model, "ground", VERSION, inputs)
        made.update(tables, questions=work.read(QUESTIONS, questions))
        return tables, shown

    outcome = work.tables(
        SPECS,
        inputs=inputs,
        given={"grounding": config.grounding.model_dump(mode="json"), "engine": config.engine.deciding()},
        make=make,
        previews={"paths": first_paths, "outcomes": lambda _: shown_questions(made)},
    )
    yield from many_outputs(SPECS, outcome)


def first_paths(paths: pa.Table) -> str:
    """The kept paths to the answer of the first question that has some, drawn."""
    from medreason.pages.preview import path_markdown

    rows = [row for row in paths.slice(0, 200).to_pylist() if row["target"] == "answer"]
    return path_markdown([row for row in rows if row["item_id"] == rows[0]["item_id"]][:4]) if rows else "no paths"


def shown_questions(tables: dict[str, pa.Table]) -> str:
    """Some questions as pictures: mentions, links, kept paths, and for each reason one that has none."""
    from medreason.pages.grounded import sample_questions
    from medreason.pages.question_card import questions_markdown

    return questions_markdown(sample_questions(tables, n_with_paths=_N_SHOWN_WITH_PATHS, n_without=_N_SHOWN_WITHOUT))


@dg.asset(
    key=[GROUP, "coverage"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "duckdb"},
    code_version=VERSION,
    ins={
        "nodes": dg.AssetIn(key=["graph", "nodes"]),
        "edges": dg.AssetIn(key=["graph", "edges"]),
        "links": dg.AssetIn(key=[GROUP, "links"]),
        "paths": dg.AssetIn(key=[GROUP, "paths"]),
    },
    description="Which entities, types and relations of the graph the questions reach, and which they never do.",
)
def graph_coverage(
    settings: BuildSettings, nodes: TableRef, edges: TableRef, links: TableRef, paths: TableRef
) -> dg.Output[TableRef]:
    """Count links and kept paths against the whole graph."""
    from medreason.graph.coverage import coverage
    from medreason.pages.coverage import coverage_markdown

    work = Work(settings=settings, name="grounding/coverage", code_version=VERSION)

    def make() -> tuple[dict[str, pa.Table], dict[str, Any]]:
        tables = work.read(NODES, nodes), work.read(EDGES, edges), work.read(LINKS, links), work.read(PATHS, paths)
        return {"result": coverage(*tables)}, {}

    inputs = {"nodes": nodes, "edges": edges, "links": links, "paths": paths}
    outcome = work.tables({"result": COVERAGE}, inputs=inputs, make=make, previews={"result": coverage_markdown})
    return one_output(COVERAGE, outcome)


@dg.asset_check(
    asset=dg.AssetKey([GROUP, "outcomes"]),
    name="every_question_has_one_outcome",
    blocking=True,
    description="Curated questions and grounding outcomes are the same items, each once.",
    additional_ins={"questions": dg.AssetIn(key=["curation", "questions"])},
)
def grounding_conserves(settings: BuildSettings, outcomes: TableRef, questions: TableRef) -> dg.AssetCheckResult:
    """Compare item ids on both sides."""
    work = Work(settings=settings, name="grounding", code_version=VERSION)
    before = work.read(QUESTIONS, questions).column("item_id").to_pylist()
    after = work.read(OUTCOMES, outcomes).column("item_id").to_pylist()
    return dg.AssetCheckResult(
        passed=sorted(before) == sorted(after),
        metadata={"n_questions": len(before), "n_outcomes": len(after)},
    )


ASSETS = [ground, graph_coverage]
CHECKS = [grounding_conserves]
