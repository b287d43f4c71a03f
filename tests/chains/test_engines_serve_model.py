"""The model server of a run on a local Ray cluster: started once, asked, ended, also after a kill.

Belongs: ray_jobs/serve_model.py and the process that starts it, with a rule server in vLLM's place.
Does not belong: vLLM itself, the client (test_engines_openai.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import psutil
import pytest

from medreason.base.reasons import Outcome
from medreason.chains.engines.model_server import ModelServer, ModelServerFailed
from medreason.chains.generation.settings import EngineSettings, VllmSettings
from tests.chains.requests_world import TASK, open_on, questions

COMMAND = (sys.executable, "-m", "ray_jobs.serve_model", "--module")
SETTINGS = EngineSettings(
    kind="vllm", model="rule", revision="test", vllm=VllmSettings(n_replicas=2, start_timeout_s=120.0)
)


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def wait_until_down(urls: list[str]) -> None:
    deadline_s = time.monotonic() + 60
    while any(is_up(url) for url in urls):
        assert time.monotonic() < deadline_s, "a server was left behind"
        time.sleep(0.2)


@pytest.mark.slow
def test_one_server_for_the_run_and_none_after_it(tmp_path: Path) -> None:
    urls: list[str] = []
    with ModelServer((*COMMAND, "tests.chains.rules_as_vllm")) as server:

        def bring_up(settings: EngineSettings) -> tuple[str, ...]:
            urls.extend(server.bring_up(settings))
            return tuple(urls)

        with open_on(tmp_path, SETTINGS, bring_up=bring_up) as generator:
            answers = generator.ask(TASK, questions(50))
            generator.ask(TASK, questions(60))
        assert all(is_up(url) for url in urls)
    assert len(urls) == 2
    assert {answer.engine_kind for answer in answers} == {"vllm"}
    assert all(answer.value is not None for answer in answers)
    wait_until_down(urls)


@pytest.mark.slow
def test_a_killed_run_leaves_no_server(tmp_path: Path) -> None:
    program = (
        "import sys, time; from tests.chains import test_engines_serve_model as t\n"
        "server = t.ModelServer((*t.COMMAND, 'tests.chains.rules_as_vllm'))\n"
        "print(*server.bring_up(t.SETTINGS), flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        urls = run.stdout.readline().split()
        assert len(urls) == 2
        assert all(is_up(url) for url in urls)
        os.kill(run.pid, signal.SIGKILL)
    wait_until_down(urls)


def _serving(url: str) -> psutil.Process:
    """The process that listens where this URL points to."""
    port = urllib.parse.urlsplit(url).port
    (pid,) = {
        one.pid for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr.port == port
    }
    return psutil.Process(pid)


@pytest.mark.slow
def test_replicas_are_looked_after_and_the_program_ends_with_the_last(tmp_path: Path) -> None:
    with ModelServer((*COMMAND, "tests.chains.rules_as_vllm")) as server:
        urls = server.bring_up(SETTINGS)
        _serving(urls[0]).kill()
        with open_on(tmp_path, SETTINGS, bring_up=server.bring_up) as generator:
            answers = generator.ask(TASK, questions(20))
        assert all(answer.value is not None for answer in answers), "the other one answers"
        assert server._process is not None
        assert server._process.poll() is None
        _serving(urls[1]).kill()
        assert server._process.wait(60) != 0
        with open_on(tmp_path, SETTINGS, bring_up=server.bring_up) as generator:
            down = generator.ask(TASK, questions(25))
    assert [answer.outcome for answer in down] == [Outcome.OK] * 20 + [Outcome.DEFERRED] * 5


@pytest.mark.slow
def test_a_server_that_cannot_start_ends_the_run_at_once(tmp_path: Path) -> None:
    with (
        ModelServer((*COMMAND, "tests.chains.no_such_module")) as server,
        open_on(tmp_path, SETTINGS, bring_up=server.bring_up) as generator,
        pytest.raises(ModelServerFailed, match="ended with status"),
    ):
        generator.ask(TASK, questions(3))
