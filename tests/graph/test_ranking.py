"""Order: what the costs prefer, and variety over relation patterns.

Belongs: round robin, patterns, preferences on small worlds and on the real graph.
Does not belong: that the order is exact (test_paths.py).
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import GraphSettings
from medreason.graph.paths import Found, PathFinder, PathSettings, varied
from medreason.graph.paths.ranking import pattern, round_robin
from tests.graph.worlds import Edge, primekg_tables, world


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9))))
def test_round_robin_keeps_everything_and_takes_kinds_in_turn(items: list[tuple[int, int]]) -> None:
    dealt = list(round_robin(items, kind_of=lambda item: item[0]))
    assert sorted(dealt) == sorted(items)
    for kind in {item[0] for item in items}:
        assert [item for item in dealt if item[0] == kind] == [item for item in items if item[0] == kind]
    n_kinds = len({item[0] for item in items})
    assert len({item[0] for item in dealt[:n_kinds]}) == n_kinds
    assert dealt[:1] == items[:1]


DISEASE, OTHER = ("disease", "1"), ("disease", "2")
_GENES: list[Edge] = [
    (("gene/protein", f"g{n}"), "disease_protein", "associated with", end) for n in range(3) for end in (DISEASE, OTHER)
]
_FINDING: list[Edge] = [
    (end, "disease_phenotype_positive", "phenotype present", ("effect/phenotype", "f")) for end in (DISEASE, OTHER)
]
# Many other diseases have the finding, so that it costs more than any gene.
_COMMON: list[Edge] = [
    (("disease", f"x{n}"), "disease_phenotype_positive", "phenotype present", ("effect/phenotype", "f"))
    for n in range(40)
]


def _between(graph: KnowledgeGraph, one: tuple[str, str], other: tuple[str, str], view: str = "full") -> Found:
    ends = graph.index_of(*one), graph.index_of(*other)
    assert ends[0] is not None
    assert ends[1] is not None
    return PathFinder(graph, PathSettings()).find([ends[0]], [ends[1]], view)


def test_the_second_of_a_kind_waits_for_the_first_of_others(tmp_path: Path) -> None:
    graph = world(tmp_path / "g", [*_GENES, *_FINDING, *_COMMON])
    found = _between(graph, DISEASE, OTHER)
    in_order = [graph.node(path.nodes[1]).node_id for path in found.paths]
    in_turn = [graph.node(path.nodes[1]).node_id for path in varied(graph, found.paths)]
    assert in_order == ["g0", "g1", "g2", "f"]
    assert in_turn == ["g0", "f", "g1", "g2"]
    assert pattern(graph, found.paths[0]) == (("disease_protein", "associated with"),) * 2


PREFERENCES = {
    "a specific finding before a common one": (
        [
            *_FINDING,
            *_COMMON,
            *(
                (end, "disease_phenotype_positive", "phenotype present", ("effect/phenotype", "rare"))
                for end in (DISEASE, OTHER)
            ),
        ],
        "rare",
    ),
    "a finding before a gene of equal degree": ([*_GENES[:2], *_FINDING], "f"),
    "the first in node order where costs are equal": ([*_GENES], "g0"),
}


@pytest.mark.parametrize(("edges", "best"), PREFERENCES.values(), ids=PREFERENCES)
def test_preferences(edges: list[Edge], best: str, tmp_path: Path) -> None:
    graph = world(tmp_path / "g", edges)
    assert graph.node(_between(graph, DISEASE, OTHER).paths[0].nodes[1]).node_id == best


def test_a_target_explains_more_than_a_carrier(tmp_path: Path) -> None:
    drugs = ("drug", "1"), ("drug", "2")
    kinds = {"albumin": "carrier", "receptor": "target"}
    graph = world(
        tmp_path / "g",
        [(drug, "drug_protein", display, ("gene/protein", gene)) for gene, display in kinds.items() for drug in drugs],
    )
    assert [graph.node(path.nodes[1]).node_id for path in _between(graph, *drugs).paths] == ["receptor", "albumin"]


# --- the real graph --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def medkg(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    """49,193 nodes, 712,825 edges of public sources."""
    nodes, edges = primekg_tables(shared_data / "medkg" / "kg.csv.gz")
    return KnowledgeGraph.build(nodes, edges, tmp_path_factory.mktemp("medkg") / "g", GraphSettings())


def _named(graph: KnowledgeGraph, name: str) -> list[int]:
    names: list[str | None] = graph.strings.column("node_name").to_pylist()
    return [index for index, one in enumerate(names) if one is not None and one.lower() == name]


def _asked(graph: KnowledgeGraph, one: str, other: str, view: str) -> Found:
    return PathFinder(graph, PathSettings()).find(_named(graph, one), _named(graph, other), view)


@pytest.mark.shared_data
def test_fibrillin_comes_before_pneumothorax(medkg: KnowledgeGraph) -> None:
    found = _asked(medkg, "marfan syndrome", "aortic aneurysm", "mechanism")
    order = [medkg.node(path.nodes[1]).name for path in found.paths]
    assert order[0] == "FBN1"
    assert "Pneumothorax" in order


REAL_VIEWS = {
    "treatment is direct": ("hypertension", "lisinopril", "full", ("indication",)),
    "its mechanism is an enzyme": ("hypertension", "lisinopril", "mechanism", ("associated with", "target")),
    "a shared side effect hides the treatment": (
        "gonorrhea",
        "ceftriaxone",
        "full",
        ("phenotype present", "side effect"),
    ),
    "without it the treated disease is seen": (
        *("gonorrhea", "ceftriaxone", "clinical"),
        ("phenotype present", "phenotype present", "indication"),
    ),
}


@pytest.mark.shared_data
@pytest.mark.parametrize(("one", "other", "view", "displays"), REAL_VIEWS.values(), ids=REAL_VIEWS)
def test_views_show_what_the_full_graph_hides(
    one: str, other: str, view: str, displays: tuple[str, ...], medkg: KnowledgeGraph
) -> None:
    paths = varied(medkg, _asked(medkg, one, other, view).paths, view)
    shown = [tuple(display for _, display in pattern(medkg, path, view)) for path in paths]
    assert displays in shown[:3]


@pytest.mark.shared_data
def test_both_kernels_agree_on_the_real_graph(medkg: KnowledgeGraph) -> None:
    names = [
        "sepsis",
        "asthma",
        "warfarin",
        "seizure",
        "metformin",
        "anemia",
        "stroke",
        "fever",
        "tuberculosis",
        "gout",
    ]
    sides = [_named(medkg, name) for name in names]
    pairs = [(one, other) for one in sides for other in sides]
    plain, compiled = (PathFinder(medkg, PathSettings(kernel=kernel)) for kernel in ("numpy", "numba"))
    for view in medkg.views:
        assert compiled.find_batch(pairs, view) == plain.find_batch(pairs, view)


@pytest.fixture(scope="module")
def plain_medkg(medkg: KnowledgeGraph) -> dict[str, nx.Graph[int]]:
    """The views as plain graphs of the cheapest edges, from the edges alone and not from the arrays of the search."""
    edges = medkg.edges
    low = np.repeat(np.arange(medkg.n_nodes), np.diff(edges.low_indptr))
    found = {}
    for view in ("full", "clinical"):
        holds = [medkg.view_rule(view).holds(relation) for relation, _ in medkg.labels]
        rows = np.flatnonzero(np.array(holds)[edges.label])[::-1]  # the cheapest of a pair comes last, and stays
        plain: nx.Graph[int] = nx.Graph()
        plain.add_nodes_from(range(medkg.n_nodes))
        ends = (low[rows].tolist(), edges.high[rows].tolist(), edges.cost[rows].tolist())
        plain.add_weighted_edges_from(zip(*ends, strict=True), weight="cost")
        found[view] = plain
    return found


@pytest.mark.slow
@pytest.mark.shared_data
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), view=st.sampled_from(["full", "clinical"]))
def test_sets_and_order_are_those_of_brute_force_on_the_real_graph(
    medkg: KnowledgeGraph, plain_medkg: dict[str, nx.Graph[int]], seed: int, view: str
) -> None:
    """Pairs of nodes as questions name them; more than a few thousand paths are not listed by the reference."""
    draw = random.Random(seed)
    plain, joined = plain_medkg[view], [node for node, degree in plain_medkg[view].degree() if degree]
    asked = {kernel: PathFinder(medkg, PathSettings(n_best=25, kernel=kernel)) for kernel in ("numpy", "numba")}
    for _ in range(20):
        one, other = draw.sample(joined, 2)
        found = asked["numba"].find([one], [other], view)
        assert found == asked["numpy"].find([one], [other], view)
        if 2 <= found.n_shortest <= 5_000:
            break
    assume(found.n_shortest <= 5_000)
    listed = list(nx.all_shortest_paths(plain, one, other)) if found.distance > 0 else []
    costed = sorted((sum(plain[a][b]["cost"] for a, b in pairwise(path)), tuple(path)) for path in listed)
    assert found.n_shortest == len(costed)
    assert [(path.cost, path.nodes) for path in found.paths] == costed[:25]
