"""Gates as blocking asset checks, and the page of their results.

Belongs: one check per gate of `expectations.SUITES`, proof of its result, quality/data_docs.
Does not belong: rules (expectations/), what a release demands (medreason/releases/gates.py).
Rule: a result is proven per table hash and suite hash; a check that finds the proof imports no Great Expectations.
"""

from typing import Any

import dagster as dg

from assets.base import versions
from assets.base.io import References
from assets.base.settings import BuildSettings
from assets.base.work import OWNERS, Work, versioned_output
from expectations import SUITES, run_gate
from expectations.result import GateOutcome
from medreason.base.canonical import sha256_bytes
from medreason.base.store import TableRef, write_table
from medreason.base.tables.chains import CHAINS
from medreason.base.tables.grounding import LINKS, PATHS
from medreason.base.tables.questions import QUESTIONS
from medreason.base.tables.registry import Table, folder_table
from medreason.base.tables.releases import RELEASE_CANDIDATE, RELEASE_ROWS

VERSION = versions.code_version(*versions.BASE, "expectations", "medreason/pages")
DATA_DOCS = folder_table("data_docs", "The page over all gates")

GATED: dict[str, tuple[dg.AssetKey, Table]] = {
    "questions": (dg.AssetKey(["curation", "questions"]), QUESTIONS),
    "links": (dg.AssetKey(["grounding", "links"]), LINKS),
    "paths": (dg.AssetKey(["grounding", "paths"]), PATHS),
    "chains": (dg.AssetKey(["chains", "chains"]), CHAINS),
    "release": (dg.AssetKey(["release", "candidate"]), RELEASE_ROWS),
}
"""Which asset each gate looks at, and its table."""


def gate_check(gate: str) -> dg.AssetChecksDefinition:
    """The blocking check of one gate."""
    asset, spec = GATED[gate]
    suite = SUITES[gate]

    @dg.asset_check(
        asset=asset,
        name=f"gate_{gate}",
        blocking=True,
        description=f"Great Expectations: {suite.meaning} {len(suite.rules)} rules, suite {suite.sha256[:12]}.",
    )
    def check(settings: BuildSettings, table: TableRef) -> dg.AssetCheckResult:
        proof = proven(settings, gate, spec, gated_ref(settings, gate, table))
        outcome = str(proof["outcome"])
        critical = outcome in ("failed", "error")
        return dg.AssetCheckResult(
            passed=outcome == "passed",
            severity=dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN,
            metadata=_shown(proof, suite.sha256),
        )

    return check


def gated_ref(settings: BuildSettings, gate: str, ref: TableRef) -> TableRef:
    """The table that a gate judges: the asset's own, or the rows of the release candidate."""
    if gate != "release":
        return ref
    from medreason.releases.candidate import part_refs

    work = Work(settings=settings, name="gate_release", code_version="")
    return part_refs(work.read(RELEASE_CANDIDATE, ref))["rows"]


def proven(settings: BuildSettings, gate: str, spec: Table, ref: TableRef) -> dict[str, Any]:
    """The stored result of a gate for this table, made now where there is none.

    A gate that broke down has proven nothing about the table: it is not kept, so that the next run judges anew.
    """
    from medreason.releases.gates import find_proof, prove
    from medreason.releases.values import NeededGate

    store, suite = settings.store(), SUITES[gate]
    if found := find_proof(store, NeededGate(gate=gate, suite_sha256=suite.sha256, ref=ref)):
        return dict(found.result)
    work = Work(settings=settings, name=f"gate_{gate}", code_version=suite.sha256)
    result = run_gate(gate, work.read(spec, ref)).as_json()
    if result["outcome"] != GateOutcome.ERROR:
        prove(store, gate, suite.sha256, ref, result)
    return result


def _shown(proof: dict[str, Any], suite_sha256: str) -> dict[str, Any]:
    not_met = [rule for rule in proof["rules"] if not rule["success"]]
    lines = [f"- {r['severity']}: {r['expectation']} on {r['column'] or 'the table'}: {r['n_failed']}" for r in not_met]
    return {
        "outcome": str(proof["outcome"]),
        "rules": len(proof["rules"]),
        "suite_sha256": suite_sha256,
        "not_met": dg.MetadataValue.md("\n".join(lines) or "all rules hold"),
        "failed_item_ids": sorted({item for rule in not_met for item in rule["failed_item_ids"]})[:20],
    }


@dg.asset(
    key=["quality", "data_docs"],
    group_name="quality",
    owners=OWNERS,
    kinds={"python", "html"},
    code_version=VERSION,
    deps=[asset for asset, _ in GATED.values()],
    description="One page over the results of all gates, self-contained; the gates' proofs lie under gates/.",
)
def data_docs(context: dg.AssetExecutionContext, settings: BuildSettings) -> dg.Output[TableRef]:
    """Draw the proven results of this build's tables."""
    from medreason.pages.gates import render_gates

    references = References(context.instance, settings)
    results = [
        proven(settings, gate, spec, gated_ref(settings, gate, references.get(asset, context.run_id)))
        for gate, (asset, spec) in GATED.items()
    ]
    dataset = settings.configuration().dataset
    page = render_gates(results, title=f"Gates of {dataset}").encode()
    digest = sha256_bytes(page)
    key = f"builds/{dataset}/quality/{digest}.html"
    settings.store().create(key, page)
    ref = write_table(
        settings.store(), DATA_DOCS, DATA_DOCS.from_rows([{"file_name": key, "sha256": digest, "n_bytes": len(page)}])
    )
    outcomes = {f"gate_{result['gate']}": str(result["outcome"]) for result in results}
    metadata = {"page": f"{settings.root_url()}/{key}", "dagster/row_count": len(results), **outcomes}
    return versioned_output(ref, metadata, ref.sha256)


ASSETS = [data_docs]
CHECKS = [gate_check(gate) for gate in GATED]
