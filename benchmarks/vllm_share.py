"""Tokens per second through our engine as a share of what a vLLM server gives the same requests without us.

Belongs: two ways to send the same bodies to one server, turn about; the share that is printed, and how sure it is.
Does not belong: the engine, the server.

    python benchmarks/vllm_share.py --weights FOLDER        brings a server up on a Ray of its own, as a build does
    python benchmarks/vllm_share.py --url http://127.0.0.1:8000/v1 --model NAME        asks one that runs
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
N_DRAWN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was answered, and how long that took."""

    n_tokens: int
    seconds: float


def main() -> None:
    """Print one line per round, then the share and between which two it lies."""
    arguments = _arguments()
    wanted = _settings(arguments)
    command = [sys.executable, "-m", "ray_jobs.serve_model"]
    with ModelServer(command, {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}) as server:
        urls = (arguments.url,) if arguments.url else server.bring_up(wanted)
        settings = wanted.model_copy(update={"base_urls": urls})
        given = _inputs(arguments.n)
        # A server that has seen a prompt answers it faster: it has seen all of them before anything is measured.
        for warm_up in (_alone, _ours):
            warm_up(settings, given)
        shares = []
        for number in range(arguments.rounds):
            rates = _round(settings, given, number)
            shares.append(rates["ours"] / rates["alone"])
            line = {"round": number + 1, **{name: round(rate, 1) for name, rate in rates.items()}}
            print(json.dumps({**line, "share": round(shares[-1], 3)}), flush=True)
    lower, upper = _interval(shares)
    print(json.dumps({"share": round(_middle(shares), 3), "from": round(lower, 3), "to": round(upper, 3)}))


def _middle(shares: Sequence[float]) -> float:
    """The geometric mean: twice as fast and half as fast are equally far from the same."""
    return statistics.geometric_mean(shares)


def _interval(shares: Sequence[float]) -> tuple[float, float]:
    """Bounds of the share: of 95 in 100 sets of rounds drawn from these, with replacement."""
    draw = random.Random(0)
    drawn = sorted(_middle(draw.choices(shares, k=len(shares))) for _ in range(N_DRAWN))
    return drawn[N_DRAWN * 25 // 1000], drawn[N_DRAWN * 975 // 1000]


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
    parser.add_argument("--n", type=int, default=192, help="requests of one turn; a round has two turns each way")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=12)
    return parser.parse_args()


def _round(settings: EngineSettings, given: list[judge.JudgeGiven], number: int) -> dict[str, float]:
    """Completion tokens per second both ways, of the same requests, each way twice.

    The order is ours, alone, alone, ours, and the other way about in the next round: a machine that grows slower or
    faster meanwhile does so for both.
    """
    ways = {"ours": _ours, "alone": _alone}
    first, second = list(ways) if number % 2 else list(reversed(ways))
    total = {name: Rate(n_tokens=0, seconds=0.0) for name in ways}
    for name in (first, second, second, first):
        one = ways[name](settings, given)
        total[name] = Rate(n_tokens=total[name].n_tokens + one.n_tokens, seconds=total[name].seconds + one.seconds)
    return {name: rate.n_tokens / rate.seconds for name, rate in total.items()}


def _inputs(n: int) -> list[judge.JudgeGiven]:
    return [
        judge.JudgeGiven(
            question=f"{place:05d}: which of these goes with the finding?",
            answer_type="free_text",
            answer="heparin",
            gold="aspirin",
            lower="",
            upper="",
            same_concept=False,
        )
        for place in range(n)
    ]


def _ours(settings: EngineSettings, given: list[judge.JudgeGiven]) -> Rate:
    with tempfile.TemporaryDirectory() as folder, _generator(settings, Path(folder)) as generator:
        begun = time.monotonic()
        generator.ask(judge.TASK, given)
        seconds = time.monotonic() - begun
        return Rate(n_tokens=int(generator.ledger.summary()["completion_tokens"]), seconds=seconds)


def _generator(settings: EngineSettings, folder: Path) -> Generator:
    return open_generator(settings, open_store(str(folder)))


def _alone(settings: EngineSettings, given: list[judge.JudgeGiven]) -> Rate:
    return asyncio.run(_plainly(settings, _bodies(settings, given)))


def _bodies(settings: EngineSettings, given: list[judge.JudgeGiven]) -> list[bytes]:
    """What our engine would send, byte for byte, made before the clock runs."""
    with tempfile.TemporaryDirectory() as folder, _generator(settings, Path(folder)) as generator:
        form = generator.form_of(judge.TASK)
    constant = constant_body(form, settings)
    requests = (make_request(form, judge.TASK.messages(one), 0) for one in given)
    return [b'{"messages":' + one.messages_json + constant + b"%d}" % one.seed for one in requests]


async def _plainly(settings: EngineSettings, bodies: list[bytes]) -> Rate:
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
        return Rate(n_tokens=n_tokens, seconds=time.monotonic() - begun)


if __name__ == "__main__":
    main()
