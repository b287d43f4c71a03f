"""A second run makes nothing anew: it looks up what the first one made, and starts nothing heavy.

Belongs: a second build on a copy of the shared one, watched from inside its process.
Does not belong: how long it takes (the machine decides that).
"""

from __future__ import annotations

import json
import sys
from typing import Any

import dagster as dg
import pytest

from tests.end_to_end.world import Build, Place, build_arguments, copied, environment, names_under, run

pytestmark = pytest.mark.slow

# Audit hooks see every program that Python starts and every module that it imports, whoever asks for it.
_PROGRAM = """
import json, sys

started = []

def watch(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        started.append(str(arguments[1]))

sys.addaudithook(watch)
from medreason.cli.main import main

exit_code = main(sys.argv[1:])
print(json.dumps({"exit_code": exit_code, "started": started, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def again(sample: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, dict[str, Any], dict[str, Any]]:
    """The place of the second run, its report, and what was seen of its process."""
    place = copied(sample.place, tmp_path_factory.mktemp("again"))
    # The same root under its first name: a root is part of what references belong to.
    place = Place(root=sample.place.root, home=place.home, scratch=place.scratch)
    done = run([sys.executable, "-c", _PROGRAM, *build_arguments(place)], env=environment(place))
    assert done.exit_code == 0, done.stderr[-3000:]
    report, seen = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    return place, report, seen


def test_second_run_gives_the_same_release(sample: Build, again: tuple[Place, dict[str, Any], dict[str, Any]]) -> None:
    _, report, seen = again

    assert seen["exit_code"] == 0
    assert report["release_id"] == sample.report["release_id"]
    assert report["release"] == sample.report["release"]
    assert report["counts"] == sample.report["counts"]
    assert report["is_new"] is False


def test_second_run_reuses_everything(again: tuple[Place, dict[str, Any], dict[str, Any]]) -> None:
    place, report, _ = again
    with dg.DagsterInstance.from_config(str(place.home)) as instance:
        (newest,) = instance.get_runs(limit=1)
        records = instance.get_records_for_run(newest.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    made = [record.event_log_entry.asset_materialization for record in records.records]
    reused = {one.asset_key.to_user_string(): one.metadata["reused"].value for one in made if "reused" in one.metadata}

    assert report["reused"] is True
    assert len(made) > 40
    unmemoised = {"release/folder", "release/published", "quality/data_docs"}
    assert set(reused) >= {one.asset_key.to_user_string() for one in made} - unmemoised
    assert [key for key, is_reused in reused.items() if not is_reused] == []


def test_second_run_asks_nothing(again: tuple[Place, dict[str, Any], dict[str, Any]]) -> None:
    _, report, _ = again
    assert set(report["llm"].values()) == {0}


def test_second_run_starts_no_dbt_and_imports_nothing_heavy(
    again: tuple[Place, dict[str, Any], dict[str, Any]],
) -> None:
    _, _, seen = again

    assert [words for words in seen["started"] if "dbt" in words or "ray" in words] == []
    assert {"great_expectations", "ray", "torch", "duckdb", "numba", "sklearn"} & set(seen["modules"]) == set()


def test_second_run_writes_nothing_but_its_own_record(
    sample: Build, again: tuple[Place, dict[str, Any], dict[str, Any]]
) -> None:
    place, report, _ = again
    made = {name for name in names_under(place.root, "releases", "versions")}

    assert {name.split("/")[2] for name in made if name.startswith("releases/")} == {report["release_id"]}
    assert len([name for name in made if name.startswith("versions/")]) == 1
    assert report["version"] == sample.report["version"]


def test_second_run_adds_no_partition(sample: Build, again: tuple[Place, dict[str, Any], dict[str, Any]]) -> None:
    place, _, _ = again
    with dg.DagsterInstance.from_config(str(place.home)) as instance:
        assert instance.get_dynamic_partitions("release_versions") == [f"medreason-sample/{sample.report['version']}"]
