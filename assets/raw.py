"""raw/<adapter> and raw/graph: source files as typed tables.

Belongs: one asset per adapter (the same graph for every configuration) and the graph file.
Does not belong: normalisation (dbt).
Rule: an adapter that is not configured gives an empty table; a configured one with no records is an error.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pyarrow as pa

from assets.base import versions
from assets.base.settings import BuildSettings
from assets.base.work import OWNERS, Work, one_output
from medreason.base.progress import counting
from medreason.base.store import TableRef
from medreason.base.tables.raw import RAW_GRAPH, RAW_TABLES, RELATION_REGISTRY

GROUP = "raw"
SOURCE_VERSION = versions.code_version(*versions.SOURCES)
GRAPH_VERSION = versions.code_version(*versions.GRAPH_FILES)
_MANY_RECORDS = 4_000
"""Records of a source that take long enough, half a second or more, for a reader to want to see them pass."""


def raw_asset(adapter: str) -> dg.AssetsDefinition:
    """The raw asset of one adapter."""
    spec = RAW_TABLES[adapter]

    @dg.asset(
        key=["raw", adapter],
        group_name=GROUP,
        owners=OWNERS,
        kinds={"python", "parquet"},
        code_version=SOURCE_VERSION,
        description=f"{spec.meaning}. Decoded, one row per record; empty where the configuration names no such source.",
    )
    def raw(settings: BuildSettings) -> dg.Output[TableRef]:
        from medreason.questions.sources.fetch import file_sha256
        from medreason.questions.sources.read import read_source

        entries = [(n, e) for n, e in enumerate(settings.configuration().sources) if e.adapter == adapter]
        files = {str(n): file_sha256(entry.url) for n, entry in entries}
        # A set's name and language may follow from the file's name and folder, never from what lies above them.
        given = [
            [n, *entry.url.split("/")[-2:], entry.model_dump(mode="json", exclude={"url"})] for n, entry in entries
        ]
        work = Work(settings=settings, name=f"raw/{adapter}", code_version=SOURCE_VERSION)

        def make() -> tuple[dict[str, pa.Table], dict[str, Any]]:
            with counting(f"reading {adapter}", shown_from=_MANY_RECORDS) as progress:
                return {"result": read_source(adapter, entries, progress=progress)}, {}

        outcome = work.tables({"result": spec}, inputs=files, given=given, make=make)
        return one_output(spec, outcome, sources=len(entries))

    return raw


@dg.asset(
    key=["raw", "graph"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    code_version=GRAPH_VERSION,
    description="The graph file as typed edge rows, in file order; names are text, so a phenotype may be called null.",
)
def raw_graph(settings: BuildSettings) -> dg.Output[TableRef]:
    """Read the configured graph file."""
    from medreason.graph.knowledge.layouts import read_graph
    from medreason.questions.sources.fetch import file_sha256

    graph = settings.configuration().graph
    files = {"file": graph.url, "nodes": graph.options.nodes_url}
    work = Work(settings=settings, name="raw/graph", code_version=GRAPH_VERSION)
    outcome = work.tables(
        {"result": RAW_GRAPH},
        inputs={name: file_sha256(url) for name, url in files.items() if url},
        given={"layout": graph.layout, "options": graph.options.model_dump(mode="json", exclude={"nodes_url"})},
        make=lambda: ({"result": read_graph(graph.layout, graph.url, graph.options)}, {}),
    )
    return one_output(RAW_GRAPH, outcome, layout=graph.layout)


@dg.asset(
    key=["graph", "relations"],
    group_name="graph",
    owners=OWNERS,
    kinds={"python", "parquet"},
    code_version=GRAPH_VERSION,
    description="What each relation says and may support: direction, phrases, polarity.",
)
def graph_relations(settings: BuildSettings) -> dg.Output[TableRef]:
    """Write the relation registry as a table for dbt and the auditor."""
    from medreason.graph.knowledge.relations import relation_table

    work = Work(settings=settings, name="graph/relations", code_version=GRAPH_VERSION)
    outcome = work.tables({"result": RELATION_REGISTRY}, inputs={}, make=lambda: ({"result": relation_table()}, {}))
    return one_output(RELATION_REGISTRY, outcome)


RAW_ASSETS = [raw_asset(adapter) for adapter in RAW_TABLES]
ASSETS = [*RAW_ASSETS, raw_graph, graph_relations]
