"""Tokens per second through our engine as a share of what a vLLM server gives the same requests without us.

Belongs: two ways to send the same bodies to one server, turn about; the share that is printed.
Does not belong: the engine, the server.

    python benchmarks/vllm_share.py --weights FOLDER        brings a server up on a Ray of its own, as a build does
    python benchmarks/vllm_share.py --url http://127.0.0.1:8000/v1 --model NAME        asks one that runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from medreason.base.store import open_store
from medreason.chains.engines.model_server import ModelServer
from medreason.chains.engines.openai import constant_body
from medreason.chains.generation.generator import Generator, open_generator
from medreason.chains.generation.request import make_request
from medreason.chains.generation.settings import EngineSettings, SamplingSettings, VllmSettings
from medreason.chains.tasks import judge

PATIENCE_S = 300.0


def main() -> None:
    """Print one line per round and the median share."""
    arguments = _arguments()
    wanted = _settings(arguments)
    command = [sys.executable, "-m", "ray_jobs.serve_model"]
    with ModelServer(command, {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}) as server:
        urls = (arguments.url,) if arguments.url else server.bring_up(wanted)
        settings = wanted.model_copy(update={"base_urls": urls})
        shares = []
        for number in range(arguments.rounds + 1):
            rates = _round(settings, arguments.n, number)
            if number:  # the first one warms the server up
                shares.append(rates["ours"] / rates["alone"])
                print(json.dumps({"round": number, **{name: round(rate, 1) for name, rate in rates.items()}}))
    print(json.dumps({"share": round(statistics.median(shares), 3), "rounds": [round(share, 3) for share in shares]}))


def _settings(arguments: argparse.Namespace) -> EngineSettings:
    return EngineSettings(
        kind="vllm",
        model=arguments.model,
        revision=arguments.revision,
        concurrency=arguments.concurrency,
        response_format="none",
        sampling=SamplingSettings(temperature=1.0, max_tokens=arguments.max_tokens),
        vllm=VllmSettings(
            weights=arguments.weights,
            dtype="bfloat16",
            max_model_len=4096,
            n_gpus_per_replica=arguments.gpus,
            tensor_parallel_size=max(1, arguments.gpus),
        ),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", default="", help="base URL of a running server, up to and with /v1")
    where.add_argument("--weights", default="", help="folder or name of a model to serve")
    parser.add_argument("--revision", default="main", help="of the model that has a name")
    parser.add_argument("--model", default="benchmark", help="name of the model in requests")
    parser.add_argument("--gpus", type=int, default=0, help="tensor parallelism of the server; 0 for CPUs")
    parser.add_argument("--n", type=int, default=256, help="requests each way and round")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6)
    return parser.parse_args()


def _round(settings: EngineSettings, n: int, number: int) -> dict[str, float]:
    """Completion tokens per second both ways, of the same requests; who goes first changes from round to round."""
    ways = {"ours": _ours, "alone": _alone}
    order = list(ways) if number % 2 else list(reversed(ways))
    given = _inputs(n, number)
    # A server that has seen a prompt answers it faster: so it has seen these before either way is measured.
    _alone(settings, given)
    return {name: ways[name](settings, given) for name in order}


def _inputs(n: int, number: int) -> list[judge.JudgeGiven]:
    return [
        judge.JudgeGiven(
            question=f"{number:03d}-{place:05d}: which of these goes with the finding?",
            answer_type="free_text",
            answer="heparin",
            gold="aspirin",
            lower="",
            upper="",
            same_concept=False,
        )
        for place in range(n)
    ]


def _ours(settings: EngineSettings, given: list[judge.JudgeGiven]) -> float:
    with tempfile.TemporaryDirectory() as folder, _generator(settings, Path(folder)) as generator:
        begun = time.monotonic()
        generator.ask(judge.TASK, given)
        seconds = time.monotonic() - begun
        return float(generator.ledger.summary()["completion_tokens"]) / seconds


def _generator(settings: EngineSettings, folder: Path) -> Generator:
    return open_generator(settings, open_store(str(folder)))


def _alone(settings: EngineSettings, given: list[judge.JudgeGiven]) -> float:
    return asyncio.run(_plainly(settings, _bodies(settings, given)))


def _bodies(settings: EngineSettings, given: list[judge.JudgeGiven]) -> list[bytes]:
    """What our engine would send, byte for byte, made before the clock runs."""
    with tempfile.TemporaryDirectory() as folder, _generator(settings, Path(folder)) as generator:
        form = generator.form_of(judge.TASK)
    constant = constant_body(form, settings)
    requests = (make_request(form, judge.TASK.messages(one), 0) for one in given)
    return [b'{"messages":' + one.messages_json + constant + b"%d}" % one.seed for one in requests]


async def _plainly(settings: EngineSettings, bodies: list[bytes]) -> float:
    """The shortest client there is: so many tasks, each of which sends the next body."""
    import aiohttp

    waiting, n_tokens = iter(bodies), 0
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    headers = {"Content-Type": "application/json"}

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal n_tokens
        for body in waiting:
            async with session.post(f"{settings.base_urls[0]}/chat/completions", data=body) as reply:
                answer: dict[str, Any] = await reply.json()
                n_tokens += answer["usage"]["completion_tokens"]

    async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
        begun = time.monotonic()
        await asyncio.gather(*(work(session) for _ in range(settings.concurrency)))
        return n_tokens / (time.monotonic() - begun)


if __name__ == "__main__":
    main()
