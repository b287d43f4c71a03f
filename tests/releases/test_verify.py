"""Whatever is changed in a release is found.

Belongs: mutation of every file; forged releases whose every hash was made anew; the manifest's form.
Does not belong: publishing (test_publish.py), signatures (test_signing.py).
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from medreason.base.canonical import canonical_json
from medreason.base.errors import BadConfiguration, CorruptRelease
from medreason.base.store import open_store
from medreason.releases.identity import RELEASED_TABLES, release_id, table_facts
from medreason.releases.layout import content_files, page_files, sealed
from medreason.releases.manifest import eligible_channels, manifest_schema
from medreason.releases.publish import publish
from medreason.releases.values import Counts
from medreason.releases.verify import verify_release
from tests.releases import world

_N_MUTATIONS = 600 if os.environ.get("MEDREASON_SOAK") == "1" else 60


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound release that tests copy before they spoil it."""
    from medreason.releases.signing import signing_key

    folder = tmp_path_factory.mktemp("sound")
    store = open_store(str(folder / "root"))
    made = world.candidate(world.FATES * 2)
    key = signing_key(folder / "keys")
    return Path(publish(store, made, gates=world.proofs(store, made), build=world.BUILD, key=key).url)


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    """A copy under the same name."""
    return Path(shutil.copytree(sound, tmp_path / sound.name))


# ---------------------------------------------------------------- mutation


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.write_bytes(bytes(data))


def _truncate(path: Path, dice: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: dice.randrange(len(data))])


def _append(path: Path, dice: random.Random) -> None:
    path.write_bytes(path.read_bytes() + bytes([dice.randrange(256)]))


def _delete(path: Path, dice: random.Random) -> None:
    del dice
    path.unlink()


def _add(path: Path, dice: random.Random) -> None:
    path.with_name(f"added-{dice.randrange(1000)}.lock").write_bytes(b"x")


def _swap(path: Path, dice: random.Random) -> None:
    others = [other for other in _files(path.parent) if other.read_bytes() != path.read_bytes()]
    if not others:
        _append(path, dice)
        return
    other = dice.choice(others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


MUTATIONS: dict[str, Callable[[Path, random.Random], None]] = {
    **{"flip": _flip, "truncate": _truncate, "append": _append},
    **{"delete": _delete, "add": _add, "swap": _swap},
}


@pytest.mark.parametrize("how", MUTATIONS)
def test_every_file_is_guarded(how: str, copy: Path) -> None:
    for number, name in enumerate(path.relative_to(copy) for path in _files(copy)):
        _spoil_and_mend(copy, name, how, random.Random(number))


def test_random_mutations_are_found(copy: Path) -> None:
    dice = random.Random(20261120)
    names = [path.relative_to(copy) for path in _files(copy)]
    for _ in range(_N_MUTATIONS):
        _spoil_and_mend(copy, dice.choice(names), dice.choice(list(MUTATIONS)), dice)


def _spoil_and_mend(copy: Path, name: Path, how: str, dice: random.Random) -> None:
    before = {path: path.read_bytes() for path in _files(copy)}
    MUTATIONS[how](copy / name, dice)
    with pytest.raises(CorruptRelease):
        verify_release(str(copy))
    for path in set(_files(copy)) - set(before):
        path.unlink()
    for path, data in before.items():
        path.write_bytes(data)
    verify_release(str(copy))


def test_all_faults_are_told_at_once(copy: Path) -> None:
    (copy / "chains.parquet").unlink()
    (copy / "extra.txt").write_text("x")
    (copy / "graph.json").write_text("{}")
    with pytest.raises(
        CorruptRelease, match=r"chains\.parquet is missing; extra\.txt is not listed.*graph\.json has 2"
    ):
        verify_release(str(copy))


def test_a_release_may_be_moved_but_not_renamed_to_another(copy: Path) -> None:
    moved = copy.rename(copy.parent / "my-copy")
    verify_release(str(moved), deep=True)
    with pytest.raises(CorruptRelease, match="the folder is called 000000000000"):
        verify_release(str(moved.rename(copy.parent / ("0" * 64))))


def test_what_a_killed_writer_left_is_no_part_of_a_release(copy: Path) -> None:
    (copy / "data" / ".staged-x1").write_bytes(b"half")
    verify_release(str(copy), deep=True)


def test_a_release_that_cannot_be_reached_is_a_wrong_call(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorruptRelease, match=r"manifest\.json is missing"):
        verify_release(f"{s3_root}/nowhere")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadConfiguration, match="cannot be reached"):
        verify_release(f"{s3_root}/nowhere")


def test_nothing_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no release at"):
        verify_release(str(tmp_path / "nowhere"))
    with pytest.raises(CorruptRelease, match=r"manifest\.json"):
        verify_release(str(tmp_path))


def test_the_files_can_be_checked_without_our_program(sound: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=sound, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == len(_files(sound)) - 1


BROKEN_MANIFESTS = {
    "no JSON": (lambda text: text[:-1], "is not readable"),
    "blanks": (lambda text: text.replace(":", ": ", 1), "not in canonical form"),
    "another version": (lambda text: text.replace('"manifest_version":1', '"manifest_version":2'), "manifest_version"),
    "a key too many": (lambda text: '{"a":1,' + text[1:], "'a' was unexpected"),
    "a path out of the folder": (lambda text: text.replace('"config.json"', '"../config.json"'), "does not match"),
    "a float": (lambda text: text.replace('"raw":20', '"raw":20.5'), "20.5 is not of type 'integer'"),
    "nested without end": (lambda text: "[" * 100_000, "not readable|not of type"),
}


@pytest.mark.parametrize(("spoil", "told"), BROKEN_MANIFESTS.values(), ids=BROKEN_MANIFESTS)
def test_a_broken_manifest_is_refused_first(spoil: Callable[[str], str], told: str, copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(CorruptRelease, match=told):
        verify_release(str(copy))


def test_the_schema_is_one() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(manifest_schema())
    assert set(manifest_schema()["required"]) == set(manifest_schema()["properties"])


# ---------------------------------------------------------------- forged releases


def _forged(tmp_path: Path, change: Callable[[dict[str, pa.Table]], None], **facts: Any) -> str:
    """A release with changed tables whose files, hashes, manifest and id are all made anew to fit."""
    made = world.candidate(world.FATES * 2)
    tables = dict(made.tables)
    change(tables)
    hashed = {name: table_facts(table) for name, table in tables.items()}
    number = release_id(hashed, graph=made.graph, prompts=made.prompts, configuration=made.configuration)
    forged = dataclasses.replace(made, tables=tables, release_id=number, **facts)
    store = open_store(str(tmp_path / "forged"))
    gates = world.proofs(store, forged)
    files = [*content_files(forged, gates), *page_files(made, gates)]
    for file in sealed(forged, gates, files):
        store.create(f"{number}/{file.path}", file.data)
    verify_release(f"{store.url}/{number}")  # every file is what the manifest says
    return f"{store.url}/{number}"


def _edit(table: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[dict[str, pa.Table]], None]:
    def apply(tables: dict[str, pa.Table]) -> None:
        rows = tables[table].to_pylist()
        change(rows)
        tables[table] = RELEASED_TABLES[table].from_rows(rows)

    return apply


def _set(**values: Any) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows[0].update(values)


def _drop(rows: list[dict[str, Any]]) -> None:
    del rows[0]


def _another_edge(rows: list[dict[str, Any]]) -> None:
    rows[0]["edge_ids"] = ["0" * 16]


def _another_node(rows: list[dict[str, Any]]) -> None:
    rows[0]["nodes"][1]["node_id"] = "4711"


def _lose_a_hop(rows: list[dict[str, Any]]) -> None:
    rows[0]["hops"] = []


def _rewrite_all(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["reasoning"] = "better"


def _fail_all(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["outcome"] = "failed"


FORGERIES: dict[str, tuple[Callable[[dict[str, pa.Table]], None], str]] = {
    "nothing": (lambda tables: None, ""),
    "a record vanishes": (_edit("quarantine", _drop), "counts in the manifest"),
    "a row vanishes": (_edit("rows", _drop), "has lineage but is not released"),
    "lineage vanishes": (_edit("lineage", _drop), "has no lineage"),
    "a row is rewritten": (_edit("rows", _set(answer="Scurvy")), "its lineage is of another row"),
    "a chain is rewritten": (_edit("chains", _rewrite_all), "the released text is not that of its chain"),
    "another request": (_edit("lineage", _set(request_sha256="0" * 64)), "the lineage is not that of its chain"),
    "an edge from nowhere": (_edit("lineage", _another_edge), "edge 0000000000000000 is on none of its paths"),
    "a path vanishes": (_edit("paths", _drop), "is not in paths.parquet"),
    "a node is exchanged": (_edit("paths", _another_node), "is not named after its nodes"),
    "a hop vanishes": (_edit("paths", _lose_a_hop), "has 2 nodes and 0 hops"),
    "no check was passed": (_edit("verdicts", _fail_all), "did not pass step_support"),
    "a row claims more than it passed": (_edit("rows", _set(label="verified")), "is called 'verified'"),
    "a file from nowhere": (_edit("lineage", _set(raw_file_sha256="0" * 64)), "of a raw file that is no source"),
    "a template from nowhere": (_edit("lineage", _set(template_sha256="0" * 64)), "of a released row is not there"),
    "more records than read": (_edit("sources", _set(n_records=99)), "counts in the manifest"),
}


@pytest.mark.parametrize(("change", "told"), FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_with_fitting_hashes_is_found(
    change: Callable[[dict[str, pa.Table]], None], told: str, tmp_path: Path
) -> None:
    url = _forged(tmp_path, change)
    if not told:
        verify_release(url, deep=True)
        return
    with pytest.raises(CorruptRelease, match=told):
        verify_release(url, deep=True)


def test_lost_records_are_found_although_the_counts_were_mended(tmp_path: Path) -> None:
    made = world.candidate(world.FATES * 2)
    counts = dataclasses.replace(made.counts, quarantined=made.counts.quarantined - 1)
    funnel = {**made.funnel, "medqa": counts}
    with pytest.raises(CorruptRelease, match=r"raw 20 is not released 4 \+ quarantined 15"):
        verify_release(_forged(tmp_path, _edit("quarantine", _drop_training), counts=counts, funnel=funnel), deep=True)


def _drop_training(rows: list[dict[str, Any]]) -> None:
    rows.remove(next(row for row in rows if row["role"] == "train"))


def _resealed(copy: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and make its form and SHA256SUMS fit again."""
    from medreason.releases.manifest import checksums, read_manifest

    value = json.loads((copy / "manifest.json").read_bytes())
    change(value)
    data = canonical_json(value)
    (copy / "manifest.json").write_bytes(data)
    (copy / "SHA256SUMS").write_bytes(checksums(value["files"], read_manifest(data, where="").sha256))


CLAIMS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "every channel": (lambda m: m.update(channel_eligible=["demo", "nightly", "stable"]), "channel_eligible"),
    "a better control": (lambda m: m["checks"][0].update(n_control_passed=9), "checks in the manifest"),
    "another keep rule": (lambda m: m.update(keep_rules=["both"]), "keep_rules in the manifest"),
    "another gate result": (lambda m: m["gates"][0].update(outcome="warned"), "is not what the manifest says of gate"),
    "fewer reasons": (lambda m: m["quarantine_reasons"].pop("no_path"), "quarantine_reasons in the manifest"),
    "another source": (lambda m: m["sources"][0].update(licence_spdx="MIT"), "sources in the manifest"),
    "another graph": (lambda m: m["graph"].update(n_edges=9), "graph in the manifest"),
    "another model": (lambda m: m["generators"][0].update(engine_kind="vllm"), "generators in the manifest"),
    "another schema": (lambda m: m["tables"]["rows"]["columns"].pop(), "columns is not that of the manifest"),
    "another configuration": (lambda m: m.update(configuration_sha256="0" * 64), "configuration_sha256"),
}


@pytest.mark.parametrize(("change", "told"), CLAIMS.values(), ids=CLAIMS)
def test_a_manifest_cannot_claim_what_the_files_do_not_hold(
    change: Callable[[dict[str, Any]], None], told: str, copy: Path
) -> None:
    _resealed(copy, change)
    verify_release(str(copy))
    with pytest.raises(CorruptRelease, match=told):
        verify_release(str(copy), deep=True)


def test_counts_and_channels_of_the_sound_one(sound: Path) -> None:
    value = verify_release(str(sound), deep=True).value
    assert Counts(**value["counts"]).released == 4
    assert value["channel_eligible"] == list(eligible_channels(world.candidate().generators))
