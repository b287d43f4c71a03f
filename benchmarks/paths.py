"""How fast the graph is built, opened and searched, beside other libraries.

Belongs: one run that measures all programs on the same pairs, and prints a table in Markdown.
Does not belong: tests (no test looks at a clock), the graph itself (synthetic_graph.py).
Rules: CPU seconds of one thread, since other work may share the machine; every program's count of paths is compared.

    python -m benchmarks.paths --scale 1 --pairs 20000 --beside networkx scipy rustworkx

`--graph FOLDER` searches a graph that is built already. Needs about 3 GB for itself, and what the others need.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.synthetic_graph import Int64s, make_graph, question_pairs
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import GraphSettings
from medreason.graph.paths import PathFinder, PathSettings, hops
from medreason.graph.paths.settings import Kernel

Pairs = list[tuple[list[int], list[int]]]
Counter = Callable[[int, int], int]
"""Number of shortest paths between two nodes, 0 where none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One line of the table."""

    name: str
    pairs_per_s: float
    p50_ms: float | None
    """None where pairs are not asked one by one."""
    p99_ms: float | None
    n_pairs: int
    n_wrong: int
    """Pairs whose number of paths is another than ours."""


def main() -> None:
    """Parse, measure, print."""
    options = _options().parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(options.graph) if options.graph else _built(Path(scratch) / "graph", options.scale)
        graph = _opened(folder)
        pairs = question_pairs(_types(graph), np.diff(graph.everything.indptr).astype(np.int64), options.pairs)
        _print_views(graph, pairs)
        _print_held(graph)
        _print_growth(graph, pairs)
        _print_table(graph, pairs, options.beside)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="1 = PrimeKG's size")
    parser.add_argument("--graph", help="folder of a built graph, instead of a made-up one")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--beside", nargs="*", choices=sorted(_OTHERS), default=[])
    return parser


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _built(folder: Path, scale: float) -> Path:
    made = make_graph(scale=scale)
    before_mb, start = _peak_mb(), time.process_time()
    graph = KnowledgeGraph.build(made.nodes, made.edges, folder, GraphSettings())
    spent_s = time.process_time() - start
    size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    print(f"synthetic graph: {graph.n_nodes:,} nodes, {graph.n_edges:,} edges")
    print(f"tables to arrays: {spent_s:.1f} CPU s, {size_mb:.0f} MB of files, {_peak_mb():.0f} MB peak", end=" ")
    print(f"({before_mb:.0f} MB of it before, to make the tables)")
    return folder


def _opened(folder: Path) -> KnowledgeGraph:
    start = time.perf_counter()
    graph = KnowledgeGraph.open(folder)
    print(f"open: {1000 * (time.perf_counter() - start):.1f} ms")
    return graph


def _types(graph: KnowledgeGraph) -> Any:
    return np.repeat([name for name, _, _ in graph.node_types], [stop - start for _, start, stop in graph.node_types])


# --- ours ------------------------------------------------------------------------------------------------------------


def _warm(graph: KnowledgeGraph, kernel: Kernel) -> PathFinder:
    """A finder that has compiled and allocated what it needs."""
    finder = PathFinder(graph, PathSettings(kernel=kernel))
    for view in graph.views:
        finder.find_batch([([0], [1])], view)
    return finder


def _print_views(graph: KnowledgeGraph, pairs: Pairs) -> None:
    finder = _warm(graph, "numba")
    table = pa.table({"sources": [pair[0] for pair in pairs], "targets": [pair[1] for pair in pairs]})
    print("\n| view | pairs/s, Arrow to Arrow | pairs/s, as values | distances | most paths |\n|---|---|---|---|---|")
    for view in graph.views:
        start = time.process_time()
        answer = finder.find_table(table, view)
        arrow_s, start = time.process_time() - start, time.process_time()
        finder.find_batch(pairs, view)
        values_s = time.process_time() - start
        distances, counts = np.unique(answer.column("distance").to_numpy(), return_counts=True)
        shares = ", ".join(
            f"{d}: {c / len(pairs):.0%}" for d, c in zip(distances.tolist(), counts.tolist(), strict=True)
        )
        most = max(answer.column("n_shortest").to_pylist(), default=0)
        print(f"| {view} | {len(pairs) / arrow_s:,.0f} | {len(pairs) / values_s:,.0f} | {shares} | {most:,} |")


def _print_held(graph: KnowledgeGraph) -> None:
    """What of the graph's files is in this process's memory, which all workers share, and what of it was copied."""
    views, edges, copied = _held_mb(graph)
    print(f"\nheld after all views were searched: {views:.0f} MB of views, {edges:.0f} MB of the rest", end="; ")
    finder = _warm(graph, "numba")
    sides = np.random.default_rng(0).integers(0, graph.n_nodes, (1_000, 2)).tolist()
    for found in finder.find_batch([([one], [other]) for one, other in sides], "full"):
        for path in found.paths[:5]:
            hops(graph, path)
    views, edges, copied = _held_mb(graph)
    print(
        f"after the edges of 1,000 pairs' paths were read: {views:.0f} MB and {edges:.0f} MB; copied: {copied:.0f} MB"
    )


def _held_mb(graph: KnowledgeGraph) -> tuple[float, float, float]:
    """Views, other files, and pages of either that are this process's own."""
    import psutil

    folder = str(graph.folder.resolve())
    maps: list[Any] = [one for one in psutil.Process().memory_maps() if one.path.startswith(folder)]
    views = sum(one.rss for one in maps if "/view_" in one.path) / 2**20
    return views, sum(one.rss for one in maps) / 2**20 - views, sum(one.anonymous for one in maps) / 2**20


def _print_growth(graph: KnowledgeGraph, pairs: Pairs) -> None:
    """Exponent of time over the number of pairs: 1 where twice the pairs take twice the time."""
    finder = _warm(graph, "numba")
    sizes = [len(pairs) // 8, len(pairs) // 4, len(pairs) // 2, len(pairs)]
    times = []
    for size in sizes:
        start = time.process_time()
        finder.find_batch(pairs[:size], "full")
        times.append(time.process_time() - start)
    exponent = float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
    print(f"\nexponent of time over {sizes[0]:,} to {sizes[-1]:,} pairs: {exponent:.3f}")


def _one_by_one(finder: PathFinder) -> Counter:
    return lambda one, other: finder.find([one], [other], "full").n_shortest


# --- others ----------------------------------------------------------------------------------------------------------


def _neighbour_pairs(graph: KnowledgeGraph) -> tuple[Int64s, Int64s]:
    view = graph.view("full")
    owner = np.repeat(np.arange(graph.n_nodes), np.diff(view.indptr))
    is_upwards = owner < view.adj
    return owner[is_upwards], view.adj[is_upwards].astype(np.int64)


def _networkx(graph: KnowledgeGraph) -> Counter:
    import networkx as nx

    plain: nx.Graph[int] = nx.Graph()
    plain.add_nodes_from(range(graph.n_nodes))
    plain.add_edges_from(zip(*(end.tolist() for end in _neighbour_pairs(graph)), strict=True))

    def count(one: int, other: int) -> int:
        try:
            return sum(1 for _ in nx.all_shortest_paths(plain, one, other))
        except nx.NetworkXNoPath:
            return 0

    return count


def _rustworkx(graph: KnowledgeGraph) -> Counter:
    import rustworkx as rx

    plain = rx.PyGraph(multigraph=False)
    plain.add_nodes_from(list(range(graph.n_nodes)))
    plain.add_edges_from_no_data(list(zip(*(end.tolist() for end in _neighbour_pairs(graph)), strict=True)))
    return lambda one, other: len(rx.all_shortest_paths(plain, one, other))


def _scipy(graph: KnowledgeGraph) -> Counter:
    """Distances from both ends by scipy; paths are then counted level by level, which scipy does not do."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    view = graph.view("full")
    matrix = csr_matrix((np.ones(len(view.adj)), np.array(view.adj), np.array(view.indptr)))

    def count(one: int, other: int) -> int:
        from_one, to_other = dijkstra(matrix, unweighted=True, indices=[one, other])
        n_hops = from_one[other]
        if not np.isfinite(n_hops):
            return 0
        paths = np.zeros(graph.n_nodes)
        paths[one] = 1
        on_path = from_one + to_other == n_hops
        for level in range(int(n_hops)):
            here = np.flatnonzero(on_path & (from_one == level))
            spread = matrix[here].T @ paths[here]
            following = on_path & (from_one == level + 1)
            paths[following] = spread[following]
        return int(paths[other])

    return count


_OTHERS: dict[str, Callable[[KnowledgeGraph], Counter]] = {
    "networkx": _networkx,
    "rustworkx": _rustworkx,
    "scipy": _scipy,
}
_PAIRS_OF = {"networkx": 12, "rustworkx": 40, "scipy": 40}


def _measured(name: str, count: Counter, pairs: Sequence[tuple[int, int]], truth: Sequence[int]) -> Measured:
    cpu_start, walls, counts = time.process_time(), [], []
    for one, other in pairs:
        start = time.perf_counter()
        counts.append(count(one, other))
        walls.append(1000 * (time.perf_counter() - start))
    cpu_s = time.process_time() - cpu_start
    return Measured(
        name=name,
        pairs_per_s=len(pairs) / cpu_s,
        p50_ms=float(np.percentile(walls, 50)),
        p99_ms=float(np.percentile(walls, 99)),
        n_pairs=len(pairs),
        n_wrong=sum(ours != theirs for ours, theirs in zip(truth, counts, strict=True)),
    )


def _batches(finder: PathFinder, ends: Sequence[tuple[int, int]], truth: Sequence[int]) -> Measured:
    columns = {side: [[pair[place]] for pair in ends] for place, side in enumerate(("sources", "targets"))}
    start = time.process_time()
    answer = finder.find_table(pa.table(columns), "full")
    spent_s = time.process_time() - start
    counts = answer.column("n_shortest").to_pylist()
    return Measured(
        name="ours, compiled, batches, Arrow to Arrow",
        pairs_per_s=len(ends) / spent_s,
        p50_ms=None,
        p99_ms=None,
        n_pairs=len(ends),
        n_wrong=sum(ours != theirs for ours, theirs in zip(truth, counts, strict=True)),
    )


def _lines(graph: KnowledgeGraph, pairs: Pairs, beside: Sequence[str]) -> Iterator[Measured]:
    # The others know no limit of hops: pairs that we find too far are left out for all.
    compiled = _warm(graph, "numba")
    found = compiled.find_batch(pairs[:5_000], "full")
    near = [
        (pair[0][0], pair[1][0], one.n_shortest) for pair, one in zip(pairs, found, strict=False) if one.distance > 0
    ]
    ends, truth = [one[:2] for one in near], [one[2] for one in near]
    yield _batches(compiled, ends, truth)
    yield _measured("ours, compiled, pair by pair", _one_by_one(compiled), ends, truth)
    yield _measured("ours, plain numpy", _one_by_one(_warm(graph, "numpy")), ends[:500], truth[:500])
    for name in beside:
        n_pairs = _PAIRS_OF[name]
        try:
            count = _OTHERS[name](graph)
        except ImportError:
            print(f"{name} is not installed")
            continue
        yield _measured(name, count, ends[:n_pairs], truth[:n_pairs])


def _print_table(graph: KnowledgeGraph, pairs: Pairs, beside: Sequence[str]) -> None:
    lines = list(_lines(graph, pairs, beside))
    slowest = min(line.pairs_per_s for line in lines)
    print("\n| program, 1 thread, full view | pairs/s | times the slowest | p50 ms | p99 ms | pairs | other counts |")
    print("|---|---|---|---|---|---|---|")
    for line in lines:
        ratio = f"{line.pairs_per_s / slowest:,.0f}"
        waits = " | ".join("" if wait is None else f"{wait:.2f}" for wait in (line.p50_ms, line.p99_ms))
        print(f"| {line.name} | {line.pairs_per_s:,.2f} | {ratio} | {waits} | {line.n_pairs} | {line.n_wrong} |")


if __name__ == "__main__":
    main()
