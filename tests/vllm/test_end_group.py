"""A group of processes ends with the process that has it watched, however that ends.

Belongs: the watcher over small programs.
Does not belong: servers (test_placement.py), vLLM itself (test_build.py).
"""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from ray_jobs.end_group import end_group
from tests.conftest import REPOSITORY

# A leader with a child, both of which say that they are there; the child may not care for SIGTERM.
_GROUP = """
import os, signal, sys, time
if not os.fork():
    if sys.argv[1] == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)
os.write(1, b"%d\\n" % os.getpid())
time.sleep(600)
"""


def _group(kind: str) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    leader = subprocess.Popen(
        [sys.executable, "-c", _GROUP, kind], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert leader.stdout is not None
    return leader, [psutil.Process(int(leader.stdout.readline())) for _ in range(2)]


@pytest.mark.parametrize("kind", ["willing", "stubborn"])
def test_all_of_a_group_ends(kind: str) -> None:
    leader, members = _group(kind)
    with leader:
        end_group(leader.pid, patience_s=0.5)
        _, alive = psutil.wait_procs(members, timeout=10)
        assert alive == []
    end_group(leader.pid)  # there is none any more, which is no error


# Has a group watched, and is killed a moment later.
_WATCHED = """
import subprocess, sys, time
watch = subprocess.Popen([sys.executable, "-m", "ray_jobs.end_group", "--group", sys.argv[1]], stdin=subprocess.PIPE)
print(watch.wait(), flush=True)
time.sleep(600)
"""


def test_a_killed_process_takes_its_group_along() -> None:
    leader, members = _group("willing")
    command = [sys.executable, "-c", _WATCHED, str(leader.pid)]
    with leader, subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as watched:
        assert watched.stdout is not None
        assert watched.stdout.readline() == "0\n"
        time.sleep(0.3)
        assert all(member.is_running() for member in members), "as long as it is watched, nothing happens"
        assert psutil.Process(watched.pid).children() == [], "what Ray would kill with its worker"
        watched.kill()
        _, alive = psutil.wait_procs(members, timeout=20)
        assert alive == []
