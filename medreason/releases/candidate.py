"""A candidate in the store, between the stage that assembles it and the one that publishes it.

Belongs: storing the parts of a candidate, opening them again, the reference of its rows for the gate.
Does not belong: assembling (assemble.py), publishing (publish.py).
Rule: the table is the candidate: equal candidates are equal tables, and what is opened publishes the same release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from medreason.base.canonical import canonical_json, sha256_bytes
from medreason.base.errors import CorruptRelease
from medreason.base.store import Store, TableRef, read_table, write_table
from medreason.base.store.folders import object_key
from medreason.base.tables.releases import RELEASE_CANDIDATE
from medreason.releases.identity import RELEASED_TABLES
from medreason.releases.values import Candidate, CheckTally, Counts, Generator, GraphFacts

_FACTS = "facts"


def store_candidate(store: Store, candidate: Candidate) -> pa.Table:
    """Put every part into the store; gives table `release_candidate`, which names them."""
    refs = {name: write_table(store, RELEASED_TABLES[name], table) for name, table in candidate.tables.items()}
    facts = canonical_json(_facts(candidate))
    digest = sha256_bytes(facts)
    store.create(object_key(digest), facts)
    rows = [{"part": name, **ref.as_json()} for name, ref in refs.items()]
    return RELEASE_CANDIDATE.from_rows([*rows, {"part": _FACTS, "table": "", "sha256": digest, "n_rows": 0}])


def open_candidate(store: Store, stored: pa.Table) -> Candidate:
    """The candidate that a table of `store_candidate` names.

    Raises: CorruptRelease where a part does not hash to its name; BadInput where one is not there.
    """
    refs = part_refs(stored)
    tables = {name: read_table(store, spec, refs[name]) for name, spec in RELEASED_TABLES.items()}
    facts = _read_facts(store, stored)
    return Candidate(
        tables=tables,
        counts=Counts(**facts.pop("counts")),
        funnel={name: Counts(**counts) for name, counts in facts.pop("funnel").items()},
        generators=tuple(Generator(**generator) for generator in facts.pop("generators")),
        tallies=tuple(CheckTally(**tally) for tally in facts.pop("tallies")),
        graph=GraphFacts(**facts.pop("graph")),
        **facts,
    )


def part_refs(stored: pa.Table) -> dict[str, TableRef]:
    """References of the candidate's tables by name; `rows` is what the gate over released rows is proven for."""
    return {
        row["part"]: TableRef(table=row["table"], sha256=row["sha256"], n_rows=row["n_rows"])
        for row in stored.to_pylist()
        if row["part"] != _FACTS
    }


def _facts(candidate: Candidate) -> dict[str, Any]:
    return {
        "dataset": candidate.dataset,
        "release_id": candidate.release_id,
        "counts": candidate.counts.as_json(),
        "funnel": {name: counts.as_json() for name, counts in candidate.funnel.items()},
        "quarantine_reasons": dict(candidate.quarantine_reasons),
        "keep_rules": list(candidate.keep_rules),
        "generators": [asdict(generator) for generator in candidate.generators],
        "tallies": [tally._asdict() for tally in candidate.tallies],
        "graph": asdict(candidate.graph),
        "prompts": dict(candidate.prompts),
        "configuration": dict(candidate.configuration),
        "ungrounded": list(candidate.ungrounded),
    }


def _read_facts(store: Store, stored: pa.Table) -> dict[str, Any]:
    (row,) = (row for row in stored.to_pylist() if row["part"] == _FACTS)
    data = store.read(object_key(row["sha256"]))
    if sha256_bytes(data) != row["sha256"]:
        raise CorruptRelease(f"{object_key(row['sha256'])} does not hash to its name", where=store.url)
    facts: Mapping[str, Any] = json.loads(data)
    # Canonical JSON orders keys; reasons are told most first.
    reasons = sorted(facts["quarantine_reasons"].items(), key=lambda pair: (-pair[1], pair[0]))
    return {**facts, "quarantine_reasons": dict(reasons)}
