"""What a person sees of grounding in the Dagster UI: the real assets over the sample's graph and a few questions.

Belongs: pictures of questions, the coverage table, the conservation check.
Does not belong: how they are drawn (tests/pages), whole builds (tests/end_to_end).
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dagster as dg
import pytest

from assets.base.model import RunModel
from assets.base.settings import BuildSettings
from assets.grounding import graph_coverage, ground, grounding_conserves
from medreason.base.store import TableRef, write_table
from medreason.base.store.folders import store_folder
from medreason.base.tables.graph import ARRAYS, EDGES, LEXICON, NODES
from medreason.base.tables.questions import QUESTIONS
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.lexicon import build_lexicon
from medreason.graph.knowledge.settings import GraphSettings
from tests.graph.worlds import primekg_tables

pytestmark = pytest.mark.filterwarnings("ignore:InitResourceContext:DeprecationWarning")

STEMS = {
    "pathed": ("A woman with ptosis has myasthenia gravis. Which drug should be avoided?", ["Gentamicin", "Metformin"]),
    "unanswerable": ("Which gene is affected in a child with hypertension?", ["Nothing of the kind", "Nor this"]),
    "empty": ("What is the colour of the sky at noon?", ["Lisinopril", "Blue"]),
}


def _question(number: int, stem: str, options: list[str]) -> dict[str, Any]:
    blank: dict[str, Any] = {column.name: [] if "list" in str(column.type) else "" for column in QUESTIONS.columns}
    return blank | {
        **{"item_id": f"medqa:{number:016x}", "source": "medqa", "dataset_name": "medqa", "role": "train"},
        **{"stem": stem, "language": "en", "answer_type": "choice", "answer_letters": ["A"], "answer_text": options[0]},
        "options": [{"letter": letter, "text": text} for letter, text in zip("AB", options, strict=True)],
    }


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> BuildSettings:
    root = tmp_path_factory.mktemp("grounding") / "root"
    return BuildSettings(config=str(repository / "configs" / "sample.yaml"), root=str(root))


@pytest.fixture(scope="module")
def run(
    settings: BuildSettings, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dg.ExecuteInProcessResult:
    """The two assets in a run of Dagster, behind stand-ins that give what lies before them."""
    store, folder = settings.store(), tmp_path_factory.mktemp("arrays") / "arrays"
    nodes, edges = primekg_tables(repository / "sample_data" / "graph" / "kg.csv")
    KnowledgeGraph.build(nodes, edges, folder, GraphSettings())
    questions = QUESTIONS.from_rows([_question(n, *texts) for n, texts in enumerate(STEMS.values())])
    made = {
        ("graph", "nodes"): write_table(store, NODES, nodes),
        ("graph", "edges"): write_table(store, EDGES, edges),
        ("graph", "csr"): write_table(store, ARRAYS, store_folder(store, ARRAYS, folder)),
        ("graph", "lexicon"): write_table(store, LEXICON, build_lexicon(nodes)),
        ("curation", "questions"): write_table(store, QUESTIONS, questions),
    }
    before = [_made(key, ref) for key, ref in made.items()]
    resources = {"settings": settings, "model": RunModel(settings=settings), "io_manager": dg.mem_io_manager}
    return dg.materialize([*before, ground, graph_coverage], resources=resources)


def _made(key: tuple[str, str], ref: TableRef) -> dg.AssetsDefinition:
    @dg.asset(key=list(key))
    def before() -> TableRef:
        return ref

    return before


def _metadata(run: dg.ExecuteInProcessResult, *key: str) -> Any:
    (found,) = (
        event.materialization.metadata
        for event in run.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(list(key))
    )
    return found


def test_questions_are_shown_with_mentions_links_paths_or_the_reason(run: dg.ExecuteInProcessResult) -> None:
    told = _metadata(run, "grounding", "outcomes")["preview"].value
    addresses = re.findall(r"\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", told)
    assert len(addresses) == len(STEMS)
    cards = [" ".join(ElementTree.fromstring(base64.b64decode(one)).itertext()) for one in addresses]
    pathed, *without = sorted(cards, key=lambda card: "why there is no chain to write" in card)
    assert "“myasthenia gravis” → myasthenia gravis (disease), exact, 1,000" in pathed
    assert "to the answer supports" in pathed
    assert "is contraindicated in" in pathed
    assert len(without) == 2
    assert any("The answer is linked to no entity of the graph" in card for card in without)
    assert any("No finding of the question is linked to the graph" in card for card in without)


def test_coverage_is_counted_and_shown(run: dg.ExecuteInProcessResult) -> None:
    metadata = _metadata(run, "grounding", "coverage")
    told = metadata["preview"].value
    assert "| node type | nodes | linked to a question | on a kept path | never reached |" in told
    assert "myasthenia gravis" in told.partition("Reached by most questions")[2]
    assert "Never reached, with the most edges" in told
    assert metadata["dagster/row_count"].value > 20


def test_a_question_without_an_outcome_is_seen(run: dg.ExecuteInProcessResult, settings: BuildSettings) -> None:
    outcomes, questions = run.output_for_node("ground", "outcomes"), run.output_for_node("curation__questions")
    assert grounding_conserves(settings=settings, outcomes=outcomes, questions=questions).passed
    fewer = write_table(settings.store(), QUESTIONS, QUESTIONS.from_rows([_question(0, *STEMS["pathed"])]))
    assert not grounding_conserves(settings=settings, outcomes=outcomes, questions=fewer).passed
