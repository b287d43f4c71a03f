"""The real question sets and the real graph: floors of the funnel, memory, and a second run that makes nothing anew.

Belongs: `configs/real.yaml` from the files to a verified release.
Does not belong: reading of single rows (docs/reading.md).
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import REPOSITORY
from tests.end_to_end.world import (
    MEDREASON,
    Json,
    Place,
    build_arguments,
    environment,
    errors_of,
    medreason,
    new_place,
    started,
)

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]
CONFIG = REPOSITORY / "configs" / "real.yaml"
MOST_BYTES = 4 << 30
FLOORS = {"medqa": 0.30, "medxpertqa": 0.22, "huatuo": 0.18, "pubmedqa": 0.18, "mmlu": 0.11, "medmcqa": 0.08}
"""Least share of the labelled training records of a set that reach `pathed`, by the start of the set's name."""
LEAST_RELEASED_OF_PATHED = 0.80
"""Of the rows with a path between question and answer, whatever it supports."""


class Peak:
    """Largest memory of a process and all below it, looked at five times a second."""

    def __init__(self, pid: int) -> None:
        self.n_bytes = 0
        self._root = psutil.Process(pid)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            while self._root.is_running() and self._root.status() != psutil.STATUS_ZOMBIE:
                self.n_bytes = max(self.n_bytes, sum(map(_own_bytes, [self._root, *self._root.children(True)])))
                time.sleep(0.2)


def _own_bytes(process: psutil.Process) -> int:
    """Memory of one process without what it shares with others, so that mapped arrays count once."""
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return int(process.memory_full_info().uss)
    return 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return new_place(tmp_path_factory.mktemp("real"))


def _built(place: Place, data: Path, folder: Path) -> tuple[Json, int]:
    out, command = folder / "output", [str(MEDREASON), *build_arguments(place, CONFIG), "--data", str(data)]
    with started(command, env=environment(place), output=out) as process:
        peak = Peak(process.pid)
        process.wait(timeout=1800)
    assert process.returncode == 0, errors_of(out).read_text()[-3000:]
    return json.loads(out.read_text().splitlines()[-1]), peak.n_bytes


@pytest.fixture(scope="module")
def real(place: Place, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, int]:
    """Report and peak memory of the first build."""
    return _built(place, shared_data, tmp_path_factory.mktemp("first"))


def _funnel(report: Json) -> Json:
    manifest = json.loads((Path(report["release"]) / "manifest.json").read_text())
    return dict(manifest["funnel"])


def test_every_record_is_accounted_for(real: tuple[Json, int]) -> None:
    counts = real[0]["counts"]
    assert (
        counts["raw"]
        == counts["released"] + counts["quarantined"]
        == counts["released"] + sum(real[0]["quarantine_reasons"].values())
    )


def test_build_stays_within_memory(real: tuple[Json, int]) -> None:
    assert 0 < real[1] < MOST_BYTES


@pytest.mark.parametrize("dataset", FLOORS)
def test_enough_records_of_a_set_reach_a_path(real: tuple[Json, int], dataset: str) -> None:
    sets = {name: counts for name, counts in _funnel(real[0]).items() if name.lower().startswith(dataset)}
    # The Chinese questions and MMLU-Pro share the beginning of their names with other sets.
    (counts,) = (counts for name, counts in sets.items() if not {"zh", "pro"} & set(re.split(r"\W|_", name.lower())))

    assert counts["normalised"] > 0, sorted(_funnel(real[0]))
    assert counts["pathed"] / counts["normalised"] >= FLOORS[dataset], counts


def test_most_of_what_has_a_path_is_released(real: tuple[Json, int]) -> None:
    counts = real[0]["counts"]
    assert counts["released"] / counts["pathed"] >= LEAST_RELEASED_OF_PATHED


def test_release_verifies_to_the_last_row(real: tuple[Json, int], place: Place) -> None:
    done = medreason("verify", real[0]["release"], "--deep", "--json", place=place)
    assert done.exit_code == 0, done.stderr


def test_second_run_makes_nothing_anew(real: tuple[Json, int], place: Place, shared_data: Path, tmp_path: Path) -> None:
    report, _ = _built(place, shared_data, tmp_path)

    assert report["reused"] is True
    assert report["release_id"] == real[0]["release_id"]
