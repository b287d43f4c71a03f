"""A program on a cluster ends when the run that started it is gone, also where that was killed.

Belongs: the end of `python -m ray_jobs.<kind>` with its parent.
Does not belong: its work (test_spread.py), model servers (tests/chains/test_engines_serve_model.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medreason.chains.jobs import Job
from tests.conftest import REPOSITORY
from tests.end_to_end.world import descendants, started, wait_for
from tests.ray_jobs.test_spread import job

__all__ = ["job"]


@pytest.mark.slow
def test_it_ends_when_the_run_was_killed(job: Job, tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(job.model_dump_json())
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as parent:
        command = [sys.executable, "-m", "ray_jobs.ground", "--folder", str(tmp_path), "--parent", str(parent.pid)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        with started(command, env=environment, output=tmp_path / "output") as process:
            wait_for(lambda: descendants(process, "ray::"), process, what="a worker")
            parent.send_signal(signal.SIGKILL)
            parent.wait()
            assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not (tmp_path / "done.json").exists()
