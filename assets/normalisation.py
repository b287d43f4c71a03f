"""staging/*, questions/{canonical,quarantined}, graph/{nodes,edges}: the dbt project as assets, its tests as checks.

Belongs: names of models as asset keys, the memo around a dbt build, references to what it made.
Does not belong: running dbt (assets/base/dbt_project.py), the models (dbt_project/).
Rule: a build whose inputs and project did not change starts no dbt; it yields what the earlier one yielded.
"""

import contextlib
import graphlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from assets.base import dbt_project, versions
from assets.base.column_lineage import Lineage, column_lineage
from assets.base.io import References, replace_text
from assets.base.settings import BuildSettings
from assets.base.work import OWNERS, column_schema, versioned_output
from medreason.base.canonical import sha256_bytes
from medreason.base.errors import GateFailed
from medreason.base.progress import tracked
from medreason.base.store import Memo, TableRef, write_table
from medreason.base.store.tables import parquet_bytes
from medreason.base.tables.raw import RAW_TABLES

WORKSPACE = dbt_project.open_workspace(BuildSettings().scratch())
MANIFEST = dbt_project.prepare(WORKSPACE)
VERSION = versions.code_version(*versions.NORMALISATION)
INPUT_ASSETS = {
    **{spec.name: dg.AssetKey(["raw", adapter]) for adapter, spec in RAW_TABLES.items()},
    "raw_graph": dg.AssetKey(["raw", "graph"]),
    "relation_registry": dg.AssetKey(["graph", "relations"]),
}
MART_ASSETS = {
    "questions": dg.AssetKey(["questions", "canonical"]),
    "quarantined": dg.AssetKey(["questions", "quarantined"]),
    "graph_nodes": dg.AssetKey(["graph", "nodes"]),
    "graph_edges": dg.AssetKey(["graph", "edges"]),
}

Event = dg.Output[Any] | dg.AssetCheckResult


class Translator(DagsterDbtTranslator):
    """Models and sources under the platform's own asset keys, with owners, kinds and group."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec of one model or source."""
        node = manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]
        key = asset_key(node)
        spec = super().get_asset_spec(manifest, unique_id, project)
        described = spec.replace_attributes(key=key, group_name=key.path[0], owners=OWNERS, kinds={"dbt", "duckdb"})
        return described.replace_attributes(automation_condition=None)


def asset_key(node: Mapping[str, Any]) -> dg.AssetKey:
    """The asset that a model or source of the project is."""
    name = str(node["name"])
    if node["resource_type"] == "source":
        return INPUT_ASSETS[name]
    return MART_ASSETS.get(name, dg.AssetKey(["staging", name]))


def _models_in_order() -> dict[str, dict[str, Any]]:
    """Models that are assets, by key, each after those that it reads."""
    manifest = json.loads(Path(MANIFEST).read_text())
    nodes = {name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = graphlib.TopologicalSorter({name: manifest["parent_map"][name] for name in nodes}).static_order()
    shown = [nodes[name] for name in order if name in nodes]
    return {asset_key(n).to_user_string(): n for n in shown if n["config"]["materialized"] != "ephemeral"}


MODEL_ORDER = _models_in_order()


def _n_nodes() -> int:
    """Models that are tables or views, and tests: dbt tells of each when it is done."""
    nodes = json.loads(Path(MANIFEST).read_text())["nodes"].values()
    return sum(node["config"]["materialized"] != "ephemeral" for node in nodes)


N_NODES = _n_nodes()


@dbt_assets(
    manifest=MANIFEST,
    name="normalise",
    dagster_dbt_translator=Translator(),
    project=DbtProject(dbt_project.PROJECT, target_path=WORKSPACE.target, profiles_dir=dbt_project.PROJECT),
)
def normalise(context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: BuildSettings) -> Iterator[Event]:
    """Build every model and run every test, or yield what the memo has."""
    references = References(context.instance, settings)
    inputs = {name: references.get(key, context.run_id) for name, key in INPUT_ASSETS.items()}
    memo = Memo(store=settings.store(), asset="normalise")
    hashes = {name: ref.sha256 for name, ref in inputs.items()}
    key = memo.key(code_version=VERSION, inputs=hashes)
    found = memo.get(key)
    if found is None:
        found = _build(context, dbt, settings, inputs)
        memo.put(key, found)
        yield from _events(context, references, found, is_reused=False)
    else:
        yield from _events(context, references, found, is_reused=True)


class _ToLog(io.TextIOBase):
    """Takes what dagster-dbt prints, which is every line of dbt, into the run's log: the terminal is not its own."""

    def __init__(self, log: Callable[[str], None]) -> None:
        """Keep where lines go."""
        self._log = log

    def write(self, text: str) -> int:
        """Log what is no blank."""
        if line := text.strip():
            self._log(line)
        return len(text)


def _build(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: BuildSettings, inputs: Mapping[str, TableRef]
) -> dict[str, Any]:
    """Run dbt on the whole project; what it made and found, as JSON."""
    store = settings.store()
    with dbt_project.exclusive(WORKSPACE), dbt_project.in_environment(WORKSPACE):
        dbt_project.stage_inputs(WORKSPACE, {name: store.read(ref.key) for name, ref in inputs.items()})
        invocation = dbt.cli(
            ["build", "--log-path", str(WORKSPACE.folder / "logs")],
            manifest=MANIFEST,
            dagster_dbt_translator=Translator(),
            context=None if context.is_subset else context,
            target_path=WORKSPACE.target,
            raise_on_error=False,
        )
        with contextlib.redirect_stdout(_ToLog(context.log.debug)):
            events = list(tracked(invocation.stream(), "normalising", N_NODES))
        checks = [_check_record(event) for event in events if isinstance(event, dg.AssetCheckResult)]
        if not invocation.is_successful():
            failed = sorted(c["name"] for c in checks if not c["passed"]) or ["see the log of dbt"]
            raise GateFailed(f"dbt build failed: {', '.join(failed)}", where="dbt_project")
        return {"models": _models(settings), "checks": checks}


def _models(settings: BuildSettings) -> dict[str, Any]:
    lineage, models = _column_lineage(), {}
    for key, node in MODEL_ORDER.items():
        ref = _export(settings, node["name"], node["config"]["materialized"])
        models[key] = {"ref": ref.as_json(), "lineage": lineage[node["name"]]}
    return models


def _column_lineage() -> Lineage:
    """Lineage by model and column, with parents as assets; kept beside the build: it follows from the project alone."""
    file = WORKSPACE.folder / f"column_lineage-{VERSION}.json"
    if not file.exists():
        found = column_lineage(MODEL_ORDER.values(), WORKSPACE.target)
        named = {model: _with_asset_keys(columns) for model, columns in found.items()}
        replace_text(file, json.dumps(named))
    return dict(json.loads(file.read_text()))


def _with_asset_keys(columns: Mapping[str, list[list[str]]]) -> dict[str, list[list[str]]]:
    assets = {**INPUT_ASSETS, **{node["name"]: asset_key(node) for node in MODEL_ORDER.values()}}
    return {
        column: [[assets[parent].to_user_string(), name] for parent, name in parents]
        for column, parents in columns.items()
    }


def _export(settings: BuildSettings, model: str, materialized: str) -> TableRef:
    store = settings.store()
    if model in dbt_project.MARTS:
        return write_table(store, dbt_project.MARTS[model], dbt_project.export(WORKSPACE, model))
    data = dbt_project.read_model(WORKSPACE, model) if materialized == "table" else pa.table({"view": [model]})
    raw = parquet_bytes(data)
    ref = TableRef(table=model, sha256=sha256_bytes(raw), n_rows=data.num_rows)
    store.create(ref.key, raw)
    return ref


def _check_record(event: dg.AssetCheckResult) -> dict[str, Any]:
    asset = event.asset_key.to_user_string() if event.asset_key else ""
    return {"asset": asset, "name": event.check_name, "passed": event.passed, "severity": event.severity.value}


def _events(
    context: dg.AssetExecutionContext, references: References, found: Mapping[str, Any], *, is_reused: bool
) -> Iterator[Event]:
    names = {key.to_user_string(): name for name, key in context.assets_def.keys_by_output_name.items()}
    wanted = {key.to_user_string() for key in context.selected_asset_keys}
    for key in MODEL_ORDER:
        if key in wanted:
            model = found["models"][key]
            # dagster-dbt types its outputs as Nothing, so no IO manager sees them.
            references.put(dg.AssetKey.from_user_string(key), context.run_id, TableRef(**model["ref"]))
            yield _output(names[key], model, is_reused=is_reused)
    selected_checks = {(c.asset_key.to_user_string(), c.name) for c in context.selected_asset_check_keys}
    for check in found["checks"]:
        if (check["asset"], check["name"]) in selected_checks:
            yield dg.AssetCheckResult(
                asset_key=dg.AssetKey.from_user_string(check["asset"]),
                check_name=check["name"],
                passed=check["passed"],
                severity=dg.AssetCheckSeverity(check["severity"]),
                metadata={"reused": is_reused},
            )


def _output(name: str, model: Mapping[str, Any], *, is_reused: bool) -> dg.Output[None]:
    ref = TableRef(**model["ref"])
    metadata: dict[str, Any] = {"dagster/row_count": ref.n_rows, "table_sha256": ref.sha256, "reused": is_reused}
    if ref.table in {spec.name for spec in dbt_project.MARTS.values()}:
        spec = next(spec for spec in dbt_project.MARTS.values() if spec.name == ref.table)
        metadata["dagster/column_schema"] = column_schema(spec)
    if lineage := model["lineage"]:
        metadata["dagster/column_lineage"] = _lineage(lineage)
    return versioned_output(None, metadata, ref.sha256, name)


def _lineage(columns: Mapping[str, list[list[str]]]) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        deps_by_column={
            column: [
                dg.TableColumnDep(asset_key=dg.AssetKey.from_user_string(asset), column_name=name)
                for asset, name in deps
            ]
            for column, deps in columns.items()
        }
    )


def _dbt_resource() -> DbtCliResource:
    return DbtCliResource(
        project_dir=str(dbt_project.PROJECT),
        profiles_dir=str(dbt_project.PROJECT),
        # The program of this environment, whatever PATH says.
        dbt_executable=str(Path(sys.executable).with_name("dbt")),
    )


RESOURCES = {"dbt": _dbt_resource()}
ASSETS = [normalise]
