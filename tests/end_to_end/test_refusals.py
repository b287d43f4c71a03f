"""What cannot be built is refused: one clear error, the right exit code, nothing published.

Belongs: bad files and configurations through the command line; a gate that stops a release.
Does not belong: every kind of bad file (tests/questions/test_bad_input.py), of bad key (tests/test_configuration.py).
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medreason.base.store import TableRef, open_store, read_table, write_table
from medreason.base.tables.chains import CHAINS
from medreason.cli.main import main
from tests.conftest import REPOSITORY
from tests.end_to_end.world import SAMPLE, Build, Place, build, build_arguments, copied, forget, medreason, names_under

Json = dict[str, Any]
SAMPLE_DATA = REPOSITORY / "sample_data"
_QUESTION = {
    "question": "Which drug is used to treat gout?",
    "answer": "Allopurinol",
    "options": {"A": "Allopurinol", "B": "Insulin", "C": "Heparin", "D": "Warfarin", "E": "Ferritin"},
    "meta_info": "step1",
    "answer_idx": "A",
}


def _good_lines() -> bytes:
    return (json.dumps(_QUESTION) + "\n").encode()


def _config(folder: Path, source: Json, **changes: Any) -> Path:
    raw = {
        "dataset": "refused",
        "sources": [{"adapter": "medqa", "split": "dev", "role": "train", **source}],
        "graph": {"layout": "primekg", "url": str(SAMPLE_DATA / "graph" / "kg.csv")},
        "engine": {"kind": "rule"},
    } | changes
    file = folder / "build.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


def _file(name: str, data: bytes) -> Callable[[Path], Json]:
    def made(folder: Path) -> Json:
        (folder / name).write_bytes(data)
        return {"url": name}

    return made


def _cut_array(folder: Path) -> Json:
    """Sound at its beginning, so that only who reads on finds out."""
    whole = (SAMPLE_DATA / "huatuo_o1" / "medical_o1_sft.json").read_bytes()
    (folder / "sft.json").write_bytes(whole[: len(whole) * 2 // 3])
    return {"adapter": "huatuo_o1", "url": "sft.json"}


SOURCES: dict[str, tuple[Callable[[Path], Json], int, str]] = {
    "missing file": (lambda _: {"url": "not-there.jsonl"}, 3, "not-there.jsonl"),
    "empty file": (_file("dev.jsonl", b""), 3, "dev.jsonl"),
    "no records": (_file("dev.jsonl", b"\n\n"), 3, "dev.jsonl"),
    "wrong layout": (_file("dev.jsonl", b'{"cop": 1, "opa": "a"}\n'), 3, "dev.jsonl"),
    "corrupt gzip": (_file("dev.jsonl.gz", gzip.compress(_good_lines() * 50)[:-20]), 3, "dev.jsonl.gz"),
    "array cut in the middle": (_cut_array, 3, "sft.json"),
    "unknown adapter": (lambda _: {"adapter": "medqua", "url": "dev.jsonl"}, 2, "medqa"),
    "unknown key": (lambda _: {"url": "dev.jsonl", "splitt": "dev"}, 2, "did you mean 'split'"),
    "unknown layout": (lambda _: {"url": "dev.jsonl", "layout": "options9"}, 2, "layout"),
}


@pytest.mark.parametrize(("made", "exit_code", "named"), SOURCES.values(), ids=SOURCES)
def test_a_source_that_cannot_be_used_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made: Callable[[Path], Json],
    exit_code: int,
    named: str,
) -> None:
    root = tmp_path / "store"
    if named != "dev.jsonl" and not (tmp_path / "dev.jsonl").exists():
        (tmp_path / "dev.jsonl").write_bytes(_good_lines())
    config = _config(tmp_path, made(tmp_path))

    assert main(["build", "--config", str(config), "--root", str(root), "--json"]) == exit_code

    told = capsys.readouterr()
    said = json.loads(told.out.splitlines()[-1])
    assert said["exit_code"] == exit_code
    assert named in said["message"]
    assert len(told.err.strip().splitlines()) == 1, "one clear error, no traceback"
    assert names_under(str(root), "releases", "versions", "memo", "tables") == set(), "refused before work starts"


GRAPHS = {
    "missing": (None, "no such file"),
    "empty": (b"", "empty"),
    "renamed column": ((SAMPLE_DATA / "graph" / "kg.csv").read_bytes().replace(b"x_name", b"xname", 1), "['x_name']"),
    "no text": (b"\x00\xff\xfe\n", "line of text"),
}


@pytest.mark.parametrize(("data", "named"), GRAPHS.values(), ids=GRAPHS)
def test_a_graph_that_cannot_be_used_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes | None, named: str
) -> None:
    root, url = tmp_path / "store", tmp_path / "kg.csv"
    (tmp_path / "dev.jsonl").write_bytes(_good_lines())
    if data is not None:
        url.write_bytes(data)
    config = _config(tmp_path, {"url": "dev.jsonl"}, graph={"layout": "primekg", "url": str(url)})

    assert main(["build", "--config", str(config), "--root", str(root), "--json"]) == 3

    told = capsys.readouterr()
    assert named in json.loads(told.out.splitlines()[-1])["message"]
    assert "kg.csv" in told.err
    assert names_under(str(root), "releases", "versions", "memo", "tables") == set(), "refused before work starts"


# ---------------------------------------------------------------- gates


@pytest.mark.slow
def test_a_gate_that_fails_stops_the_release(sample: Build, tmp_path: Path) -> None:
    place = copied(sample.place, tmp_path)
    forget(place)
    _plant_a_bad_chain(place)

    done = build(place)

    assert done.exit_code == 4, done.stderr[-2000:]
    assert done.report()["error"] == "gate-failed"
    assert "chains" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3, "one clear error, no traceback"
    assert names_under(place.root, "releases", "versions") == set()


def _plant_a_bad_chain(place: Place) -> None:
    """Let the memo of the chains name a table in which a chain concludes nothing, as a faulty writer would make it."""
    store = open_store(place.root)
    (memo,) = (Path(place.root) / "memo" / "chains").glob("*.json")
    told = json.loads(memo.read_text())
    table = read_table(store, CHAINS, TableRef(**told["refs"]["chains"]))
    rows = table.to_pylist()
    victim = next(row for row in rows if row["outcome"] == "ok")
    victim["conclusion"] = " "
    ref = write_table(store, CHAINS, CHAINS.from_rows(rows))
    memo.write_text(json.dumps(told | {"refs": {"chains": ref.as_json()}}))


# ---------------------------------------------------------------- a model that is down


@pytest.mark.slow
def test_an_outage_ends_incomplete_and_publishes_nothing(sample: Build, tmp_path: Path) -> None:
    place = copied(sample.place, tmp_path)
    forget(place)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # closed again before anybody asks
    raw = yaml.safe_load(SAMPLE.read_text())
    raw["engine"] = {
        "kind": "openai",
        "base_urls": [f"http://127.0.0.1:{port}/v1"],
        "model": "nobody",
        "revision": "1",
        "max_attempts": 1,
        "failures_before_probe": 1,
        "connect_timeout_s": 1.0,
    }
    config = tmp_path / "outage.yaml"
    config.write_text(yaml.safe_dump(raw))

    done = medreason(*build_arguments(place, config), "--data", str(SAMPLE.parent), place=place)

    assert done.exit_code == 5, done.stderr[-2000:]
    assert done.report()["error"] == "incomplete"
    assert names_under(place.root, "releases", "versions") == set()
