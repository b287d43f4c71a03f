"""The graph of assets is the one that is committed, and every asset says what the platform promises of each.

Belongs: shape of the definitions: keys, deps, owners, kinds, groups, checks, jobs, schedules.
Does not belong: loading them elsewhere (test_loading.py), running them (tests/end_to_end).
"""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from medreason.base.tables.raw import RAW_TABLES
from tests.orchestration.snapshot import GOLDEN, RENEW, as_text, snapshot

Json = dict[str, Any]
GATED = {"curation/questions", "grounding/links", "grounding/paths", "chains/chains", "release/candidate"}


@pytest.fixture(scope="module")
def graph() -> Json:
    return snapshot()


def test_graph_is_the_committed_one(graph: Json) -> None:
    before, now = GOLDEN.read_text(encoding="utf-8"), as_text(graph)

    changes = difflib.unified_diff(before.splitlines(), now.splitlines(), "committed", "now", n=6, lineterm="")
    assert before == now, f"if this is meant, run `{RENEW}`:\n" + "\n".join(changes)


@pytest.mark.parametrize("promised", ["group", "owners", "kinds", "has_code_version", "description"])
def test_every_asset_has(graph: Json, promised: str) -> None:
    silent = [key for key, asset in graph["assets"].items() if not asset[promised]]
    assert not silent, f"give these assets their {promised}: {silent}"


def test_group_is_the_first_part_of_the_key(graph: Json) -> None:
    assert {key: asset["group"] for key, asset in graph["assets"].items()} == {
        key: key.split("/")[0] for key in graph["assets"]
    }


def test_every_adapter_is_an_asset_and_a_staging_model(graph: Json) -> None:
    for adapter in RAW_TABLES:
        assert graph["assets"][f"raw/{adapter}"]["deps"] == []
        assert graph["assets"][f"staging/stg_{adapter}"]["deps"] == [f"raw/{adapter}"]
        assert f"staging/stg_{adapter}" in graph["assets"]["questions/canonical"]["deps"]


def test_no_asset_hangs_in_the_air(graph: Json) -> None:
    assets = graph["assets"]
    unknown = {dep for asset in assets.values() for dep in asset["deps"]} - set(assets)
    assert not unknown, "an asset reads what nothing makes"

    used = {dep for asset in assets.values() for dep in asset["deps"]}
    # What nothing reads is for people or for checks; anything else here is a forgotten arrow.
    assert set(assets) - used <= {
        *("release/published", "quality/data_docs"),
        *("curation/duplicates", "curation/contamination", "curation/findings"),
    }


def test_every_gate_stops_what_lies_behind_it(graph: Json) -> None:
    gates = {name: check for name, check in graph["checks"].items() if ": gate_" in name}

    assert {name.split(": ")[0] for name in gates} == GATED
    assert all(check["blocking"] and check["description"] for check in gates.values())


def test_own_checks_block_and_say_what_they_check(graph: Json) -> None:
    own = {name: check for name, check in graph["checks"].items() if ": every_" in name and check["description"]}

    assert {name.split(": ")[0] for name in own} >= {
        *("curation/questions", "grounding/outcomes", "verification/verdicts"),
    }
    assert all(check["blocking"] for check in own.values())


def test_only_the_versions_are_partitions_and_nothing_that_runs_has_any(graph: Json) -> None:
    has = {
        promised: [key for key, asset in graph["assets"].items() if promised in asset]
        for promised in ("partitions", "filled_in_by")
    }

    assert has == {"partitions": ["release/published"], "filled_in_by": ["release/published"]}
    assert graph["assets"]["release/published"]["deps"] == ["release/folder"]


@pytest.mark.parametrize("job", ["build", "nightly"])
def test_job_selects_everything_and_runs_in_one_process(graph: Json, job: str) -> None:
    run = [asset for asset in graph["assets"].values() if "filled_in_by" not in asset]
    assert graph["jobs"][job]["n_assets"] == len(run)
    assert graph["jobs"][job]["n_checks"] == len(graph["checks"])
    assert graph["jobs"][job]["executor"] == "in_process"


def test_schedule_is_off_until_somebody_turns_it_on(graph: Json) -> None:
    nightly = graph["schedules"]["nightly_rebuild"]
    assert nightly == {"job": "nightly", "cron": "0 2 * * *", "time_zone": "UTC", "default_status": "STOPPED"}
