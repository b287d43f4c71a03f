"""Jobs on a running Ray cluster, submitted from a run through dagster-ray's Pipes client.

Belongs: the names of submissions, whose they are, submitting or attaching, stopping.
Does not belong: what a job does (ray_jobs/), its results (shards.py), when jobs of dead runs are ended
(orchestration/sensors.py).
Rules: the same work has the same submission id, so whoever wants it attaches to the job that does it already; the
newest owner of a job is the run that ends it; secrets are never handed to a cluster, its nodes have their own.

Under the root: ``jobs/<submission id>/{job.json, owners/<n>.json, done.json or failed.json, taken.json, ended.json}``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg

from assets.base.versions import CHECKOUT
from medreason.base.canonical import canonical_json, sha256_bytes
from medreason.base.errors import LostToOtherWriter, MedReasonError, error_from_json
from medreason.base.store import Store

if TYPE_CHECKING:
    from dagster_ray import PipesRayJobClient
    from ray.job_submission import JobDetails, JobSubmissionClient

ROOT_TAG = "medreason/root"
"""Metadata of a Ray job of ours: the root whose `jobs/` folder it has."""
FAILED = "failed.json"
"""What a program leaves where an error of ours stopped it (see ray_jobs/spread.py)."""
_ENDED = "ended.json"
_POLL_S = 0.5
_MOST_ATTEMPTS = 20
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|KEY", re.IGNORECASE)
_HANDED_ON = ("MEDREASON_", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED")

Tell = Callable[[Mapping[str, Any]], None]
Fate = Literal["alive", "ended", "lost"]


class ClusterJobFailed(MedReasonError):
    """A program on the cluster ended without its completion file."""

    code = "cluster-job-failed"
    exit_code = 1
    remedy = "Its output stands above; finished shards are kept, run the same command again."


class NoJobsApi(MedReasonError):
    """Jobs cannot be submitted to the configured cluster."""

    code = "no-jobs-api"
    exit_code = 3
    remedy = "Start its head with the dashboard (`ray start --head`) and set RAY_AUTH_MODE and RAY_AUTH_TOKEN as there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The run, and the process it is in, that a job works for."""

    run_id: str
    host: str
    pid: int
    started: str
    """When the process started, as the kernel counts; another process may have its number one day."""

    @classmethod
    def here(cls, run_id: str) -> Owner:
        """A run of this process."""
        return cls(run_id=run_id, host=socket.gethostname(), pid=os.getpid(), started=_started(os.getpid()))

    def fate(self, instance: dg.DagsterInstance) -> Fate:
        """Whether the run goes on, has ended, or was lost with its process. Of other hosts only Dagster knows."""
        run = instance.get_run_by_id(self.run_id)
        if run is not None and run.is_finished:
            return "ended"
        is_lost = self.host == socket.gethostname() and _started(self.pid) != self.started
        return "lost" if is_lost else "alive"


def _started(pid: int) -> str:
    """Start of a running process in ticks since boot; empty for none. Where there is no /proc: whether it runs."""
    if Path("/proc/self/stat").exists():
        try:
            # What follows the name, which may hold anything in its parentheses; proc(5) counts two fields before.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "runs"
    return "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A job of ours on the cluster."""

    submission_id: str
    status: str
    root: str

    @property
    def is_running(self) -> bool:
        """Or about to."""
        return self.status in ("PENDING", "RUNNING")


def name_of(kind: str, work: Any) -> str:
    """The submission id of this work (JSON) at its first attempt."""
    return f"medreason-{kind}-{sha256_bytes(canonical_json(work))[:16]}"


def connected(address: str) -> JobSubmissionClient:
    """The cluster's jobs API.

    Args: address of the head (`host:6379`) or of its dashboard (`http://host:8265`).
    Raises: NoJobsApi.
    """
    from ray.exceptions import RayError
    from ray.job_submission import JobSubmissionClient

    try:
        return JobSubmissionClient(address)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise NoJobsApi(f"{address}: {error}", where="compute.address") from error


def found_on(client: JobSubmissionClient) -> list[Found]:
    """All jobs of ours, whatever their root, attempts of one name in their order."""
    ours = [job for job in client.list_jobs() if job.submission_id and ROOT_TAG in (job.metadata or {})]
    return [_found(job) for job in sorted(ours, key=lambda job: _attempt(job.submission_id or ""))]


def _found(job: JobDetails) -> Found:
    metadata = job.metadata or {}
    return Found(submission_id=job.submission_id or "", status=job.status.value, root=metadata[ROOT_TAG])


def _attempt(submission_id: str) -> tuple[str, int]:
    """Name and number: the first attempt has no number."""
    name, _, number = submission_id.rpartition("-")
    return (name, int(number)) if len(number) < 16 and number.isdigit() else (submission_id, 1)


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def owner_of(store: Store, submission_id: str) -> Owner | None:
    """The newest owner, or None."""
    keys = store.keys(f"jobs/{submission_id}/owners")
    return Owner(**json.loads(store.read(keys[-1]))) if keys else None


def take(store: Store, submission_id: str, owner: Owner) -> bool:
    """Become the owner; False where another was quicker."""
    number = len(store.keys(f"jobs/{submission_id}/owners")) + 1
    try:
        return store.create(f"jobs/{submission_id}/owners/{number:04}.json", canonical_json(asdict(owner)))
    except LostToOtherWriter:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something for the cluster to do."""

    name: str
    """See `name_of`."""
    module: str
    """Program, as `python -m` takes it; it is given `--folder`."""
    files: Mapping[str, bytes]
    """What it finds in its folder."""


class Cluster:
    """The jobs of one run on a running cluster."""

    def __init__(self, *, address: str, store: Store, instance: dg.DagsterInstance, run_id: str) -> None:
        """Nothing is submitted yet."""
        self._address, self._store, self._instance = address, store, instance
        self._owner = Owner.here(run_id)
        self._connection: JobSubmissionClient | None = None

    def newest(self, name: str) -> Found | None:
        """The newest attempt at a work."""
        attempts = [job for job in found_on(self._client()) if _attempt(job.submission_id)[0] == name]
        return attempts[-1] if attempts else None

    def adopt(self, submission_id: str) -> bool:
        """Become the owner of a job whose run is gone; False where its run goes on."""
        owner = owner_of(self._store, submission_id)
        if owner is not None and owner.fate(self._instance) == "alive" and owner != self._owner:
            return False
        return take(self._store, submission_id, self._owner)

    def status(self, submission_id: str) -> str:
        """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED."""
        return str(self._client().get_job_status(submission_id).value)

    def last_words(self, submission_id: str) -> str:
        """The end of its output."""
        return self._client().get_job_logs(submission_id)[-2000:]

    def stop(self, submission_id: str) -> None:
        """Ask the cluster to end it: SIGTERM, then SIGKILL."""
        self._client().stop_job(submission_id)
        self._note_end(submission_id)

    def stop_left(self, name: str) -> list[str]:
        """Stop attempts at a work whose runs are gone; their ids.

        Under the root stands which may still run: where none does, no cluster is asked.
        """
        stopped = []
        for submission_id in self._not_ended(name):
            is_running = self.status(submission_id) in ("PENDING", "RUNNING")
            if not is_running:
                self._note_end(submission_id)
            elif self.adopt(submission_id):
                self.stop(submission_id)
                stopped.append(submission_id)
        return stopped

    def _not_ended(self, name: str) -> list[str]:
        """Attempts at a work of which nobody has said that they ended, and whose run is gone."""
        found, number = [], 1
        while owner := owner_of(self._store, submission_id := _numbered(name, number)):
            has_ended = self._store.exists(f"jobs/{submission_id}/{_ENDED}")
            if not has_ended and owner.fate(self._instance) != "alive":
                found.append(submission_id)
            number += 1
        return found

    def _note_end(self, submission_id: str) -> None:
        with suppress(LostToOtherWriter):
            self._store.create(f"jobs/{submission_id}/{_ENDED}", b"{}")

    def start(self, work: Work) -> str:
        """Submit without waiting; its submission id."""
        submission_id = self._next_id(work)
        self._client().submit_job(**self._params(work, submission_id))
        return submission_id

    def run(self, context: dg.AssetExecutionContext, work: Work, tell: Tell) -> dict[str, Any]:
        """What the completion file of this work says: submitted now, or found running or done.

        A result that another run took before counts as asked for nothing.
        Raises: what stopped the job, where that is an error of ours; else ClusterJobFailed.
        """
        for _ in range(_MOST_ATTEMPTS):
            newest = self.newest(work.name)
            if newest is not None and newest.is_running:
                context.log.info(f"Ray job {newest.submission_id} does this already: attaching to it")
                # However it ends, the next look decides: its run may have stopped it.
                self._attend(context, work, newest.submission_id, tell, is_new=False)
            elif newest is not None and (done := self._complete(newest)):
                context.log.info(f"Ray job {newest.submission_id} has done this")
                return self._taken(newest.submission_id, done)
            else:
                return self._submitted(context, work, tell)
        raise ClusterJobFailed(f"{work.name} was stopped {_MOST_ATTEMPTS} times", where="compute")

    def _submitted(self, context: dg.AssetExecutionContext, work: Work, tell: Tell) -> dict[str, Any]:
        submission_id = self._next_id(work)
        failure = self._attend(context, work, submission_id, tell, is_new=True)
        if failure:
            told = f"jobs/{submission_id}/{FAILED}"
            if self._store.exists(told):
                raise error_from_json(json.loads(self._store.read(told)))
            raise ClusterJobFailed(f"Ray job {submission_id}: {failure}", where="compute")
        done: dict[str, Any] = json.loads(self._store.read(f"jobs/{submission_id}/done.json"))
        return self._taken(submission_id, done)

    def _complete(self, found: Found) -> dict[str, Any] | None:
        """What it made, where nothing is missing: what was deferred or needed a model is asked again."""
        key = f"jobs/{found.submission_id}/done.json"
        if found.status != "SUCCEEDED" or not self._store.exists(key):
            return None
        done: dict[str, Any] = json.loads(self._store.read(key))
        is_whole = not done["needs_model"] and not any(part["n_deferred"] for part in done["shards"])
        return done if is_whole else None

    def _taken(self, submission_id: str, done: dict[str, Any]) -> dict[str, Any]:
        """The result, whose requests count for the first run that takes it."""
        mark = json.dumps({"run_id": self._owner.run_id}).encode()
        try:
            self._store.create(f"jobs/{submission_id}/taken.json", mark)
        except LostToOtherWriter:
            return {**done, "shards": [{**part, "asked": {}, "failed": {}} for part in done["shards"]]}
        return done

    def _attend(
        self, context: dg.AssetExecutionContext, work: Work, submission_id: str, tell: Tell, *, is_new: bool
    ) -> str:
        """Wait for the end of a job, its output going to ours; what went wrong, or nothing.

        Its owner ends it where the run is interrupted.
        """
        is_owner = is_new or self.adopt(submission_id)
        client = _pipes_client(self._address, tell, is_new=is_new, is_owner=is_owner)
        # Standard output belongs to the command that a person called.
        with redirect_stdout(sys.stderr):
            try:
                client.run(context=context, submit_job_params=self._params(work, submission_id))  # type: ignore[arg-type]
            except RuntimeError:
                job = client.client.get_job_info(submission_id)
                if not job.status.is_terminal():
                    raise
                return f"{job.status.value}, {job.message}"
        return ""

    def _next_id(self, work: Work) -> str:
        """The id of the next attempt, with its folder laid out and this run as its owner."""
        newest = self.newest(work.name)
        number = _attempt(newest.submission_id)[1] + 1 if newest else 1
        # A cluster that was started anew knows nothing of earlier attempts; their folders do.
        while owner_of(self._store, submission_id := _numbered(work.name, number)) or not take(
            self._store, submission_id, self._owner
        ):
            number += 1
        for name, data in work.files.items():
            self._store.create(f"jobs/{submission_id}/{name}", data)
        return submission_id

    def _params(self, work: Work, submission_id: str) -> dict[str, Any]:
        folder = f"{self._store.url}/jobs/{submission_id}"
        return {
            "submission_id": submission_id,
            "entrypoint": shlex.join([sys.executable, "-m", work.module, "--folder", folder]),
            "runtime_env": {"env_vars": _handed_on(os.environ)},
            "metadata": {ROOT_TAG: self._store.url},
        }

    def _client(self) -> JobSubmissionClient:
        if self._connection is None:
            self._connection = connected(self._address)
        return self._connection


def _handed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What a job needs of a run's environment: anybody who may look at the cluster sees it, so no secret is in it."""
    own = {
        name: value for name, value in environment.items() if name.startswith(_HANDED_ON) and not _SECRET.search(name)
    }
    return {**own, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(CHECKOUT)}


def _pipes_client(address: str, tell: Tell, *, is_new: bool, is_owner: bool) -> PipesRayJobClient:
    """dagster-ray's client, which can also attach to a job that is there. One for each job: its reader ends with it."""
    from dagster_ray import PipesRayJobClient, PipesRayJobMessageReader
    from dagster_ray.core.pipes import PIPES_LAUNCHED_EXTRAS_RAY_ADDRESS_KEY, PIPES_LAUNCHED_EXTRAS_RAY_JOB_ID_KEY

    class Client(PipesRayJobClient):
        def _start(self, context: Any, session: Any, submit_job_params: Any) -> str:
            if is_new:
                return super()._start(context, session, submit_job_params)
            submission_id = str(submit_job_params["submission_id"])
            place = {
                PIPES_LAUNCHED_EXTRAS_RAY_JOB_ID_KEY: submission_id,
                PIPES_LAUNCHED_EXTRAS_RAY_ADDRESS_KEY: self.client.get_address(),
            }
            session.report_launched({"extras": place})
            return submission_id

    reader = telling_reader(PipesRayJobMessageReader, tell)
    return Client(address=address, forward_termination=is_owner, poll_interval=_POLL_S, message_reader=reader)


def telling_reader(kind: type[dg.PipesMessageReader], tell: Tell) -> dg.PipesMessageReader:
    """A reader of Pipes messages that hands progress on while the program runs, and leaves the rest to Dagster."""

    class Reader(kind):  # type: ignore[misc, valid-type]
        expected_writer_count = (
            1  # Dagster's own says the same, and that it is a preview, to whoever reads the terminal
        )

        @contextmanager
        def read_messages(self, handler: Any) -> Iterator[Any]:
            with super().read_messages(_Telling(handler, tell)) as params:
                yield params

    return Reader()


class _Telling:
    """A handler of Pipes messages that tells of those which are progress."""

    def __init__(self, handler: Any, tell: Tell) -> None:
        self._handler, self._tell = handler, tell

    def handle_message(self, message: Mapping[str, Any]) -> None:
        if message["method"] == "report_custom_message":
            self._tell(message["params"]["payload"])
        else:
            self._handler.handle_message(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)
