"""The reaper: what is ended, what is left alone, and when.

Belongs: decisions over owners and runs, with a real Dagster instance.
Does not belong: jobs on a real cluster (tests/ray_jobs/test_cluster_jobs.py).
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.base.cluster import Found, Owner, name_of, owner_of, take
from medreason.base.store import open_store
from medreason.chains.generation.settings import EngineSettings
from orchestration.sensors import LOST_GRACE_S, dead_jobs, reaper
from tests.chains.requests_world import TASK, open_on, questions

NOW_S = 1_000_000.0


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _run(instance: dg.DagsterInstance, end: str) -> str:
    """Id of a run that has come to this end."""

    @dg.op
    def work() -> None:
        if end == "failed":
            raise dg.Failure("as planned")

    @dg.job
    def job() -> None:
        work()

    if end == "started":
        return instance.create_run_for_job(job_def=job, status=dg.DagsterRunStatus.STARTED).run_id
    if end == "cancelled":
        run = instance.create_run_for_job(job_def=job, status=dg.DagsterRunStatus.STARTED)
        instance.report_run_canceled(run)
        return run.run_id
    return job.execute_in_process(instance=instance, raise_on_error=False).run_id


def _dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("end", "is_here", "is_alive", "fate"),
    [
        ("succeeded", True, True, "ended"),
        ("failed", True, True, "ended"),
        ("cancelled", True, True, "ended"),
        ("started", True, True, "alive"),
        ("started", True, False, "lost"),
        # Whether a process of another machine runs cannot be seen from here: Dagster's word counts.
        ("started", False, False, "alive"),
        ("succeeded", False, False, "ended"),
    ],
)
def test_fate_of_a_run(end: str, is_here: bool, is_alive: bool, fate: str, instance: dg.DagsterInstance) -> None:
    owner = Owner.here(_run(instance, end))
    if not is_here:
        owner = dataclasses.replace(owner, host="another-machine")
    if not is_alive:
        owner = dataclasses.replace(owner, pid=_dead_process())
    assert owner.fate(instance) == fate


def test_a_run_of_another_instance_is_told_by_its_process(instance: dg.DagsterInstance) -> None:
    owner = Owner.here("a run that this instance has never seen")
    assert owner.fate(instance) == "alive"
    assert dataclasses.replace(owner, pid=_dead_process()).fate(instance) == "lost"
    # The number was given to another process meanwhile.
    assert dataclasses.replace(owner, started="1").fate(instance) == "lost"


def _jobs(root: Path, instance: dg.DagsterInstance, **ends: str) -> list[Found]:
    store = open_store(str(root))
    for name, end in ends.items():
        owner = Owner.here(_run(instance, "started" if end == "lost" else end))
        take(store, name, dataclasses.replace(owner, pid=_dead_process()) if end == "lost" else owner)
    return [Found(submission_id=name, status="RUNNING", root=str(root)) for name in ends]


def test_what_has_ended_is_reaped_at_once_and_what_was_lost_after_a_while(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    jobs = _jobs(
        tmp_path, instance, done="succeeded", stopped="cancelled", broken="failed", lost="lost", busy="started"
    )
    nobodys = Found(submission_id="nobodys", status="RUNNING", root=str(tmp_path))
    over = Found(submission_id="done", status="SUCCEEDED", root=str(tmp_path))

    first, lost = dead_jobs(instance, [*jobs, nobodys, over], {}, now_s=NOW_S)
    assert sorted(first) == ["broken", "done", "stopped"]
    assert lost == {"lost": NOW_S}

    left = [job for job in jobs if job.submission_id not in first]
    assert dead_jobs(instance, left, lost, now_s=NOW_S + LOST_GRACE_S - 1) == ([], lost)
    assert dead_jobs(instance, left, lost, now_s=NOW_S + LOST_GRACE_S) == (["lost"], {})


def test_a_job_that_another_run_took_over_is_that_runs(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    (job,) = _jobs(tmp_path, instance, job="failed")
    store = open_store(str(tmp_path))
    heir = Owner.here(_run(instance, "started"))
    assert take(store, "job", heir)
    assert owner_of(store, "job") == heir
    assert dead_jobs(instance, [job], {}, now_s=NOW_S) == ([], {})


def test_names_follow_from_the_work_alone() -> None:
    one = name_of("ground", {"a": 1, "b": [2]})
    assert one == name_of("ground", {"b": [2], "a": 1})
    assert one != name_of("ground", {"a": 1, "b": [3]})
    assert one.startswith("medreason-ground-")


def _tick(instance: dg.DagsterInstance) -> str:
    with dg.build_sensor_context(instance=instance) as context:
        return str(reaper.evaluate_tick(context).skip_message)


def test_it_runs_by_default_and_without_a_cluster_only_ends_claims(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reaper.default_status is dg.DefaultSensorStatus.RUNNING
    monkeypatch.setenv("MEDREASON_ROOT", str(tmp_path))
    assert "no cluster" in _tick(instance)
    assert not (tmp_path / ".requests").exists(), "looking leaves nothing behind"


def test_claims_of_a_dead_process_are_given_back_and_its_answers_kept(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, sys; from pathlib import Path; from tests.chains import requests_world as w\n"
        "generator = w.open_on(Path(sys.argv[1]), w.EngineSettings())\n"
        "generator.ask(w.TASK, w.questions(7)); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert list((tmp_path / ".requests" / "open").glob("*.jsonl")), "nothing to recover"
    monkeypatch.setenv("MEDREASON_ROOT", str(tmp_path))

    _tick(instance)

    assert not list((tmp_path / ".requests" / "open").glob("*"))
    with open_on(tmp_path, EngineSettings()) as generator:
        generator.ask(TASK, questions(7))
        assert generator.ledger.summary()["n_cached"] == 7
