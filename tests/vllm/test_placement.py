"""Replicas on GPUs, as far as a machine without one can tell: what Ray is asked for, what it gives, what vLLM is told.

Belongs: tensor parallelism, replicas and placement on a cluster that counts GPUs it does not have; a stand-in for vLLM.
Does not belong: computing on them, which a person with GPUs does by the commands of docs/engines.md.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from medreason.chains.engines.model_server import ModelServer
from medreason.chains.engines.vllm import server_wanted
from medreason.chains.generation.settings import EngineSettings, VllmSettings
from ray_jobs.serve_model import missing, placement
from tests.chains.requests_world import TASK, open_on, questions
from tests.conftest import REPOSITORY

EIGHT_GPUS = {"tensor_parallel_size": 2, "n_gpus_per_replica": 2, "n_replicas": 4, "n_cpus_per_replica": 3}


def _settings(**vllm: Any) -> EngineSettings:
    return EngineSettings.model_validate({"kind": "vllm", "model": "org/m", "revision": "abc", "vllm": vllm})


def test_a_replica_asks_for_all_its_devices_at_once() -> None:
    wanted = _settings(**EIGHT_GPUS).vllm.model_dump()
    assert placement(wanted) == {"num_cpus": 3, "num_gpus": 2, "scheduling_strategy": "SPREAD"}


MISSING = {
    "enough": ({"CPU": 12.0, "GPU": 8.0}, ""),
    "no GPU": ({"CPU": 12.0}, "8 GPU, 0 there"),
    "too few of both": ({"CPU": 2.0, "GPU": 7.0}, "12 CPU, 2 there; 8 GPU, 7 there"),
}


@pytest.mark.parametrize(("has", "expected"), MISSING.values(), ids=MISSING)
def test_what_the_cluster_lacks_is_said(has: dict[str, float], expected: str) -> None:
    assert missing(_settings(**EIGHT_GPUS).vllm.model_dump(), has) == expected


def test_more_tensor_parallelism_than_devices_is_refused() -> None:
    with pytest.raises(ValueError, match="as many n_gpus_per_replica"):
        _settings(tensor_parallel_size=4, n_gpus_per_replica=2)


# What vLLM's arguments have to hold, and what not.
ARGUMENTS = {
    "one GPU": (
        {"n_gpus_per_replica": 1},
        ["--tensor-parallel-size 1", "--gpu-memory-utilization 0.9", "--dtype auto"],
        ["--enforce-eager", "--max-model-len", "--distributed-executor-backend"],
    ),
    "two GPUs": (
        {**EIGHT_GPUS, "gpu_memory_utilization": 0.8, "dtype": "float16", "max_model_len": 16384},
        # One node's devices, and nothing that Ray would be asked for a second time.
        ["--tensor-parallel-size 2", "--distributed-executor-backend mp", "--max-model-len 16384"],
        ["--enforce-eager"],
    ),
    "CPUs": ({}, ["--enforce-eager", "--no-enable-chunked-prefill"], ["--gpu-memory-utilization"]),
    "an adapter on a GPU": (
        {"n_gpus_per_replica": 1, "base_model": "org/base", "lora_path": "/a"},
        [
            "--model org/base --enable-lora --lora-modules org/m=/a --max-lora-rank 64",
            "--revision abc --tokenizer-revision abc",
        ],
        [],
    ),
    "always": (
        {},
        # The weights that the key names, and answers drawn as it says: no defaults from a file beside the weights.
        ["--revision abc --tokenizer-revision abc", "--generation-config vllm"],
        ["--trust-remote-code"],
    ),
}


@pytest.mark.parametrize(("vllm", "present", "absent"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_what_vllm_is_told(vllm: dict[str, Any], present: list[str], absent: list[str]) -> None:
    line = " ".join(server_wanted(_settings(**vllm), host="127.0.0.1", port=8000).arguments)
    assert [part for part in present if part not in line] == []
    assert [part for part in absent if part in line] == []


RANKS = {
    "small": (4, 8),
    "one of vLLM's own": (64, 64),
    "large": (200, 256),
    "too large for vLLM, which says so": (600, 512),
}


@pytest.mark.parametrize(("own", "accepted"), RANKS.values(), ids=RANKS)
def test_a_server_accepts_the_rank_of_its_adapter_and_little_more(own: int, accepted: int, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": own}))
    settings = _settings(base_model="org/base", lora_path=str(tmp_path))
    arguments = server_wanted(settings, host="127.0.0.1", port=8000).arguments
    assert arguments[arguments.index("--max-lora-rank") + 1] == str(accepted)


THREADS = {"on CPUs one, unbound": (0, "1", "nobind"), "on GPUs as vLLM likes": (1, None, None)}


@pytest.mark.parametrize(("n_gpus", "threads", "bind"), THREADS.values(), ids=THREADS)
def test_threads_of_a_server(n_gpus: int, threads: str | None, bind: str | None) -> None:
    environment = dict(server_wanted(_settings(n_gpus_per_replica=n_gpus), host="127.0.0.1", port=8000).environment)
    assert environment.get("OMP_NUM_THREADS") == threads
    assert environment.get("VLLM_CPU_OMP_THREADS_BIND") == bind
    assert environment["VLLM_NO_USAGE_STATS"] == "1"


def _kill_the_program_that_serves() -> None:
    """With no chance to clean up; Ray then kills its actors, and these their children, but not their children's."""
    (program,) = (one for one in psutil.Process().children() if "ray_jobs.serve_model" in " ".join(one.cmdline()))
    program.kill()


@pytest.mark.slow
def test_replicas_get_devices_of_their_own_share_the_work_and_leave_nothing(tmp_path: Path) -> None:
    """Ray believes in the devices that it is told of, and tells each server which are its own."""
    notes = tmp_path / "notes"
    notes.mkdir()
    wanted = VllmSettings(
        weights=str(notes), n_replicas=2, n_gpus_per_replica=2, tensor_parallel_size=2, start_timeout_s=120.0
    )
    settings = EngineSettings(kind="vllm", model="rule", revision="1", concurrency=4, vllm=wanted)
    command = [sys.executable, "-m", "ray_jobs.serve_model", "--module", "tests.vllm.devices_as_vllm"]
    with ModelServer(command, {**os.environ, "PYTHONPATH": str(REPOSITORY)}) as server:
        with open_on(tmp_path / "root", settings, bring_up=server.bring_up) as generator:
            answers = generator.ask(TASK, questions(40))
        urls = server.urls
        _kill_the_program_that_serves()
        told = [json.loads(note.read_text(encoding="utf-8")) for note in sorted(notes.iterdir())]
        engines = [one["engine"] for one in told]
        deadline_s = time.monotonic() + 60
        while any(map(psutil.pid_exists, engines)) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        assert not any(map(psutil.pid_exists, engines)), "what a server started has to end with it"
    assert len(urls) == len(told) == 2
    assert sorted(device for one in told for device in one["devices"].split(",")) == ["0", "1", "2", "3"]
    assert all(answer.value is not None for answer in answers)
