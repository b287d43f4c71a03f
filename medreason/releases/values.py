"""What goes into a release and what comes out: the values that assembling, publishing and verifying hand on.

Belongs: frozen values with their canonical JSON.
Does not belong: how they are made (assemble.py), files (layout.py), the store (publish.py).
Rule: nothing here holds a time, host, path, commit or library version, but `Build`, which never enters a release.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from medreason.base.store import TableRef
from medreason.base.tables.grounding import COVERAGE

if TYPE_CHECKING:
    from medreason.chains.verification.policy import VerificationSettings

NOT_APPLICABLE = "not_applicable"
CHECKS = ("step_support", "re_answer")
CHECKS_OF: dict[str, tuple[str, ...]] = {
    "step_support": ("step_support",),
    "re_answer": ("re_answer",),
    "both": CHECKS,
}
"""What a row had to pass, by its keep rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One configured source: an element of `sources:` with what the registry says of its adapter."""

    entry_no: int
    """Position in the configuration, as in the raw tables."""
    source: str
    dataset_name: str
    file_name: str
    """Last part of the file's address; the address itself is of one machine."""
    file_sha256: str
    layout: str
    split: str
    role: str
    role_conflict: str = ""
    n_records: int
    licence_spdx: str
    licence_url: str
    is_redistributable: bool
    egress: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFacts:
    """The graph that links, paths and edges are of."""

    layout: str
    file_name: str
    file_sha256: str
    graph_sha256: str
    """Hash of arrays and relation registry (`KnowledgeGraph.sha256`)."""
    n_nodes: int
    n_edges: int


class CheckTally(NamedTuple):
    """How often one check passed, with its own findings and with another question's (the control)."""

    check: str
    n: int
    n_passed: int
    n_control: int
    n_control_passed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInputs:
    """Everything that a release follows from, as Arrow tables in the registry's form and plain JSON."""

    dataset: str
    raw: Mapping[str, pa.Table]
    """Raw tables by adapter; only the columns of their provenance are read."""
    questions: pa.Table
    """All canonical questions, `train` and `benchmark`."""
    quarantined: pa.Table
    """Records that left before curation (stages raw and normalisation), as dbt wrote them."""
    curation_quarantined: pa.Table
    """Records that left in curation (`questions.curation.quarantine_rows`)."""
    mentions: pa.Table
    links: pa.Table
    paths: pa.Table
    outcomes: pa.Table
    chains: pa.Table
    verdicts: pa.Table
    verification: VerificationSettings
    """The keep rule; by default it follows from each chain's engine."""
    sources: Sequence[SourceFile]
    graph: GraphFacts
    templates: Mapping[str, str]
    """Text of every template that a task of this build used, by its hash."""
    configuration: Mapping[str, Any]
    """The whole configuration as JSON; what is of one machine or does not decide rows is cut out here."""
    coverage: pa.Table = field(default_factory=COVERAGE.empty)
    """What the questions reach of the graph; empty where nobody counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The funnel, in raw records of training sources; `benchmark` counts the records of benchmark sources."""

    raw: int
    benchmark: int
    normalised: int
    curated: int
    linked: int
    pathed: int
    generated: int
    verified: int
    released: int
    quarantined: int

    def as_json(self) -> dict[str, int]:
        """In the order of the flow."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """Who wrote how many of the released rows."""

    engine_kind: str
    model_id: str
    model_revision: str
    n_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A release in memory: its quarantine is complete and conservation is proven; only the gates are missing."""

    dataset: str
    release_id: str
    """64 hex over row hashes of all tables, schemas, sources, graph, prompts and configuration."""
    tables: Mapping[str, pa.Table]
    """By name in the release: rows, lineage, paths, quarantine, outcomes, chains, verdicts, coverage, sources."""
    counts: Counts
    funnel: Mapping[str, Counts]
    """The same per `dataset_name`."""
    quarantine_reasons: Mapping[str, int]
    """Training records by reason, most first."""
    keep_rules: Sequence[str]
    """Keep rules of the rows, ascending; one but where engines are mixed."""
    generators: Sequence[Generator]
    tallies: Sequence[CheckTally]
    graph: GraphFacts
    prompts: Mapping[str, str]
    configuration: Mapping[str, Any]
    """What decides rows, without what is of one machine."""
    ungrounded: Sequence[Mapping[str, Any]] = ()
    """Some questions that have no path, for the report: what was found in each, and why it has none. JSON values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededGate:
    """A gate that a release demands, for the table that it demands it for."""

    gate: str
    suite_sha256: str
    ref: TableRef


@dataclass(frozen=True, slots=True, kw_only=True)
class GateProof:
    """A stored gate result. `result` is what the gate's runner gave (`GateResult.as_json()`)."""

    gate: str
    suite_sha256: str
    table: str
    table_sha256: str
    outcome: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Facts of one run, for the build record beside the release. All strings and JSON; times in UTC, RFC 3339."""

    run_id: str
    started_at: str
    finished_at: str
    code: Mapping[str, str]
    """Version, commit, lock file hash: what the caller knows."""
    facts: Mapping[str, Any]
    """Seconds by stage, requests, cost: JSON values."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What else the run leaves beside its record, by name: the record holds their hashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where a release lies. `is_new` is False where it was there and verified."""

    dataset: str
    release_id: str
    version: str
    build_id: str
    url: str
    """The release folder."""
    manifest_sha256: str
    is_new: bool
    counts: Counts
    quarantine_reasons: Mapping[str, int]
