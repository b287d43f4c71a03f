"""What questions reach of a graph: counted on a world whose answer is known.

Belongs: links that count and those that do not, paths, parallel edges, the named entities.
Does not belong: how it is shown (tests/pages).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from medreason.base.tables.grounding import COVERAGE, LINKS, PATHS
from medreason.graph import coverage as counted
from medreason.graph.coverage import coverage
from tests.graph.worlds import Edge, NodeKey, tables

GOUT, URATE, PAIN = ("disease", "gout"), ("gene/protein", "SLC2A9"), ("effect/phenotype", "pain")
DRUG, ALONE = ("drug", "allopurinol"), ("pathway", "alone")
EDGES: list[Edge] = [
    (GOUT, "disease_phenotype_positive", "phenotype present", PAIN),
    (URATE, "disease_protein", "associated with", GOUT),
    (DRUG, "indication", "indication", GOUT),
    (DRUG, "contraindication", "contraindication", GOUT),
    (URATE, "protein_protein", "ppi", URATE),
]


def _node(key: NodeKey) -> dict[str, str]:
    return {"node_type": key[0], "node_id": key[1], "node_name": key[1]}


def _link(item: str, key: NodeKey, *, is_chosen: bool = True) -> dict[str, Any]:
    place = {"item_id": item, "mention_no": 0, "candidate_no": 0 if is_chosen else 1, "side": "question"}
    return place | _node(key) | {"stage": "exact", "score": 1000, "is_chosen": is_chosen}


def _path(item: str, number: int, edges: list[str], keys: list[NodeKey], table: pa.Table) -> dict[str, Any]:
    by_relation = {row["relation"]: row for row in table.to_pylist()}
    rows = [by_relation[relation] for relation in edges]
    names = ("edge_id", "relation", "display_relation", "is_direction_known")
    hop = [{**{name: row[name] for name in names}, "is_reversed": False} for row in rows]
    ends = {"path_id": f"{number:016x}", "target": "answer", "view": "full", "n_hops": 1, "cost": 1, "n_shortest": 1}
    place = {"item_id": item, "path_no": number, "nodes": [_node(key) for key in keys], "hops": [hop]}
    return place | ends | {"verdict": "supports", "verdict_reason": ""}


@pytest.fixture(scope="module")
def counts() -> list[dict[str, Any]]:
    nodes, edges = tables(EDGES, {}, alone=[ALONE])
    links = [_link("q1", PAIN), _link("q2", PAIN), _link("q2", URATE, is_chosen=False)]
    paths = [
        _path("q1", 0, ["disease_phenotype_positive"], [PAIN, GOUT], edges),
        _path("q1", 1, ["indication", "contraindication"], [GOUT, DRUG], edges),
        _path("q3", 0, ["indication"], [GOUT, DRUG], edges),
    ]
    return coverage(nodes, edges, LINKS.from_rows(links), PATHS.from_rows(paths)).to_pylist()


def _of(counts: list[dict[str, Any]], kind: str, *key: str) -> tuple[int, ...]:
    names = ("node_type", "code", "name")
    (row,) = (row for row in counts if row["kind"] == kind and tuple(row[name] for name in names) == key)
    return tuple(row[name] for name in ("n_in_graph", "n_linked", "n_on_paths", "n_reached", "n_questions"))


TYPES = {
    "linked and on a path": ("effect/phenotype", (1, 1, 1, 1, 2)),
    "on paths of two questions": ("disease", (1, 0, 1, 1, 2)),
    "a candidate that was not chosen": ("gene/protein", (1, 0, 0, 0, 0)),
    "without an edge": ("pathway", (1, 0, 0, 0, 0)),
}


@pytest.mark.parametrize(("node_type", "expected"), TYPES.values(), ids=TYPES)
def test_types(node_type: str, expected: tuple[int, ...], counts: list[dict[str, Any]]) -> None:
    assert _of(counts, "node_type", node_type, "", "") == expected


RELATIONS = {
    "walked by two questions": ("indication", "indication", (1, 0, 1, 1, 2)),
    "walked beside another": ("contraindication", "contraindication", (1, 0, 1, 1, 1)),
    "never walked": ("disease_protein", "associated with", (1, 0, 0, 0, 0)),
}


@pytest.mark.parametrize(("relation", "display", "expected"), RELATIONS.values(), ids=RELATIONS)
def test_relations(relation: str, display: str, expected: tuple[int, ...], counts: list[dict[str, Any]]) -> None:
    assert _of(counts, "relation", "", relation, display) == expected


ENTITIES = {
    "reached by both ways": ("effect/phenotype", "pain", (1, 2, 1, 1, 2)),
    "reached by paths": ("disease", "gout", (4, 0, 2, 1, 2)),
    "never reached": ("pathway", "alone", (0, 0, 0, 0, 0)),
}


@pytest.mark.parametrize(("node_type", "node_id", "expected"), ENTITIES.values(), ids=ENTITIES)
def test_entities(node_type: str, node_id: str, expected: tuple[int, ...], counts: list[dict[str, Any]]) -> None:
    assert _of(counts, "entity", node_type, node_id, node_id) == expected


def test_of_the_unreached_the_best_connected_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "N_UNREACHED", 2)
    nodes, edges = tables(EDGES, {}, alone=[ALONE])
    found = coverage(nodes, edges, LINKS.empty(), PATHS.empty()).to_pylist()
    assert [row["code"] for row in found if row["kind"] == "entity"] == ["gout", "SLC2A9"]
    assert sum(row["n_in_graph"] for row in found if row["kind"] == "node_type") == nodes.num_rows


def test_an_empty_graph_has_an_empty_table() -> None:
    nodes, edges = tables([], {})
    assert coverage(nodes, edges, LINKS.empty(), PATHS.empty()).equals(COVERAGE.empty())
