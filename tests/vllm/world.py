"""A build whose every request vLLM itself answers, on a Ray cluster of this machine.

Belongs: the configuration that is built, the tiny model (trained once per recipe), looking at a cluster.
Does not belong: how programs are run (tests/end_to_end/world.py), the cluster (tests/ray_jobs/clusters.py), fixtures.
Rule: never two model servers at a time.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from medreason.base.canonical import sha256_bytes
from tests.chains.requests_world import endpoint
from tests.conftest import REPOSITORY
from tests.end_to_end.world import SAMPLE, Place, build
from tests.ray_jobs.clusters import Cluster
from tests.vllm.lessons import asked_under, lessons_from

MODEL = "tiny"
REVISION = "1"
_OWN_SOURCES = {
    "medqa": Path(__file__).with_name("misspelt.jsonl"),
    "huatuo_o1": Path(__file__).with_name("free_text.json"),
}
"""By adapter. Answers with slips of the pen, since the sample has hardly a choice to make, and such without options,
which are the ones that are judged."""
_MODELS = REPOSITORY / "var" / "test_models"
_SERVER_STARTS = "Starting vLLM server on"
_TIME_TO_END_S = 60.0
_ADAPTER_RANK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """The tiny model, an adapter on it, and the place of the build by rule that it learned from."""

    model: Path
    adapter: Path
    place: Place


def whole_sample(file: Path, engine: dict[str, Any], compute: dict[str, Any] | None = None) -> Path:
    """A configuration over all sources of the sample and a few questions of our own, written to `file`."""
    value = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    own = ({"adapter": name, "url": str(path)} for name, path in _OWN_SOURCES.items())
    value["sources"] += [{**one, "split": "own", "role": "train"} for one in own]
    for one in (*value["sources"], value["graph"]):
        one["url"] = str((SAMPLE.parent / one["url"]).resolve())
    # What only resembles a name is left to a model, slips of the pen too.
    value["grounding"] = {"linking": {"accept_score": 1000, "offer_score": 400}}
    # A model of this size writes no step that its edges support; that it says the same again is within its reach.
    value |= {"engine": engine, "verification": {"keep": "re_answer"}, **({"compute": compute} if compute else {})}
    file.write_text(yaml.safe_dump(value), encoding="utf-8")
    return file


def with_vllm(file: Path, trained: Trained, cluster: Cluster | None = None) -> Path:
    """The configuration whose requests vLLM answers; shards run on the cluster, or in the build's process."""
    engine = {
        "kind": "vllm",
        "model": MODEL,
        "revision": REVISION,
        "concurrency": 16,
        "sampling": {"max_tokens": 200},
        "vllm": {
            "base_model": str(trained.model),
            "lora_path": str(trained.adapter),
            "dtype": "bfloat16",
            "max_model_len": 8192,
            "start_timeout_s": 600,
        },
    }
    on_ray = {"kind": "ray", "workers": 2, "shard_rows": 48, "address": cluster.address} if cluster else None
    return whole_sample(file, engine, on_ray)


def recorded_lessons(place: Place, folder: Path) -> Path:
    """What the tasks ask of the sample, with answers: one JSON object a line.

    The lessons come from a build by rule over HTTP, whose prompts are kept with their answers.
    """
    with endpoint() as server:
        config = whole_sample(
            folder / "rule.yaml", {"kind": "openai", "base_urls": [server.url], "model": "rule", "revision": "1"}
        )
        made = build(place, config=config)
        assert made.exit_code == 0, made.stderr[-3000:]
    lessons = folder / "lessons.jsonl"
    lines = (json.dumps(lesson, ensure_ascii=False) for lesson in lessons_from(asked_under(place.root)))
    lessons.write_text("\n".join(lines), encoding="utf-8")
    return lessons


def trained_on(lessons: Path) -> Path:
    """A model that has seen these lessons, kept under their hash and that of the recipe."""
    recipe = Path(__file__).with_name("tiny_model.py").read_bytes()
    model = _MODELS / sha256_bytes(recipe + lessons.read_bytes())[:16]
    if not model.exists():
        staged = model.with_suffix(".staged")
        command = [sys.executable, "-m", "tests.vllm.tiny_model", "--lessons", str(lessons), "--folder", str(staged)]
        subprocess.run(command, check=True, cwd=REPOSITORY, env={**os.environ, "OMP_NUM_THREADS": "1"})
        staged.rename(model)
    return model


def some_adapter(model: Path, folder: Path) -> Path:
    """An adapter that has learned nothing and changes attention a little: enough to tell it from the model alone."""
    import numpy as np
    from safetensors.numpy import save_file

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    width, rank, draw = config["hidden_size"], _ADAPTER_RANK, np.random.default_rng(1)
    weights = {}
    for layer in range(config["num_hidden_layers"]):
        name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        n_out = config["num_attention_heads"] * config["head_dim"]
        for part, shape in (("lora_A", (rank, width)), ("lora_B", (n_out, rank))):
            weights[f"{name}.{part}.weight"] = draw.normal(0, 0.05, shape).astype(np.float32)
    folder.mkdir(parents=True)
    save_file(weights, folder / "adapter_model.safetensors")
    described = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": str(model), "bias": "none"}
    described |= {"r": rank, "lora_alpha": rank, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def workers_of(cluster: Cluster) -> list[psutil.Process]:
    """Processes on a cluster that work at a shard now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == cluster.process.pid and "ray::run_shard" in " ".join(process.cmdline()):
                found.append(process)
    return found


def sessions_of_vllm(model: Path) -> set[int]:
    """The sessions of operating system processes that serve a model: the API server leads one, all others are in it."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if {"vllm.entrypoints.openai.api_server", str(model)} <= set(process.cmdline()):
                found.add(os.getsid(process.pid))
    return found


def processes_in(sessions: set[int]) -> list[psutil.Process]:
    """Every running process of these sessions, whoever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def servers_of(cluster: Cluster) -> list[str]:
    """What each vLLM server that was ever started on a cluster has written."""
    outputs = (file.read_text(errors="replace") for file in cluster.folder.glob("session_2*/logs/worker-*.out"))
    return [output for output in outputs if _SERVER_STARTS in output]


def left_over(sessions: set[int]) -> list[str]:
    """What is still there of these sessions when it has had time to end."""
    deadline_s = time.monotonic() + _TIME_TO_END_S
    while (found := processes_in(sessions)) and time.monotonic() < deadline_s:
        time.sleep(0.2)
    return [str(process) for process in found]


def n_sent(cluster: Cluster) -> int:
    """Completions that all servers say they were asked for, in their access logs."""
    return sum(output.count('"POST /v1/chat/completions HTTP') for output in servers_of(cluster))


def stored(root: str, model: str = MODEL) -> list[dict[str, Any]]:
    """Every line of every segment under a root that answers a request to a model, doubles included."""
    folder = Path(root)
    texts = [gzip.decompress(file.read_bytes()) for file in (folder / "cache").glob("*.gz")]
    texts += [file.read_bytes() for file in (folder / ".requests" / "open").glob("*.jsonl")]
    lines = [json.loads(line) for text in texts for line in text[: text.rfind(b"\n") + 1].splitlines()]
    return [line for line in lines if line.get("request", {}).get("model_id") == model]
