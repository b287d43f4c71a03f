"""release/published: one partition per version, whichever way the instance comes to know of it.

Belongs: partitions and events of assets/published.py, in an instance that is kept on disk, over releases of a made-up
world.
Does not belong: publishing (tests/releases), the web server (tests/end_to_end/test_web_server.py).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.published import FOLDER, PUBLISHED, VERSIONS, show_versions
from medreason.base.store import Store, open_store
from medreason.releases.publish import publish
from medreason.releases.signing import signing_key
from medreason.releases.values import Published
from tests.releases import world

NewInstance = Callable[[str], dg.DagsterInstance]


@pytest.fixture
def new_instance(tmp_path: Path) -> Iterator[NewInstance]:
    """Instances by name: the same name is the same instance."""
    made: list[dg.DagsterInstance] = []

    def make(name: str) -> dg.DagsterInstance:
        (tmp_path / name).mkdir(exist_ok=True)
        made.append(dg.DagsterInstance.local_temp(str(tmp_path / name)))
        return made[-1]

    yield make
    for instance in made:
        instance.dispose()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A root on this machine."""
    return open_store(str(tmp_path / "root"))


def _published(store: Store, n_records: int, keys: Path) -> Published:
    """A release of so many rows: another number, another release."""
    made = world.candidate(["released"] * n_records)
    return publish(store, made, gates=world.proofs(store, made), build=world.BUILD, key=signing_key(keys))


def _build(instance: dg.DagsterInstance, store: Store, n_records: int, keys: Path) -> Published:
    """A run of the job that publishes and shows; the job is made as orchestration/jobs.py makes it."""
    done: list[Published] = []

    @dg.asset(key=FOLDER)
    def folder(context: dg.AssetExecutionContext) -> None:
        done.append(_published(store, n_records, keys))
        show_versions(context, store, done[-1])

    job = dg.define_asset_job("build", selection=dg.AssetSelection.all())
    definitions = dg.Definitions(assets=[folder, PUBLISHED], jobs=[job])
    assert definitions.resolve_job_def("build").execute_in_process(instance=instance).success
    return done[-1]


def _shown(instance: dg.DagsterInstance) -> list[tuple[str | None, str, bool]]:
    """(partition, release, whether a run made it) of every materialisation, oldest first."""
    records = instance.fetch_materializations(PUBLISHED.key, limit=100, ascending=True).records
    events = [(record.asset_materialization, record.run_id) for record in records]
    return [
        (event.partition, str(event.metadata["release_id"].value), bool(run_id)) for event, run_id in events if event
    ]


def _partitions(instance: dg.DagsterInstance) -> set[str]:
    partitions = set(instance.get_dynamic_partitions(str(VERSIONS.name)))
    assert partitions == instance.get_materialized_partitions(PUBLISHED.key), "a version without its release"
    return partitions


def test_a_build_makes_the_partition_of_its_version(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    instance = new_instance("instance")

    done = _build(instance, store, 1, tmp_path / "keys")

    assert _partitions(instance) == {"made-up/2026.11.20"}
    event = instance.get_latest_materialization_event(PUBLISHED.key)
    assert event is not None
    assert event.asset_materialization is not None
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["counts"] == done.counts.as_json()
    assert (metadata["dagster/row_count"], metadata["is_new"]) == (done.counts.released, True)
    assert (metadata["url"], metadata["build_id"], metadata["version"]) == (done.url, done.build_id, done.version)
    assert event.asset_materialization.tags["dagster/data_version"] == done.release_id


def test_the_same_release_again_is_the_same_partition(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    instance = new_instance("instance")
    done = [_build(instance, store, 1, tmp_path / "keys") for _ in range(2)]

    assert _partitions(instance) == {"made-up/2026.11.20"}
    assert [one.is_new for one in done] == [True, False]
    assert _shown(instance) == [("made-up/2026.11.20", done[0].release_id, True)] * 2


def test_another_release_is_another_partition(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    instance = new_instance("instance")
    first, second = (_build(instance, store, n, tmp_path / "keys") for n in (1, 2))

    assert _partitions(instance) == {"made-up/2026.11.20", "made-up/2026.11.20.1"}
    assert _shown(instance) == [
        ("made-up/2026.11.20", first.release_id, True),
        ("made-up/2026.11.20.1", second.release_id, True),
    ]


def test_what_the_instance_lacks_is_filled_in_once(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    elsewhere = [_published(store, n, tmp_path / "keys") for n in (1, 2)]
    instance = new_instance("fresh")

    own = [_build(instance, store, 3, tmp_path / "keys") for _ in range(2)]

    assert _partitions(instance) == {f"made-up/2026.11.20{end}" for end in ("", ".1", ".2")}
    assert _shown(instance) == [
        *((f"made-up/{one.version}", one.release_id, False) for one in elsewhere),
        *((f"made-up/{one.version}", one.release_id, True) for one in own),
    ]


def test_partitions_that_were_wiped_come_back(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    instance = new_instance("instance")
    for n in (1, 2):
        _build(instance, store, n, tmp_path / "keys")
    instance.wipe_assets([PUBLISHED.key])
    instance.delete_dynamic_partition(str(VERSIONS.name), "made-up/2026.11.20")

    _build(instance, store, 2, tmp_path / "keys")

    assert _partitions(instance) == {"made-up/2026.11.20", "made-up/2026.11.20.1"}
    assert [has_run for _, _, has_run in _shown(instance)] == [False, True]


def test_one_name_under_two_roots_shows_both_releases(new_instance: NewInstance, store: Store, tmp_path: Path) -> None:
    instance, other = new_instance("instance"), open_store(str(tmp_path / "other"))
    first = _build(instance, store, 1, tmp_path / "keys")
    elsewhere = _published(other, 2, tmp_path / "keys")

    _build(instance, other, 3, tmp_path / "keys")

    assert elsewhere.version == first.version
    releases = {release for partition, release, _ in _shown(instance) if partition == "made-up/2026.11.20"}
    assert releases == {first.release_id, elsewhere.release_id}


SPOILT = {"gone": None, "no_json": b"spoilt", "other_form": b"{}"}


@pytest.mark.parametrize("manifest", SPOILT.values(), ids=SPOILT)
def test_an_older_release_that_is_spoilt_stops_no_build(
    new_instance: NewInstance, store: Store, tmp_path: Path, manifest: bytes | None
) -> None:
    place = Path(_published(store, 1, tmp_path / "keys").url) / "manifest.json"
    if manifest is None:
        place.unlink()
    else:
        place.write_bytes(manifest)
    instance = new_instance("fresh")

    own = _build(instance, store, 2, tmp_path / "keys")

    assert _shown(instance) == [(f"made-up/{own.version}", own.release_id, True)]
