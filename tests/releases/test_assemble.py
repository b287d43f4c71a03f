"""A release is put together without losing a record, and its id follows from its content.

Belongs: fates of records, released rows, conservation, the id.
Does not belong: files and stores (test_publish.py, test_verify.py).
"""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.errors import CorruptRelease, Incomplete
from medreason.chains.verification.policy import VerificationSettings
from medreason.releases.assemble import assemble
from medreason.releases.counts import RecordId, balance_faults
from medreason.releases.release_config import released_configuration
from medreason.releases.values import ReleaseInputs
from tests.releases import world

ENDS = {
    "raw": ("raw", "malformed_record"),
    "normalisation": ("normalisation", "gold_missing"),
    "curation": ("curation", "contaminated"),
    "unlinked": ("grounding", "no_question_entity"),
    "unpathed": ("grounding", "no_path"),
    "generation": ("generation", "cannot_write"),
    "verification": ("verification", "unsupported_step"),
    "seeded_fault": ("release", "release_rule"),
    "benchmark_fault": ("raw", "malformed_record"),
}


@pytest.mark.parametrize(("fate", "end"), ENDS.items(), ids=ENDS)
def test_a_record_ends_where_it_left(fate: str, end: tuple[str, str]) -> None:
    made = world.candidate(["released", fate])
    quarantine = {row["item_id"]: (row["stage"], row["reason"]) for row in made.tables["quarantine"].to_pylist()}
    assert quarantine == {world.origin(1, fate)["item_id"]: end}


@pytest.mark.parametrize(("fate", "sample_no"), [("released", 0), ("second_sample", 1)])
def test_the_best_chain_is_released(fate: str, sample_no: int) -> None:
    made = world.candidate([fate])
    (row,) = made.tables["rows"].to_pylist()
    (lineage,) = made.tables["lineage"].to_pylist()
    assert (row["sample_no"], lineage["sample_no"]) == (sample_no, sample_no)
    assert row["reasoning"] == f"Chain 0.{sample_no}: fever, gout."


def test_the_funnel_counts_every_stage() -> None:
    made = world.candidate()
    wanted = {"raw": 10, "benchmark": 2, "normalised": 8, "curated": 7, "linked": 6, "pathed": 5, "generated": 4}
    assert made.counts.as_json() == wanted | {"verified": 3, "released": 2, "quarantined": 8}
    assert made.funnel["medqa"].raw == 10
    assert made.funnel["medqa_test"].benchmark == 2
    assert sum(made.quarantine_reasons.values()) == made.counts.quarantined


def test_rows_begin_with_the_columns_of_medreason() -> None:
    rows = world.candidate(["released", "released"]).tables["rows"]
    assert rows.column_names[:6] == ["dataset_name", "id_in_dataset", "question", "options", "answer", "reasoning"]
    questions = {row["id_in_dataset"]: row["question"] for row in rows.to_pylist()}
    assert questions == {
        "r0": "Which disease fits number 0?",
        "r1": "A made-up note.\nSecond line.\n\nWhich disease fits number 1?",
    }
    assert set(rows.column("options").to_pylist()) == {"A. Gout\nB. Scurvy"}


def test_the_gold_rationale_stays_out() -> None:
    made = world.candidate()
    assert not [name for name, table in made.tables.items() if "NEVER RELEASED" in str(table.to_pylist())]


LABELS = {
    "rules prove a path, not an answer": ("rule", "both", "graph-consistent"),
    "steps alone": ("openai", "step_support", "step-supported"),
    "answer alone": ("vllm", "re_answer", "re-answered"),
    "both checks": ("vllm", "both", "verified"),
    "models must pass both by default": ("openai", None, "verified"),
}


@pytest.mark.parametrize(("engine", "keep", "label"), LABELS.values(), ids=LABELS)
def test_a_label_claims_no_more_than_was_checked(engine: str, keep: str | None, label: str) -> None:
    given_ = world.inputs(["released"])
    chains = _replaced(given_.chains, "engine_kind", engine)
    settings = VerificationSettings.model_validate({"keep": keep})
    made = assemble(dataclasses.replace(given_, chains=chains, verification=settings))
    assert made.tables["rows"].column("label").to_pylist() == [label]


def _replaced(table: pa.Table, column: str, value: object) -> pa.Table:
    place = table.schema.get_field_index(column)
    values = pa.array([value] * table.num_rows, table.schema.field(place).type)
    return table.set_column(place, table.schema.field(place), values)


@pytest.mark.parametrize("table", ["outcomes", "chains", "verdicts"])
def test_nothing_is_released_while_something_waits(table: str) -> None:
    given_ = world.inputs(["released", "released"])
    waiting = getattr(given_, table).slice(0, 1)
    mixed = pa.concat_tables([_replaced(waiting, "outcome", "deferred"), getattr(given_, table).slice(1)])
    with pytest.raises(Incomplete, match="deferred: 1"):
        assemble(dataclasses.replace(given_, **{table: mixed}))


# ---------------------------------------------------------------- conservation


@given(fates=st.lists(st.sampled_from(world.FATES), min_size=1, max_size=12))
def test_every_training_record_is_released_or_quarantined(fates: list[str]) -> None:
    made = world.candidate(fates)
    n_train = sum(world.role(fate) == "train" for fate in fates)
    assert made.counts.raw == n_train == made.counts.released + made.counts.quarantined
    assert made.counts.benchmark == len(fates) - n_train
    funnel = list(made.counts.as_json().values())
    assert funnel[2:9] == sorted(funnel[2:9], reverse=True), "no stage has more than the one before it"


LOST = {
    "raw": ("raw", "quarantined", "neither released nor quarantined"),
    "curation": ("curation", "curation_quarantined", "neither released nor quarantined"),
    "unpathed": ("unpathed", "outcomes", "neither released nor quarantined"),
    "released": ("released", "chains", "neither released nor quarantined"),
}


@pytest.mark.parametrize(("fate", "table", "kind"), LOST.values(), ids=LOST)
def test_a_lost_record_is_named(fate: str, table: str, kind: str) -> None:
    given_ = world.inputs(["released", fate])
    lost = world.origin(1, fate)["item_id"]
    data = getattr(given_, table)
    kept = data.filter(pa.array([item != lost for item in data.column("item_id").to_pylist()]))
    with pytest.raises(CorruptRelease, match=f"1 training records are {kind}: {lost} at line:2"):
        assemble(dataclasses.replace(given_, **{table: kept}))


A, B = RecordId("a", "f", "line:1"), RecordId("b", "f", "line:2")
BALANCES = {
    "even": ([A, B], [B, A], []),
    "the same record twice in the file": ([A, A], [A, A], []),
    "lost": ([A, B], [A], ["1 training records are neither released nor quarantined: b at line:2"]),
    "doubled": ([A], [A, A], ["1 training records are accounted for more than once: a at line:1"]),
    "unknown": ([A], [A, B], ["1 training records are accounted for but not among the raw records: b at line:2"]),
}


@pytest.mark.parametrize(("raw", "accounted", "faults"), BALANCES.values(), ids=BALANCES)
def test_records_balance(raw: list[RecordId], accounted: list[RecordId], faults: list[str]) -> None:
    assert balance_faults(raw, accounted) == faults


# ---------------------------------------------------------------- the id


def _shuffled(given_: ReleaseInputs, seed: int) -> ReleaseInputs:
    dice = random.Random(seed)

    def mixed(table: pa.Table) -> pa.Table:
        return table.take(pa.array(dice.sample(range(table.num_rows), table.num_rows), pa.int64()))

    tables = {
        f.name: mixed(v) for f in dataclasses.fields(given_) if isinstance(v := getattr(given_, f.name), pa.Table)
    }
    return dataclasses.replace(given_, **tables, raw={name: mixed(table) for name, table in given_.raw.items()})


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    given_ = world.inputs(world.FATES * 2)
    one, other = assemble(given_), assemble(_shuffled(given_, seed))
    assert one.release_id == other.release_id
    assert all(one.tables[name].equals(other.tables[name]) for name in one.tables)


CHANGES = {
    "graph": {"graph": dataclasses.replace(world.inputs([]).graph, graph_sha256="0" * 64)},
    "prompt": {"templates": {world.TEMPLATE_SHA256: world.TEMPLATE, "0" * 64: "another"}},
    "configuration": {"configuration": {"dataset": "made-up", "engine": {"model": "another"}}},
    "one more record": {"fates": [*world.FATES, "raw"]},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_id_changes_with_the_content(change: dict[str, object]) -> None:
    assert world.candidate(**change).release_id != world.candidate().release_id  # type: ignore[arg-type]


SAME = {
    "compute": {"compute": {"kind": "ray", "workers": 2}},
    "endpoint": {"engine": {"kind": "replay", "base_urls": ["http://127.0.0.1:1/v1"], "concurrency": 7}},
    "evaluation": {"evaluation": {"n": 3}},
    "kernel": {"grounding": {"paths": {"kernel": "plain"}}},
}


@pytest.mark.parametrize("part", SAME.values(), ids=SAME)
def test_the_id_does_not_depend_on_where_work_runs(part: dict[str, object]) -> None:
    configuration = {"dataset": "made-up", "engine": {"kind": "rule"}, "grounding": {"paths": {}}}
    here, there = (world.candidate(configuration=configuration | add) for add in ({}, part))
    assert here.release_id == there.release_id


def test_a_released_configuration_holds_no_path() -> None:
    given_ = {
        "dataset": "d",
        "sources": [{"adapter": "medqa", "url": "/data/medqa/dev.jsonl", "split": "dev"}],
        "graph": {
            "url": "s3://bucket/kg.csv.gz",
            "synonyms": [{"url": "hf://a/b/c.obo", "references": "/x/mondo.csv"}],
        },
    }
    assert released_configuration(given_) == {
        "dataset": "d",
        "sources": [{"adapter": "medqa", "url": "dev.jsonl", "split": "dev"}],
        "graph": {"url": "kg.csv.gz", "synonyms": [{"url": "c.obo", "references": "mondo.csv"}]},
    }


def test_one_and_one_point_zero_are_one_configuration() -> None:
    one, other = ({"engine": {"sampling": {"temperature": value}}} for value in (1, 1.0))
    assert str(released_configuration(one)) == str(released_configuration(other))


_PRINT_ID = "from tests.releases import world; print(world.candidate().release_id)"
MACHINES = {
    "one": {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    "other": {"PYTHONHASHSEED": "4711", "TZ": "America/Caracas", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("environment", MACHINES.values(), ids=MACHINES)
def test_the_id_is_the_same_on_any_machine(environment: dict[str, str], repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PRINT_ID]
    everything = os.environ | environment | {"PYTHONPATH": str(repository)}
    done = subprocess.run(command, env=everything, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == world.candidate().release_id


def test_questions_without_a_path_are_kept_for_the_report_without_their_rationale() -> None:
    shown = world.candidate().ungrounded
    assert {(one["question"]["item_id"], one["outcome"]["reason"]) for one in shown} == {
        (world.origin(5, "unlinked")["item_id"], "no_question_entity"),
        (world.origin(6, "unpathed")["item_id"], "no_path"),
    }
    assert "NEVER RELEASED" not in str(shown)
    closed = [dataclasses.replace(source, is_redistributable=False) for source in world.inputs().sources]
    assert world.candidate(sources=closed).ungrounded == []
