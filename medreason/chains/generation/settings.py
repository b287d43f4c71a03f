"""The `engine` part of the configuration.

Belongs: who answers, where, how patiently, at what price; which endpoints count as private.
Does not belong: keys (the environment holds them, the configuration names the variable), requests.
Rule: text of a local-only source goes to a loopback address or a declared private endpoint, or nowhere.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from medreason.base.config import StrictModel
from medreason.base.errors import BadConfiguration, EgressRefused
from medreason.chains.generation.request import Sampling
from medreason.chains.generation.retry import RetryPolicy


class SamplingSettings(StrictModel):
    """How answers are drawn; part of every request's key."""

    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    max_tokens: int = Field(default=2048, ge=1)
    stop: tuple[str, ...] = ()
    n_top_logprobs: int | None = Field(default=None, ge=0, le=20)

    def sampling(self) -> Sampling:
        """As requests hold it."""
        return Sampling(**self.model_dump())


class PriceTable(StrictModel):
    """What a provider charges, in US dollars per million tokens. `version` stands beside every cost."""

    version: str
    prompt_usd_per_million: float = Field(ge=0.0)
    completion_usd_per_million: float = Field(ge=0.0)

    def cost_nano_usd(self, prompt_tokens: int, completion_tokens: int) -> int:
        """Cost in billionths of a dollar, rounded per call.

        >>> PriceTable(version="v", prompt_usd_per_million=0.15, completion_usd_per_million=0.6).cost_nano_usd(1000, 10)
        156000
        """
        prompt = prompt_tokens * self.prompt_usd_per_million
        return round((prompt + completion_tokens * self.completion_usd_per_million) * 1000)


class VllmSettings(StrictModel):
    """The vLLM server that a Ray cluster is to bring up (kind `vllm`)."""

    tensor_parallel_size: int = Field(default=1, ge=1)
    n_replicas: int = Field(default=1, ge=1)
    dtype: str = "auto"
    max_model_len: int | None = Field(default=None, ge=1)
    gpu_memory_utilization: float = Field(default=0.9, gt=0.0, le=1.0)
    n_gpus_per_replica: int = Field(default=0, ge=0)
    """0 runs on CPUs."""
    n_cpus_per_replica: int = Field(default=1, ge=1)
    weights: str = ""
    """Folder or name that the weights are loaded from, where `model` is only what requests call them."""
    lora_path: str = ""
    """Adapter folder; requests then name the adapter as `model`."""
    base_model: str = ""
    """Weights under the adapter; empty where `model` is the weights."""
    start_timeout_s: float = Field(default=900.0, gt=0.0)


class EngineSettings(StrictModel):
    """Who answers the tasks, and how."""

    kind: Literal["rule", "openai", "vllm", "replay"] = "rule"
    base_urls: tuple[str, ...] = ()
    """Replicas of one endpoint, each up to and with `/v1`."""
    model: str = ""
    """As the server knows it; must be what `/v1/models` lists. Replay of rule answers leaves it empty."""
    revision: str = ""
    """Commit or digest of the weights, part of every key; providers without one: the date of the model card."""
    response_model: str = ""
    """What the server reports in answers, where that differs from `model`."""
    api_key_env: str = ""
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Requests in flight per replica, at most."""
    deadline_s: float | None = Field(default=None, gt=0.0)
    """Of one attempt, connection to last byte; by default 30 s and 0.05 s per token of `max_tokens`."""
    connect_timeout_s: float = Field(default=5.0, gt=0.0)
    max_attempts: int = Field(default=4, ge=1)
    limit_patience_s: float = Field(default=900.0, ge=0.0)
    failures_before_probe: int = Field(default=20, ge=1)
    """Failures in a row after which one token is asked for: no answer to that is an outage, which defers all rows."""
    max_response_characters: int = Field(default=64_000, ge=1)
    response_format: Literal["json_schema", "json_object", "none"] = "json_schema"
    sampling: SamplingSettings = SamplingSettings()
    sampling_by_task: dict[str, SamplingSettings] = Field(default_factory=dict)
    prices: PriceTable | None = None
    budget_usd: float | None = Field(default=None, ge=0.0)
    private_endpoints: tuple[str, ...] = ()
    """Hosts, or `host:port`, that are ours although they are not on this machine."""
    ask_failed_again: bool = False
    """Ask once more what was quarantined in an earlier run, for instance after a server was mended."""
    fault_rates: dict[str, float] = Field(default_factory=dict)
    """Kind `rule` only: share of chains that get each seeded fault."""
    vllm: VllmSettings = VllmSettings()

    @model_validator(mode="after")
    def _is_complete(self) -> EngineSettings:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    def deciding(self) -> dict[str, Any]:
        """What decides the answers: everything but where they come from, how fast, and at what price."""
        return self.model_dump(mode="json", exclude=_DECIDES_NOTHING)

    def sampling_of(self, task: str) -> Sampling:
        """The task's own sampling, or the common one."""
        return self.sampling_by_task.get(task, self.sampling).sampling()

    def schema_sent(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What constrains the answer and so is part of its key: the schema, only that it is JSON, or nothing."""
        forms = {"json_schema": dict(schema), "json_object": {"type": "object"}, "none": {}}
        return forms[self.response_format] if schema else {}

    def deadline_of(self, sampling: Sampling) -> float:
        """Seconds that one attempt may take in all."""
        return self.deadline_s if self.deadline_s is not None else 30.0 + 0.05 * sampling.max_tokens

    def retry_policy(self) -> RetryPolicy:
        """The part that retry.py reads."""
        return RetryPolicy(max_attempts=self.max_attempts, limit_patience_s=self.limit_patience_s)

    def api_key(self) -> str | None:
        """The key, read now; it is kept nowhere.

        Raises: BadConfiguration where the named variable is not set.
        """
        if not self.api_key_env:
            return None
        key = os.environ.get(self.api_key_env, "")
        if not key:
            raise BadConfiguration(
                f"environment variable {self.api_key_env} is not set", where="engine.api_key_env", remedy="Set it."
            )
        return key


_OF_THE_SERVER = (
    *("tensor_parallel_size", "n_replicas", "max_model_len", "gpu_memory_utilization", "n_gpus_per_replica"),
    *("n_cpus_per_replica", "start_timeout_s", "weights"),
)
"""Of the server only what it computes with decides: `dtype`, the adapter and the weights under it."""
_DECIDES_NOTHING: Any = {
    **dict.fromkeys(("base_urls", "api_key_env", "concurrency", "connect_timeout_s"), True),
    **dict.fromkeys(("prices", "budget_usd", "private_endpoints"), True),
    "vllm": dict.fromkeys(_OF_THE_SERVER, True),
}
"""Keys that no memo and no release knows."""


def _faults(settings: EngineSettings) -> Iterable[str]:
    if settings.kind == "openai" and not settings.base_urls:
        yield "kind openai needs base_urls"
    if settings.kind in ("openai", "vllm") and not (settings.model and settings.revision):
        yield f"kind {settings.kind} needs model and revision"
    if settings.budget_usd is not None and settings.prices is None:
        yield "a budget needs prices"
    if 0 < settings.vllm.n_gpus_per_replica < settings.vllm.tensor_parallel_size:
        yield "tensor_parallel_size needs as many n_gpus_per_replica"
    if settings.vllm.lora_path and not settings.vllm.base_model:
        yield "a LoRA adapter needs vllm.base_model"
    if settings.fault_rates and settings.kind != "rule":
        yield "fault_rates are for kind rule"
    for url in settings.base_urls:
        yield from _url_faults(url)


def _url_faults(url: str) -> Iterable[str]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "base_urls are http:// or https:// addresses"
    if parts.username or parts.password:
        yield "base_urls hold no user name or password; use api_key_env"
    if parts.query or parts.fragment:
        yield "base_urls end with their path: no query, no fragment; a key goes into api_key_env"


def is_private(url: str, private_endpoints: Iterable[str] = ()) -> bool:
    """Whether an endpoint is loopback or listed. Names are compared as written, never resolved.

    >>> is_private("http://127.0.0.1:8000/v1"), is_private("https://api.example.org/v1")
    (True, False)
    >>> is_private("https://llm.hospital.example/v1", ["llm.hospital.example"])
    True
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host == "localhost" or _is_loopback_address(host):
        return True
    listed = {name.lower() for name in private_endpoints}
    return host in listed or f"{host}:{parts.port}" in listed


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_egress(settings: EngineSettings, local_only_sources: Iterable[str]) -> None:
    """Refuse before the first byte, where text of these sources would leave.

    Raises: EgressRefused that names the sources and the hosts.
    """
    sources = sorted(set(local_only_sources))
    outside = [url for url in settings.base_urls if not is_private(url, settings.private_endpoints)]
    # Addresses that a bring-up returns are not looked at: they are nodes of our own cluster.
    if settings.kind in ("openai", "vllm") and sources and outside:
        hosts = ", ".join(sorted({urlsplit(url).hostname or "" for url in outside}))
        raise EgressRefused(f"{', '.join(sources)} must not be sent to {hosts}", where="engine.base_urls")
