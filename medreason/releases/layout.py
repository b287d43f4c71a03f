"""The files of a release, as bytes.

Belongs: which files a release has, what is in each, in what order they are written.
Does not belong: where the folder lies (folder.py), writing it (publish.py), the manifest's content (manifest.py).
Rule: bytes follow from the candidate and its gates alone; the manifest is the last file.

    data/train-00000.parquet, data/train-00000.jsonl   rows, in shards of SHARD_ROWS
    quarantine.parquet paths.parquet lineage.parquet outcomes.parquet chains.parquet verdicts.parquet coverage.parquet
    sources.json graph.json config.json prompts/<sha256>.txt checks/<gate>.json
    README.md report.html SHA256SUMS manifest.json
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from medreason.base.canonical import canonical_json, sha256_bytes
from medreason.base.store.tables import parquet_bytes
from medreason.pages.report import inputs_of, render
from medreason.releases.card import card
from medreason.releases.gates import proof_bytes
from medreason.releases.manifest import CHECKSUMS, MANIFEST, ReleaseFile, checksums, gate_path, manifest_value
from medreason.releases.values import Candidate, GateProof

SHARD_ROWS = 50_000
"""Rows per data file: a shard of ours is some hundred megabytes at most, which every reader can hold."""
ONE_FILE_TABLES = ("quarantine", "paths", "lineage", "outcomes", "chains", "verdicts", "coverage")


def release_files(candidate: Candidate, gates: Sequence[GateProof]) -> list[ReleaseFile]:
    """Every file in the order to write them: the manifest, which makes it a release, last.

    Raises: ValueError where two proofs are of one gate, since their files would have one name.
    """
    return sealed(candidate, gates, [*content_files(candidate, gates), *page_files(candidate, gates)])


def content_files(candidate: Candidate, gates: Sequence[GateProof]) -> list[ReleaseFile]:
    """Tables, facts and gate results: what a program reads."""
    return [*_data(candidate), *_tables(candidate), *_facts(candidate), *_checks(gates)]


def page_files(candidate: Candidate, gates: Sequence[GateProof]) -> list[ReleaseFile]:
    """Card and report: what a person reads."""
    report = render(inputs_of(candidate, [proof.result for proof in gates]))
    return [
        ReleaseFile(path="README.md", data=card(candidate, gates).encode("utf-8")),
        ReleaseFile(path="report.html", data=report.encode("utf-8")),
    ]


def sealed(candidate: Candidate, gates: Sequence[GateProof], files: Sequence[ReleaseFile]) -> list[ReleaseFile]:
    """The files, then the checksums and the manifest that lists them."""
    manifest = canonical_json(manifest_value(candidate, gates, files))
    sums = checksums((file.entry() for file in files), sha256_bytes(manifest))
    return [*files, ReleaseFile(path=CHECKSUMS, data=sums), ReleaseFile(path=MANIFEST, data=manifest)]


def _data(candidate: Candidate) -> Iterator[ReleaseFile]:
    rows = candidate.tables["rows"]
    for number, start in enumerate(range(0, rows.num_rows, SHARD_ROWS)):
        shard = rows.slice(start, SHARD_ROWS)
        name = f"data/train-{number:05d}"
        yield ReleaseFile(path=f"{name}.parquet", data=parquet_bytes(shard), table="rows", n_rows=shard.num_rows)
        yield ReleaseFile(path=f"{name}.jsonl", data=json_lines(shard), n_rows=shard.num_rows)


def json_lines(rows: pa.Table) -> bytes:
    """One JSON object per line, columns in the table's order."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.to_pylist()).encode("utf-8")


def _tables(candidate: Candidate) -> Iterator[ReleaseFile]:
    for name in ONE_FILE_TABLES:
        data = candidate.tables[name]
        yield ReleaseFile(path=f"{name}.parquet", data=parquet_bytes(data), table=name, n_rows=data.num_rows)


def _facts(candidate: Candidate) -> Iterator[ReleaseFile]:
    sources = candidate.tables["sources"]
    yield ReleaseFile(
        path="sources.json", data=_readable(sources.to_pylist()), table="sources", n_rows=sources.num_rows
    )
    yield ReleaseFile(path="graph.json", data=_readable(asdict(candidate.graph)))
    yield ReleaseFile(path="config.json", data=_readable(candidate.configuration))
    for digest, text in candidate.prompts.items():
        yield ReleaseFile(path=f"prompts/{digest}.txt", data=text.encode("utf-8"))


def _checks(gates: Sequence[GateProof]) -> list[ReleaseFile]:
    if len({proof.gate for proof in gates}) < len(gates):
        msg = f"two proofs of one gate: {sorted(proof.gate for proof in gates)}"
        raise ValueError(msg)
    return [ReleaseFile(path=gate_path(proof), data=proof_bytes(proof)) for proof in gates]


def _readable(value: Any) -> bytes:
    """JSON that people read: indented, keys in order, one newline at the end."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")
