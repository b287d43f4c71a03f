"""One made-up graph and everything that is found in it, as hashes: equal wherever this runs.

Belongs: the graph, the pairs, their hashes; `python -m tests.graph.fixed_world` prints them with the versions in use.
Does not belong: assertions (test_same_everywhere.py), random graphs (test_paths.py).
Rule: drawn by Python's own generator, which gives the same numbers in every version.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from medreason.base.canonical import joined_sha256
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.paths import PathFinder, PathSettings, varied, verdict
from medreason.graph.paths.settings import Kernel
from tests.graph.worlds import Edge, NodeKey, world

N_NODES, N_EDGES, N_PAIRS, N_BEST = 240, 1_800, 120, 5
_TYPES = ("disease", "drug", "effect/phenotype", "gene/protein")
_LABELS = (
    *(("indication", "indication"), ("contraindication", "contraindication"), ("drug_effect", "side effect")),
    *(("disease_phenotype_positive", "phenotype present"), ("disease_protein", "associated with")),
    *(("protein_protein", "ppi"), ("drug_protein", "target"), ("made_up", "says nothing")),
)
Pair = tuple[tuple[int, ...], tuple[int, ...]]


def fixed_graph(folder: Path) -> KnowledgeGraph:
    """Four types, eight labels, skewed degrees, parallel edges, self loops, names that two nodes share."""
    draw = random.Random(20_261_120)
    nodes: list[NodeKey] = [(_TYPES[place % 4], f"n{place:03d}") for place in range(N_NODES)]
    names = {node: f"name {place // 4 % 50} {'β-é' if place % 7 else 'Ω'}" for place, node in enumerate(nodes)}
    edges: list[Edge] = []
    for _ in range(N_EDGES):
        one = nodes[int(N_NODES * draw.random() ** 3)]
        relation, display = draw.choice(_LABELS)
        edges.append((one, relation, display, draw.choice(nodes)))
    return world(folder, edges, names)


def fixed_pairs(graph: KnowledgeGraph) -> list[Pair]:
    """Concept groups on both sides; every twelfth pair shares a node."""
    draw = random.Random(7)
    drawn = [(draw.randrange(graph.n_nodes), draw.randrange(graph.n_nodes)) for _ in range(N_PAIRS)]
    sides = [(one, one if place % 12 == 0 else other) for place, (one, other) in enumerate(drawn)]
    return [(graph.concept(one), graph.concept(other)) for one, other in sides]


def found_sha256(graph: KnowledgeGraph, pairs: Sequence[Pair], kernel: Kernel) -> str:
    """Over distance, counts, costs, node sequences, their order after variety, and verdicts, in every view."""
    finder = PathFinder(graph, PathSettings(kernel=kernel, n_best=N_BEST))
    told = []
    for view in graph.views:
        for found in finder.find_batch(pairs, view):
            paths = [(path.cost, path.nodes, verdict(graph, path, view=view).rule) for path in found.paths]
            order = [path.nodes for path in varied(graph, found.paths, view)]
            told.append(json.dumps([found.distance, found.n_shortest, paths, order]))
    return joined_sha256(told)


def main() -> None:
    """Print what test_same_everywhere.py holds this to."""
    import numba
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        graph = fixed_graph(Path(folder) / "graph")
        found = {kernel: found_sha256(graph, fixed_pairs(graph), kernel) for kernel in ("numpy", "numba")}
        versions = {"numpy": np.__version__, "numba": numba.__version__, "python": sys.version.split()[0]}
        told = {"versions": versions, "graph_sha256": graph.sha256, "found_sha256": found}
        sys.stdout.write(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
