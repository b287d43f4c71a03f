"""The graph of assets, checks, jobs and schedules as JSON, and the committed copy of it.

Belongs: what is compared, writing the copy (`python -m tests.orchestration.snapshot`).
Does not belong: assertions.
Rule: nothing that changes with the text of code (hashes) or with a run is in it, so a difference is one of shape.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dagster as dg

GOLDEN = Path(__file__).with_name("asset_graph.json")
RENEW = "python -m tests.orchestration.snapshot"
_SUITE = re.compile(r" \d+ rules, suite .*")
Json = dict[str, Any]


def snapshot() -> Json:
    """All definitions of the code location that `workspace.yaml` names."""
    from orchestration.definitions import defs

    graph = defs.resolve_asset_graph()
    return {
        "assets": {key.to_user_string(): _asset(graph.get(key)) for key in sorted(graph.get_all_asset_keys())},
        "checks": {_check_name(key): _check(graph.get(key)) for key in sorted(graph.asset_check_keys, key=_check_name)},
        "jobs": {job.name: _job(defs, job.name) for job in sorted(defs.jobs or (), key=lambda job: job.name)},
        "schedules": {schedule.name: _schedule(schedule) for schedule in defs.schedules or ()},
        "sensors": sorted(sensor.name for sensor in defs.sensors or ()),
        "resources": sorted(defs.resources or ()),
    }


def _asset(node: Any) -> Json:
    return {
        "group": node.group_name,
        "owners": sorted(node.owners),
        "kinds": sorted(node.kinds),
        "has_code_version": bool(node.code_version),
        # dbt's descriptions go on with the SQL of the model.
        "description": (node.description or "").split("\n")[0],
        "deps": sorted(key.to_user_string() for key in node.parent_keys),
        **({"partitions": node.partitions_def.name} if node.partitions_def else {}),
        **(
            {} if node.is_materializable else {"filled_in_by": sorted(key.to_user_string() for key in node.parent_keys)}
        ),
    }


def _check(node: Any) -> Json:
    return {"blocking": node.blocking, "description": _SUITE.sub("", (node.description or "").split("\n")[0])}


def _check_name(key: dg.AssetCheckKey) -> str:
    return f"{key.asset_key.to_user_string()}: {key.name}"


def _job(defs: dg.Definitions, name: str) -> Json:
    job = defs.resolve_job_def(name)
    layer = job.asset_layer
    return {
        "description": job.description,
        "tags": dict(job.tags),
        "n_assets": len(layer.executable_asset_keys),
        "n_checks": len(layer.asset_graph.asset_check_keys),
        "executor": job.executor_def.name,
    }


def _schedule(schedule: Any) -> Json:
    return {
        "job": schedule.job_name,
        "cron": schedule.cron_schedule,
        "time_zone": schedule.execution_timezone,
        "default_status": schedule.default_status.value,
    }


def as_text(value: Json) -> str:
    """The form that is committed: one value to a line, so that a difference reads as one."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(as_text(snapshot()), encoding="utf-8")
