"""vLLM, brought up by a job on a Ray cluster when the first request has to be sent.

Belongs: the server that is wanted (arguments, environment), the engine that asks it.
Does not belong: starting it (ray_jobs/serve_model.py), the client itself (openai.py).
Rule: no server is started where every answer is cached, and one for the whole run where not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from medreason.chains.engines.openai import OpenAIEngine, Sink
from medreason.chains.generation.request import Request
from medreason.chains.generation.settings import EngineSettings

_LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM lets a server accept at most; it computes with that rank, whatever the adapter's own is."""
_ADAPTER_CONFIG = "adapter_config.json"
_UNKNOWN_LORA_RANK = 64
"""Where the adapter cannot be looked at."""


class VllmEngine:
    """The `openai` client against the server that `bring_up` starts."""

    kind = "vllm"

    def __init__(self, settings: EngineSettings, bring_up: Callable[[EngineSettings], Sequence[str]] | None) -> None:
        """Args: bring_up gives the base URLs where the configuration has none."""
        self._settings, self._bring_up = settings, bring_up
        self._client: OpenAIEngine | None = None

    def answer(self, requests: Iterable[Request | None], sink: Sink) -> None:
        """See `Engine.answer`."""
        feed = iter(requests)
        first = next((request for request in feed if request is not None), None)
        if first is not None:
            self._started_client().answer(chain([first], feed), sink)

    def _started_client(self) -> OpenAIEngine:
        if self._client is None:
            settings = self._settings
            if self._bring_up is not None and not settings.base_urls:
                settings = settings.model_copy(update={"base_urls": tuple(self._bring_up(settings))})
            self._client = OpenAIEngine(settings, kind=self.kind)
        return self._client


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWanted:
    """One vLLM API server, as a job has to start it."""

    arguments: tuple[str, ...]
    """After ``python -m vllm.entrypoints.openai.api_server`` (the `vllm` program fails with the CPU build)."""
    environment: tuple[tuple[str, str], ...]

    @property
    def module(self) -> str:
        """Module to run."""
        return "vllm.entrypoints.openai.api_server"


def server_wanted(settings: EngineSettings, *, host: str, port: int) -> ServerWanted:
    """The server of one replica.

    Args: host is the address of the node inside the cluster, or loopback.
    """
    return ServerWanted(
        arguments=(*_model_arguments(settings), *_size_arguments(settings), "--host", host, "--port", str(port)),
        environment=_environment(settings),
    )


def _model_arguments(settings: EngineSettings) -> tuple[str, ...]:
    wanted = settings.vllm
    if wanted.lora_path:
        rank = _accepted_rank(Path(wanted.lora_path))
        adapter = ("--lora-modules", f"{settings.model}={wanted.lora_path}", "--max-lora-rank", str(rank))
        return (
            "--model",
            wanted.base_model,
            "--enable-lora",
            *adapter,
            *_revision_arguments(settings, wanted.base_model),
        )
    if wanted.weights:
        named = ("--served-model-name", settings.model)
        return ("--model", wanted.weights, *named, *_revision_arguments(settings, wanted.weights))
    return ("--model", settings.model, *_revision_arguments(settings, settings.model))


def _accepted_rank(adapter: Path) -> int:
    """The least that the adapter fits in: on CPUs a rank of 64 made one of 4 answer two to three times slower."""
    described = adapter / _ADAPTER_CONFIG
    if not described.is_file():
        return _UNKNOWN_LORA_RANK
    own = json.loads(described.read_text(encoding="utf-8")).get("r", _UNKNOWN_LORA_RANK)
    return next((rank for rank in _LORA_RANKS if rank >= own), _LORA_RANKS[-1])


def _revision_arguments(settings: EngineSettings, weights: str) -> tuple[str, ...]:
    """A folder has no revisions; a name on a hub is pinned, tokenizer included."""
    if weights.startswith(("/", ".")):
        return ()
    return ("--revision", settings.revision, "--tokenizer-revision", settings.revision)


def _size_arguments(settings: EngineSettings) -> tuple[str, ...]:
    wanted = settings.vllm
    arguments = ["--dtype", wanted.dtype, "--tensor-parallel-size", str(wanted.tensor_parallel_size)]
    if wanted.tensor_parallel_size > 1:
        # A replica lies on one node, on the devices that Ray gave its actor: vLLM spreads over them and asks for none.
        arguments += ["--distributed-executor-backend", "mp"]
    # Else a file beside the weights changes how answers are drawn (top_k, penalties), and no request's key says so.
    arguments += ["--generation-config", "vllm"]
    if wanted.max_model_len is not None:
        arguments += ["--max-model-len", str(wanted.max_model_len)]
    if wanted.n_gpus_per_replica:
        arguments += ["--gpu-memory-utilization", str(wanted.gpu_memory_utilization)]
    else:
        # A prompt that is read in parts and has a seed ends vLLM on CPUs: their random numbers cannot be taken back.
        arguments += ["--enforce-eager", "--no-enable-chunked-prefill"]
    return tuple(arguments)


def _environment(settings: EngineSettings) -> tuple[tuple[str, str], ...]:
    common = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    # Unbound, one thread per worker: two spinning threads on two shared cores made it 3.7 times slower.
    on_cpu = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
    return tuple(sorted((common if settings.vllm.n_gpus_per_replica else common | on_cpu).items()))
