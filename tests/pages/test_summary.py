"""What the terminal and asset metadata show.

Belongs: the summary of a build, previews in Markdown.
Does not belong: pages (test_pages.py).
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.pages.markdown import markdown_text
from medreason.pages.preview import chain_markdown, funnel_markdown, path_markdown, reasons_markdown, rows_markdown
from medreason.pages.summary import print_summary, short_address
from tests.pages.world import COUNTS, HASH, REASONS, item_id, path

REPORT = {
    "dataset": "made-up",
    "release": f"s3://bucket/releases/made-up/{HASH}",
    "release_id": HASH,
    "version": "2026.1.2",
    "counts": COUNTS,
    "quarantine_reasons": REASONS,
    "seconds": {"raw": 1.5, "normalise": 9.25, "grounding": 3.0, "release": 0.5},
    "checks": [{"check": "step_support", "n": 20, "n_passed": 20, "n_control": 20, "n_control_passed": 1}],
    "llm": {"n_requests": 1200, "n_cached": 30, "prompt_tokens": 5000, "cost_usd": 1.25},
}


def _summary(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch, columns: int = 100) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    print_summary(report, stream=stream)
    return stream.getvalue()


def test_the_summary_shows_funnel_reasons_place_and_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _summary(REPORT, monkeypatch)
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "36" in lines["raw"]
    assert "-4  gold missing 4" in lines["normalised"]
    assert "56 %" in lines["released"]
    assert "█" * 13 in lines["released"]
    assert f"  medreason verify s3://bucket/releases/made-up/{HASH}\n" in text
    assert "medreason audit row ITEM_ID" in text
    assert "medreason audit why-not ITEM_ID" in text
    assert "make ui" in text
    assert "with another question's findings 5 %" in text
    assert "1,200 requests, 30 cached, 5,000 prompt tokens, 1.25 USD" in text
    assert "normalise 9.2" in text


PLACES = {
    "where commands look anyway": (f"var/store/releases/made-up/{HASH}", ""),
    "elsewhere": (f"/data/store/releases/made-up/{HASH}", f" --release /data/store/releases/made-up/{HASH}"),
}


@pytest.mark.parametrize(("release", "named"), PLACES.values(), ids=PLACES)
def test_commands_can_be_copied_as_they_stand(release: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    stream = io.StringIO()
    report = {"release": release, "sample_item_id": "medqa:1", "sample_quarantined_item_id": "medqa:2"}
    print_summary(report, program=".venv/bin/medreason", stream=stream)
    assert [line.strip() for line in stream.getvalue().splitlines() if line.startswith("  .venv")] == [
        f".venv/bin/medreason verify {release}",
        f".venv/bin/medreason audit row medqa:1{named}",
        f".venv/bin/medreason audit why-not medqa:2{named}",
    ]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_command_is_never_folded(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"  medreason verify {REPORT['release']}\n" in _summary(REPORT, monkeypatch, columns)


def test_a_report_without_parts_is_shown_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _summary({}, monkeypatch)
    assert "medreason verify RELEASE" in text
    assert "checks" not in text


def test_hostile_names_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _summary(REPORT | {"dataset": "x\x1b]0;evil\x07[red]y[/red]", "version": "\x1b[2J"}, monkeypatch)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]y[/red]" in text


def test_addresses_below_the_working_directory_are_short(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_address(str(tmp_path / "var" / "store")) == "var/store"
    assert short_address("/elsewhere/store") == "/elsewhere/store"
    assert short_address("s3://bucket/x") == "s3://bucket/x"


# ---------------------------------------------------------------- previews


def _cells(line: str) -> list[str]:
    return re.split(r"(?<!\\)\|", line)[1:-1]


@given(text=st.text(max_size=80))
def test_a_cell_stays_one_cell(text: str) -> None:
    safe = text.encode("utf-8", "replace").decode()
    table = rows_markdown(pa.table({"a": [safe], "b": ["x"]}))
    lines = table.splitlines()
    assert len(lines) == 3
    assert len(_cells(lines[2].replace("\\\\", ""))) == 2


def test_rows_are_few_and_the_rest_is_counted() -> None:
    table = rows_markdown(pa.table({"number": list(range(9)), "nested": [[1, 2]] * 9}))
    assert table.count("\n| ") == 6
    assert "2 values" in table
    assert table.endswith("4 more rows")


HOSTILE = {
    "markup": "<img src=x onerror=alert(1)>",
    "link": "[a](javascript:alert(1))",
    "image": "![a](https://x/y)",
    "table": "a | b\n| --- |",
    "address": "https://example.org",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_plain_text_in_markdown(text: str) -> None:
    escaped = markdown_text(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)[<>\[\]()|!:]", escaped)


def test_reasons_have_stages_and_shares() -> None:
    lines = reasons_markdown(REASONS).splitlines()
    assert lines[2] == "| grounding | no path | 6 | 38 % |"
    assert len(lines) == 2 + len(REASONS)
    assert reasons_markdown({}) == "nothing was quarantined"


def test_a_chain_is_shown_with_what_it_cites() -> None:
    chain = {
        "item_id": item_id(1),
        "outcome": "ok",
        "reason": "",
        "engine_kind": "rule",
        "findings": ["a -b-> c"],
        "steps": [
            {"step_no": 1, "text": "A is B.", "edge_ids": ["x", "y"]},
            {"step_no": 2, "text": "C", "edge_ids": []},
        ],
        "conclusion": "It is C.",
    }
    text = chain_markdown(chain)
    assert "1. A is B\\. \\(2 edges\\)" in text
    assert "2. C \\(no edge\\)" in text
    assert "**It is C\\.**" in text
    assert chain_markdown(chain | {"outcome": "quarantined", "reason": "cut_short"}) == "quarantined: cut short"


@pytest.mark.parametrize(
    "markdown", [path_markdown([path()]), funnel_markdown(COUNTS, REASONS)], ids=["path", "funnel"]
)
def test_drawings_in_markdown_load_nothing(markdown: str) -> None:
    (data,) = re.findall(r"!\[\w+\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    ElementTree.fromstring(base64.b64decode(data))
    assert "https:" not in markdown
