"""What a server of vLLM answers when it is asked directly, with all that requests of ours may want of it.

Belongs: asking, through our own client; what came back.
Does not belong: what has to come back (test_server.py), when the server is asked (story.py).
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medreason.chains.generation.settings import EngineSettings
from tests.chains.requests_world import TASK, open_on, questions
from tests.vllm.world import MODEL, REVISION, stored

WILD = {"temperature": 2.0, "max_tokens": 40}
GREEDY = {"temperature": 0.0, "max_tokens": 40}
N_TOP = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Answers in the order of questions; responses as stored, in the order of their requests' hashes."""

    answers: list[Any]
    responses: list[dict[str, Any]]

    def contents(self) -> list[str]:
        """The texts."""
        return [response["content"] for response in self.responses]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directly:
    """What one server said."""

    models: set[str]
    """Names that it lists."""
    asked: Mapping[str, Asked]
    stop: str
    """Where the answer `stopped` had to end."""


def ask_directly(urls: tuple[str, ...], base: str, folder: Path) -> Directly:
    """Ask everything, one request at a time, so that no answer depends on what else is in its batch.

    Args: base is what the model without its adapter is called.
    """

    def ask(name: str, n_questions: int, *, n: int = 1, model: str = MODEL, **changes: Any) -> Asked:
        free: dict[str, Any] = {"response_format": "none", "concurrency": 1, **changes}
        settings = EngineSettings(kind="vllm", base_urls=urls, model=model, revision=REVISION, **free)
        with open_on(folder / name, settings) as generator:
            answers = generator.ask(TASK, questions(n_questions), n=n)
        lines = sorted(stored(str(folder / name), model), key=lambda line: str(line["request_sha256"]))
        return Asked(answers=answers, responses=[line["response"] for line in lines])

    whole = ask("whole", 1, sampling=GREEDY)
    stop = whole.contents()[0][2:5]
    told = {**GREEDY, "n_top_logprobs": N_TOP}
    asked = {
        "whole": whole,
        "stopped": ask("stopped", 1, sampling={**GREEDY, "stop": (stop,)}),
        "with log probabilities": ask("logprobs", 2, sampling=told),
        "without the adapter": ask("base", 2, sampling=told, model=base),
        "bound by the schema": ask("bound", 12, sampling=WILD, response_format="json_schema"),
        "not bound": ask("free", 12, sampling=WILD),
        "samples": ask("samples", 3, n=4, sampling=WILD),
        "samples again": ask("again", 3, n=4, sampling=WILD),
        "too short": ask("short", 1, sampling={**GREEDY, "max_tokens": 2}),
    }
    return Directly(models=_listed(urls[0]), asked=asked, stop=stop)


def _listed(url: str) -> set[str]:
    with urllib.request.urlopen(f"{url}/models", timeout=60) as reply:
        return {entry["id"] for entry in json.load(reply)["data"]}
