"""The configuration as a whole: the bundled files load, faults are named at their place, plans say what would be done.

Belongs: `medreason.configuration`, the files in configs/, `medreason build --plan`.
Does not belong: mechanics of YAML and strictness (tests/base/test_config.py), keys of one room (their own tests).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medreason.base.errors import BadConfiguration, BadInput
from medreason.cli.main import main
from medreason.configuration import BuildConfig, check_inputs, input_urls, load_configuration, plan
from medreason.questions.sources.protocol import SourceEntry
from tests.conftest import REPOSITORY
from tests.questions.samples import SAMPLES

CONFIGS = sorted((REPOSITORY / "configs").glob("*.yaml"))
SAMPLE = REPOSITORY / "configs" / "sample.yaml"
PAPER = REPOSITORY / "configs" / "medreason.yaml"
Raw = dict[str, Any]


def _minimal() -> Raw:
    return {
        "dataset": "tiny",
        "sources": [{"adapter": "medqa", "url": "dev.jsonl", "split": "dev", "role": "train"}],
        "graph": {"layout": "primekg", "url": "kg.csv"},
        "engine": {"kind": "rule"},
    }


def _write(folder: Path, raw: Raw) -> Path:
    file = folder / "build.yaml"
    file.write_text(yaml.safe_dump(raw))
    return file


def test_text_that_must_stay_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by `--plan`; an address in the words of the configuration is enough to know."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: pytest.fail("somebody was looked up"))
    raw = _minimal()
    raw["sources"] = [{"adapter": "hle_biomed", "url": "hle.jsonl", "split": "test", "role": "train"}]
    raw["engine"] = {"kind": "openai", "base_urls": ["https://llm.example.org/v1"], "model": "m", "revision": "r"}
    for more in ((), ("--plan",)):
        assert main(["build", "--config", str(_write(tmp_path, raw)), "--root", str(tmp_path / "root"), *more]) == 2
        told = capsys.readouterr().err
        assert told.startswith("egress-refused: hle_biomed must not be sent to llm.example.org")
        assert len(told.splitlines()) == 1
    assert not (tmp_path / "root").exists()
    raw["engine"]["private_endpoints"] = ["llm.example.org"]
    assert load_configuration(_write(tmp_path, raw)).restricted_sources() == ("hle_biomed",)


# ---------------------------------------------------------------- the bundled files


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_bundled_configuration_loads_and_plans(file: Path) -> None:
    config = load_configuration(file)

    planned = plan(config)

    assert planned["dataset"] == config.dataset
    assert len(planned["fetch"]) == len(input_urls(config))
    assert all(any(url in line for line in planned["fetch"]) for url in input_urls(config))


@pytest.mark.parametrize("entry", load_configuration(PAPER).sources, ids=lambda entry: f"{entry.adapter} {entry.split}")
def test_every_source_of_the_papers_set_up_is_tested_in_its_layout_and_container(entry: SourceEntry) -> None:
    is_parquet = entry.url.endswith(".parquet")
    samples = [s for s in SAMPLES.values() if s.adapter == entry.adapter and s.data.startswith(b"PAR1") is is_parquet]

    assert samples
    assert entry.layout is None or entry.layout in {sample.layout for sample in samples}
    assert entry.url.split("::")[-1].split("://")[0] in ("hf", "https")


def test_sample_needs_nothing_from_outside() -> None:
    config = load_configuration(SAMPLE)

    assert config.engine.kind == "rule"
    assert all(Path(url).is_relative_to(REPOSITORY / "sample_data") for url in input_urls(config))
    check_inputs(config)


def test_real_configuration_reads_every_question_file_and_the_graph(shared_data: Path) -> None:
    config = load_configuration(REPOSITORY / "configs" / "real.yaml", data=shared_data)

    check_inputs(config)
    assert Path(config.graph.url) == (shared_data / "medkg" / "kg.csv.gz").resolve()


def test_plan_reads_no_file_and_prints_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _write(tmp_path, _minimal())  # neither dev.jsonl nor kg.csv is there

    assert main(["build", "--config", str(file), "--plan", "--json"]) == 0

    planned = json.loads(capsys.readouterr().out)
    assert planned["fetch"] == [
        f"medqa (dev, train): {tmp_path / 'dev.jsonl'}",
        f"graph (primekg): {tmp_path / 'kg.csv'}",
    ]
    assert "rule answers" in planned["ask"][0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build.yaml", "dagster_home"]


# ---------------------------------------------------------------- URLs

URLS = {
    "relative": ("data/dev.jsonl", "{folder}/data/dev.jsonl"),
    "upward": ("../dev.jsonl", "{parent}/dev.jsonl"),
    "absolute": ("/data/dev.jsonl", "/data/dev.jsonl"),
    "in an archive": ("zip://a/dev.jsonl::data/qa.zip", "zip://a/dev.jsonl::{folder}/data/qa.zip"),
    "in an archive elsewhere": (
        "zip://dev.jsonl::hf://datasets/org/qa.zip",
        "zip://dev.jsonl::hf://datasets/org/qa.zip",
    ),
    "s3": ("s3://bucket/dev.jsonl", "s3://bucket/dev.jsonl"),
    "hub": ("hf://datasets/org/name/dev.jsonl", "hf://datasets/org/name/dev.jsonl"),
    "web": ("https://example.org/dev.jsonl?a=b", "https://example.org/dev.jsonl?a=b"),
}


@pytest.mark.parametrize(("written", "meant"), URLS.values(), ids=URLS)
@pytest.mark.parametrize("has_data_folder", [False, True])
def test_urls_become_absolute(tmp_path: Path, written: str, meant: str, has_data_folder: bool) -> None:
    raw = _minimal()
    raw["sources"][0]["url"] = written
    folder = tmp_path / ("data_folder" if has_data_folder else "")

    config = load_configuration(_write(tmp_path, raw), data=folder if has_data_folder else None)

    assert config.sources[0].url == meant.format(folder=folder, parent=folder.parent)


def test_missing_files_are_named_together(tmp_path: Path) -> None:
    config = load_configuration(_write(tmp_path, _minimal()))

    with pytest.raises(BadInput) as caught:
        check_inputs(config)
    assert "dev.jsonl" in str(caught.value)
    assert "kg.csv" in str(caught.value)


# ---------------------------------------------------------------- faults


def _with(change: Callable[[Raw], object]) -> Raw:
    raw = _minimal()
    change(raw)
    return raw


FAULTS = {
    "unknown key at top": (_with(lambda raw: raw.update(sorces=[])), "did you mean 'sources'"),
    "unknown key of a source": (_with(lambda raw: raw["sources"][0].update(adaptor="x")), "did you mean 'adapter'"),
    "unknown key of grounding": (_with(lambda raw: raw.update(grounding={"linkin": {}})), "did you mean 'linking'"),
    "unknown adapter": (_with(lambda raw: raw["sources"][0].update(adapter="medqaa")), "medqa"),
    "unknown layout of a source": (
        _with(lambda raw: raw["sources"][0].update(layout="options6")),
        "did you mean 'options5'",
    ),
    "another source's language": (_with(lambda raw: raw["sources"][0].update(language="zh")), "language is 'en'"),
    "split that is a path": (_with(lambda raw: raw["sources"][0].update(split="../x")), "sources.0.split"),
    "set with a NUL": (_with(lambda raw: raw["sources"][0].update(dataset_name="a\0b")), "sources.0.dataset_name"),
    "unknown role": (_with(lambda raw: raw["sources"][0].update(role="test")), "sources.0.role"),
    "unknown layout": (_with(lambda raw: raw["graph"].update(layout="prime")), "graph.layout"),
    "unknown engine": (_with(lambda raw: raw["engine"].update(kind="oracle")), "engine.kind"),
    "url that is no text": (_with(lambda raw: raw["sources"][0].update(url=3)), "sources.0.url"),
    "no sources": (_with(lambda raw: raw.update(sources=[])), "sources"),
    "no workers": (_with(lambda raw: raw.update(compute={"kind": "ray", "workers": 0})), "compute.workers"),
    "no rows in a shard": (_with(lambda raw: raw.update(compute={"shard_rows": 0})), "compute.shard_rows"),
    "dataset that is a path": (_with(lambda raw: raw.update(dataset="../up")), "dataset"),
    "model engine without a model": (_with(lambda raw: raw.update(engine={"kind": "openai"})), "base_urls"),
}


@pytest.mark.parametrize(("raw", "named"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named_at_their_place(tmp_path: Path, raw: Raw, named: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        load_configuration(_write(tmp_path, raw))
    assert named in str(caught.value)
    assert "build.yaml" in str(caught.value)


# ---------------------------------------------------------------- what decides


def _loaded(folder: Path, **changes: Any) -> BuildConfig:
    return load_configuration(_write(folder, _minimal() | changes))


def test_where_the_work_runs_decides_nothing(tmp_path: Path) -> None:
    here = _loaded(tmp_path)
    there = _loaded(tmp_path, compute={"kind": "ray", "workers": 7, "shard_rows": 3, "address": "ray://head:1"})

    assert here.deciding() == there.deciding()
    assert "compute" not in here.deciding()


DECIDING = {
    "dataset": {"dataset": "other"},
    "verification": {"verification": {"keep": "both"}},
    "engine": {"engine": {"kind": "rule", "max_response_characters": 10}},
    "sources": {"sources": [{"adapter": "medqa", "url": "dev.jsonl", "split": "dev", "role": "benchmark"}]},
}


@pytest.mark.parametrize("change", DECIDING.values(), ids=DECIDING)
def test_everything_else_decides(tmp_path: Path, change: Raw) -> None:
    assert _loaded(tmp_path, **change).deciding() != _loaded(tmp_path).deciding()


def test_sources_that_may_not_leave_the_machine_are_known() -> None:
    from medreason.questions.sources.protocol import Egress
    from medreason.questions.sources.registry import SOURCES

    restricted = {name for name, source in SOURCES.items() if source.egress is not Egress.ANY}
    config = load_configuration(SAMPLE)

    assert restricted
    assert set(config.restricted_sources()) == restricted & {entry.adapter for entry in config.sources}
