"""What happens to one server of vLLM, in its order; the tests look at what was seen.

Belongs: a build that is killed while vLLM answers, questions to the server that goes on, a build that takes it over and
loses a worker, and one on a fresh root that knows nothing but the answers.
Does not belong: assertions on the outcome (test_build.py, test_server.py).
Rule: starting vLLM takes a minute of processor time, so it is started once.
"""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.end_to_end.world import (
    MEDREASON,
    Finished,
    Place,
    build,
    build_arguments,
    environment,
    errors_of,
    new_place,
    started,
    wait_for,
)
from tests.ray_jobs.clusters import Cluster
from tests.vllm.asking import Directly, ask_directly
from tests.vllm.world import (
    Trained,
    left_over,
    n_sent,
    processes_in,
    servers_of,
    sessions_of_vllm,
    stored,
    with_vllm,
    workers_of,
)

N_BEFORE_KILL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was seen."""

    place: Place
    model: Path
    n_stored_at_kill: int
    n_processes: int
    """Of vLLM, while the killed build ran."""
    directly: Directly
    resumed: Finished
    n_servers: int
    """Started for both runs together."""
    n_sent: int
    """By both runs together."""
    left_over: list[str]
    """Processes of vLLM that outlived the run that finished."""
    undisturbed: Finished


def tell(trained: Trained, cluster: Cluster, folder: Path) -> Story:
    """Let it all happen."""
    place, config = trained.place, with_vllm(folder / "vllm.yaml", trained, cluster)
    n_stored = _killed(place, config, cluster, folder / "killed")
    sessions = sessions_of_vllm(trained.model)
    n_processes = len(processes_in(sessions))
    directly, n_directly = _asked_directly(trained, cluster, folder)
    resumed = _with_a_worker_killed(place, config, cluster, folder / "resumed")
    seen = {"left_over": left_over(sessions), "n_servers": len(servers_of(cluster))}
    n_of_builds = n_sent(cluster) - n_directly
    fresh = new_place(folder / "fresh")
    shutil.copytree(Path(place.root) / "cache", Path(fresh.root) / "cache")
    return Story(
        place=place,
        model=trained.model,
        n_stored_at_kill=n_stored,
        n_processes=n_processes,
        directly=directly,
        resumed=resumed,
        n_sent=n_of_builds,
        undisturbed=build(fresh, config=with_vllm(folder / "fresh.yaml", trained)),
        **seen,
    )


def _killed(place: Place, config: Path, cluster: Cluster, output: Path) -> int:
    """A build that is killed while vLLM answers; how much was stored then."""
    command = [str(MEDREASON), *build_arguments(place, config)]
    with started(command, env=environment(place, **cluster.environment), output=output) as process:
        wait_for(lambda: len(stored(place.root)) >= N_BEFORE_KILL, process, what="answers of vLLM")
        n_stored = len(stored(place.root))
        process.send_signal(signal.SIGKILL)
        process.wait()
    return n_stored


def _asked_directly(trained: Trained, cluster: Cluster, folder: Path) -> tuple[Directly, int]:
    """What the server says, and how many requests that took, once the cluster has done what the killed build wanted."""
    jobs = Path(trained.place.root) / "jobs"
    wait_for(lambda: _has_grounded(jobs), cluster.process, what="the end of the job")
    (ready,) = jobs.glob("medreason-serve-*/ready.json")
    urls = tuple(json.loads(ready.read_text(encoding="utf-8"))["base_urls"])
    n_before = n_sent(cluster)
    directly = ask_directly(urls, str(trained.model), folder / "directly")
    return directly, n_sent(cluster) - n_before


def _has_grounded(jobs: Path) -> bool:
    """Whether a job of grounding is done that did not stop for want of a model."""
    ends = (json.loads(done.read_text(encoding="utf-8")) for done in jobs.glob("medreason-ground-*/done.json"))
    return any(not done["needs_model"] for done in ends)


def _with_a_worker_killed(place: Place, config: Path, cluster: Cluster, output: Path) -> Finished:
    """A build that loses a worker while vLLM answers, and goes on without it."""
    n_before = len(stored(place.root))
    command = [str(MEDREASON), *build_arguments(place, config)]
    with started(command, env=environment(place, **cluster.environment), output=output) as process:
        victim = wait_for(lambda: _at_work(place, cluster, n_before), process, what="a worker that asks")
        victim.kill()
        process.wait()
    return Finished(
        exit_code=process.returncode, stdout=output.read_text(), stderr=errors_of(output).read_text(errors="replace")
    )


def _at_work(place: Place, cluster: Cluster, n_before: int) -> psutil.Process | None:
    """A worker on a shard, when more was stored than before."""
    workers = workers_of(cluster)
    return workers[0] if workers and len(stored(place.root)) > n_before else None
