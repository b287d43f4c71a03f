"""What a graph file costs until it can be searched: file to rows, rows to tables, tables to arrays, opening.

Belongs: one process per step, its CPU seconds and its memory; a made-up file of PrimeKG's size and form.
Does not belong: searching (paths.py), what the tables hold (tests/dbt).
Rules: CPU seconds of all threads and children; every step starts from the files that the one before left.

    python -m benchmarks.graph_build --work /tmp/graph --scale 1
    python -m benchmarks.graph_build --work /tmp/graph --csv ../shared/data/medkg/kg.csv.gz
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from benchmarks.synthetic_graph import make_graph
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.layouts import PRIMEKG_COLUMNS, read_graph
from medreason.graph.knowledge.relations import relation_table
from medreason.graph.knowledge.settings import GraphSettings

_MARTS = ("graph_nodes", "graph_edges")
_CHUNK_ROWS = 1_000_000
Step = Callable[[str, str], str]


def main() -> None:
    """Parse, run each step in a process of its own, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="1 = PrimeKG's size; for the made-up file")
    parser.add_argument("--csv", default="", help="a file in PrimeKG's layout, instead of a made-up one")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    url = given.csv or str(given.work / f"synthetic_{given.scale}.csv")
    if not given.csv and not Path(url).exists():
        _write_csv(Path(url), given.scale)
    print(f"{Path(url).name}: {Path(url).stat().st_size / 2**20:,.0f} MB\n")
    print("| step | CPU s | peak MB | made |\n| --- | --- | --- | --- |")
    steps: dict[str, Step] = {"file to rows": _read, "rows to tables (dbt)": _tables, "tables to arrays": _arrays}
    for name, step in (steps | {"open": _open}).items():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            spent_s, peak_mb, made = process.submit(_measured, step, url, str(given.work)).result()
        print(f"| {name} | {spent_s:.1f} | {peak_mb:,.0f} | {made} |", flush=True)


def _measured(step: Step, url: str, work: str) -> tuple[float, float, str]:
    start = _cpu_s()
    made = step(url, work)
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return _cpu_s() - start, max(one.ru_maxrss for one in usage) / 1024, made


def _cpu_s() -> float:
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in usage)


def _read(url: str, work: str) -> str:
    rows = read_graph("primekg", url)
    pq.write_table(rows, f"{work}/raw_graph.parquet")
    return f"{rows.num_rows:,} rows"


def _tables(_: str, work: str) -> str:
    from assets.base import dbt_project

    raw = Path(work, "raw_graph.parquet").read_bytes()
    workspace = dbt_project.open_workspace(Path(work))
    dbt_project.stage_inputs(workspace, {"raw_graph": raw, "relation_registry": relation_table()})
    dbt_project.build(workspace, select="+graph_nodes +graph_edges")
    made = {mart: dbt_project.export(workspace, mart) for mart in _MARTS}
    for mart, table in made.items():
        pq.write_table(table, f"{work}/{mart}.parquet")
    return ", ".join(f"{table.num_rows:,} {mart.removeprefix('graph_')}" for mart, table in made.items())


def _arrays(_: str, work: str) -> str:
    nodes, edges = (pq.ParquetFile(f"{work}/{mart}.parquet").read() for mart in _MARTS)
    folder = Path(work) / f"arrays_{time.time_ns()}"
    KnowledgeGraph.build(nodes, edges, folder, GraphSettings())
    (Path(work) / "arrays").unlink(missing_ok=True)
    (Path(work) / "arrays").symlink_to(folder.name)
    return f"{sum(file.stat().st_size for file in folder.iterdir()) / 2**20:,.0f} MB of files"


def _open(_: str, work: str) -> str:
    start = time.perf_counter()
    graph = KnowledgeGraph.open(Path(work) / "arrays")
    return f"{graph.n_edges:,} edges in {1000 * (time.perf_counter() - start):.0f} ms"


def _write_csv(path: Path, scale: float) -> None:
    """As kg.csv is written: every edge in both directions, with the file's own indices."""
    made = make_graph(scale=scale)
    columns = {
        name: made.nodes.column(f"node_{name}").combine_chunks() for name in ("index", "id", "type", "name", "source")
    }
    with csv.CSVWriter(path, pa.schema([(name, pa.string()) for name in PRIMEKG_COLUMNS])) as file:
        for one, other in (("subject_index", "object_index"), ("object_index", "subject_index")):
            for start in range(0, made.edges.num_rows, _CHUNK_ROWS):
                edges = made.edges.slice(start, _CHUNK_ROWS).combine_chunks()
                table = {name: edges.column(name) for name in ("relation", "display_relation")}
                for side, end in (("x", one), ("y", other)):
                    table |= {f"{side}_{name}": column.take(edges.column(end)) for name, column in columns.items()}
                file.write_table(
                    pa.table({name: table[name].cast(pa.string()) for name in PRIMEKG_COLUMNS}), _CHUNK_ROWS
                )


if __name__ == "__main__":
    main()
