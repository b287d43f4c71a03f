"""release/published: every version of the data set, one partition each.

Belongs: the asset, its partitions, what stands under each.
Does not belong: publishing (assets/release.py), version records (medreason/releases/folder.py).
Rule: the store is the record and partitions follow from it: an instance that is new, or was lost, is filled in by the
next build.

A partition is a version, and which one a build comes to is known when it has published. An asset with partitions that
runs would make every run of `build` ask for one first; this one runs nothing: release/folder publishes and tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.base import versions as code
from assets.base.work import OWNERS
from medreason.base.errors import MedReasonError
from medreason.base.store import Store

if TYPE_CHECKING:
    from medreason.releases.folder import VersionRecord
    from medreason.releases.values import Published

GROUP = "release"
FOLDER = dg.AssetKey([GROUP, "folder"])
VERSIONS = dg.DynamicPartitionsDefinition(name="release_versions")
"""Keys are what `--release` takes: `medreason-sample/2026.11.20`. One instance may hold several data sets."""
PUBLISHED = dg.AssetSpec(
    key=[GROUP, "published"],
    group_name=GROUP,
    owners=OWNERS,
    kinds={"s3"},
    code_version=code.code_version(*code.RELEASE),
    deps=[FOLDER],
    partitions_def=VERSIONS,
    description="Every version, one partition each, and the release it names. "
    "Runs nothing: a build that published fills it in.",
)


def show_versions(context: dg.AssetExecutionContext, store: Store, done: Published) -> None:
    """Materialise the partition of the version that this run came to, and those that the instance lacks.

    Others were made by no run of this instance, so they are reported without one.
    """
    from medreason.releases.folder import versions

    records = versions(store, done.dataset)
    context.instance.add_dynamic_partitions(VERSIONS.name or "", [partition_of(record) for record in records])
    for record in lacking(context.instance, records):
        if record.version != done.version and (event := _told(context, store, record)):
            context.instance.report_runless_asset_event(event)
    (own,) = [record for record in records if record.version == done.version]
    context.log_event(materialisation(store, own, is_new=done.is_new))


def lacking(instance: dg.DagsterInstance, records: list[VersionRecord]) -> list[VersionRecord]:
    """Versions that the instance does not show; under another root the same name may stand for another release."""
    partitions = instance.get_materialized_partitions(PUBLISHED.key)
    releases = {tags.get("dagster/data_version") for tags in instance.get_event_tags_for_asset(PUBLISHED.key)}
    return [record for record in records if partition_of(record) not in partitions or record.release_id not in releases]


def partition_of(record: VersionRecord) -> str:
    """Key of a version's partition."""
    return f"{record.dataset}/{record.version}"


def materialisation(store: Store, record: VersionRecord, **more: Any) -> dg.AssetMaterialization:
    """What stands under a version's partition.

    Raises: BadInput where the version's release is not there; CorruptRelease where its manifest is not readable.
    """
    from medreason.releases.folder import release_key
    from medreason.releases.manifest import MANIFEST, read_manifest

    place = release_key(record.dataset, record.release_id)
    manifest = read_manifest(store.read(f"{place}/{MANIFEST}"), where=f"{store.url}/{place}")
    metadata = {
        "dagster/row_count": manifest.value["counts"]["released"],
        "dataset": record.dataset,
        "version": record.version,
        "release_id": record.release_id,
        "build_id": record.build_id,
        "url": f"{store.url}/{place}",
        "counts": dg.MetadataValue.json(dict(manifest.value["counts"])),
        "quarantine_reasons": dg.MetadataValue.json(dict(manifest.value["quarantine_reasons"])),
        **more,
    }
    return dg.AssetMaterialization(
        PUBLISHED.key,
        partition=partition_of(record),
        metadata=metadata,
        tags={"dagster/data_version": record.release_id},
    )


def _told(context: dg.AssetExecutionContext, store: Store, record: VersionRecord) -> dg.AssetMaterialization | None:
    """The event of another version; what is wrong with that one's release is no fault of this run."""
    try:
        return materialisation(store, record)
    except MedReasonError as error:
        context.log.warning(f"version {partition_of(record)} is not shown: {error}")
        return None
