"""Jobs on a running cluster: attached to after a kill of their run, ended with it, reaped when nobody comes.

Belongs: real runs of Dagster in processes of their own, on a real cluster with its jobs API.
Does not belong: what a job does (test_spread.py), the reaper's decisions (tests/orchestration/test_sensors.py).

One cluster for all of them. The engine is of kind `vllm` with a rule server in vLLM's place, so each run has a server.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets.base import cluster as cluster_jobs
from assets.base.cluster import Found, connected, found_on
from assets.base.io import References
from assets.base.model import ServerJob
from assets.base.settings import BuildSettings
from medreason.base.errors import BadInput
from medreason.base.store import TableRef, open_store, write_table
from medreason.base.tables.grounding import OUTCOMES
from medreason.chains.generation.segments import read_lines
from medreason.chains.jobs import merge, run_shard
from orchestration import sensors
from tests.end_to_end.world import SAMPLE, errors_of, run, started, wait_for
from tests.ray_jobs.clusters import Cluster, ray_cluster
from tests.ray_jobs.test_spread import _job

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A root with questions and a graph, and the configuration of a run over it."""

    folder: Path
    cluster: Cluster

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def environment(self) -> dict[str, str]:
        own = {"DAGSTER_HOME": str(self.folder / "dagster"), "MEDREASON_SCRATCH": str(self.folder / "scratch")}
        return {**os.environ, **self.cluster.environment, **own, "MEDREASON_ACCESS_TOKEN": "not-for-the-cluster"}

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.ray_jobs.run_worker", str(self.config), str(self.root)]

    def jobs(self) -> list[Found]:
        return [job for job in found_on(connected(self.cluster.address)) if job.root == str(self.root)]

    def status(self, kind: str) -> list[str]:
        return [job.status for job in self.jobs() if job.submission_id.startswith(f"medreason-{kind}-")]

    def n_stored(self) -> int:
        """Distinct requests that were answered so far."""
        with contextlib.suppress(FileNotFoundError):  # a segment is sealed while we look
            sealed = [gzip.decompress(file.read_bytes()) for file in (self.root / "cache").glob("*.gz")]
            still_open = [file.read_bytes() for file in (self.root / ".requests" / "open").glob("*.jsonl")]
            return len({record.key for text in (*sealed, *still_open) for record in read_lines(text)})
        return 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """For all tests; the programs of these tests are let in by variables, as those of a person are."""
    with ray_cluster(tmp_path_factory.mktemp("cluster"), n_cpus=2) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture
def world(tmp_path: Path, cluster: Cluster) -> World:
    """Grounding's inputs where a build would have put them."""
    made = World(folder=tmp_path, cluster=cluster)
    job = _job(tmp_path, made.root)
    made.config.write_text(yaml.safe_dump(_configuration(cluster)))
    (tmp_path / "dagster").mkdir()
    inputs = {
        "curation/questions": "questions",
        "graph/nodes": "nodes",
        "graph/csr": "arrays",
        "graph/lexicon": "lexicon",
    }
    with _instance(made) as instance:
        references = References(instance, BuildSettings(config=str(made.config), root=str(made.root)))
        for asset, name in inputs.items():
            references.put(dg.AssetKey(asset.split("/")), "earlier", TableRef(**job.inputs[name].model_dump()))
    return made


def _configuration(cluster: Cluster) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    for part in (*raw["sources"], raw["graph"]):
        part["url"] = str((SAMPLE.parent / part["url"]).resolve())
    engine = {"kind": "vllm", "model": "rule", "revision": "test", "concurrency": 2, "vllm": {"start_timeout_s": 200}}
    # Paid, so that every shard asks for money on its way.
    prices = {"version": "test", "prompt_usd_per_million": 1.0, "completion_usd_per_million": 1.0}
    engine |= {"prices": prices, "budget_usd": 50.0}
    return raw | {"engine": engine, "compute": {"kind": "ray", "shard_rows": 10, "address": cluster.address}}


def _instance(world: World) -> dg.DagsterInstance:
    return dg.DagsterInstance.from_config(str(world.folder / "dagster"))


def _looked(world: World, cursor: str = "") -> tuple[str, str]:
    """One tick of the reaper over this world: what it says, and its cursor."""
    with _instance(world) as instance, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDREASON_CONFIG", str(world.config))
        patch.setenv("MEDREASON_ROOT", str(world.root))
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            ticked = sensors.reaper.evaluate_tick(context)
    return str(ticked.skip_message), str(ticked.cursor or "")


def _until(condition: Any, what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def test_a_killed_run_is_gone_on_with_and_nothing_is_asked_twice(world: World, tmp_path: Path) -> None:
    with started(world.command(), env=world.environment, output=tmp_path / "killed") as process:
        wait_for(lambda: world.n_stored() > 20, process, what="answers")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert world.status("serve") == ["RUNNING"]
    assert "RUNNING" in world.status("ground")
    n_jobs = len(world.jobs())
    said, _ = _looked(world)
    assert "nothing" in said, "the next run may still come"

    done = run(world.command(), env=world.environment)

    assert done.exit_code == 0, done.stderr[-3000:]
    assert "does this already: attaching to it" in done.stderr
    report = done.report()
    _progress_shows(world, report["run_id"])
    assert len(world.jobs()) == n_jobs, "neither server nor shards were submitted again"
    assert report["llm"]["n_attempts"] == world.n_stored(), "each request was paid for once, killed run included"
    assert report["deferred"] == 0
    assert 0 < report["llm"]["cost_usd"] < 50
    assert report["ledgers"]["now"]
    _until(lambda: world.status("serve") == ["STOPPED"], "the server outlives its last run")
    assert _outcomes_here(tmp_path / "here") == report["table_sha256"]
    _no_secret_reached(world)
    _a_run_that_asks_nothing_ends_what_was_left(world)


def _a_run_that_asks_nothing_ends_what_was_left(world: World) -> None:
    """All its answers are there, so it attaches to no server; without a daemon nobody else would look."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    store, engine = open_store(str(world.root)), BuildSettings(config=str(world.config)).configuration().engine
    with _instance(world) as instance:
        lost = cluster_jobs.Cluster(address=world.cluster.address, store=store, instance=instance, run_id="lost")
        lost._owner = dataclasses.replace(lost._owner, pid=gone.pid)
        lost.start(ServerJob(lost, store, "tests.ray_jobs.serve_slow_rules")._work(engine))
    _until(lambda: world.status("serve") == ["STOPPED", "RUNNING"], "no server was left")

    done = run(world.command(), env=world.environment)

    assert done.exit_code == 0, done.stderr[-3000:]
    _until(lambda: world.status("serve") == ["STOPPED", "STOPPED"], "what was left goes on")


def _progress_shows(world: World, run_id: str) -> None:
    """What the job says is in the run that is attached to it, as log and as metadata."""
    with _instance(world) as instance:
        told = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION).records
        logged = [entry.user_message for entry in instance.all_logs(run_id)]
    assert told
    assert told[-1].asset_observation is not None
    assert told[-1].asset_observation.metadata["requests_done"].value
    assert any("shards, requests" in message for message in logged)


def _outcomes_here(folder: Path) -> str:
    """Hash of the same grounding's outcomes by rule, in this process."""
    job = _job(folder, folder / "root")
    parts = [run_shard(job, number) for number in range(job.n_shards())]
    return write_table(open_store(job.root), OUTCOMES, merge(job, parts)["outcomes"]).sha256


def _no_secret_reached(world: World) -> None:
    client = connected(world.cluster.address)
    for job in world.jobs():
        told = client.get_job_info(job.submission_id)
        assert "not-for-the-cluster" not in json.dumps(told.runtime_env)
        assert world.cluster.environment["RAY_AUTH_TOKEN"] not in json.dumps(told.runtime_env)


def test_what_stops_a_job_ends_the_run_with_the_same_code_and_words(world: World) -> None:
    """As a job of the cluster, again as another attempt, and as a program of this machine."""
    raw = yaml.safe_load(world.config.read_text()) | {"engine": {"kind": "replay"}}
    for address in (world.cluster.address, world.cluster.address, ""):
        world.config.write_text(yaml.safe_dump(raw | {"compute": raw["compute"] | {"address": address}}))
        done = run(world.command(), env=world.environment)
        assert done.exit_code == BadInput.exit_code, done.stderr[-3000:]
        assert done.stderr.splitlines()[-1].startswith("bad-input: ")
        assert "requests have no cached answer" in done.stderr.splitlines()[-1]
    assert world.status("ground") == ["FAILED", "FAILED"]


def test_a_cancelled_run_ends_its_jobs_and_a_lost_one_is_reaped(world: World, tmp_path: Path) -> None:
    with started(world.command(), env=world.environment, output=tmp_path / "cancelled") as process:
        wait_for(lambda: world.n_stored() > 10, process, what="answers")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=90) != 0
    said = errors_of(tmp_path / "cancelled").read_text()
    _until(lambda: world.status("serve") == ["STOPPED"], said[-2000:])
    assert "STOPPED" in world.status("ground")
    assert "RUNNING" not in world.status("ground")

    with started(world.command(), env=world.environment, output=tmp_path / "lost") as process:
        wait_for(
            lambda: "RUNNING" in world.status("ground") and world.status("serve")[-1] == "RUNNING",
            process,
            what="jobs",
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
    said, cursor = _looked(world)
    assert "nothing" in said
    assert "grace: 2" in said or "grace: 1" in said
    long_ago = json.dumps(dict.fromkeys(json.loads(cursor), time.time() - 2 * sensors.LOST_GRACE_S))
    said, cursor = _looked(world, long_ago)
    assert json.loads(cursor) == {}
    assert "medreason-serve-" in said
    _until(lambda: not [job for job in world.jobs() if job.is_running], "what is lost was not ended")
