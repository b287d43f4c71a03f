"""A run of grounding in a process of its own: `python -m tests.ray_jobs.run_worker CONFIG ROOT`.

Belongs: Dagster's side of a run as the platform has it, over the one step, with a rule server in vLLM's place.
Does not belong: tests (test_cluster_jobs.py).

The last line of standard output says what was made; an error of ours ends it as it ends `medreason build`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from assets import grounding
from assets.base.io import TableRefIOManager
from assets.base.model import RunModel
from assets.base.settings import BuildSettings
from medreason.base.errors import MedReasonError
from orchestration.cli import _ours

GIVEN = (["curation", "questions"], ["graph", "nodes"], ["graph", "csr"], ["graph", "lexicon"])
"""What other steps would have made."""


class RunModelByRule(RunModel):
    """The platform's own, but for the program that serves."""

    _serve_module: str = PrivateAttr(default="tests.ray_jobs.serve_slow_rules")


def definitions(config: str, root: str) -> dg.Definitions:
    settings = BuildSettings(config=config, root=root)
    resources: dict[str, Any] = {
        "settings": settings,
        "model": RunModelByRule(settings=settings),
        "io_manager": TableRefIOManager(settings=settings),
    }
    given = [dg.AssetSpec(key) for key in GIVEN]
    return dg.Definitions(assets=[grounding.ground, *given], resources=resources, executor=dg.in_process_executor)


def main(config: str, root: str) -> int:
    job = definitions(config, root).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        try:
            result = job.execute_in_process(instance=instance)
        except dg.DagsterError as error:
            raise _ours(error) from error
        made = {event.asset_key.to_user_string(): event for event in result.get_asset_materialization_events()}
        metadata = made["grounding/outcomes"].step_materialization_data.materialization.metadata
        said = {name: metadata[name].value for name in ("llm", "ledgers", "shards", "deferred", "table_sha256")}
        sys.stdout.write(json.dumps({**said, "run_id": result.run_id}) + "\n")
    return 0


def _told(config: str, root: str) -> int:
    try:
        return main(config, root)
    except MedReasonError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(_told(*sys.argv[1:]))
