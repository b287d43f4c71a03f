"""Whether the right paths come first: curated drug mechanisms (DrugMechDB) against the graph.

Belongs: mapping curated pathways to nodes, the three figures with intervals, random and unweighted order beside ours.
Does not belong: priors (graph/knowledge/settings.py): they were set before this was run, and are not fitted to it.
Rules: a path is good when an inner node is a curated inner node; figures are given for both halves (by hash of the
pathway's id) and for all, so that whoever changes a prior on the even half can report the odd one.

    python -m benchmarks.mechanisms --nodes NODES.parquet --edges EDGES.parquet --pathways benchmark_pathways_nodes.csv

NODES and EDGES are the tables `graph_nodes` and `graph_edges`, as they lie under tables/ in the store.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from medreason.base.canonical import sha256_bytes
from medreason.base.text import comparison_key
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import VIEWS, GraphSettings, ViewRule
from medreason.graph.paths import Found, PathFinder, PathSettings

NO_TREATMENT = ViewRule(
    name="no_treatment",
    without_relations=("indication", "off-label use", "contraindication"),
    meaning="all relations but those that join drugs and diseases",
)
"""As `mechanism`, with side effects and drug interactions: the view in which the research ranked."""
KEPT = 50
_ALL_PATHS = 1_000
"""Pairs with more shortest paths than this are not ranked, since a random order needs all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curated:
    """One curated pathway in this graph."""

    pathway_id: str
    drug: int
    disease: int
    inner: frozenset[int]

    @property
    def half(self) -> str:
        """Which half it belongs to, whatever else is curated."""
        return "even" if int(sha256_bytes(self.pathway_id.encode())[:8], 16) % 2 == 0 else "odd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Where good paths stand in one pair's order; one value per way of ordering."""

    first: dict[str, float]
    """Probability that the first path is good."""
    reciprocal: dict[str, float]
    """Expected reciprocal rank of the first good one."""


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nodes", "edges", "pathways"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    nodes, edges = (pq.ParquetFile(path).read() for path in (options.nodes, options.edges))
    settings = GraphSettings(views=(*VIEWS, NO_TREATMENT))
    with tempfile.TemporaryDirectory() as scratch:
        graph = KnowledgeGraph.build(nodes, edges, Path(scratch) / "graph", settings)
        curated = list(_curated(graph, options.pathways))
        print(f"{len(curated)} curated pathways have their drug, disease and an inner node in this graph\n")
        _print_coverage(graph, curated)
        _print_ranks(graph, curated)


def _curated(graph: KnowledgeGraph, file: Path) -> Iterable[Curated]:
    by_name = {
        (node.node_type, comparison_key(node.name)): node.index for node in map(graph.node, range(graph.n_nodes))
    }
    steps: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            by_id = graph.index_of(row["node_type"], row["node_id"].split(".")[0])
            node = by_id if by_id is not None else by_name.get((row["node_type"], comparison_key(row["node_name"])))
            steps[row["pathway_id"]].append((int(row["step_order"]), node))
    for pathway_id, walk in steps.items():
        first, *between, last = (node for _, node in sorted(walk, key=lambda step: step[0]))
        inner = frozenset(node for node in between if node is not None) - {first, last}
        if first is None or last is None or not inner:
            continue
        if (graph.node_type(first), graph.node_type(last)) == ("drug", "disease"):
            yield Curated(pathway_id=pathway_id, drug=first, disease=last, inner=inner)


def _found(graph: KnowledgeGraph, curated: Sequence[Curated], view: str, n_best: int) -> list[Found]:
    finder = PathFinder(graph, PathSettings(n_best=n_best))
    return finder.find_batch([([one.drug], [one.disease]) for one in curated], view)


def _good(one: Curated, found: Found) -> list[bool]:
    return [bool(one.inner.intersection(path.nodes[1:-1])) for path in found.paths]


_HALVES: dict[str, Callable[[Curated], bool]] = {
    "all": lambda one: True,
    "even": lambda one: one.half == "even",
    "odd": lambda one: one.half == "odd",
}


# --- coverage --------------------------------------------------------------------------------------------------------


def _print_coverage(graph: KnowledgeGraph, curated: Sequence[Curated]) -> None:
    """Share of pathways with a curated node on a kept path."""
    hits = {
        view: np.array(
            [any(_good(one, found)) for one, found in zip(curated, _found(graph, curated, view, KEPT), strict=True)]
        )
        for view in graph.views
    }
    hits["the three declared views together"] = np.any([hits[view.name] for view in VIEWS], axis=0)
    print(f"| curated node on one of {KEPT} kept paths | {' | '.join(_HALVES)} |\n|---|---|---|---|")
    of_half = [np.array([keep(one) for one in curated]) for keep in _HALVES.values()]
    for view, hit in hits.items():
        print(f"| {view} | {' | '.join(_share(hit[half].astype(float)) for half in of_half)} |")
    print(f"| pathways | {' | '.join(str(half.sum()) for half in of_half)} |\n")


# --- order -----------------------------------------------------------------------------------------------------------


def _print_ranks(graph: KnowledgeGraph, curated: Sequence[Curated]) -> None:
    for view in ("no_treatment", "mechanism"):
        found = _found(graph, curated, view, _ALL_PATHS)
        ranked = [
            (one, _ranked(_good(one, pair), pair))
            for one, pair in zip(curated, found, strict=True)
            if _counts(one, pair)
        ]
        print(f"View {view}: pairs with 4 to {_ALL_PATHS:,} shortest paths of which one is good\n")
        print("| half | pairs | order | first path good | MRR |\n|---|---|---|---|---|")
        for half, keep in _HALVES.items():
            _print_half(half, [ranks for one, ranks in ranked if keep(one)])
        print("\n| half | pairs | ours above | first path good | MRR | least MRR difference that so many pairs show |")
        print("|---|---|---|---|---|---|")
        for half, keep in _HALVES.items():
            _print_paired(half, [ranks for one, ranks in ranked if keep(one)])
        print()


def _print_half(half: str, ranks: Sequence[Ranked]) -> None:
    for order in ranks[0].first if ranks else ():
        first, reciprocal = _values(ranks, order)
        print(f"| {half} | {len(ranks)} | {order} | {_share(first)} | {_share(reciprocal)} |")


def _print_paired(half: str, ranks: Sequence[Ranked]) -> None:
    for order in ("random", "unweighted") if ranks else ():
        (our_first, ours), (their_first, theirs) = _values(ranks, "ours"), _values(ranks, order)
        least = _least_difference(ours - theirs)
        differences = f"{_share(our_first - their_first)} | {_share(ours - theirs)} | {least:.2f}"
        print(f"| {half} | {len(ranks)} | {order} | {differences} |")


def _values(ranks: Sequence[Ranked], order: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """First path good, and reciprocal rank, pair by pair."""
    return np.array([one.first[order] for one in ranks]), np.array([one.reciprocal[order] for one in ranks])


def _least_difference(differences: npt.NDArray[np.float64]) -> float:
    """The true mean difference that a paired test of so many pairs sees four times out of five, at 5 % two-sided.

    (1.96 + 0.84) standard errors: what is smaller than this may be there and not be seen.
    """
    return float(2.8 * differences.std(ddof=1) / np.sqrt(len(differences)))


def _counts(one: Curated, found: Found) -> bool:
    return found.distance >= 2 and 4 <= found.n_shortest == len(found.paths) and any(_good(one, found))


def _ranked(good: Sequence[bool], found: Found) -> Ranked:
    by_nodes = sorted(range(len(good)), key=lambda place: found.paths[place].nodes)
    orders = {"ours": _of_order(good), "unweighted": _of_order([good[place] for place in by_nodes])}
    orders["random"] = _expected(len(good), sum(good))
    return Ranked(
        first={name: first for name, (first, _) in orders.items()},
        reciprocal={name: reciprocal for name, (_, reciprocal) in orders.items()},
    )


def _of_order(good: Sequence[bool]) -> tuple[float, float]:
    rank = good.index(True) + 1
    return float(rank == 1), 1 / rank


def _expected(n_paths: int, n_good: int) -> tuple[float, float]:
    """First path good, and reciprocal rank, expected of a random order (MedReason draws its paths at random)."""
    reciprocal, all_missed = 0.0, 1.0
    for place in range(n_paths - n_good + 1):
        is_good = n_good / (n_paths - place)
        reciprocal += all_missed * is_good / (place + 1)
        all_missed *= 1 - is_good
    return n_good / n_paths, reciprocal


def _share(values: npt.NDArray[np.float64]) -> str:
    """Mean with a bootstrap interval over pairs (2,000 resamples, fixed seed)."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(0, len(values), (2_000, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{values.mean():.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
