"""Search against brute force: distance, count, and the exact order of the best paths.

Belongs: both kernels, sides of several nodes, limits, direct edges, threads, Arrow, the real graph.
Does not belong: order for a reader (test_ranking.py), verdicts (test_verdicts.py).
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from pathlib import Path

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.graph.knowledge import build
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import GraphSettings, ViewRule
from medreason.graph.paths import Found, PathFinder, PathSettings, finder, path_id, plain
from medreason.graph.paths.batches import FOUND_SCHEMA, found_rows
from medreason.graph.paths.found import MAX_COUNT
from medreason.graph.paths.settings import Kernel
from tests.graph.worlds import Edge, reference, world

KERNELS: tuple[Kernel, ...] = ("numpy", "numba")
_VIEWS = (
    ViewRule(name="full", meaning="all"),
    ViewRule(name="mechanism", without_relations=("r0",), skips_direct_edges=True, meaning="no r0, no direct edges"),
    ViewRule(name="only", only_relations=("r1", "r2"), meaning="two relations"),
)
# Without damping many paths cost the same, so that the node sequence has to decide.
_TIES = GraphSettings(damping_thousandths=0, views=_VIEWS)
_DAMPED = GraphSettings(views=_VIEWS)


@pytest.fixture(scope="module", autouse=True)
def compiled_once() -> None:
    """The compiler's half minute is spent here and not inside some test."""
    from medreason.graph.paths import compiled

    compiled.compile_kernel()


@st.composite
def graphs(draw: st.DrawFn) -> list[Edge]:
    """Multigraphs with parallel relations, loops, repeated edges and parts that are not joined."""
    n_nodes = draw(st.integers(2, 14))
    node = st.integers(0, n_nodes - 1)
    triples = draw(st.lists(st.tuples(node, st.integers(0, 3), node), min_size=1, max_size=50))
    return [(("T", f"{a:02d}"), f"r{r}", f"d{r}", ("T", f"{b:02d}")) for a, r, b in triples]


def _small_world(folder: str, edges: list[Edge], graph_settings: GraphSettings, hub_degree: int) -> KnowledgeGraph:
    with pytest.MonkeyPatch.context() as patch:
        # In a graph of 14 nodes these are the hubs.
        patch.setattr(build, "HUB_DEGREE", hub_degree)
        return world(Path(folder) / "g", edges, settings=graph_settings)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("graph_settings", [_TIES, _DAMPED], ids=["ties", "damped"])
@given(data=st.data())
def test_the_best_paths_are_those_of_brute_force(
    kernel: Kernel, graph_settings: GraphSettings, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        graph = _small_world(folder, data.draw(graphs()), graph_settings, data.draw(st.sampled_from([1, 3, 384])))
        side = st.lists(st.integers(0, graph.n_nodes - 1), max_size=3)
        sources, targets = data.draw(side), data.draw(side)
        view = data.draw(st.sampled_from(sorted(graph.views)))
        asked = PathSettings(n_best=data.draw(st.integers(1, 6)), max_hops=data.draw(st.integers(1, 8)), kernel=kernel)
        found = PathFinder(graph, asked).find(sources, targets, view)
        if shared := len(set(sources) & set(targets)):
            assert found == Found(distance=0, n_shortest=shared, paths=())
            return
        distance, paths = reference(graph, sources, targets, view, asked.max_hops)
        assert (found.distance, found.n_shortest) == (distance, len(paths))
        assert [(path.cost, path.nodes) for path in found.paths] == paths[: asked.n_best]


@given(edges=graphs(), n_best=st.integers(1, 40), hub_degree=st.sampled_from([1, 4, 384]))
def test_a_workspace_is_clean_after_each_pair_and_both_kernels_agree(
    edges: list[Edge], n_best: int, hub_degree: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        graph = _small_world(folder, edges, _TIES, hub_degree)
        pairs = [([one], [other]) for one, other in product(range(graph.n_nodes), repeat=2)]
        for view in graph.views:
            asked = {kernel: PathSettings(n_best=n_best, kernel=kernel) for kernel in KERNELS}
            one_by_one = [PathFinder(graph, asked["numpy"]).find(*pair, view) for pair in pairs]
            for settings in asked.values():
                assert PathFinder(graph, settings).find_batch(pairs, view) == one_by_one


def _ladder(n_rungs: int, width: int) -> list[Edge]:
    """Levels of `width` nodes, each joined to all of the next: width ** n_rungs shortest paths from a to z."""
    levels = [["a"], *([f"{level:02d}.{place:02d}" for place in range(width)] for level in range(n_rungs)), ["z"]]
    steps = [pair for one, other in pairwise(levels) for pair in product(one, other)]
    return [(("T", one), "r1", "r1", ("T", other)) for one, other in steps]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_million_paths_are_counted_and_not_listed(kernel: Kernel, tmp_path: Path) -> None:
    graph = world(tmp_path / "g", _ladder(5, 16), settings=_TIES)
    ends = graph.index_of("T", "a"), graph.index_of("T", "z")
    found = PathFinder(graph, PathSettings(kernel=kernel, n_best=3)).find([ends[0] or 0], [ends[1] or 0], "full")
    assert (found.distance, found.n_shortest) == (6, 16**5)
    assert [path.nodes for path in found.paths] == sorted(path.nodes for path in found.paths)
    assert len({path.nodes for path in found.paths}) == 3


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("width", "expected"),
    [(16, 16**13), (17, MAX_COUNT), (30, MAX_COUNT)],
    ids=["fits", "beyond what can be released", "beyond 64 bits"],
)
def test_a_count_stops_at_the_largest_number_that_can_be_released(
    kernel: Kernel, width: int, expected: int, tmp_path: Path
) -> None:
    graph = world(tmp_path / "g", _ladder(13, width), settings=_TIES)
    ends = graph.index_of("T", "a") or 0, graph.index_of("T", "z") or 0
    found = PathFinder(graph, PathSettings(kernel=kernel, n_best=1, max_hops=14)).find([ends[0]], [ends[1]], "full")
    assert found.n_shortest == expected


SIDES: dict[str, tuple[list[int], list[int], tuple[int, int]]] = {
    "the same node": ([0], [0], (0, 1)),
    "a shared node among others": ([0, 1], [2, 1], (0, 1)),
    "no source": ([], [1], (-1, 0)),
    "no target": ([1], [], (-1, 0)),
    "nothing": ([], [], (-1, 0)),
    "not joined": ([0], [3], (-1, 0)),
    "repeated and unordered": ([1, 0, 1], [2, 2], (1, 1)),
    "further than asked": ([0], [6], (-1, 0)),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("sources", "targets", "expected"), SIDES.values(), ids=SIDES)
def test_unusual_sides_have_defined_results(
    kernel: Kernel, sources: list[int], targets: list[int], expected: tuple[int, int], tmp_path: Path
) -> None:
    steps = [("0", "1"), ("1", "2"), ("3", "3"), ("2", "4"), ("4", "5"), ("5", "6"), ("3", "7")]
    graph = world(tmp_path / "g", [(("T", one), "r", "r", ("T", other)) for one, other in steps])
    found = PathFinder(graph, PathSettings(kernel=kernel, max_hops=4)).find(sources, targets, "full")
    assert (found.distance, found.n_shortest) == expected


WRONG_CALLS = {
    "beyond the last node": ([99], [0], "full", "no node 99: the graph has 2"),
    "below the first": ([0], [-1], "full", "no node -1: the graph has 2"),
    "unknown view": ([0], [1], "half", "no view 'half'; this graph has full, mechanism, clinical"),
}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("sources", "targets", "view", "message"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_wrong_calls_are_refused(
    kernel: Kernel, sources: list[int], targets: list[int], view: str, message: str, tmp_path: Path
) -> None:
    graph = world(tmp_path / "g", [(("T", "0"), "r", "r", ("T", "1"))])
    with pytest.raises(ValueError, match=message):
        PathFinder(graph, PathSettings(kernel=kernel)).find(sources, targets, view)


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_empty_batch_has_an_empty_answer(kernel: Kernel, tmp_path: Path) -> None:
    graph = world(tmp_path / "g", [(("T", "0"), "r", "r", ("T", "1"))])
    found = PathFinder(graph, PathSettings(kernel=kernel))
    assert found.find_batch([], "full") == []
    no_pairs = pa.table({"sources": pa.array([], pa.list_(pa.int32())), "targets": pa.array([], pa.list_(pa.int32()))})
    assert found.find_table(no_pairs, "full").equals(FOUND_SCHEMA.empty_table())


def _grid(width: int) -> list[Edge]:
    cells = list(product(range(width), repeat=2))
    right = [((x, y), (x + 1, y)) for x, y in cells if x + 1 < width]
    down = [((x, y), (x, y + 1)) for x, y in cells if y + 1 < width]
    return [(("T", f"{a}"), f"r{a[0] % 3}", "d", ("T", f"{b}")) for a, b in right + down]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    """Seven by seven: many shortest paths between corners."""
    return world(tmp_path_factory.mktemp("grid") / "g", _grid(7), settings=_DAMPED)


def _grid_pairs(graph: KnowledgeGraph) -> list[tuple[list[int], list[int]]]:
    return [([one, (one + 5) % graph.n_nodes], [(one * 7 + 3) % graph.n_nodes]) for one in range(graph.n_nodes)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_arrow_in_and_out_says_the_same(kernel: Kernel, grid: KnowledgeGraph) -> None:
    pairs = _grid_pairs(grid)
    table = pa.table({"sources": [pair[0] for pair in pairs], "targets": [pair[1] for pair in pairs]})
    asked = PathFinder(grid, PathSettings(kernel=kernel, n_best=7))
    answer = asked.find_table(table, "full")
    assert answer.schema == FOUND_SCHEMA
    assert list(found_rows(answer)) == asked.find_batch(pairs, "full")


@pytest.mark.parametrize("kernel", KERNELS)
def test_threads_and_copies_give_what_one_gives(kernel: Kernel, grid: KnowledgeGraph) -> None:
    pairs, asked = _grid_pairs(grid) * 5, PathSettings(kernel=kernel, n_best=9)
    alone = PathFinder(grid, asked).find_batch(pairs, "full")
    finders = [PathFinder(grid, asked), PathFinder(copy.deepcopy(grid), asked)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda one: one.find_batch(pairs, "full"), finders))
    assert both == [alone, alone]


def test_other_threads_run_while_the_compiled_search_does() -> None:
    from medreason.graph.paths import compiled

    assert compiled.search_batch.targetoptions["nogil"], "the interpreter's lock is held through a whole batch"


def test_small_work_pays_for_no_compiler_and_large_work_does(
    grid: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = _grid_pairs(grid)
    small = PathFinder(grid, PathSettings())
    expected = small.find_batch(pairs, "full")
    assert small._compiled is None
    monkeypatch.setattr(finder, "_COMPILER_IS_WORTH_S", 0.0)
    assert small.find_batch(pairs, "full") == expected
    assert small._compiled is not None


def test_exact_counting_takes_over_where_doubles_end(grid: KnowledgeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = PathSettings(kernel="numpy", max_hops=14)
    pairs = _grid_pairs(grid)
    expected = PathFinder(grid, asked).find_batch(pairs, "full")
    monkeypatch.setattr(plain, "_EXACT_IN_DOUBLES", 0)
    assert PathFinder(grid, asked).find_batch(pairs, "full") == expected


def test_a_path_id_follows_from_types_and_ids_alone(tmp_path: Path) -> None:
    edges: list[Edge] = [(("drug", "1"), "r", "r", ("disease", "2")), (("disease", "2"), "r", "r", ("drug", "3"))]
    small = world(tmp_path / "small", edges)
    large = world(tmp_path / "large", [*edges, (("anatomy", "0"), "r", "r", ("drug", "2"))])
    walk = [("drug", "1"), ("disease", "2"), ("drug", "3")]
    ids = []
    for graph in (small, large):
        one, _, other = (graph.index_of(*key) for key in walk)
        (path,) = PathFinder(graph, PathSettings()).find([one or 0], [other or 0], "full").paths
        ids.append((path_id(graph, path), path_id(graph, path._replace(nodes=path.nodes[::-1]))))
    text = "drug 1 disease 2 drug 3".replace(" ", "\x1f")
    backwards = "drug 3 disease 2 drug 1".replace(" ", "\x1f")
    expected = tuple(hashlib.sha256(words.encode()).hexdigest()[:16] for words in (text, backwards))
    assert ids == [expected, expected]


@given(
    edges=graphs(),
    names=st.lists(st.sampled_from(["a", "A", "b", "c", "C", "d", "e"]), min_size=14, max_size=14),
    data=st.data(),
)
def test_name_keyed_gives_the_path_sets_of_a_graph_of_names(
    edges: list[Edge], names: list[str], data: st.DataObject
) -> None:
    """As MedReason searches: names are the nodes, one edge between two of them."""
    name_of = {("T", f"{place:02d}"): name for place, name in enumerate(names)}
    by_name: nx.Graph[str] = nx.Graph()
    by_name.add_edges_from((name_of[edge[0]].lower(), name_of[edge[3]].lower()) for edge in edges)
    with tempfile.TemporaryDirectory() as folder:
        graph = world(Path(folder) / "g", edges, name_of, GraphSettings(name_keyed=True))
        one, other = (data.draw(st.integers(0, graph.n_nodes - 1)) for _ in range(2))
        ends = graph.node(one).name.lower(), graph.node(other).name.lower()
        found = PathFinder(graph, PathSettings(max_hops=14)).find(graph.concept(one), graph.concept(other), "full")
        walked = {tuple(graph.node(index).name.lower() for index in path.nodes) for path in found.paths}
        is_joined = ends[0] != ends[1] and nx.has_path(by_name, *ends)
        assert walked == ({tuple(path) for path in nx.all_shortest_paths(by_name, *ends)} if is_joined else set())
