"""A build that is told to end is cancelled, not cut off.

Belongs: signals of `medreason build` before Dagster has its own handlers, and under them.
Does not belong: what a cancelled run leaves (tests/end_to_end/test_interruption.py, tests/ray_jobs).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_PROGRAM = """
import pathlib
import time
from orchestration.cli import end_means_interrupt

end_means_interrupt()
{inside}
"""
_PLAIN = """
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""
_IN_A_RUN = """
import dagster as dg

@dg.op
def work():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        pathlib.Path("cleaned_up").touch()

@dg.job
def job():
    work()

try:
    job.execute_in_process()
except dg.DagsterExecutionInterruptedError:
    print("interrupted")
"""


@pytest.mark.parametrize("inside", [_PLAIN, _IN_A_RUN], ids=["before the run", "in the run"])
def test_sigterm_interrupts(inside: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c", _PROGRAM.format(inside=inside)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment, cwd=tmp_path, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert said.endswith("interrupted\n")
    assert (tmp_path / "cleaned_up").exists() == (inside == _IN_A_RUN)
