"""A language model on a Ray cluster: `python -m ray_jobs.serve_model --folder FOLDER`.

Belongs: placing replicas, starting and ending vLLM's API server in each, saying where they are.
Does not belong: which server is wanted (medreason/chains/engines/vllm.py), asking it (engines/openai.py).
Rules: the servers live as long as this program, and this program no longer than the one that started it; however it
ends, no server is left behind. Its ready.json is written last, whole, or not at all, and goes with the servers.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from medreason.chains.engines.model_server import ENGINE, READY
from ray_jobs.parent import POLL_S, is_wanted

_IS_SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by Ray (under this very name) where the program is a submitted job."""
_END_S = 15.0
_PR_SET_PDEATHSIG = 1


class ServerDied(RuntimeError):
    """A server ended that should run."""


class ModelServer:
    """One replica: vLLM's API server as a child of this actor's process."""

    def start(self, engine_json: str, module: str, is_local: bool) -> str:
        """Start, wait until it answers, give its base URL.

        Raises: ServerDied with the end of its output; TimeoutError.
        """
        import ray

        from medreason.chains.engines.vllm import server_wanted
        from medreason.chains.generation.settings import EngineSettings

        settings = EngineSettings.model_validate_json(engine_json)
        host = "127.0.0.1" if is_local else ray.util.get_node_ip_address()
        port = _free_port(host)
        wanted = server_wanted(settings, host=host, port=port)
        environment = os.environ | dict(wanted.environment)
        # vLLM's engine and workers live on when its API server is killed: one group, which somebody else looks after.
        self._process = subprocess.Popen(
            [sys.executable, "-m", module or wanted.module, *wanted.arguments],
            env=environment,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
        self._watch = _watching(self._process.pid)
        self._url = f"http://{host}:{port}/v1"
        self._wait_until_it_answers(settings.vllm.start_timeout_s)
        return self._url

    def _wait_until_it_answers(self, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not self.answers():
            if self._process.poll() is not None:
                raise ServerDied(f"the server ended with status {self._process.returncode}; its output stands above")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"the server did not answer in {timeout_s:g} s")
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether it lives and lists models."""
        try:
            with urllib.request.urlopen(f"{self._url}/models", timeout=10) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def end(self) -> None:
        """Ask it to end, then make it and whatever it has left."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _end_with_parent() -> None:
    """In the child, before it runs: the kernel sends SIGTERM when the actor dies, also before it is watched (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _watching(group: int) -> subprocess.Popen[bytes]:
    """Something that ends the group when this process is gone, however that comes about."""
    command = [sys.executable, "-m", "ray_jobs.end_group", "--group", str(group)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE)
    started.wait()  # until it has gone into the background
    return started


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Serve until told to end, or until the program that started this one is gone."""
    arguments = _arguments()
    _turn_signals_into_exits()
    import ray

    from medreason.base.store import open_store

    folder = open_store(arguments.folder)
    # What another server of this folder has left says where nobody answers any more.
    folder.delete(READY)
    engine = folder.read(ENGINE).decode("utf-8")
    wanted: dict[str, Any] = json.loads(engine)["vllm"]
    ray.init(**_connection(wanted))
    servers: list[Any] = []
    try:
        _say_what_is_missing(wanted, ray.cluster_resources())
        servers = _placed(wanted)
        starts = [server.start.remote(engine, arguments.module, not _is_submitted()) for server in servers]
        if _all_done(starts, parent_pid=arguments.parent):
            folder.create(READY, json.dumps({"base_urls": ray.get(starts)}).encode("utf-8"))
        _watch(servers, parent_pid=arguments.parent)
    finally:
        folder.delete(READY)
        _end(servers)
        ray.shutdown()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ray_jobs.serve_model")
    parser.add_argument(
        "--folder",
        required=True,
        help=f"folder or s3:// URL: {ENGINE} (engine settings, kind vllm) is read, {READY} written when all replicas "
        "answer: their base URLs",
    )
    parser.add_argument("--parent", type=int, default=0, help="process whose end is ours; 0 for none")
    parser.add_argument("--module", default="", help="another server program with vLLM's arguments")
    return parser.parse_args()


def _turn_signals_into_exits() -> None:
    """Cancelled by SIGTERM, the servers are ended like on any other way out."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def _is_submitted() -> bool:
    """Whether this program is a job that Ray started: it then has its cluster and its environment already."""
    return _IS_SUBMITTED in os.environ


def _connection(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster that this program is a job of, or a Ray of its own."""
    if _is_submitted():
        return {"address": "auto"}
    runtime = {"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", str(Path(__file__).resolve().parents[1]))}}
    total = _total(wanted)
    own = {"num_cpus": total["CPU"], "num_gpus": total["GPU"], "include_dashboard": False}
    return {"address": "local", "runtime_env": runtime, **own}


def placement(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What Ray is to give each replica's actor; one that is larger than every node waits for ever."""
    # Replicas go apart where there is room: one node that is lost then takes one of them along.
    devices = {"num_cpus": wanted["n_cpus_per_replica"], "num_gpus": wanted["n_gpus_per_replica"]}
    return {**devices, "scheduling_strategy": "SPREAD"}


def _total(wanted: Mapping[str, Any]) -> dict[str, int]:
    """Of all replicas together."""
    n = wanted["n_replicas"]
    return {"CPU": n * wanted["n_cpus_per_replica"], "GPU": n * wanted["n_gpus_per_replica"]}


def missing(wanted: Mapping[str, Any], has: Mapping[str, float]) -> str:
    """What a cluster lacks for all replicas, in words; empty where it has enough."""
    lacking = [f"{n} {name}, {has.get(name, 0):g} there" for name, n in _total(wanted).items() if n > has.get(name, 0)]
    return "; ".join(lacking)


def _say_what_is_missing(wanted: Mapping[str, Any], has: Mapping[str, float]) -> None:
    """A cluster may still grow, so the wait goes on; but nobody shall wonder what for."""
    if found := missing(wanted, has):
        sys.stderr.write(f"the model server waits for the cluster to grow: {found}\n")


def _placed(wanted: Mapping[str, Any]) -> list[Any]:
    import ray

    server = ray.remote(**placement(wanted))(ModelServer)
    return [server.remote() for _ in range(wanted["n_replicas"])]


def _end(servers: Sequence[Any]) -> None:
    """Ask, and wait for a while; whatever does not hear it ends with its actor."""
    import ray

    if servers:
        ray.wait([server.end.remote() for server in servers], num_returns=len(servers), timeout=2 * _END_S)


def _all_done(starts: list[Any], *, parent_pid: int) -> bool:
    """Whether all have started; False where the parent has gone meanwhile.

    Raises: what the first start that failed raises.
    """
    import ray

    waiting = starts
    while waiting and is_wanted(parent_pid):
        ended, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_S)
        ray.get(ended)
    return not waiting


def _watch(servers: Sequence[Any], *, parent_pid: int) -> None:
    import ray

    while is_wanted(parent_pid):
        time.sleep(POLL_S)
        if not any(ray.get([server.answers.remote() for server in servers])):
            raise ServerDied("no replica answers any more")


if __name__ == "__main__":
    raise SystemExit(main())
