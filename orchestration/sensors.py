"""Sensors: what is looked at while nobody runs anything.

Belongs: the reaper of what dead runs left on a cluster.
Does not belong: jobs on a cluster (assets/base/cluster.py), what runs when (schedules.py).
Rule: only what is ours and has no run any more is ended; what cannot be told is left alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.base.cluster import Found, connected, found_on, owner_of
from assets.base.settings import BuildSettings
from medreason.base.errors import MedReasonError
from medreason.base.store import open_store

if TYPE_CHECKING:
    from medreason.base.store import Store

LOST_GRACE_S = 600.0
"""How long a job whose run was lost (killed, not ended) goes on: so long the next run can attach to it."""
_EVERY_S = 60


@dg.sensor(
    name="reaper",
    minimum_interval_seconds=_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends model servers and jobs on the cluster of `compute.address` whose run was cancelled, failed, "
    "succeeded or was lost ten minutes ago, and gives back requests that dead processes had claimed.",
)
def reaper(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look at the configuration of the environment, as schedules do; its jobs may be of any root."""
    settings = BuildSettings()
    address = settings.configuration().compute.address
    end_dead_claims(settings.store())
    if not address:
        return dg.SkipReason("no cluster is configured: programs of a run end with it")
    lost = json.loads(context.cursor or "{}")
    try:
        client = connected(address)
        ended, still_lost = dead_jobs(context.instance, found_on(client), lost, now_s=time.time())
        for submission_id in ended:
            context.log.info(f"Ray job {submission_id} has no run any more: it is stopped")
            client.stop_job(submission_id)
    except (MedReasonError, ConnectionError, RuntimeError) as error:
        return dg.SkipReason(f"the cluster could not be looked at: {error}")
    context.update_cursor(json.dumps(still_lost))
    return dg.SkipReason(
        f"stopped: {', '.join(ended) or 'nothing'}; lost, but in their time of grace: {len(still_lost)}"
    )


def dead_jobs(
    instance: dg.DagsterInstance, jobs: list[Found], lost: Mapping[str, float], *, now_s: float
) -> tuple[list[str], dict[str, float]]:
    """(jobs to be stopped, when each of the other lost ones was first seen so).

    Args: lost is the second part of the last look; now_s in seconds since the epoch.
    """
    ended, still_lost = [], {}
    for job, fate in _fates(instance, jobs):
        since_s = lost.get(job.submission_id, now_s)
        if fate == "ended" or now_s - since_s >= LOST_GRACE_S:
            ended.append(job.submission_id)
        else:
            still_lost[job.submission_id] = since_s
    return ended, still_lost


def _fates(instance: dg.DagsterInstance, jobs: list[Found]) -> Iterator[tuple[Found, Any]]:
    """Running jobs whose run is gone; without an owner on record a job is somebody else's affair."""
    for job in jobs:
        owner = owner_of(open_store(job.root), job.submission_id) if job.is_running else None
        if owner is not None and (fate := owner.fate(instance)) != "alive":
            yield job, fate


def end_dead_claims(store: Store) -> None:
    """Keep what dead processes had been answered and give back what they were asking, as the next run would."""
    from medreason.chains.generation.cache import RequestCache, default_folder

    folder = default_folder(store)
    if any((folder / "open").glob("*.lock")):
        RequestCache(store, folder).close()  # opening does it


SENSORS = [reaper]
