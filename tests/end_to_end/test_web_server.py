"""The Dagster UI as people use it: `medreason ui` shows the terminal's build, and a run launched there is the same.

Belongs: the real web server over GraphQL.
Does not belong: what assets show (test_sample_build.py).
"""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.world import (
    MEDREASON,
    PATIENCE_S,
    SAMPLE,
    Build,
    Json,
    Place,
    copied,
    environment,
    forget,
    medreason,
    started,
    wait_for,
)

pytestmark = pytest.mark.slow
_RUNS = "query { runsOrError { ... on Runs { results { runId jobName status } } } }"
_STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } }
} }"""
_SHOWN = """query { assetsOrError { ... on AssetConnection { nodes { key { path } } } }
  schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "medreason"}) {
    ... on Schedules { results { name scheduleState { status } } } } }"""
_JOB = {"repositoryName": "__repository__", "repositoryLocationName": "medreason"}
_JOBS_ASSETS = """query ($job: PipelineSelector!) { assetNodes(pipeline: $job) { assetKey { path } isPartitioned } }"""
_VERSIONS = """query { assetNodeOrError(assetKey: {path: ["release", "published"]}) { ... on AssetNode {
  dependencyKeys { path }
  partitionKeys
  assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions unmaterializedPartitions } }
  assetMaterializations { partition runId metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


class Ui:
    """A running UI."""

    def __init__(self, place: Place, port: int) -> None:
        self.place = place
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> Json:
        """One GraphQL request."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer)["data"])

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.ask("query { version }"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def ui(sample: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """`medreason ui` on a copy of the sample's place, where the last stages have to be made again."""
    folder = tmp_path_factory.mktemp("ui")
    place = copied(sample.place, folder)
    forget(place, "verdicts", "shard.verify", "release_candidate")
    port = _free_port()
    command = [str(MEDREASON), "ui", "--port", str(port)]
    with started(command, env=environment(place), output=folder / "output") as process:
        running = Ui(place, port)
        wait_for(running.is_up, process, what="the web server")
        yield running


def test_ui_shows_the_build_of_the_terminal(ui: Ui, sample: Build) -> None:
    (run, *_) = ui.ask(_RUNS)["runsOrError"]["results"][-1:]
    assert (run["jobName"], run["status"]) == ("build", "SUCCESS")

    shown = ui.ask(_SHOWN)
    assets = {"/".join(node["key"]["path"]) for node in shown["assetsOrError"]["nodes"]}
    assert {"questions/canonical", "grounding/paths", "release/published"} <= assets
    (schedule,) = shown["schedulesOrError"]["results"]
    assert (schedule["name"], schedule["scheduleState"]["status"]) == ("nightly_rebuild", "STOPPED")


def _launch(ui: Ui) -> str:
    settings = {"config": str(SAMPLE), "root": ui.place.root, "data": ""}
    params = {
        "selector": {**_JOB, "jobName": "build"},
        "runConfigData": {"resources": {"settings": {"config": settings}}},
    }
    launched = ui.ask(_LAUNCH, params=params)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    return str(launched["run"]["runId"])


def _ended(ui: Ui, run_id: str) -> str:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        status = str(ui.ask(_STATUS, id=run_id)["runOrError"]["status"])
        if status in _ENDED:
            return status
        time.sleep(1)
    raise AssertionError(f"run {run_id} is still {status}")


def _versions(ui: Ui) -> Json:
    return dict(ui.ask(_VERSIONS)["assetNodeOrError"])


def test_ui_shows_the_version_of_the_terminal_as_a_partition(ui: Ui, sample: Build) -> None:
    shown = _versions(ui)

    partition = f"medreason-sample/{sample.report['version']}"
    assert [key["path"] for key in shown["dependencyKeys"]] == [["release", "folder"]]
    assert shown["partitionKeys"] == [partition]
    assert shown["assetPartitionStatuses"] == {"materializedPartitions": [partition], "unmaterializedPartitions": []}
    told = {entry["label"]: entry.get("text") for entry in shown["assetMaterializations"][0]["metadataEntries"]}
    assert (told["release_id"], told["url"]) == (sample.report["release_id"], sample.report["release"])


def test_nobody_is_asked_for_a_partition(ui: Ui) -> None:
    nodes = ui.ask(_JOBS_ASSETS, job={**_JOB, "pipelineName": "build"})["assetNodes"]

    runs = {"/".join(node["assetKey"]["path"]): node["isPartitioned"] for node in nodes}
    assert len(runs) > 40
    # What has partitions is not run, so Materialize asks for none; a release is published by one asset.
    assert [key for key, is_partitioned in runs.items() if is_partitioned] == []
    assert {key for key in runs if key.startswith("release/")} == {"release/candidate", "release/folder"}


def test_a_run_launched_in_the_ui_ends_in_the_verified_release(ui: Ui, sample: Build) -> None:
    run_id = _launch(ui)
    assert _ended(ui, run_id) == "SUCCESS"

    (release,) = (Path(ui.place.root) / "releases" / "medreason-sample").iterdir()
    assert release.name == sample.report["release_id"]
    verified = medreason("verify", str(release), "--deep", "--json", place=ui.place)
    assert verified.exit_code == 0, verified.stderr
    newest = _versions(ui)["assetMaterializations"][0]
    (version,) = (Path(ui.place.root) / "versions" / "medreason-sample").iterdir()
    assert (newest["runId"], newest["partition"]) == (run_id, f"medreason-sample/{version.stem}")
