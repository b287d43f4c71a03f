"""Deep verification: every row of a release against everything else in it.

Belongs: one function per promise, each listing what breaks it.
Does not belong: file hashes (verify.py).
Rule: everything is computed again from the files; only names of tables and columns are taken from the registry.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medreason.base.canonical import joined_sha256, sha256_json
from medreason.base.errors import BadInput
from medreason.base.tables.registry import row_hashes
from medreason.chains.verification.policy import label_of
from medreason.releases.arrow import values
from medreason.releases.counts import RecordId, count_tables, funnel, generators, quarantine_reasons, record_ids, tally
from medreason.releases.folder import Folder
from medreason.releases.gates import PASSING
from medreason.releases.identity import RELEASED_TABLES, TableFacts, prompt_sha256, release_id, table_facts
from medreason.releases.manifest import Manifest, eligible_channels, schema_sha256
from medreason.releases.values import CHECKS_OF, GraphFacts

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A release read whole."""

    folder: Folder
    manifest: Mapping[str, Any]
    tables: Mapping[str, pa.Table]
    facts: Mapping[str, TableFacts]
    """Of the tables, computed once: hashing every row is most of the work."""
    configuration: Mapping[str, Any]
    graph: Mapping[str, Any]

    def rows(self, table: str) -> dict[str, _Row]:
        """Rows of a table with one row per question, by item id."""
        return {row["item_id"]: row for row in self.tables[table].to_pylist()}


def deep_faults(folder: Folder, manifest: Manifest) -> Iterator[str]:
    """Every broken promise of a release whose files have the right hashes."""
    try:
        opened = _open(folder, manifest)
    except (ValueError, KeyError, pa.ArrowException, BadInput) as error:
        yield f"a table cannot be read: {str(error)[:300]}"
        return
    for check in _CHECKS:
        yield from check(opened)


def _open(folder: Folder, manifest: Manifest) -> Opened:
    tables = {name: read_released(folder, manifest, name) for name in RELEASED_TABLES}
    return Opened(
        folder=folder,
        manifest=manifest.value,
        tables=tables,
        facts={name: table_facts(table) for name, table in tables.items()},
        configuration=json.loads(folder.read("config.json")),
        graph=json.loads(folder.read("graph.json")),
    )


def read_released(folder: Folder, manifest: Manifest, name: str) -> pa.Table:
    """One table of a release, all shards, in its registered form.

    Raises: BadInput where columns or types are others than this version of the program knows.
    """
    spec = RELEASED_TABLES[name]
    parts = [path for path in manifest.value["tables"][name]["paths"] if not path.endswith(".jsonl")]
    if parts == ["sources.json"]:
        return spec.from_rows(json.loads(folder.read("sources.json")))
    tables = [pq.ParquetFile(io.BytesIO(folder.read(path))).read() for path in parts]
    if strange := [c for table in tables for c in table.column_names if c not in spec.column_names]:
        raise BadInput(f"columns {strange} are not of table {spec.name}", where=name)
    return pa.concat_tables([spec.conform(table) for table in tables])


# ---------------------------------------------------------------- promises


def _tables_hash_to_what_is_said(opened: Opened) -> Iterator[str]:
    for name, facts in opened.facts.items():
        said, found = opened.manifest["tables"][name], facts.as_json()
        yield from (f"{name}: {fact} is not that of the manifest" for fact in found if found[fact] != said[fact])
    if opened.manifest["schema_sha256"] != schema_sha256():
        yield "schema_sha256 is not that of the tables"


def _json_lines_hold_the_same(opened: Opened) -> Iterator[str]:
    rows = opened.tables["rows"].to_pylist()
    lines: list[_Row] = []
    for path in sorted(entry["path"] for entry in opened.manifest["files"] if entry["path"].endswith(".jsonl")):
        lines.extend(json.loads(line) for line in opened.folder.read(path).decode("utf-8").split("\n") if line)
    if lines != rows:
        yield "the JSON lines do not hold the rows of the Parquet files"


def _the_id_is_that_of_the_content(opened: Opened) -> Iterator[str]:
    found = release_id(
        opened.facts,
        graph=GraphFacts(**opened.graph),
        prompts=opened.manifest["prompts"],
        configuration=opened.configuration,
    )
    if found != opened.manifest["release_id"]:
        yield f"the content is that of release {found[:12]}..., not {opened.manifest['release_id'][:12]}..."


def _facts_agree(opened: Opened) -> Iterator[str]:
    said = opened.manifest
    facts = {
        "graph": opened.graph,
        "sources": opened.tables["sources"].to_pylist(),
        "configuration_sha256": sha256_json(opened.configuration),
        "counts": count_tables(*_funnel_tables(opened)).as_json(),
        "funnel": {name: counts.as_json() for name, counts in funnel(*_funnel_tables(opened)).items()},
        "quarantine_reasons": quarantine_reasons(opened.tables["quarantine"]),
        "keep_rules": sorted(set(values(opened.tables["rows"], "keep_rule"))),
        "generators": [asdict(generator) for generator in generators(opened.tables["rows"])],
        "checks": [found._asdict() for found in tally(opened.tables["verdicts"])],
    }
    yield from (
        f"{name} in the manifest is not what the files say" for name, fact in facts.items() if fact != said[name]
    )
    if said["channel_eligible"] != list(eligible_channels(generators(opened.tables["rows"]))):
        yield "channel_eligible does not follow from who wrote the rows"


def _funnel_tables(opened: Opened) -> tuple[pa.Table, pa.Table, pa.Table]:
    return opened.tables["sources"], opened.tables["quarantine"], opened.tables["rows"]


def _records_are_conserved(opened: Opened) -> Iterator[str]:
    counts = opened.manifest["counts"]
    if counts["raw"] != counts["released"] + counts["quarantined"]:
        yield f"raw {counts['raw']} is not released {counts['released']} + quarantined {counts['quarantined']}"
    for name, of in opened.manifest["funnel"].items():
        if of["raw"] != of["released"] + of["quarantined"]:
            yield f"{name}: raw {of['raw']} is not released {of['released']} + quarantined {of['quarantined']}"
    both = _records(opened, "lineage") & _records(opened, "quarantine")
    yield from (f"{record.item_id} at {record.raw_locator} is released and quarantined" for record in sorted(both))


def _records(opened: Opened, table: str) -> set[RecordId]:
    return set(record_ids(opened.tables[table]))


def _each_row_has_its_lineage(opened: Opened) -> Iterator[str]:
    rows = opened.tables["rows"]
    hashes = dict(zip(values(rows, "item_id"), row_hashes(rows), strict=True))
    lineage = dict(
        zip(values(opened.tables["lineage"], "item_id"), values(opened.tables["lineage"], "row_sha256"), strict=True)
    )
    if len(hashes) < rows.num_rows:
        yield "a question is released twice"
    yield from (f"{item} has no lineage" for item in sorted(hashes.keys() - lineage.keys()))
    yield from (f"{item} has lineage but is not released" for item in sorted(lineage.keys() - hashes.keys()))
    shared = sorted(hashes.keys() & lineage.keys())
    yield from (f"{item}: its lineage is of another row" for item in shared if hashes[item] != lineage[item])


def _files_of_lineage_are_sources(opened: Opened) -> Iterator[str]:
    known = set(values(opened.tables["sources"], "file_sha256"))
    lineage = opened.tables["lineage"]
    for item, digest in zip(values(lineage, "item_id"), values(lineage, "raw_file_sha256"), strict=True):
        if digest not in known:
            yield f"{item} is of a raw file that is no source"


def _paths_hold_every_cited_edge(opened: Opened) -> Iterator[str]:
    edges: dict[tuple[str, str], set[str]] = {}
    for path in opened.tables["paths"].to_pylist():
        edges[path["item_id"], path["path_id"]] = {edge["edge_id"] for hop in path["hops"] for edge in hop}
        yield from _path_faults(path)
    for item, row in opened.rows("lineage").items():
        missing = [path for path in row["path_ids"] if (item, path) not in edges]
        yield from (f"{item}: path {path} is not in paths.parquet" for path in missing)
        held = {edge for path in row["path_ids"] for edge in edges.get((item, path), ())}
        yield from (f"{item}: edge {edge} is on none of its paths" for edge in row["edge_ids"] if edge not in held)


def _path_faults(path: _Row) -> Iterator[str]:
    place = f"{path['item_id']}: path {path['path_id']}"
    if not path["n_hops"] == len(path["hops"]) == len(path["nodes"]) - 1:
        yield f"{place} has {len(path['nodes'])} nodes and {len(path['hops'])} hops"
    named = joined_sha256(part for node in path["nodes"] for part in (node["node_type"], node["node_id"]))[:16]
    if named != path["path_id"]:
        yield f"{place} is not named after its nodes"


def _steps_cite_what_lineage_says(opened: Opened) -> Iterator[str]:
    lineage = opened.rows("lineage")
    for item, row in opened.rows("rows").items():
        cited = sorted({edge for step in row["steps"] for edge in step["edge_ids"]})
        if item in lineage and cited != lineage[item]["edge_ids"]:
            yield f"{item}: its steps cite other edges than its lineage"


def _rows_are_their_chains(opened: Opened) -> Iterator[str]:
    chains = {(row["item_id"], row["sample_no"]): row for row in opened.tables["chains"].to_pylist()}
    lineage = opened.rows("lineage")
    of_row = ("reasoning", "conclusion", "engine_kind", "model_id", "model_revision")
    of_lineage = ("path_ids", "template_sha256", "request_sha256", "response_sha256", "response_model")
    for item, row in opened.rows("rows").items():
        chain = chains.get((item, row["sample_no"]))
        if chain is None or any(chain[name] != row[name] for name in of_row):
            yield f"{item}: the released text is not that of its chain"
        elif item in lineage and any(chain[name] != lineage[item][name] for name in of_lineage):
            yield f"{item}: the lineage is not that of its chain"


def _rows_passed_what_they_had_to(opened: Opened) -> Iterator[str]:
    verdicts = opened.tables["verdicts"].to_pylist()
    passed = {
        (row["item_id"], row["sample_no"], row["check"])
        for row in verdicts
        if row["outcome"] == "passed" and not row["is_control"]
    }
    for item, row in opened.rows("rows").items():
        for check in CHECKS_OF[row["keep_rule"]]:
            if (item, row["sample_no"], check) not in passed:
                yield f"{item} did not pass {check}"
        if row["label"] != label_of(row["engine_kind"], row["keep_rule"]):
            yield f"{item} is called {row['label']!r}, which is not what it passed"


def _prompts_are_there(opened: Opened) -> Iterator[str]:
    for digest in opened.manifest["prompts"]:
        if prompt_sha256(opened.folder.read(f"prompts/{digest}.txt").decode("utf-8")) != digest:
            yield f"prompts/{digest}.txt is another template"
    missing = set(values(opened.tables["lineage"], "template_sha256")) - set(opened.manifest["prompts"])
    yield from (f"template {digest} of a released row is not there" for digest in sorted(missing))


def _gates_passed(opened: Opened) -> Iterator[str]:
    for gate in opened.manifest["gates"]:
        kept = json.loads(opened.folder.read(gate["path"]))
        if any(kept[name] != gate[name] for name in gate if name != "path"):
            yield f"{gate['path']} is not what the manifest says of gate {gate['gate']}"
        if kept["outcome"] not in PASSING:
            yield f"gate {gate['gate']} ended {kept['outcome']}"


_CHECKS: tuple[Callable[[Opened], Iterator[str]], ...] = (
    _tables_hash_to_what_is_said,
    _json_lines_hold_the_same,
    _the_id_is_that_of_the_content,
    _facts_agree,
    _records_are_conserved,
    _each_row_has_its_lineage,
    _files_of_lineage_are_sources,
    _paths_hold_every_cited_edge,
    _steps_cite_what_lineage_says,
    _rows_are_their_chains,
    _rows_passed_what_they_had_to,
    _prompts_are_there,
    _gates_passed,
)
