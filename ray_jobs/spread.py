"""Shards of a job over the workers of a Ray cluster.

Belongs: the command line of every job, connecting to Ray, what it says on the way, the completion file.
Does not belong: what a shard does (medreason/chains/jobs.py), submitting (assets/base/cluster.py).
Rules: a worker that dies costs the shard it was on; the completion file is written last, whole, or not at all; it
says where shards could not go on without the model, so that nobody starts one for what is cached. What stops a job with
an error of ours stands in failed.json, so that the run that wants it ends with the same code and words.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from ray_jobs.parent import POLL_S, is_wanted

_ORPHANED = 143
"""Exit code of a program that ended because its parent did: that of one which was asked to end."""
_TELL_EVERY_S = 2.0
MAX_RETRIES = 5
"""A shard whose worker dies is worked again so often; a shard that raises is not."""
IS_SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by Ray (under this very name) where the program is a submitted job, which has its runtime environment already."""

FAILED = "failed.json"

Tell = Callable[[dict[str, Any]], None]


def main(kind: str) -> int:
    """Run the job of the given folder; `python -m ray_jobs.<kind> --help` tells the arguments."""
    arguments = _arguments(kind)
    from medreason.base.errors import MedReasonError, error_as_json
    from medreason.base.store import open_store
    from medreason.chains.jobs import Job

    folder = open_store(arguments.folder)
    job = Job.model_validate_json(folder.read("job.json"))
    if job.kind != kind:
        sys.stderr.write(f"the job file is of kind {job.kind}\n")
        return 2
    try:
        with _telling() as tell:
            parts = _run(job, arguments, tell)
    except MedReasonError as error:
        sys.stderr.write(f"{error}\n")
        folder.create(FAILED, json.dumps(error_as_json(error)).encode())
        return error.exit_code
    done = {"kind": kind, "needs_model": parts is None, "shards": parts or []}
    folder.create("done.json", json.dumps(done).encode())
    return 0


def _arguments(kind: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m ray_jobs.{kind}")
    parser.add_argument("--folder", required=True, help="folder or s3:// URL: job.json is read, done.json written last")
    parser.add_argument("--workers", type=int, default=2, help="shards at a time, where Ray is started for the job")
    parser.add_argument("--parent", type=int, default=0, help="process whose end is ours; 0 for none")
    return parser.parse_args()


@contextmanager
def _telling() -> Iterator[Tell]:
    """What says how far the job is: to Dagster where it asked for it, else on standard error."""
    from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes

    from medreason.chains.generation.progress import JobProgress

    def to_people(progress: dict[str, Any]) -> None:
        sys.stderr.write(f"{JobProgress.from_json(progress).line()}\n")

    if DAGSTER_PIPES_CONTEXT_ENV_VAR not in os.environ:
        yield to_people
        return
    with open_dagster_pipes() as pipes:
        yield pipes.report_custom_message


class Board:
    """An actor that workers tell how far their requests are, and that holds the money of all."""

    def __init__(self, n_shards: int, budget_nano_usd: int | None) -> None:
        """Nothing is done, nothing is spent."""
        from medreason.chains.generation.ledger import Purse
        from medreason.chains.generation.progress import Tally

        self._tally = Tally(n_shards=n_shards)
        self._purse = Purse(left_nano_usd=budget_nano_usd or 0)

    def draw(self, wanted_nano_usd: int) -> int:
        """See `medreason.chains.generation.ledger.Drawn`."""
        return self._purse.draw(wanted_nano_usd)

    def give_back(self, unspent_nano_usd: int) -> None:
        """What a worker did not need."""
        self._purse.give_back(unspent_nano_usd)

    def begin(self, number: int) -> None:
        """A worker begins with a shard, perhaps again."""
        self._tally.begin(number)

    def take(self, number: int, state: Any) -> None:
        """How far a call of this shard is."""
        self._tally.take(number, state)

    def seen(self, n_shards_done: int) -> dict[str, Any]:
        """All shards together."""
        self._tally.n_shards_done = n_shards_done
        return self._tally.seen().as_json()


class PurseOnBoard:
    """The money of all shards, as a worker sees it. What a worker has drawn when it dies counts as spent."""

    def __init__(self, board: Any) -> None:
        """Args: handle of the actor."""
        self._board = board

    def draw(self, wanted_nano_usd: int) -> int:
        """Raises: RayActorError where the board is gone: without it nobody knows what is left."""
        import ray

        return int(ray.get(self._board.draw.remote(wanted_nano_usd)))

    def give_back(self, unspent_nano_usd: int) -> None:
        """What this worker did not need."""
        self._board.give_back.remote(unspent_nano_usd)


def run_shard(job: Any, number: int, board: Any) -> dict[str, Any] | None:
    """One shard on a worker; None where it has something to ask of a model that is not up.

    An error of ours is handed back as `{"stopped_by": ...}`: Ray would wrap it in one of its own.
    """
    from medreason.base.errors import MedReasonError, error_as_json
    from medreason.chains.jobs import ModelNotUp
    from medreason.chains.jobs import run_shard as run

    def watch(state: Any) -> None:
        board.take.remote(number, state)

    board.begin.remote(number)
    try:
        return asdict(run(job, number, watcher=watch, purse=PurseOnBoard(board)))
    except ModelNotUp:
        return None
    except MedReasonError as error:
        return {"stopped_by": error_as_json(error)}


def _run(job: Any, arguments: argparse.Namespace, tell: Tell) -> list[dict[str, Any]] | None:
    """What the shards made; None as soon as one needs the model: the others would ask for it as well.

    Raises: SystemExit where the parent is gone; Ray then ends the shards of this program. The first MedReasonError of
        a shard.
    """
    import ray

    from medreason.base.errors import error_from_json

    ray.init(**_connection(arguments.workers))
    try:
        # Never restarted: it would not know what was spent.
        board = ray.remote(num_cpus=0)(Board).remote(job.n_shards(), job.budget_nano_usd)
        remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES)(run_shard)
        shared = ray.put(job)
        waiting = [remote.remote(shared, number, board) for number in range(job.n_shards())]
        parts: list[dict[str, Any]] = []
        told_at_s = time.monotonic()
        while waiting:
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_S)
            if not is_wanted(arguments.parent):
                raise SystemExit(_ORPHANED)
            for part in map(ray.get, ready):
                if part is None:
                    return None
                if "stopped_by" in part:
                    raise error_from_json(part["stopped_by"])
                parts.append(part)
            if not waiting or time.monotonic() - told_at_s > _TELL_EVERY_S:
                told_at_s = time.monotonic()
                _tell_of(board, len(parts), tell)
        return parts
    finally:
        ray.shutdown()


def _tell_of(board: Any, n_shards_done: int, tell: Tell) -> None:
    """Say how far all shards are; a board that is gone or does not answer at once is left alone."""
    import ray

    try:
        tell(ray.get(board.seen.remote(n_shards_done), timeout=_TELL_EVERY_S))
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError):
        return


def _connection(workers: int) -> dict[str, Any]:
    if IS_SUBMITTED in os.environ:
        return {"address": "auto"}
    variables = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MEDREASON_"))}
    runtime = {"env_vars": {**variables, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
    # `local` never joins another cluster of this machine; no dashboard, so nothing listens beyond it.
    return {
        "address": "local",
        "num_cpus": workers,
        "include_dashboard": False,
        "object_store_memory": 256 << 20,
        "runtime_env": runtime,
        "log_to_driver": True,
    }
