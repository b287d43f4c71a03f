"""What a release took lies with its build, request by request, and not in the release.

Belongs: ledger and sums in the build folder, their hashes in the signed record.
Does not belong: how a ledger is kept (tests/chains/test_requests.py), signatures (tests/releases).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from medreason.base.canonical import sha256_bytes
from tests.end_to_end.world import Build

_FILES = ("ledger.parquet", "cost.json")


def _folder(sample: Build) -> Path:
    (folder,) = (Path(sample.place.root) / "builds" / sample.report["dataset"] / sample.report["release_id"]).iterdir()
    return folder


def test_every_request_of_the_run_has_its_row(sample: Build) -> None:
    rows = pq.ParquetFile(_folder(sample) / "ledger.parquet").read().to_pylist()
    asked = sample.report["llm"]

    assert len(rows) == asked["n_requests"]
    assert sum(row["is_cached"] for row in rows) == asked["n_cached"]
    assert sum(row["n_attempts"] for row in rows) == asked["n_attempts"]
    assert all(row["is_of_this_run"] for row in rows)
    assert {"latency_ms", "prompt_tokens", "completion_tokens", "cost_nano_usd", "price_table"} <= set(rows[0])


def test_the_sums_are_those_of_the_rows(sample: Build) -> None:
    rows = pq.ParquetFile(_folder(sample) / "ledger.parquet").read().to_pylist()
    sums = json.loads((_folder(sample) / "cost.json").read_text())

    assert {one["task"]: one["n_requests"] for one in sums} == Counter(row["task"] for row in rows)
    assert sum(one["completion_tokens"] for one in sums) == sum(row["completion_tokens"] for row in rows)


def test_the_record_holds_their_hashes_and_the_release_holds_neither(sample: Build) -> None:
    record = json.loads((_folder(sample) / "build.json").read_text())
    digests = {one["name"]: one["digest"]["sha256"] for one in record["predicate"]["runDetails"]["byproducts"][1:]}

    assert digests == {name: sha256_bytes((_folder(sample) / name).read_bytes()) for name in _FILES}
    assert not [path for path in sample.release().rglob("*") if path.name in _FILES]
