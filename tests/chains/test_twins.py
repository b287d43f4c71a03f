"""One finding under two names.

Belongs: which nodes stand for one thing, what holds of whoever has it, the form of the table.
Does not belong: links (tests/graph), what a question makes of them (test_shards.py).
"""

from __future__ import annotations

from importlib import resources

import pytest

from medreason.chains.grounding import concept_group, finding_group
from medreason.chains.twins import nodes_of_thing
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import GraphSettings
from tests.graph.worlds import tables

_EFFECT, _DISEASE = "effect/phenotype", "disease"
_PRESENTS = ("disease_phenotype_positive", "phenotype present")
NAMES = {
    (_DISEASE, "1"): "Hip Fractures",
    (_DISEASE, "2"): "pneumocystosis",
    (_DISEASE, "3"): "Pneumocystis Infections",
    (_EFFECT, "1"): "Hip fracture",
    (_EFFECT, "2"): "Pneumocystis jirovecii infection",
    (_EFFECT, "3"): "Rash papular",
    (_EFFECT, "4"): "Rash",
    (_EFFECT, "5"): "Skin rash",
    (_EFFECT, "6"): "Fever",
    (_EFFECT, "7"): "Microalbuminuria",
}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    """A graph of two vocabularies."""
    edges = [((_DISEASE, "1"), *_PRESENTS, (_EFFECT, "6"))]
    return KnowledgeGraph.build(*tables(edges, NAMES, alone=NAMES), tmp_path_factory.mktemp("g") / "g", GraphSettings())


THINGS = {
    "another number": ("Hip fracture", ["Hip Fractures", "Hip fracture"]),
    "the same from the other end": ("Hip Fractures", ["Hip Fractures", "Hip fracture"]),
    "three names": (
        "pneumocystosis",
        ["pneumocystosis", "Pneumocystis Infections", "Pneumocystis jirovecii infection"],
    ),
    "no other name": ("Fever", ["Fever"]),
    "something wider is another thing": ("Rash papular", ["Rash papular"]),
    "nothing wider in this graph": ("Microalbuminuria", ["Microalbuminuria"]),
}


@pytest.mark.parametrize(("name", "expected"), THINGS.values(), ids=THINGS)
def test_nodes_of_one_thing(graph: KnowledgeGraph, name: str, expected: list[str]) -> None:
    nodes = nodes_of_thing(_index(graph, name), graph)
    assert sorted(graph.node(node).name for node in nodes) == sorted(expected)
    assert list(nodes) == sorted(nodes)


def test_something_wider_is_a_finding_and_no_answer(graph: KnowledgeGraph) -> None:
    index = _index(graph, "Rash papular")
    assert concept_group((index,), graph) == (index,)
    wider = finding_group((index,), graph)
    assert sorted(graph.node(node).name for node in wider) == ["Rash", "Rash papular", "Skin rash"]


def test_the_table_says_each_thing_once() -> None:
    text = resources.files("medreason.chains").joinpath("twins.words").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all((" = " in line) != (" > " in line) for line in lines)
    assert len(set(lines)) == len(lines)
    pairs = [frozenset(line.replace(" > ", " = ").split(" = ")) for line in lines]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair) == 2 for pair in pairs)


def _index(graph: KnowledgeGraph, name: str) -> int:
    return next(index for index in range(graph.n_nodes) if graph.node(index).name == name)
