"""The model server of a run, its money, and its jobs on a cluster, as a Dagster resource.

Belongs: when the server of engine kind `vllm` is started and ended; the server as a job on a running cluster.
Does not belong: the server as a process of ours (medreason/chains/engines/model_server.py), the program
(ray_jobs/serve_model.py).
Rule: one server for all steps of a run; none where every answer is cached; ended with the run, however that ends.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from assets.base.cluster import Cluster, Work, name_of
from assets.base.settings import BuildSettings
from assets.base.versions import CHECKOUT
from medreason.base.errors import MedReasonError

if TYPE_CHECKING:
    from medreason.base.store import Store
    from medreason.chains.engines.model_server import ModelServer
    from medreason.chains.generation.ledger import Purse
    from medreason.chains.generation.settings import EngineSettings

# No `from __future__ import annotations`: Dagster reads the annotations of a resource as types.


_POLL_S = 0.5
_PROBE_TIMEOUT_S = 5.0


class RunModel(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Dagster sets it up once per run and process, and tears it down on success, failure and cancel."""

    settings: dg.ResourceDependency[BuildSettings]
    _cluster: Any = PrivateAttr(default=None)
    """A `Cluster`, or None where the configuration names none."""
    _server: Any = PrivateAttr(default=None)
    """A `ModelServer` or `ServerJob`, or None before it is needed."""
    _purse: Any = PrivateAttr(default=None)
    """A `Purse`, or None before the first look or where there is no limit."""
    _serve_module: str = PrivateAttr(default="ray_jobs.serve_model")
    _run: Any = PrivateAttr(default=None)
    """Dagster instance and run id."""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Remember whose run this is; nothing is started."""
        if context.run is not None and context.instance is not None:
            self._run = (context.instance, context.run.run_id)

    def cluster(self) -> Cluster:
        """The jobs of this run on the cluster of `compute.address`."""
        if self._cluster is None:
            instance, run_id = self._run
            address = self.settings.configuration().compute.address
            self._cluster = Cluster(address=address, store=self.settings.store(), instance=instance, run_id=run_id)
        made: Cluster = self._cluster
        return made

    def purse(self) -> "Purse | None":
        """What this run may still spend, all its steps together; None for no limit."""
        from medreason.chains.generation.ledger import Purse

        if self._purse is None:
            self._purse = Purse.of(self.settings.configuration().engine.budget_usd)
        left: Purse | None = self._purse
        return left

    def bring_up(self, engine: "EngineSettings") -> Sequence[str]:
        """Base URLs of the run's model server, which the first call starts.

        Raises: ModelServerFailed.
        """
        urls: Sequence[str] = self._made().bring_up(engine)
        return urls

    def urls(self) -> tuple[str, ...]:
        """Where it answers; empty before the first `bring_up`, unless there is one to take over: its run is gone."""
        config = self.settings.configuration()
        if self._server is None and config.engine.kind == "vllm" and config.compute.address:
            self._made().adopt(config.engine)
        return tuple(self._server.urls) if self._server is not None else ()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """End the server, if it was started; else one that a run of the same engine left which is gone."""
        if self._server is not None:
            self._server.end()
            self._server = None
        elif self._run is not None:
            self._end_left_server(context)

    def _end_left_server(self, context: dg.InitResourceContext) -> None:
        """Where this run needed none, nobody else may come for it: there need not be a daemon with the reaper."""
        config = self.settings.configuration()
        if config.engine.kind != "vllm" or not config.compute.address:
            return
        try:
            stopped = self._server_job().end_left(config.engine)
        except (MedReasonError, ConnectionError, RuntimeError) as error:
            stopped = [f"could not be looked for: {error}"]
        if stopped and context.log is not None:
            context.log.info(f"model server of a run that is gone: {', '.join(stopped)}")

    def _made(self) -> Any:
        if self._server is None:
            on_cluster = bool(self.settings.configuration().compute.address)
            self._server = self._server_job() if on_cluster else _own_server()
        return self._server

    def _server_job(self) -> "ServerJob":
        return ServerJob(self.cluster(), self.settings.store(), self._serve_module)


def _own_server() -> "ModelServer":
    """A server on a Ray of its own on this machine."""
    from medreason.chains.engines.model_server import ModelServer

    command = [sys.executable, "-m", "ray_jobs.serve_model"]
    return ModelServer(command, {**os.environ, "PYTHONPATH": str(CHECKOUT), "RAY_USAGE_STATS_ENABLED": "0"})


class ServerJob:
    """A model server as a job on a running cluster; after a kill of its run the next one takes it over."""

    def __init__(self, cluster: Cluster, store: "Store", module: str) -> None:
        """Nothing is started."""
        self._cluster, self._store, self._module = cluster, store, module
        self._submission_id = ""
        self.urls: tuple[str, ...] = ()

    def adopt(self, engine: "EngineSettings") -> None:
        """Take over a server of this engine whose run is gone, once it answers; one that does not is ended."""
        from medreason.chains.engines.model_server import ModelServerFailed

        found = self._cluster.newest(self._work(engine).name)
        if found is None or not found.is_running or not self._cluster.adopt(found.submission_id):
            return
        self._submission_id = found.submission_id
        try:
            urls = self._wait(engine)
        except ModelServerFailed:
            urls = ()
        if urls and all(_answers(url) for url in urls):
            self.urls = urls
        else:
            self.end()

    def bring_up(self, engine: "EngineSettings") -> tuple[str, ...]:
        """Base URLs of the replicas; starts them at the first call.

        Raises: ModelServerFailed where the job ends, or is not ready in time.
        """
        if not self.urls:
            self.adopt(engine)
        if not self.urls:
            self._submission_id = self._cluster.start(self._work(engine))
            self.urls = self._wait(engine)
        return self.urls

    def end(self) -> None:
        """Ask the cluster to end it, if it was started."""
        if self._submission_id:
            self._cluster.stop(self._submission_id)
        self._submission_id, self.urls = "", ()

    def end_left(self, engine: "EngineSettings") -> list[str]:
        """End servers of this engine whose run is gone; their submission ids."""
        return self._cluster.stop_left(self._work(engine).name)

    def _work(self, engine: "EngineSettings") -> Work:
        """What the server computes with and where; how it is asked is not of its making."""
        served = engine.model_dump(mode="json", include={"model", "revision", "vllm"})
        return Work(
            name=name_of("serve", {"root": self._store.url, **served}),
            module=self._module,
            files={"engine.json": engine.model_dump_json().encode()},
        )

    def _wait(self, engine: "EngineSettings") -> tuple[str, ...]:
        from medreason.chains.engines.model_server import ModelServerFailed

        submission_id, deadline_s = self._submission_id, time.monotonic() + engine.vllm.start_timeout_s
        ready = f"jobs/{submission_id}/ready.json"
        while not self._store.exists(ready):
            status = self._cluster.status(submission_id)
            if status not in ("PENDING", "RUNNING"):
                words = self._cluster.last_words(submission_id)
                raise ModelServerFailed(f"Ray job {submission_id}: {status}\n{words}", where="engine.vllm")
            if time.monotonic() > deadline_s:
                self.end()
                raise ModelServerFailed("it was not ready in time", where="engine.vllm.start_timeout_s")
            time.sleep(_POLL_S)
        return tuple(json.loads(self._store.read(ready))["base_urls"])


_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Nodes of our own cluster are no affair of the environment's proxies."""


def _answers(url: str) -> bool:
    try:
        with _DIRECTLY.open(f"{url}/models", timeout=_PROBE_TIMEOUT_S) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False
