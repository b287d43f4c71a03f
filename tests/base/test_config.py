"""Configuration mechanics.

Belongs: strictness, nearest keys, URLs.
Does not belong: the real configuration (tests/test_configuration.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from medreason.base.config import StrictModel, absolute_url, read_yaml, validate
from medreason.base.errors import BadConfiguration


class Inner(StrictModel):
    """A part."""

    adapter: str
    split: str = "train"


class Outer(StrictModel):
    """The whole."""

    dataset: str
    sources: tuple[Inner, ...] = ()
    limit: int = 3


FAULTS = {
    "unknown at top": ({"dataset": "x", "datset": 1}, "unknown key 'datset', did you mean 'dataset'"),
    "unknown inside": ({"dataset": "x", "sources": [{"adaptor": "medqa"}]}, "did you mean 'adapter'"),
    "nothing near": ({"dataset": "x", "zzz": 1}, "known keys: dataset, limit, sources"),
    "wrong type": ({"dataset": "x", "limit": "3"}, "limit: Input should be a valid integer"),
    "missing": ({}, "dataset: Field required"),
}


@pytest.mark.parametrize(("value", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_name_place_and_nearest_key(value: dict[str, object], message: str) -> None:
    with pytest.raises(BadConfiguration, match="bad-configuration") as caught:
        validate(Outer, value, where="file.yaml")
    assert message in str(caught.value)
    assert "file.yaml" in str(caught.value)


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(BadConfiguration) as caught:
        validate(Outer, {"limit": "x", "oops": 1}, where="f")
    assert all(part in str(caught.value) for part in ("limit", "oops", "dataset"))


BROKEN = {
    "missing": None,
    "no mapping": "- a\n",
    "python tag": "dataset: !!python/object:os.system {}\n",
    "bytes": b"\xff\xfe\x00",
}


UNSOUND = {
    "key twice": ("dataset: a\nengine: {kind: rule}\ndataset: b\n", "the key 'dataset' is there twice, line 3"),
    "key twice inside": ("sources:\n  - {url: a, url: b}\n", "the key 'url' is there twice, line 2"),
    "a value that contains itself": ("dataset: &all\n  url: *all\n", "Circular"),
    "a list that contains itself": ("dataset: &all [*all]\n", "Circular"),
    "key that is a date": ("2026-01-01: x\n", "a key has to be a text, line 1"),
    "key that is a list": ("? [a]\n: x\n", "a key has to be a text"),
    "cut short": ("dataset: [a, b\n", "line"),
    "far too deep": ("a: " + "[" * 5_000 + "]" * 5_000, "not readable as YAML"),
}


@pytest.mark.parametrize(("content", "says"), UNSOUND.values(), ids=UNSOUND)
def test_yaml_that_says_two_things_or_has_no_end_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(content)
    with pytest.raises(BadConfiguration) as caught:
        read_yaml(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value), "one clear line"


def test_a_part_may_be_said_once_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("a: &part {x: 1}\nb: {<<: *part, y: 2}\nc: *part\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="Is a directory"):
        read_yaml(tmp_path)


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_files(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "c.yaml"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadConfiguration):
        read_yaml(path)


def test_urls_are_relative_to_the_file(tmp_path: Path) -> None:
    assert absolute_url("../a.csv", folder=tmp_path / "configs") == str(tmp_path / "a.csv")
    assert absolute_url("s3://b/a.csv", folder=tmp_path) == "s3://b/a.csv"
    assert absolute_url("/a.csv", folder=tmp_path) == "/a.csv"
