"""Gates as asset checks: what stops a build, what is only shown, and which results are kept as proof.

Belongs: the checks of assets/gates.py over tables in a store.
Does not belong: what a gate finds (tests/expectations), what a release demands (tests/releases).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.base.settings import BuildSettings
from assets.gates import GATED, gate_check, proven
from expectations import SUITES
from medreason.base.store import write_table
from medreason.base.tables.registry import Table
from tests.expectations.rows import as_table, good_rows, spoilt

GATE = "chains"
SPEC = GATED[GATE][1]


@pytest.fixture
def settings(tmp_path: Path) -> BuildSettings:
    """The sample's configuration, and a root of this test."""
    return BuildSettings(config="configs/sample.yaml", root=str(tmp_path / "root"))


def _checked(settings: BuildSettings, table: Any) -> dg.AssetCheckResult:
    ref = write_table(settings.store(), SPEC, table)
    result = gate_check(GATE)(settings, ref)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _proofs(settings: BuildSettings) -> list[str]:
    return list(settings.store().keys(f"gates/{GATE}/{SUITES[GATE].sha256}"))


OUTCOMES: dict[str, tuple[dict[str, Any], bool, dg.AssetCheckSeverity, str]] = {
    "good": ({}, True, dg.AssetCheckSeverity.WARN, "passed"),
    "warning": ({"fault_label": "wrong_edge"}, False, dg.AssetCheckSeverity.WARN, "warned"),
    "critical": ({"conclusion": " "}, False, dg.AssetCheckSeverity.ERROR, "failed"),
}


@pytest.mark.parametrize(("changes", "is_passed", "severity", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_critical_faults_stop_and_warnings_are_shown(
    settings: BuildSettings, changes: dict[str, Any], is_passed: bool, severity: dg.AssetCheckSeverity, outcome: str
) -> None:
    table = spoilt(GATE, **changes) if changes else as_table(GATE, good_rows(GATE))

    result = _checked(settings, table)

    assert (result.passed, result.metadata["outcome"].value) == (is_passed, outcome)
    assert is_passed or result.severity is severity
    assert (result.metadata["not_met"].value == "all rules hold") is is_passed
    assert len(_proofs(settings)) == 1


def test_a_gate_that_breaks_down_stops_and_is_asked_again(settings: BuildSettings) -> None:
    torn = Table(name="torn", meaning="Chains without a conclusion", columns=SPEC.columns[:5], key=SPEC.key)
    ref = write_table(settings.store(), torn, as_table(GATE, good_rows(GATE)).select(torn.column_names))

    assert proven(settings, GATE, torn, ref)["outcome"] == "error"
    assert _proofs(settings) == [], "nothing is known of the table, so nothing is kept"
