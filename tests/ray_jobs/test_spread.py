"""Programs for a Ray cluster: the same tables as in process, a killed worker costs its shard, done means done.

Belongs: `python -m ray_jobs.<kind>` on a cluster of this machine with two workers.
Does not belong: a whole build on Ray (tests/end_to_end/test_same_release.py), what a shard does (tests/chains).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from medreason.base.store import TableRef, open_store, write_table
from medreason.base.store.folders import store_folder
from medreason.base.tables.graph import ARRAYS, LEXICON, NODES
from medreason.base.tables.questions import QUESTIONS
from medreason.chains.generation.settings import EngineSettings
from medreason.chains.jobs import InputRef, Job, JobSettings, ShardDone, asked_in_all, merge, run_shard
from medreason.chains.settings import ChainSettings, GroundingSettings
from medreason.chains.verification.policy import VerificationSettings
from tests.chains.requests_world import endpoint, remote
from tests.chains.shards_world import EDGES, NAMES, ROWS, World
from tests.conftest import REPOSITORY
from tests.end_to_end.world import descendants, errors_of, run, started, wait_for
from tests.graph.worlds import tables

COPIES = 12
"""Of each question, so that shards take long enough for one of their workers to be found and killed."""


def _job(folder: Path, root: Path) -> Job:
    world = World(folder / "world")
    nodes, _ = tables(EDGES, NAMES, alone=NAMES)
    rows = [
        {**row, "item_id": f"{row['item_id']}{n}", "stem": f"Case {n}. {row['stem']}"}
        for n in range(COPIES)
        for row in ROWS
    ]
    store = open_store(str(root))
    refs = {
        "questions": write_table(store, QUESTIONS, QUESTIONS.from_rows(rows)),
        "nodes": write_table(store, NODES, nodes),
        "arrays": write_table(store, ARRAYS, store_folder(store, ARRAYS, world.folder / "graph")),
        "lexicon": write_table(store, LEXICON, world.lexicon),
    }
    return Job(
        kind="ground",
        root=str(root),
        scratch=str(folder / "scratch"),
        code_version="1",
        inputs={name: _input(ref) for name, ref in refs.items()},
        settings=JobSettings(
            grounding=GroundingSettings(),
            chains=ChainSettings(),
            verification=VerificationSettings(),
            engine=EngineSettings(),
        ),
        shard_rows=10,
    )


def _input(ref: TableRef) -> InputRef:
    return InputRef(table=ref.table, sha256=ref.sha256, n_rows=ref.n_rows)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Grounding of made-up questions, in shards of ten."""
    return _job(tmp_path, tmp_path / "root")


def _command(job: Job, folder: Path, kind: str = "ground") -> list[str]:
    (folder / "job.json").write_text(job.model_dump_json())
    return [sys.executable, "-m", f"ray_jobs.{kind}", "--folder", str(folder), "--workers", "2"]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def _hashes(job: Job, parts: list[ShardDone]) -> dict[str, list[dict[str, object]]]:
    return {name: table.to_pylist() for name, table in merge(job, parts).items()}


@pytest.mark.slow
def test_killed_worker_costs_its_shard_and_nothing_else(job: Job, tmp_path: Path) -> None:
    done_file = tmp_path / "done.json"
    output = tmp_path / "output"
    with started(_command(job, tmp_path), env=_environment(), output=output) as process:
        (victim, *_) = wait_for(lambda: descendants(process, "ray::run_shard"), process, what="a worker on a shard")
        assert isinstance(victim, psutil.Process)
        assert not done_file.exists(), "a completion file before completion"
        victim.send_signal(signal.SIGKILL)
        assert process.wait() == 0, errors_of(output).read_text()[-3000:]

    done = json.loads(done_file.read_text())
    parts = [ShardDone(**part) for part in done["shards"]]
    assert done["kind"] == "ground"
    assert sorted(part.number for part in parts) == list(range(job.n_shards()))

    here = _job(tmp_path / "here", tmp_path / "here_root")
    own = [run_shard(here, number) for number in range(here.n_shards())]
    assert _hashes(job, parts) == _hashes(here, own)
    assert asked_in_all(own)["n_requests"] > 0
    assert asked_in_all(parts)["n_requests"] <= asked_in_all(own)["n_requests"], "what was done twice is not counted so"


def test_shards_that_were_worked_before_are_not_asked_again(job: Job) -> None:
    first = [run_shard(job, number) for number in range(job.n_shards())]
    again = [run_shard(job, number) for number in range(job.n_shards())]

    assert [part.refs for part in again] == [part.refs for part in first]
    assert set(asked_in_all(again).values()) == {0}


def test_a_shard_with_deferred_rows_is_worked_again(job: Job) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"  # closed again before anybody asks
    with endpoint() as server:
        down, up = (
            job.model_copy(update={"settings": job.settings.model_copy(update={"engine": remote(url)})})
            for url in (nobody, server.url)
        )
        deferred, mended, again = (run_shard(one, 0) for one in (down, up, up))
    assert deferred.n_deferred > 0
    assert mended.n_deferred == 0
    assert mended.asked["n_attempts"] > 0
    assert again.asked == {}
    assert again.refs == mended.refs != deferred.refs


def test_a_job_of_another_kind_is_refused_without_a_cluster(job: Job, tmp_path: Path) -> None:
    refused = run(_command(job, tmp_path, kind="verify"), env=_environment())

    assert refused.exit_code == 2
    assert "kind ground" in refused.stderr
    assert not (tmp_path / "done.json").exists()


@pytest.mark.slow
def test_no_completion_file_where_a_shard_fails(job: Job, tmp_path: Path) -> None:
    lost = job.inputs["nodes"]
    (Path(job.root) / "tables" / lost.table / f"{lost.sha256}.parquet").unlink()

    failed = run(_command(job, tmp_path), env=_environment())

    assert failed.exit_code != 0
    assert not (tmp_path / "done.json").exists()
