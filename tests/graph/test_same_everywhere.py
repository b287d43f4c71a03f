"""The same graph and the same paths, whatever library, kernel or number of threads.

Belongs: hashes that were written down once, so that every numpy and numba that runs these tests is held to them.
Does not belong: that the paths are right (test_paths.py), two workers (test_shared_graph.py).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.paths import PathFinder, PathSettings
from medreason.graph.paths.settings import Kernel
from tests.graph.fixed_world import N_BEST, fixed_graph, fixed_pairs, found_sha256

# Written down with numpy 2.3.5 and numba 0.65.0, equal with 2.4.6 and 0.68.1. A change of priors, views, costs or
# verdicts changes them, and with them the paths of every release: `python -m tests.graph.fixed_world` prints new ones.
GRAPH_SHA256 = "732be4806ff6fa394cd7ea4769fe18d4d16fb396281e520ca24ce53aef63134d"
FOUND_SHA256 = "9b5410f9d151d75dbe1c2654e4fa3303f5223c4d61f3766a9dbb26509f06c56f"
KERNELS: tuple[Kernel, ...] = ("numpy", "numba")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> KnowledgeGraph:
    return fixed_graph(tmp_path_factory.mktemp("same") / "g")


def test_the_graph_has_the_hash_that_it_had(graph: KnowledgeGraph) -> None:
    assert graph.sha256 == GRAPH_SHA256
    graph.verify()


@pytest.mark.parametrize("kernel", KERNELS)
def test_paths_order_and_verdicts_have_the_hash_that_they_had(kernel: Kernel, graph: KnowledgeGraph) -> None:
    assert found_sha256(graph, fixed_pairs(graph), kernel) == FOUND_SHA256


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_threads_find_that_too(kernel: Kernel, graph: KnowledgeGraph) -> None:
    pairs = fixed_pairs(graph)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: found_sha256(graph, pairs, kernel), range(2)))
    assert both == [FOUND_SHA256] * 2


def test_the_fixed_world_is_worth_hashing(graph: KnowledgeGraph) -> None:
    """Otherwise a hash over little would hold everything to nothing."""
    found = PathFinder(graph, PathSettings(n_best=N_BEST)).find_batch(fixed_pairs(graph), "full")
    assert sum(one.n_shortest > N_BEST for one in found) > 10, "more paths than are kept"
    assert {one.distance for one in found} >= {0, 1, 2, 3}
    assert any(len(graph.concept(index)) > 1 for index in range(graph.n_nodes))
    shared = [graph.edges_between(one, int(other)) for one in range(9) for other in graph.neighbours(one)]
    assert max(map(len, shared)) > 2, "parallel edges"
