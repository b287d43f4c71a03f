"""The questions that an auditor puts to a release, as SQL over its files.

Belongs: views over the Parquet files, one function per question, plain JSON values as answers.
Does not belong: printing (medreason/cli/audit.py), proving that files are what they claim (verify.py).
Rule: an answer comes from the release's own files; DuckDB is in memory, reads local files and nothing else.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from medreason.base.errors import BadConfiguration
from medreason.base.reasons import Stage
from medreason.base.tables.grounding import COVERAGE as COVERAGE_TABLE
from medreason.base.tables.releases import RELEASE_SOURCES
from medreason.releases.folder import Folder, open_folder
from medreason.releases.manifest import MANIFEST, Manifest, read_manifest

if TYPE_CHECKING:
    import duckdb

_VIEWS = {
    "released": "rows",
    **{name: name for name in ("lineage", "paths", "quarantine", "outcomes", "chains", "verdicts", "coverage")},
}
"""Name of each view, and the table of the manifest that it shows."""
_N_NEAR = 5
_Row = dict[str, Any]

CONSERVATION = """
with raw as (
    select dataset_name, sum(n_records)::bigint as n_raw from sources where role = 'train' group by all
),
kept as (
    select dataset_name, count(*) as n_released from released group by all
),
away as (
    select dataset_name, count(*) as n_quarantined from quarantine where role = 'train' group by all
),
balance as (
    select
        dataset_name,
        n_raw,
        coalesce(n_released, 0) as n_released,
        coalesce(n_quarantined, 0) as n_quarantined,
        n_raw - coalesce(n_released, 0) - coalesce(n_quarantined, 0) as n_missing
    from raw left join kept using (dataset_name) left join away using (dataset_name)
)
select * from balance order by dataset_name
"""

ORPHANS = """
with cited as (
    select item_id, unnest(edge_ids) as edge_id from lineage
),
hops as (
    select item_id, path_id, unnest(flatten(hops)) as edge from paths
),
used as (
    select item_id, unnest(path_ids) as path_id from lineage
),
orphans as (
    select 'released row without lineage' as kind, item_id as id from released anti join lineage using (item_id)
    union all
    select 'lineage without released row', item_id from lineage anti join released using (item_id)
    union all
    select 'cited edge on no path of the row', item_id || ' ' || edge_id
    from cited anti join (select item_id, edge.edge_id as edge_id from hops) using (item_id, edge_id)
    union all
    select 'path of a row that is not there', item_id || ' ' || path_id
    from used anti join paths using (item_id, path_id)
    union all
    select 'path that no row uses', item_id || ' ' || path_id from paths anti join used using (item_id, path_id)
    union all
    select 'row of a raw file that is no source', item_id
    from lineage anti join (select file_sha256 as raw_file_sha256 from sources) using (raw_file_sha256)
    union all
    select 'row without its chain', item_id from released anti join chains using (item_id, sample_no)
)
select * from orphans order by kind, id
"""

QUARANTINE = """
with wanted as (
    select * from quarantine
    where ($stage is null or stage = $stage) and ($reason is null or reason = $reason)
        and ($dataset_name is null or dataset_name = $dataset_name)
)
select item_id, dataset_name, role, raw_locator, stage, reason, detail from wanted
order by dataset_name, stage, reason, item_id, raw_locator
limit $n
"""

REASONS = """
with counted as (
    select dataset_name, role, stage, reason, count(*) as n_records from quarantine group by all
)
select * from counted order by role desc, dataset_name, n_records desc, reason
"""

OF_EDGE = """
with shown as (
    select item_id, path_id, unnest(flatten(hops)) as edge from paths
),
rows_of_edge as (
    select
        shown.item_id,
        list(distinct path_id order by path_id) as path_ids,
        bool_or(list_contains(lineage.edge_ids, $id)) as is_cited,
        any_value(edge.relation) as relation
    from shown join lineage using (item_id)
    where edge.edge_id = $id
    group by shown.item_id
)
select * from rows_of_edge order by item_id
"""

OF_PATH = """
with rows_of_path as (
    select * from paths where path_id = $id
)
select * from rows_of_path order by item_id
"""

COVERAGE = """
select kind, node_type, code, name, n_in_graph, n_linked, n_on_paths, n_reached, n_in_graph - n_reached as n_never,
    n_questions
from coverage
where kind in ('node_type', 'relation')
order by kind, n_in_graph desc, node_type, code, name
"""

ENTITIES = """
with ranked as (
    select
        if(n_reached > 0, 'reached', 'never reached') as state, node_type, code, name, n_in_graph as n_edges,
        n_linked, n_on_paths, n_questions,
        row_number() over (
            partition by n_reached > 0 order by n_questions desc, n_in_graph desc, node_type, code
        ) as place
    from coverage where kind = 'entity'
)
select * exclude (place) from ranked where place <= $n
order by state desc, n_questions desc, n_edges desc, node_type, code
"""

OF_SOURCE = """
with wanted as (
    select * from sources where starts_with(file_sha256, $id) or dataset_name = $id or source = $id or file_name = $id
),
kept as (
    select raw_file_sha256, count(*) as n_released from lineage group by all
),
away as (
    select raw_file_sha256, role, count(*) as n_quarantined from quarantine group by all
)
select wanted.*, coalesce(n_released, 0) as n_released, coalesce(n_quarantined, 0) as n_quarantined
from wanted
left join kept on kept.raw_file_sha256 = file_sha256 and wanted.role = 'train'
left join away on away.raw_file_sha256 = file_sha256 and away.role = wanted.role
order by entry_no
"""

MODELS = """
select engine_kind, model_id, model_revision, response_model, count(*) as n_rows
from lineage group by all order by all
"""

PROMPTS = """
select template_sha256, count(*) as n_rows from lineage group by all order by all
"""

LICENCES = """
with per_file as (
    select file_sha256, any_value(licence_spdx) as licence_spdx, any_value(licence_url) as licence_url,
        bool_and(is_redistributable) as is_redistributable
    from sources where role = 'train' group by all
)
select licence_spdx, licence_url, is_redistributable, count(*) as n_rows
from lineage join per_file on file_sha256 = raw_file_sha256 group by all order by all
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An open release that can be asked."""

    folder: Folder
    manifest: Manifest
    connection: duckdb.DuckDBPyConnection

    def ask(self, sql: str, **parameters: Any) -> list[_Row]:
        """Rows of a query as JSON values."""
        found = self.connection.execute(sql, parameters) if parameters else self.connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


@contextmanager
def open_audit(url: str) -> Iterator[Audit]:
    """Open a release; the views close with the block.

    Raises: BadConfiguration where there is no release, CorruptRelease where its manifest is none.
    """
    import duckdb

    folder = open_folder(url)
    manifest = read_manifest(folder.read(MANIFEST), where=folder.url)
    with duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
        for view, table in _VIEWS.items():
            if table not in manifest.value["tables"]:  # coverage alone: it was not counted from the beginning
                connection.register(view, COVERAGE_TABLE.empty())
                continue
            paths = [path for path in manifest.value["tables"][table]["paths"] if path.endswith(".parquet")]
            connection.read_parquet([str(folder.local_path(path)) for path in paths]).create_view(view)
        connection.register("sources", RELEASE_SOURCES.from_rows(json.loads(folder.read("sources.json"))))
        yield Audit(folder=folder, manifest=manifest, connection=connection)


# ---------------------------------------------------------------- questions about one item


def audit_row(audit: Audit, item_id: str) -> _Row:
    """Everything that a released row came from, as a tree.

    Raises: BadConfiguration where the item is unknown, or was not released (`why_not` tells why).
    """
    found = audit.ask("select * from released where item_id = $id", id=item_id)
    if not found:
        what = why_not(audit, item_id)["records"][0]
        raise BadConfiguration(
            f"{item_id} was not released: {what['reason']} in {what['stage']}",
            remedy=f"Ask `medreason audit why-not {item_id}`.",
        )
    (row,) = found
    (lineage,) = audit.ask("select * from lineage where item_id = $id", id=item_id)
    paths = audit.ask("select * from paths where item_id = $id order by path_no", id=item_id)
    return {
        "item_id": item_id,
        "release_id": audit.manifest.release_id,
        "raw": _raw_record(audit, lineage),
        "row": {name: value for name, value in row.items() if name != "steps"},
        "links": lineage["links"],
        "paths": [_path(path) for path in paths],
        "steps": _steps(row["steps"], paths),
        "verdicts": lineage["verdicts"],
        "writing": {name: lineage[name] for name in _WRITING},
    }


_WRITING = (
    *("engine_kind", "model_id", "model_revision", "response_model", "finish_reason", "sample_no", "template_sha256"),
    *("request_sha256", "response_sha256", "graph_sha256", "row_sha256"),
)


def _raw_record(audit: Audit, lineage: Mapping[str, Any]) -> _Row:
    names = ("source", "raw_record_id", "raw_file_sha256", "raw_locator", "record_sha256")
    sql = "select file_name, dataset_name, licence_spdx from sources where file_sha256 = $id order by entry_no limit 1"
    files = audit.ask(sql, id=lineage["raw_file_sha256"])
    return {name: lineage[name] for name in names} | (files[0] if files else {})


def _path(path: Mapping[str, Any]) -> _Row:
    names = ("path_no", "path_id", "target", "view", "cost", "verdict")
    drawn = [[arrow(one, edge, other) for edge in hop] for (one, other), hop in _hops(path)]
    return {name: path[name] for name in names} | {
        "nodes": [node["node_name"] for node in path["nodes"]],
        "hops": drawn,
    }


def _hops(path: Mapping[str, Any]) -> Iterator[tuple[tuple[_Row, _Row], Sequence[_Row]]]:
    yield from zip(pairwise(path["nodes"]), path["hops"], strict=True)


def arrow(one: Mapping[str, Any], edge: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """An edge as text, read along the path: the arrow points from subject to object, where that is known.

    >>> edge = {"display_relation": "treats", "is_reversed": True, "is_direction_known": True, "edge_id": "0a"}
    >>> arrow({"node_name": "gout"}, edge, {"node_name": "colchicine"})
    'gout <-treats- colchicine  [0a]'
    """
    left, right = ("<-", "-") if edge["is_reversed"] else ("-", "->")
    left, right = (left, right) if edge["is_direction_known"] else ("-", "-")
    return f"{one['node_name']} {left}{edge['display_relation']}{right} {other['node_name']}  [{edge['edge_id']}]"


def _steps(steps: Sequence[Mapping[str, Any]], paths: Sequence[Mapping[str, Any]]) -> list[_Row]:
    drawn = {
        edge["edge_id"]: arrow(one, edge, other) for path in paths for (one, other), hop in _hops(path) for edge in hop
    }
    return [
        {**step, "edges": [drawn.get(edge, f"edge {edge} is on no path of the row") for edge in step["edge_ids"]]}
        for step in steps
    ]


def why_not(audit: Audit, item_id: str) -> _Row:
    """What became of a question: every record with its id, where it ended and what it had reached before.

    Raises: BadConfiguration that names near ids where there is no such item.
    """
    records = [
        *({"state": "released", **row} for row in audit.ask(_RELEASED_RECORD, id=item_id)),
        *({"state": "quarantined", **row} for row in audit.ask(_QUARANTINED_RECORDS, id=item_id)),
    ]
    if not records:
        raise _unknown(audit, item_id)
    for record in records:
        record["reached"] = _reached(record.get("stage"))
    grounding = audit.ask("select * from outcomes where item_id = $id", id=item_id)
    chains = audit.ask(_CHAINS_OF, id=item_id)
    return {"item_id": item_id, "records": records, "grounding": grounding, "chains": chains}


_RELEASED_RECORD = """
select dataset_name, raw_file_sha256, raw_locator, label
from released join lineage using (item_id) where item_id = $id
"""
_QUARANTINED_RECORDS = """
select dataset_name, role, raw_file_sha256, raw_locator, stage, reason, detail
from quarantine where item_id = $id order by raw_file_sha256, raw_locator
"""
_CHAINS_OF = """
with judged as (
    select sample_no, list("check" || ' ' || outcome order by "check") as verdicts
    from verdicts where item_id = $id and not is_control group by all
)
select sample_no, outcome, reason, detail, coalesce(verdicts, []) as verdicts
from chains left join judged using (sample_no) where item_id = $id order by sample_no
"""


def _reached(stage: str | None) -> list[str]:
    """Stages that a record came through before it left; all where it did not."""
    stages = [each.value for each in Stage]
    return stages if stage is None else stages[: stages.index(stage)]


def _unknown(audit: Audit, item_id: str) -> BadConfiguration:
    known = [row["item_id"] for row in audit.ask("select item_id from released union select item_id from quarantine")]
    near = difflib.get_close_matches(item_id, sorted(known), n=_N_NEAR, cutoff=0.6)
    remedy = f"Near it: {', '.join(near)}." if near else "An item id looks like medqa:0123456789abcdef."
    return BadConfiguration(f"there is no item {item_id!r} in this release", where=audit.folder.url, remedy=remedy)


# ---------------------------------------------------------------- questions about the release


def conservation(audit: Audit) -> list[_Row]:
    """Raw = released + quarantined for each set; `n_missing` is 0 everywhere."""
    return audit.ask(CONSERVATION)


def orphans(audit: Audit) -> list[_Row]:
    """Rows, lineage, paths, edges and chains that lead nowhere; empty in a sound release."""
    return audit.ask(ORPHANS)


def quarantine(
    audit: Audit, *, stage: str | None = None, reason: str | None = None, dataset_name: str | None = None, n: int = 50
) -> list[_Row]:
    """Quarantined records, at most `n`, ordered by set, stage, reason."""
    return audit.ask(QUARANTINE, stage=stage, reason=reason, dataset_name=dataset_name, n=n)


def reasons(audit: Audit) -> list[_Row]:
    """Quarantined records counted by set, stage and reason."""
    return audit.ask(REASONS)


def of_edge(audit: Audit, edge_id: str) -> list[_Row]:
    """Rows that an edge was shown for, and whether their steps cite it: what its withdrawal would touch."""
    return audit.ask(OF_EDGE, id=edge_id)


def of_path(audit: Audit, path_id: str) -> _Row:
    """A path in words, and each row it was found for, with its verdict there and the reason; no rows where unknown.

    The verdict stands with the row: what a question asks for decides with what its path may support.
    """
    found = audit.ask(OF_PATH, id=path_id)
    first = found[:1]
    return {
        "path_id": path_id,
        "nodes": [f"{node['node_name']} ({node['node_type']} {node['node_id']})" for p in first for node in p["nodes"]],
        "hops": [[in_words(one, edge, other) for edge in hop] for p in first for (one, other), hop in _hops(p)],
        "rows": [_judged(path) for path in found],
    }


def _judged(path: Mapping[str, Any]) -> _Row:
    names = ("item_id", "target", "view", "cost", "verdict")
    rule = path["verdict_reason"]
    return {name: path[name] for name in names} | {"rule": rule, "reason": _reason(rule)}


def _reason(rule: str) -> str:
    from medreason.graph.paths.verdicts import reason_of

    try:
        return reason_of(rule)
    except KeyError:  # a release of another version may know rules that this one does not
        return "a rule that this version does not have"


def in_words(one: Mapping[str, Any], edge: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """An edge as a sentence along the path, in the phrase of the relation registry.

    >>> gout, drug = {"node_name": "gout", "node_type": "disease"}, {"node_name": "colchicine", "node_type": "drug"}
    >>> edge = {"relation": "indication", "display_relation": "indication", "is_reversed": True, "edge_id": "0a"}
    >>> in_words(gout, edge, drug)
    'gout can be treated with colchicine  [0a]'
    """
    from medreason.graph.knowledge.relations import rule_for

    rule = rule_for(edge["relation"], edge["display_relation"], one["node_type"], other["node_type"])
    phrase = rule.inverse_phrase if edge["is_reversed"] else rule.phrase
    return f"{one['node_name']} {phrase} {other['node_name']}  [{edge['edge_id']}]"


def coverage(audit: Audit) -> list[_Row]:
    """What the questions of the build reach of the graph, and what they never do: types and relations."""
    return audit.ask(COVERAGE)


def entities(audit: Audit, *, n: int) -> list[_Row]:
    """The entities that most questions reach, and those with the most edges that none does; so many of each."""
    return audit.ask(ENTITIES, n=n)


def of_source(audit: Audit, what: str) -> list[_Row]:
    """Raw files by hash (or its beginning), name, set or adapter, with what became of their records."""
    return audit.ask(OF_SOURCE, id=what)


def models(audit: Audit) -> list[_Row]:
    """Rows by who wrote them."""
    return audit.ask(MODELS)


def prompts(audit: Audit) -> list[_Row]:
    """Rows by the template of the writer's request."""
    return audit.ask(PROMPTS)


def licences(audit: Audit) -> list[_Row]:
    """Rows by the licence of their raw file."""
    return audit.ask(LICENCES)
