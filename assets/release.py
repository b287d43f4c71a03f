"""release/candidate and release/folder: what is released, and where it lies.

Belongs: gathering the inputs of a release, demanding the gates, publishing.
Does not belong: assembling, identity, files (medreason/releases); versions in the UI (assets/published.py).
Rule: publishing looks at stored gate results, not at Dagster's checks: a release is refused whatever run it is from.
"""

import datetime
import subprocess
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.base import versions
from assets.base.io import References
from assets.base.progress import OBSERVED
from assets.base.settings import BuildSettings
from assets.base.versions import CHECKOUT
from assets.base.work import OWNERS, Work, one_output, versioned_output
from assets.gates import GATED, gated_ref
from assets.published import FOLDER, GROUP, PUBLISHED, show_versions
from expectations import SUITES
from medreason.base.canonical import sha256_bytes
from medreason.base.store import Store, TableRef
from medreason.base.store.folders import open_folder
from medreason.base.tables.chains import CHAINS, VERDICTS
from medreason.base.tables.graph import ARRAYS
from medreason.base.tables.grounding import COVERAGE, LINKS, MENTIONS, OUTCOMES, PATHS
from medreason.base.tables.questions import QUARANTINE, QUESTIONS
from medreason.base.tables.raw import RAW_TABLES
from medreason.base.tables.registry import Table
from medreason.base.tables.releases import RELEASE_CANDIDATE

KEYS = CHECKOUT / "var" / "keys"
"""Beside the checkout's other state, never in the store."""
LEDGER_FILE, COST_FILE = "ledger.parquet", "cost.json"
VERSION = versions.code_version(*versions.RELEASE)
INPUTS: dict[str, tuple[list[str], Table]] = {
    "questions": (["questions", "canonical"], QUESTIONS),
    "quarantined": (["questions", "quarantined"], QUARANTINE),
    "curated": (["curation", "questions"], QUESTIONS),
    "mentions": (["grounding", "mentions"], MENTIONS),
    "links": (["grounding", "links"], LINKS),
    "paths": (["grounding", "paths"], PATHS),
    "outcomes": (["grounding", "outcomes"], OUTCOMES),
    "coverage": (["grounding", "coverage"], COVERAGE),
    "chains": (["chains", "chains"], CHAINS),
    "verdicts": (["verification", "verdicts"], VERDICTS),
    "arrays": (["graph", "csr"], ARRAYS),
    **{f"raw_{adapter}": (["raw", adapter], spec) for adapter, spec in RAW_TABLES.items()},
}


@dg.asset(
    key=[GROUP, "candidate"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "parquet"},
    code_version=VERSION,
    deps=[dg.AssetKey(key) for key, _ in INPUTS.values()],
    description="The release in parts: rows, lineage, paths, quarantine, chains, verdicts, sources; nothing is lost.",
)
def candidate(context: dg.AssetExecutionContext, settings: BuildSettings) -> dg.Output[TableRef]:
    """Put the release together; every raw record is released or quarantined."""
    from medreason.pages.preview import funnel_markdown

    references = References(context.instance, settings)
    refs = {name: references.get(dg.AssetKey(key), context.run_id) for name, (key, _) in INPUTS.items()}
    work = Work(settings=settings, name="release_candidate", code_version=VERSION)
    config = settings.configuration()
    graph_file = _graph_file_sha256(settings)
    outcome = work.tables(
        {"result": RELEASE_CANDIDATE},
        inputs={**refs, "graph_file": graph_file},
        given=config.deciding(),
        make=lambda: _assembled(settings, work, refs, graph_file),
    )
    shown = outcome.shown
    funnel = dg.MetadataValue.md(funnel_markdown(shown["counts"], shown["quarantine_reasons"]))
    return one_output(RELEASE_CANDIDATE, outcome, preview=funnel)


def _assembled(
    settings: BuildSettings, work: Work, refs: Mapping[str, TableRef], graph_file: str
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    from medreason.chains.tasks import TASKS
    from medreason.questions.curation import curate, quarantine_rows
    from medreason.releases.assemble import assemble
    from medreason.releases.candidate import store_candidate
    from medreason.releases.sources import source_files
    from medreason.releases.values import ReleaseInputs

    config = settings.configuration()
    tables = {name: work.read(spec, refs[name]) for name, (_, spec) in INPUTS.items()}
    raw = {adapter: tables[f"raw_{adapter}"] for adapter in RAW_TABLES}
    assembled = assemble(
        ReleaseInputs(
            dataset=config.dataset,
            raw=raw,
            questions=tables["questions"],
            quarantined=tables["quarantined"],
            curation_quarantined=quarantine_rows(tables["questions"], curate(tables["questions"])),
            mentions=tables["mentions"],
            links=tables["links"],
            paths=tables["paths"],
            outcomes=tables["outcomes"],
            chains=tables["chains"],
            verdicts=tables["verdicts"],
            verification=config.verification,
            sources=source_files(config.sources, raw),
            graph=_graph_facts(settings, tables["arrays"], graph_file),
            templates={task.template_sha256: task.template.text for task in TASKS.values()},
            configuration=config.deciding(),
            coverage=tables["coverage"],
        )
    )
    shown = {
        "release_id": assembled.release_id,
        "counts": assembled.counts.as_json(),
        "quarantine_reasons": dict(assembled.quarantine_reasons),
    }
    return {"result": store_candidate(settings.store(), assembled)}, shown


def _graph_file_sha256(settings: BuildSettings) -> str:
    from medreason.questions.sources.fetch import file_sha256

    return file_sha256(settings.configuration().graph.url)


def _graph_facts(settings: BuildSettings, arrays: pa.Table, file_sha256: str) -> Any:
    from medreason.graph.knowledge.graph import KnowledgeGraph
    from medreason.releases.values import GraphFacts

    config = settings.configuration().graph
    graph = KnowledgeGraph.open(open_folder(settings.store(), arrays, settings.scratch() / "graphs"))
    return GraphFacts(
        layout=config.layout,
        file_name=config.url.rsplit("/", 1)[-1],
        file_sha256=file_sha256,
        graph_sha256=graph.sha256,
        n_nodes=graph.n_nodes,
        n_edges=graph.n_edges,
    )


@dg.asset(
    key=FOLDER,
    group_name=GROUP,
    owners=OWNERS,
    kinds={"python", "s3"},
    code_version=VERSION,
    ins={"assembled": dg.AssetIn(key=[GROUP, "candidate"])},
    deps=[asset for gate, (asset, _) in GATED.items() if gate != "release"],
    description="The release under its id, signed, verified where it lies, named by a version; published here, once.",
)
def folder(context: dg.AssetExecutionContext, settings: BuildSettings, assembled: TableRef) -> dg.Output[TableRef]:
    """Demand every gate, publish, verify; then every version under the root is a partition of release/published."""
    from medreason.releases.candidate import open_candidate
    from medreason.releases.gates import require_gates
    from medreason.releases.publish import publish
    from medreason.releases.signing import signing_key
    from medreason.releases.values import NeededGate

    store = settings.store()
    references = References(context.instance, settings)
    work = Work(settings=settings, name="release_folder", code_version=VERSION)
    needed = [
        NeededGate(
            gate=gate,
            suite_sha256=SUITES[gate].sha256,
            ref=gated_ref(settings, gate, references.get(asset, context.run_id)),
        )
        for gate, (asset, _) in GATED.items()
    ]
    proofs = require_gates(store, needed)
    opened = open_candidate(store, work.read(RELEASE_CANDIDATE, assembled))
    done = publish(store, opened, gates=proofs, build=_build(context, store), key=signing_key(KEYS))
    show_versions(context, store, done)
    metadata = {
        "dagster/row_count": done.counts.released,
        "release_id": done.release_id,
        "version": done.version,
        "url": done.url,
        "is_new": done.is_new,
        "report": dg.MetadataValue.json(_report(done, opened)),
    }
    return versioned_output(assembled, metadata, done.release_id)


def _report(done: Any, opened: Any) -> dict[str, Any]:
    """What the terminal says of a release; the two ids give the reader something to ask about."""
    return {
        "dataset": done.dataset,
        "release": done.url,
        "report": f"{done.url}/report.html",
        "release_id": done.release_id,
        "version": done.version,
        "is_new": done.is_new,
        "counts": done.counts.as_json(),
        "quarantine_reasons": dict(done.quarantine_reasons),
        "checks": [tally._asdict() for tally in opened.tallies],
        "sample_item_id": _first_item(opened.tables["rows"]),
        "sample_quarantined_item_id": _first_item(opened.tables["quarantine"]),
    }


def _first_item(table: pa.Table) -> str:
    return str(table.column("item_id")[0].as_py()) if table.num_rows else ""


def _ledger_files(context: dg.AssetExecutionContext, store: Store) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """The ledger of every request behind this release, and its sums by run, task and price table."""
    from medreason.base.canonical import canonical_json
    from medreason.base.store.tables import parquet_bytes
    from medreason.chains.generation.ledger import costs, gathered

    now: list[str] = []
    before: list[str] = []
    made = context.instance.get_records_for_run(
        context.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    for record in made:
        step = record.asset_materialization
        if step is not None and step.asset_key in OBSERVED.values():
            kept: Any = step.metadata["ledgers"].value if "ledgers" in step.metadata else {"now": [], "before": []}
            # A step that was reused says what its own run asked, which is not this one.
            (before if step.metadata["reused"].value else now).extend(kept["now"])
            before.extend(kept["before"])
    rows = gathered(store, now=now, before=before)
    sums = costs(rows)
    return {LEDGER_FILE: parquet_bytes(rows), COST_FILE: canonical_json(sums)}, sums


def _build(context: dg.AssetExecutionContext, store: Store) -> Any:
    from medreason import __version__
    from medreason.releases.values import Build

    run = context.instance.get_run_record_by_id(context.run_id)
    now = datetime.datetime.now(tz=datetime.UTC)
    started = run.create_timestamp if run else now
    files, requests = _ledger_files(context, store)
    return Build(
        run_id=context.run_id,
        started_at=_rfc3339(started),
        finished_at=_rfc3339(now),
        code={
            "version": __version__,
            "commit": _git("rev-parse", "HEAD"),
            "is_dirty": str(bool(_git("status", "--porcelain"))).lower(),
            "pins_sha256": sha256_bytes((CHECKOUT / "requirements" / "constraints.txt").read_bytes()),
        },
        facts={"job": context.run.job_name, "requests": requests},
        files=files,
    )


def _rfc3339(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(*arguments: str) -> str:
    """Output of git in the checkout; empty where this is no git checkout."""
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


ASSETS = [candidate, folder, PUBLISHED]
