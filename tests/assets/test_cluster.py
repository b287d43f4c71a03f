"""What is handed to a cluster, and what stands under the root about its jobs.

Belongs: the environment of submitted jobs, whose result counts for whom, which servers may have been left.
Does not belong: jobs on a real cluster (tests/ray_jobs/test_cluster_jobs.py).
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.base.cluster import Cluster, _handed_on, take
from medreason.base.store import open_store

HANDED_ON = ("MEDREASON_SCRATCH", "AWS_ENDPOINT_URL", "AWS_REGION")
KEPT_BACK = (
    *(
        "MEDREASON_ACCESS_TOKEN",
        "MEDREASON_TEST_KEY",
        "MEDREASON_DB_PASSWORD",
        "medreason_x",
        "MEDREASON_client_secret",
    ),
    *("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "OPENAI_API_KEY", "RAY_AUTH_TOKEN", "LLM_KEY"),
)


@pytest.mark.parametrize("name", KEPT_BACK)
def test_a_secret_stays_here(name: str) -> None:
    assert "canary" not in _handed_on({name: "canary"}).values()


@pytest.mark.parametrize("name", HANDED_ON)
def test_what_a_job_needs_goes_along(name: str) -> None:
    assert _handed_on({name: "value"})[name] == "value"


@pytest.fixture
def clusters(tmp_path: Path) -> Iterator[list[Cluster]]:
    """Of two runs on one root; no cluster is there, so whoever asks one fails."""
    store = open_store(str(tmp_path / "root"))
    with dg.DagsterInstance.ephemeral() as instance:
        yield [Cluster(address="127.0.0.1:1", store=store, instance=instance, run_id=name) for name in ("one", "two")]


def test_what_a_job_asked_counts_for_the_first_run_that_takes_it(clusters: list[Cluster]) -> None:
    done = {"shards": [{"number": 0, "asked": {"n_requests": 7}, "failed": {"timed_out": 1}, "ledger": "ledgers/a"}]}
    first, second = (one._taken("medreason-ground-0", done)["shards"][0] for one in clusters)
    assert (first["asked"], first["failed"]) == ({"n_requests": 7}, {"timed_out": 1})
    assert (second["asked"], second["failed"]) == ({}, {})
    assert first["ledger"] == second["ledger"]


def test_only_what_may_still_run_and_has_no_run_is_looked_for(clusters: list[Cluster]) -> None:
    one, other = clusters
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    lost = dataclasses.replace(one._owner, pid=gone.pid)
    assert one.stop_left("serve") == [], "nothing was ever started: no cluster is asked"
    for number, owner in enumerate((lost, other._owner, lost), start=1):
        assert take(one._store, "serve" if number == 1 else f"serve-{number}", owner)
    assert one._not_ended("serve") == ["serve", "serve-3"], "the second has a living owner"
    one._note_end("serve")
    one._note_end("serve")
    assert one._not_ended("serve") == ["serve-3"]
    assert one._not_ended("ser") == []
