"""Running a job's shards: in this process, by a program with a Ray of its own, or by a job on a running cluster.

Belongs: the job file, the choice between the three, trusting the completion file.
Does not belong: the work (medreason/chains/jobs.py), programs for the cluster (ray_jobs/, never imported here), the
cluster's jobs (cluster.py).
Rule: all ways give the same tables.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.base.cluster import FAILED, ClusterJobFailed, Work, name_of, telling_reader
from assets.base.model import RunModel
from assets.base.progress import StepProgress
from assets.base.settings import BuildSettings
from assets.base.versions import CHECKOUT
from medreason.base.errors import error_from_json
from medreason.base.store import TableRef

if TYPE_CHECKING:
    import pyarrow as pa

    from medreason.chains.generation.progress import ProgressState
    from medreason.chains.jobs import Job, Kind, ShardDone


def run_job(
    settings: BuildSettings, model: RunModel, kind: Kind, code_version: str, inputs: Mapping[str, TableRef]
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """All shards of a job, put together.

    Returns: tables by output name, and what to show.
    """
    from medreason.chains.jobs import asked_in_all, failed_in_all, merge

    begun = time.monotonic()
    context = dg.AssetExecutionContext.get()
    job = job_of(settings, kind, code_version, inputs)
    compute = settings.configuration().compute
    with StepProgress(context, kind, job.n_shards()) as shown:
        parts = _on_ray(settings, job, model, shown) if compute.kind == "ray" else _in_process(job, model, shown)
    n_deferred = sum(part.n_deferred for part in parts)
    asked = asked_in_all(parts)
    rate = round(asked["completion_tokens"] / (time.monotonic() - begun), 1)
    notes = {"shards": len(parts), "compute": compute.kind, "deferred": n_deferred, "llm": asked}
    notes |= {"llm_failed": failed_in_all(parts), "tokens_per_s": rate, "ledgers": _ledgers(parts)}
    return merge(job, parts), notes


def _ledgers(parts: list[ShardDone]) -> dict[str, list[str]]:
    """Keys of the shards' ledgers: of this run, and of those that worked a shard before."""
    return {
        "now": [part.ledger for part in parts if part.ledger and part.asked],
        "before": [part.ledger for part in parts if part.ledger and not part.asked],
    }


def job_of(settings: BuildSettings, kind: Kind, code_version: str, inputs: Mapping[str, TableRef]) -> Job:
    """The job of an asset in one run."""
    from medreason.chains.jobs import InputRef, Job, JobSettings

    config = settings.configuration()
    return Job(
        kind=kind,
        root=settings.root_url(),
        scratch=str(settings.scratch()),
        code_version=code_version,
        inputs={name: InputRef(**ref.as_json()) for name, ref in inputs.items()},  # type: ignore[arg-type]
        settings=JobSettings(
            grounding=config.grounding, chains=config.chains, verification=config.verification, engine=config.engine
        ),
        local_only_sources=config.restricted_sources(),
        shard_rows=config.compute.shard_rows,
    )


def _in_process(job: Job, model: RunModel, shown: StepProgress) -> list[ShardDone]:
    from medreason.chains.generation.progress import Tally
    from medreason.chains.jobs import run_shard

    tally, parts = Tally(n_shards=job.n_shards()), []
    for number in range(job.n_shards()):

        def watch(state: ProgressState, number: int = number) -> None:
            tally.take(number, state)
            shown.tell(tally.seen().as_json())

        parts.append(run_shard(job, number, model.bring_up, watch, model.purse()))
        tally.n_shards_done += 1
        shown.tell(tally.seen().as_json())
    return parts


def _on_ray(settings: BuildSettings, job: Job, model: RunModel, shown: StepProgress) -> list[ShardDone]:
    """With the cache alone as long as that is enough, else with the run's model server.

    What needs the model says so at its first question, so that little is done twice: what was answered is cached.
    """
    run = _as_job if settings.configuration().compute.address else _as_child
    purse = model.purse()
    job = job.model_copy(update={"budget_nano_usd": purse.left_nano_usd if purse else None})
    parts = run(settings, job.model_copy(update={"model_urls": model.urls()}), model, shown)
    if parts is None:
        urls = tuple(model.bring_up(job.settings.engine))
        parts = run(settings, job.model_copy(update={"model_urls": urls}), model, shown)
    if parts is None:
        raise ClusterJobFailed(f"ray_jobs.{job.kind} asks for a model that is up", where="compute")
    if purse is not None:
        purse.draw(round(sum(part.asked.get("cost_usd", 0.0) for part in parts) * 1e9))
    return parts


def _as_job(settings: BuildSettings, job: Job, model: RunModel, shown: StepProgress) -> list[ShardDone] | None:
    """As a job on the running cluster, which outlives this process. None where it needs the model."""
    del settings
    # Where a model answers is not what the work is: an earlier run's job may have asked another server.
    work = job.model_dump(mode="json", exclude={"scratch", "model_urls", "budget_nano_usd"}) | {
        "has_model": bool(job.model_urls)
    }
    wanted = Work(
        name=name_of(job.kind, work),
        module=f"ray_jobs.{job.kind}",
        files={"job.json": job.model_dump_json().encode()},
    )
    return _parts(model.cluster().run(dg.AssetExecutionContext.get(), wanted, shown.tell))


def _as_child(settings: BuildSettings, job: Job, model: RunModel, shown: StepProgress) -> list[ShardDone] | None:
    """As a program with a Ray of its own that ends with this process; its output goes to ours. None as above."""
    del model
    workers = settings.configuration().compute.workers
    with (
        tempfile.TemporaryDirectory(dir=settings.scratch()) as folder,
        dg.open_pipes_session(
            context=dg.AssetExecutionContext.get(),
            context_injector=dg.PipesEnvContextInjector(),
            message_reader=telling_reader(dg.PipesTempFileMessageReader, shown.tell),
        ) as session,
    ):
        (Path(folder) / "job.json").write_text(job.model_dump_json())
        command = [sys.executable, "-m", f"ray_jobs.{job.kind}", "--folder", folder]
        command += ["--parent", str(os.getpid()), "--workers", str(workers)]
        own = {"PYTHONPATH": str(CHECKOUT), "RAY_USAGE_STATS_ENABLED": "0"}
        environment = {**os.environ, **own, **session.get_bootstrap_env_vars()}
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=sys.stderr)
        try:
            exit_code = process.wait()
        finally:
            process.terminate()
        done_file, failed_file = Path(folder) / "done.json", Path(folder) / FAILED
        if failed_file.exists():
            raise error_from_json(json.loads(failed_file.read_text()))
        if not done_file.exists():
            raise ClusterJobFailed(f"ray_jobs.{job.kind} ended with exit code {exit_code}", where="compute")
        return _parts(json.loads(done_file.read_text()))


def _parts(done: Mapping[str, Any]) -> list[ShardDone] | None:
    from medreason.chains.jobs import ShardDone

    return None if done["needs_model"] else [ShardDone(**part) for part in done["shards"]]
