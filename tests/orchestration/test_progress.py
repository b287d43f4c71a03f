"""How far a step is, as a person sees it on the terminal and in Dagster while it runs.

Belongs: what a step tells of its shards and requests.
Does not belong: counting (tests/chains/test_requests.py), the way from a cluster (tests/ray_jobs).
"""

from __future__ import annotations

import threading

import dagster as dg
import pytest

from assets.base import progress
from assets.base.progress import StepProgress
from medreason.base.progress import reporting_to
from medreason.chains.generation.progress import ProgressState, Tally


class Heard:
    """A reporter that keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def begin(self, label: str, n_total: int | None) -> None:
        self.said.append(("begin", label, n_total))

    def advance(self, label: str, n_items: int) -> None:
        self.said.append(("advance", label, n_items))

    def note(self, label: str, text: str) -> None:
        self.said.append(("note", label, text))

    def end(self, label: str) -> None:
        self.said.append(("end", label))


def _tally(n_shards_done: int) -> Tally:
    tally = Tally(n_shards=3)
    state = ProgressState(
        task="write",
        label="",
        n_total=40,
        n_done=30,
        n_cached=10,
        n_deferred=1,
        failed={"timed_out": 2},
        completion_tokens=900,
        cost_nano_usd=1_500_000_000,
        seconds=3.0,
    )
    tally.take(0, state)
    tally.n_shards_done = n_shards_done
    return tally


def test_terminal_and_dagster_hear_of_it_while_the_step_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_OBSERVE_EVERY_S", 0.0)
    heard = Heard()

    @dg.asset(key=["chains", "chains"])
    def chains(context) -> None:
        with StepProgress(context, "generate", 3) as shown:
            for n_done in (0, 2):
                # From a thread, as messages of a job come.
                telling = threading.Thread(target=shown.tell, args=[_tally(n_done).seen().as_json()])
                telling.start()
                telling.join()

    with dg.DagsterInstance.ephemeral() as instance, reporting_to(heard):
        run = dg.materialize([chains], instance=instance)
        told = instance.fetch_observations(dg.AssetKey(["chains", "chains"]), limit=9).records

    assert heard.said[0] == ("begin", "writing chains", 3)
    assert heard.said[-1] == ("end", "writing chains")
    assert sum(what[2] for what in heard.said if what[0] == "advance") == 2
    assert "30/40, 10 cached, 1 deferred, timed_out 2" in str(heard.said[-2][2])
    assert run.success
    assert len(told) == 2
    newest = {name: value.value for name, value in told[0].asset_observation.metadata.items()}
    assert newest["failed"] == {"timed_out": 2}
    assert (newest["requests_done"], newest["cached"], newest["deferred"]) == (30, 10, 1)
    assert newest["cost_usd"] == 1.5
    assert newest["tokens_per_s"] > 0
    assert newest["seconds_left"] >= 0


def test_dagster_is_not_flooded() -> None:
    @dg.asset(key=["chains", "chains"])
    def chains(context) -> None:
        with StepProgress(context, "generate", 3) as shown:
            for _ in range(100):
                shown.tell(_tally(1).seen().as_json())

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([chains], instance=instance)
        assert instance.fetch_observations(dg.AssetKey(["chains", "chains"]), limit=9).records == []
