"""The sample through the command line: what a build says, what it leaves behind, and what can be asked of it.

Belongs: `build`, `verify` and `audit` on the shared build; what stands in the Dagster instance; what no file may hold.
Does not belong: a second run (test_second_run.py), other surroundings (test_same_release.py).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from medreason.configuration import load_configuration
from tests.end_to_end.world import CANARY, SAMPLE, Build, files_under, medreason

STAGES = {"raw", "normalise", "curate", "graph", "ground", "chains", "verification", "release", "all"}
HEX64 = 64
pytestmark = pytest.mark.slow


def test_build_says_what_it_made(sample: Build) -> None:
    report = sample.report

    assert report["dataset"] == "medreason-sample"
    assert len(report["release_id"]) == HEX64
    assert report["release"] == str(Path(sample.place.root) / "releases" / "medreason-sample" / report["release_id"])
    assert report["is_new"] is True
    assert report["reused"] is False
    assert set(report["seconds"]) >= STAGES
    assert all(seconds >= 0 for seconds in report["seconds"].values())


def test_build_counts_what_it_asked(sample: Build) -> None:
    asked = sample.report["llm"]

    assert asked["n_requests"] == asked["n_cached"] + asked["n_attempts"]
    assert asked["n_attempts"] > 100
    assert asked["n_deferred"] == asked["cost_usd"] == 0


def test_counts_conserve(sample: Build) -> None:
    counts, reasons = sample.report["counts"], sample.report["quarantine_reasons"]

    assert counts["raw"] == counts["released"] + counts["quarantined"]
    assert counts["quarantined"] == sum(reasons.values())
    funnel = [counts[stage] for stage in ("raw", "normalised", "curated", "linked", "pathed", "generated", "verified")]
    assert funnel == sorted(funnel, reverse=True)
    assert counts["benchmark"] > 0


def test_funnel_is_that_of_a_sample_with_planted_faults(sample: Build) -> None:
    counts, reasons = sample.report["counts"], sample.report["quarantine_reasons"]

    assert counts["raw"] > 150
    assert counts["released"] > 100
    planted = {
        *("malformed_record", "wrong_type", "lone_surrogate", "text_too_long", "empty_options", "duplicate_question"),
        *("gold_not_among_options", "contaminated", "patient_identifier", "prompt_injection", "no_answer_entity"),
        *("no_path", "language_not_supported"),
    }
    assert planted <= set(reasons)


def test_a_program_reads_one_object_and_nothing_else(sample: Build) -> None:
    (line,) = sample.finished.stdout.splitlines()
    assert json.loads(line)["release_id"]


# ---------------------------------------------------------------- what a stranger can ask


@pytest.mark.parametrize("depth", [[], ["--deep"]], ids=["files", "rows"])
def test_release_verifies(sample: Build, depth: list[str]) -> None:
    done = medreason("verify", sample.report["release"], *depth, "--json", place=sample.place)

    assert done.exit_code == 0, done.stderr
    assert done.report()["release_id"] == sample.report["release_id"]
    assert done.report()["counts"] == sample.report["counts"]


def test_a_copied_release_verifies_and_a_changed_one_does_not(sample: Build, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(sample.report["release"], copy)
    assert medreason("verify", str(copy), place=sample.place).exit_code == 0

    victim = max(copy.rglob("*.parquet"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))

    done = medreason("verify", str(copy), "--json", place=sample.place)
    assert done.exit_code == 10
    assert done.report()["error"] == "corrupt"
    assert victim.name in done.stderr


def _rows(sample: Build) -> list[dict[str, object]]:
    (file,) = (sample.release() / "data").glob("*.jsonl")
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def test_released_rows_have_the_columns_of_medreason_first(sample: Build) -> None:
    rows = _rows(sample)

    assert len(rows) == sample.report["counts"]["released"]
    first = ["dataset_name", "id_in_dataset", "question", "options", "answer", "reasoning"]
    assert all(list(row)[:6] == first for row in rows)
    assert all(row["reasoning"] and row["question"] and row["answer"] for row in rows)


def test_audit_tells_where_a_row_came_from(sample: Build) -> None:
    item = str(_rows(sample)[0]["item_id"])

    done = medreason("audit", "row", item, "--json", place=sample.place)

    assert done.exit_code == 0, done.stderr
    told = json.dumps(done.report())
    assert item in told
    assert sample.report["release_id"] in told
    assert '"raw_locator"' in told
    assert '"edge_id' in told


def test_audit_tells_why_a_record_is_not_there(sample: Build) -> None:
    listed = medreason("audit", "quarantine", "--reason", "no_path", "--json", place=sample.place)
    assert listed.exit_code == 0, listed.stderr
    text = json.dumps(listed.report())
    item = text.split('"item_id": "')[1].split('"')[0]

    done = medreason("audit", "why-not", item, "--json", place=sample.place)

    assert done.exit_code == 0, done.stderr
    assert "no_path" in json.dumps(done.report())


# ---------------------------------------------------------------- what stands in the instance


def test_build_of_the_terminal_stands_in_the_instance_of_the_ui(sample: Build) -> None:
    with dg.DagsterInstance.from_config(str(sample.place.home)) as instance:
        (run,) = instance.get_runs()
        assert (run.job_name, run.status) == ("build", dg.DagsterRunStatus.SUCCESS)
        published = instance.get_latest_materialization_event(dg.AssetKey(["release", "published"]))

    assert published is not None
    assert published.asset_materialization is not None
    assert published.asset_materialization.metadata["release_id"].value == sample.report["release_id"]
    assert published.asset_materialization.partition == f"medreason-sample/{sample.report['version']}"


def _shown(sample: Build, *key: str) -> Any:
    with dg.DagsterInstance.from_config(str(sample.place.home)) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(list(key)))
    assert event is not None
    assert event.asset_materialization is not None
    return event.asset_materialization.metadata


def test_models_show_rows_and_columns_and_where_these_come_from(sample: Build) -> None:
    canonical, staged = _shown(sample, "questions", "canonical"), _shown(sample, "staging", "stg_medqa")

    assert canonical["dagster/row_count"].value > 100
    assert "stem" in {column.name for column in canonical["dagster/column_schema"].value.columns}
    above = canonical["dagster/column_lineage"].value.deps_by_column
    assert dg.TableColumnDep(asset_key=dg.AssetKey(["staging", "stg_medqa"]), column_name="stem") in above["stem"]
    assert all(above.values()), "every column of a question is computed from a source's"
    below = staged["dagster/column_lineage"].value.deps_by_column
    assert below["stem"] == [dg.TableColumnDep(asset_key=dg.AssetKey(["raw", "medqa"]), column_name="question")]


def test_every_check_of_the_run_passed(sample: Build) -> None:
    with dg.DagsterInstance.from_config(str(sample.place.home)) as instance:
        (run,) = instance.get_runs()
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    checks = [record.event_log_entry.asset_check_evaluation for record in records]

    assert {check.check_name for check in checks if check} >= {f"gate_{name}" for name in ("questions", "release")}
    assert len(checks) > 20
    assert [check.check_name for check in checks if check and not check.passed] == []


# ---------------------------------------------------------------- what no file may hold


def _written(sample: Build) -> list[Path]:
    found = files_under(Path(sample.place.root), sample.place.home, sample.place.scratch)
    assert len(found) > 100
    return found


def test_nothing_is_pickled(sample: Build) -> None:
    # A pickle of protocol 2 or later opens with 0x80 and the protocol's number.
    openings = {bytes([0x80, protocol]) for protocol in range(2, 6)}

    assert [path for path in _written(sample) if path.suffix in {".pkl", ".pickle", ".joblib"}] == []
    assert [path for path in _written(sample) if path.read_bytes()[:2] in openings] == []


def test_no_secret_of_the_environment_is_written(sample: Build) -> None:
    canary = CANARY.encode()

    assert [path for path in _written(sample) if canary in path.read_bytes()] == []
    assert CANARY not in sample.finished.stdout + sample.finished.stderr


def test_release_names_no_folder_of_this_machine(sample: Build) -> None:
    folders = {sample.place.root, str(sample.place.home), str(SAMPLE.parent.parent)}
    texts = {path: path.read_bytes() for path in files_under(sample.release())}

    assert [path for path, text in texts.items() if any(folder.encode() in text for folder in folders)] == []


def test_every_source_of_the_configuration_is_in_the_release(sample: Build) -> None:
    manifest = json.loads((sample.release() / "manifest.json").read_text())

    configured = {entry.adapter for entry in load_configuration(SAMPLE).sources}
    assert {source["source"] for source in manifest["sources"]} == configured
