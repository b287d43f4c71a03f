"""The process that serves a model: started at most once, ended with the run, however that ends.

Belongs: ready, failed and late starts, the end on success, failure and cancel; with a small program in the place of
ray_jobs/serve_model.py.
Does not belong: that program (tests/chains/test_engines_serve_model.py), vLLM itself (test_server.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from medreason.chains.engines.model_server import ModelServer, ModelServerFailed
from medreason.chains.generation.settings import EngineSettings

# Notes that it was started, says where it is, and stays.
_SERVES = """
import json, os, sys, time
from pathlib import Path
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(os.environ["NOTES"], "a") as notes:
    notes.write(f"{os.getpid()} {given['--parent']}\\n")
engine = json.loads((Path(given["--folder"]) / "engine.json").read_text())
staged = Path(given["--folder"]) / "staged"
staged.write_text(json.dumps({"base_urls": [engine["model"] + "/v1"]}))
staged.replace(Path(given["--folder"]) / "ready.json")
time.sleep(600)
"""
_FAILS = "import os; open(os.environ['NOTES'], 'a').write('1 1\\n'); raise SystemExit(3)"
_IS_LATE = "import os, time; open(os.environ['NOTES'], 'a').write(f'{os.getpid()} 1\\n'); time.sleep(600)"


def _server(program: str, notes: Path) -> ModelServer:
    return ModelServer([sys.executable, "-c", program], {"NOTES": str(notes)})


def _settings(timeout_s: float = 60.0) -> EngineSettings:
    return EngineSettings.model_validate(
        {"kind": "vllm", "model": "m", "revision": "r", "vllm": {"start_timeout_s": timeout_s}}
    )


def _pids(notes: Path) -> list[int]:
    return [int(line.split()[0]) for line in notes.read_text().splitlines()]


def test_it_is_started_when_it_is_needed_and_once(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with _server(_SERVES, notes) as server:
        assert not notes.exists()
        assert server.urls == ()
        assert server.bring_up(_settings()) == server.bring_up(_settings()) == server.urls == ("m/v1",)
        assert len(_pids(notes)) == 1
        assert notes.read_text().split()[1] == str(psutil.Process().pid), "it is told whose end is its own"


ENDS = {"success": None, "failure": ValueError, "cancel": KeyboardInterrupt}


@pytest.mark.parametrize("error", ENDS.values(), ids=ENDS)
def test_it_ends_with_the_run(error: type[BaseException] | None, tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    def run() -> None:
        with _server(_SERVES, notes) as server:
            server.bring_up(_settings())
            assert psutil.pid_exists(*_pids(notes))
            if error is not None:
                raise error

    if error is None:
        run()
    else:
        with pytest.raises(error):
            run()
    assert not psutil.pid_exists(*_pids(notes))


# name: (program, seconds it has, what is said)
FAILURES = {"it ends": (_FAILS, 60.0, "ended with status 3"), "it is late": (_IS_LATE, 1.0, "not ready in time")}


@pytest.mark.parametrize(("program", "timeout_s", "said"), FAILURES.values(), ids=FAILURES)
def test_a_start_that_fails_is_not_tried_again(program: str, timeout_s: float, said: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with _server(program, notes) as server:
        with pytest.raises(ModelServerFailed, match=said):
            server.bring_up(_settings(timeout_s))
        with pytest.raises(ModelServerFailed, match="could not be started before"):
            server.bring_up(_settings(timeout_s))
    assert len(_pids(notes)) == 1
    assert not any(psutil.pid_exists(pid) for pid in _pids(notes) if pid != 1)
