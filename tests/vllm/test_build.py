"""vLLM itself answers all six tasks of a build on a Ray cluster, through Dagster; killed on the way and gone on with.

Belongs: one server for all of it, each request answered once, every row accounted for, nothing left behind.
Does not belong: what is done and in which order (story.py), faults of endpoints (tests/chains), jobs on a cluster
without vLLM (tests/ray_jobs), what a server of vLLM does with single requests (test_server.py).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from medreason.chains.fault import Fault
from medreason.chains.tasks import TASKS
from tests.end_to_end.world import files_under, medreason
from tests.vllm.story import N_BEFORE_KILL, Story
from tests.vllm.world import stored

pytestmark = [pytest.mark.models, pytest.mark.slow]

_ENOUGH = 3
"""Answers of a task: one or two could be missing from the next version of the sample unnoticed."""
_IN_FLIGHT = 16
"""`concurrency`: what the killed worker may have had on its way. The killed build had nothing, the cluster asks."""


def test_it_ends_in_a_release_that_holds_every_row(story: Story) -> None:
    assert story.resumed.exit_code == 0, story.resumed.stderr[-3000:]
    counts = story.resumed.report()["counts"]
    assert counts["raw"] == counts["released"] + counts["quarantined"]
    assert counts["released"] > 0
    assert medreason("verify", story.resumed.report()["release"], "--deep", place=story.place).exit_code == 0


def test_one_server_for_the_killed_run_and_the_one_that_goes_on(story: Story) -> None:
    assert story.n_servers == 1


def test_no_process_of_the_server_outlives_the_run(story: Story) -> None:
    assert story.n_processes >= 3, "API server, engine and worker"
    assert story.left_over == []


def test_no_request_is_paid_twice_but_those_in_flight(story: Story) -> None:
    lines = stored(story.place.root)
    assert max(Counter(line["request_sha256"] for line in lines).values()) == 1
    assert all("response" in line for line in lines), "vLLM refused what we sent"
    assert N_BEFORE_KILL <= story.n_stored_at_kill < len(lines)
    assert len(lines) <= story.n_sent <= len(lines) + _IN_FLIGHT


def test_the_outcome_is_that_of_a_run_without_interruption(story: Story) -> None:
    """On another root, in one process and without a server, from the same answers: the same files, byte for byte."""
    assert story.undisturbed.exit_code == 0, story.undisturbed.stderr[-3000:]
    assert "vLLM server" not in story.undisturbed.stderr
    one, other = (_contents(Path(done.report()["release"])) for done in (story.resumed, story.undisturbed))
    assert story.undisturbed.report()["release"] != story.resumed.report()["release"]
    assert sorted(one) == sorted(other)
    assert [name for name in sorted(one) if one[name] != other[name]] == []


def _contents(release: Path) -> dict[str, bytes]:
    return {str(path.relative_to(release)): path.read_bytes() for path in files_under(release)}


def test_every_task_is_asked_and_understood_several_times(story: Story) -> None:
    understood: Counter[str] = Counter()
    for line in stored(story.place.root):
        task = TASKS[line["request"]["task"]]
        answer = task.parse(line["response"]["content"], task.parse_input(line["request"]["messages"]))
        understood[task.name] += not isinstance(answer, Fault)
    assert {name for name, n in understood.items() if n >= _ENOUGH} == set(TASKS), understood
