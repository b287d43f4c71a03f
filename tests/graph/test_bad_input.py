"""Graphs and questions that should not be: a clear error, or a result that is defined.

Belongs: the whole list in one place, each case from the file or tables to the answer of a search, with both kernels.
Does not belong: more cases of one layout (test_layouts.py, test_hetionet.py, test_columns.py) or of the tables
(test_knowledge.py); sides of a search (test_paths.py).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from medreason.base.errors import BadInput, CorruptRelease
from medreason.base.tables.graph import EDGES, NODES
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.layouts import PRIMEKG_COLUMNS, read_graph
from medreason.graph.knowledge.relations import undeclared_relations
from medreason.graph.knowledge.settings import GraphSettings
from medreason.graph.paths import Found, PathFinder, PathSettings, verdict
from medreason.graph.paths.settings import Kernel
from tests.graph.worlds import Edge, tables, world

KERNELS: tuple[Kernel, ...] = ("numpy", "numba")
NOTHING = Found(distance=-1, n_shortest=0, paths=())
CHAIN: list[Edge] = [(("T", str(place)), "r", "r", ("T", str(place + 1))) for place in range(3)]


def _found(graph: KnowledgeGraph, kernel: Kernel, sources: list[int], targets: list[int]) -> Found:
    return PathFinder(graph, PathSettings(kernel=kernel)).find(sources, targets, "full")


# ---------------------------------------------------------------- tables that do not fit


def _changed(table: pa.Table, column: str, values: list[object]) -> pa.Table:
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


REFUSED: dict[str, tuple[Callable[[pa.Table, pa.Table], tuple[pa.Table, pa.Table]], str]] = {
    "a dangling edge end": (
        lambda nodes, edges: (nodes, _changed(edges, "object_index", [1, 2, 4])),
        "1 edges have a object_index that is no node, the first in row 2",
    ),
    "a duplicate index": (
        lambda nodes, edges: (_changed(nodes, "node_index", [0, 1, 1, 3]), edges),
        "node_index is not 0 .. n-1, each once",
    ),
    "an index that is another name's": (
        lambda nodes, edges: (_changed(nodes, "node_index", [0, 2, 1, 3]), edges),
        r"not in the order of \(type, id\), each once",
    ),
    "one edge twice": (
        lambda nodes, edges: (nodes, _changed(edges, "edge_id", ["0" * 16] * 3)),
        "edge_id 0000000000000000 and 1 more occur twice",
    ),
}


@pytest.mark.parametrize(("change", "says"), REFUSED.values(), ids=REFUSED)
def test_tables_that_do_not_fit_are_refused(
    change: Callable[[pa.Table, pa.Table], tuple[pa.Table, pa.Table]], says: str, tmp_path: Path
) -> None:
    nodes, edges = change(*tables(CHAIN, {}))
    with pytest.raises(BadInput, match=says):
        KnowledgeGraph.build(nodes, edges, tmp_path / "graphs" / "g", GraphSettings())
    assert not (tmp_path / "graphs").exists()


def test_more_relations_than_can_be_counted_are_refused(tmp_path: Path) -> None:
    nodes, _ = tables(CHAIN, {})
    n_edges = 65_536
    edges = pa.table(
        {
            "edge_id": [f"{number:016x}" for number in range(n_edges)],
            "relation": [f"r{number}" for number in range(n_edges)],
            "display_relation": ["d"] * n_edges,
            "subject_index": [0] * n_edges,
            "object_index": [1] * n_edges,
            "is_direction_known": [True] * n_edges,
            "n_rows": [1] * n_edges,
        }
    )
    with pytest.raises(BadInput, match="65536 relations are more than 65,535"):
        KnowledgeGraph.build(nodes, edges, tmp_path / "g", GraphSettings())
    graph = KnowledgeGraph.build(nodes, edges.slice(0, 65_535), tmp_path / "g", GraphSettings())
    between = graph.edges_between(0, 1)
    assert len({edge.relation for edge in between}) == 65_535


# ---------------------------------------------------------------- files


HEADER = ",".join(PRIMEKG_COLUMNS)
ROWS = (
    "drug_protein,target,0,DB1,drug,Aspirin,DrugBank,1,5743,gene/protein,PTGS2,NCBI",
    "disease_protein,associated with,1,5743,gene/protein,PTGS2,NCBI,2,5015,disease,gout,MONDO",
)


def _file(folder: Path, text: str) -> str:
    path = folder / "kg.csv"
    path.write_text(text)
    return str(path)


INDICES = {
    "another's": {",0,DB1": ",2,DB1", ",2,5015": ",0,5015"},
    "all the same": {",0,DB1": ",7,DB1", ",1,5743": ",7,5743", ",2,5015": ",7,5015"},
    "two for one node": {"target,0,DB1,drug,Aspirin,DrugBank,1,": "target,0,DB1,drug,Aspirin,DrugBank,9,"},
    "no numbers": {",0,DB1": ",x,DB1"},
}


@pytest.mark.parametrize("changes", INDICES.values(), ids=INDICES)
def test_the_files_own_indices_decide_nothing(changes: dict[str, str], tmp_path: Path) -> None:
    """A node is (type, id): an index that is not the name's own, or given twice, cannot join two nodes."""
    text = "\n".join([HEADER, *ROWS, ""])
    expected = read_graph("primekg", _file(tmp_path, text))
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    assert read_graph("primekg", _file(tmp_path, text)).equals(expected)


CUT = {
    "in a row": "\n".join([HEADER, *ROWS])[:-30].encode(),
    "in the first row": "\n".join([HEADER, *ROWS])[: len(HEADER) + 20].encode(),
    "in the header": HEADER[:-20].encode(),
    "behind the header": HEADER.encode(),
    "in gzip": gzip.compress("\n".join([HEADER, *ROWS]).encode())[:-9],
    "to nothing": b"",
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT)
def test_a_file_cut_short_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "kg.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"kg\.csv"):
        read_graph("primekg", str(path))


@pytest.mark.parametrize("n_bytes", [0, 1, 60, 127, -1])
def test_arrays_cut_short_are_refused(n_bytes: int, tmp_path: Path) -> None:
    graph = world(tmp_path / "g", CHAIN)
    path = graph.folder / "view_full.adj.npy"
    path.write_bytes(path.read_bytes()[:n_bytes])
    with pytest.raises(CorruptRelease, match="not an array of the graph"):
        KnowledgeGraph.open(graph.folder)


# ---------------------------------------------------------------- defined results


@pytest.mark.parametrize("kernel", KERNELS)
def test_types_and_relations_that_nobody_declared_are_kept_and_reported(kernel: Kernel, tmp_path: Path) -> None:
    strange: list[Edge] = [
        (("planet", "9"), "orbits", "orbits", ("star", "sun")),
        (("star", "sun"), "r", "r", ("T", "1")),
    ]
    graph = world(tmp_path / "g", strange)
    ends = graph.index_of("planet", "9"), graph.index_of("T", "1")
    found = _found(graph, kernel, [ends[0] or 0], [ends[1] or 0])
    (path,) = found.paths
    assert [graph.node(index).node_type for index in path.nodes] == ["planet", "star", "T"]
    assert verdict(graph, path).kind == "supports"
    rows = pa.table(
        {
            "relation": ["orbits", "indication"],
            "display_relation": ["orbits", "indication"],
            "x_type": ["planet", "drug"],
            "y_type": ["star", "disease"],
        }
    )
    assert [(one.relation, one.one_type, one.other_type) for one in undeclared_relations(rows)] == [
        ("orbits", "planet", "star")
    ]
    assert graph.index_of("galaxy", "1") is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_empty_graph_answers(kernel: Kernel, tmp_path: Path) -> None:
    empty = KnowledgeGraph.build(NODES.empty(), EDGES.empty(), tmp_path / "none", GraphSettings())
    assert _found(empty, kernel, [], []) == NOTHING
    with pytest.raises(ValueError, match="no node 0: the graph has 0"):
        _found(empty, kernel, [0], [])
    nodes, _ = tables(CHAIN, {})
    without_edges = KnowledgeGraph.build(nodes, EDGES.empty(), tmp_path / "nodes", GraphSettings())
    assert _found(without_edges, kernel, [0], [1, 2]) == NOTHING
    assert _found(without_edges, kernel, [1], [1]) == Found(distance=0, n_shortest=1, paths=())


@pytest.mark.parametrize("kernel", KERNELS)
def test_self_loops_and_parts_that_are_not_joined(kernel: Kernel, tmp_path: Path) -> None:
    loops: list[Edge] = [(("T", name), "r", "r", ("T", name)) for name in "ab"]
    graph = world(tmp_path / "g", [*loops, *CHAIN, (("U", "1"), "r", "r", ("U", "2"))])
    at = {key: graph.index_of(*key) or 0 for key in (("T", "0"), ("T", "3"), ("T", "a"), ("T", "b"), ("U", "1"))}
    assert _found(graph, kernel, [at["T", "a"]], [at["T", "b"]]) == NOTHING
    assert _found(graph, kernel, [at["T", "0"]], [at["U", "1"]]) == NOTHING
    assert _found(graph, kernel, [at["T", "0"]], [at["T", "3"], at["U", "1"]]).distance == 3


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_hundred_labels_between_two_nodes_are_one_step_and_a_hundred_edges(kernel: Kernel, tmp_path: Path) -> None:
    edges: list[Edge] = [(("T", "a"), f"r{label:03d}", "d", ("T", "b")) for label in range(100)]
    graph = world(tmp_path / "g", edges)
    found = _found(graph, kernel, [0], [1])
    assert (found.distance, found.n_shortest) == (1, 1)
    assert len(graph.edges_between(0, 1)) == 100
