"""An engine's key is in one header and nowhere else, whatever goes wrong in a run.

Belongs: a run of Dagster in a process of its own against an endpoint that wants a key; all that it wrote or said.
Does not belong: what goes over the wire (tests/chains/test_wire.py), jobs on a cluster (test_cluster_jobs.py).
"""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from aiohttp import web

from assets.base.io import References
from assets.base.settings import BuildSettings
from medreason.base.store import TableRef
from tests.chains.test_wire import Seen, Wire, completion, wire
from tests.end_to_end.world import SAMPLE, Finished, files_under, run
from tests.ray_jobs.test_spread import _job

KEY = "sk-canary-9f31c2"
GIVEN = {"curation/questions": "questions", "graph/nodes": "nodes", "graph/csr": "arrays", "graph/lexicon": "lexicon"}


async def _talkative(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
    """Repeats the key wherever a server can say something; some requests it refuses."""
    if seen.path.endswith("/models"):
        return web.json_response({"data": [{"id": "rule"}]})
    key = seen.headers["Authorization"].removeprefix("Bearer ")
    if len(server.completions) % 3 == 0:
        error = {"message": f"Incorrect API key provided: {key}", "code": key, "type": key}
        return web.json_response({"error": error}, status=400)
    if len(server.completions) % 3 == 1:
        return completion(finish_reason=key)
    return completion()


async def _closed(server: Wire, request: web.Request, seen: Seen) -> web.StreamResponse:
    return web.json_response({"error": {"message": f"no such key: {seen.headers['Authorization']}"}}, status=401)


def _world(folder: Path, url: str) -> tuple[list[str], dict[str, str]]:
    """A run of grounding: its command and environment."""
    job = _job(folder, folder / "root")
    raw: dict[str, Any] = yaml.safe_load(SAMPLE.read_text())
    for part in (*raw["sources"], raw["graph"]):
        part["url"] = str((SAMPLE.parent / part["url"]).resolve())
    prices = {"version": "1", "prompt_usd_per_million": 1.0, "completion_usd_per_million": 1.0}
    engine = {
        "kind": "openai",
        "model": "rule",
        "revision": "1",
        "base_urls": [url],
        "api_key_env": "MEDREASON_LLM_KEY",
    }
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(raw | {"engine": engine | {"prices": prices}}))
    home = folder / "dagster"
    home.mkdir()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        references = References(instance, BuildSettings(config=str(config), root=job.root))
        for asset, name in GIVEN.items():
            references.put(dg.AssetKey(asset.split("/")), "earlier", TableRef(**job.inputs[name].model_dump()))
    own = {"DAGSTER_HOME": str(home), "MEDREASON_SCRATCH": str(folder / "scratch"), "MEDREASON_LLM_KEY": KEY}
    return [sys.executable, "-m", "tests.ray_jobs.run_worker", str(config), job.root], {**os.environ, **own}


def _is_nowhere(done: Finished, folder: Path) -> None:
    assert "canary" not in done.stdout + done.stderr
    written = files_under(folder)
    assert any(path.suffix == ".db" or ".sqlite" in path.name for path in written), "Dagster's events are among them"
    assert [path for path in written if b"canary" in _unpacked(path)] == []


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_a_key_that_a_server_repeats_is_written_nowhere(tmp_path: Path) -> None:
    with wire(_talkative) as server:
        command, environment = _world(tmp_path, server.url)
        done = run(command, env=environment)
    assert done.exit_code == 0, done.stderr[-3000:]
    told = done.report()["llm"]
    assert told["n_requests"] < told["n_attempts"], "what repeats the key is no answer"
    assert told["n_attempts"] + 1 >= len(server.completions) > 10
    assert {one.headers["Authorization"] for one in server.seen} == {f"Bearer {KEY}"}
    _is_nowhere(done, tmp_path)


@pytest.mark.parametrize("how", ["refused", "not set"])
def test_a_run_without_the_right_key_ends_with_the_variables_name(how: str, tmp_path: Path) -> None:
    with wire(_closed) as server:
        command, environment = _world(tmp_path, server.url)
        if how == "not set":
            del environment["MEDREASON_LLM_KEY"]
        done = run(command, env=environment)
    assert done.exit_code == 2, done.stderr[-3000:]
    assert done.stderr.splitlines()[-1].startswith("bad-configuration: ")
    assert "api_key_env" in done.stderr.splitlines()[-1]
    assert server.completions == []
    _is_nowhere(done, tmp_path)
