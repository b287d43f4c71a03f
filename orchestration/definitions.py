"""The definitions that `workspace.yaml` loads.

Belongs: one `Definitions` object, and the function that makes it with other resources for tests.
Does not belong: anything with a decision in it.
Rule: every asset module is named here once.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets import chains, curation, gates, graph, grounding, normalisation, raw, release, verification
from assets.base.io import TableRefIOManager
from assets.base.model import RunModel
from assets.base.settings import BuildSettings
from orchestration.jobs import JOBS
from orchestration.schedules import SCHEDULES
from orchestration.sensors import SENSORS

MODULES = (raw, normalisation, curation, graph, grounding, chains, verification, gates, release)


def build_definitions(**resource_overrides: Any) -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors; resources may be replaced by name."""
    settings = BuildSettings.configure_at_launch()
    resources: dict[str, Any] = {
        "settings": settings,
        "model": RunModel(settings=settings),
        "io_manager": TableRefIOManager(settings=settings),
        **normalisation.RESOURCES,
        **resource_overrides,
    }
    return dg.Definitions(
        assets=[asset for module in MODULES for asset in getattr(module, "ASSETS", ())],
        asset_checks=[check for module in MODULES for check in getattr(module, "CHECKS", ())],
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources=resources,
        # One process: most steps are a memo look-up, and a process for each would cost more than the work.
        executor=dg.in_process_executor,
    )


defs = build_definitions()
