"""The report and the page of gates: sound, closed, honest, the same each time.

Belongs: whole pages.
Does not belong: single drawings (test_drawings.py), the terminal (test_summary.py).
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.tables.grounding import COVERAGE
from medreason.pages import report
from medreason.pages.gates import render_gates
from medreason.pages.html import style_sheet
from medreason.pages.report import CheckShare, Writer, render
from tests.pages.markup import Page
from tests.pages.world import COUNTS, HASH, PLAIN, gate_result, report_inputs

PAGES = {
    "report": lambda: render(report_inputs()),
    "report without rows": lambda: render(report_inputs(n_rows=0)),
    "gates": lambda: render_gates([gate_result(outcome) for outcome in ("passed", "warned", "failed", "error")]),
    "no gates": lambda: render_gates([]),
}
HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x=\'y\' >',
    "end of everything": "</p></title></svg></style></section></body>]]>--><!--",
    "template": "{{ 7 * 7 }}{% for x in y %}{# #}",
    "entity": "&lt;b&gt; &amp; &#0; &nosuch;",
    "unseen": "a\u202eb\u2066c\u200bd\ufeff",
    "controls": "a\x00b\x1bc\x9fd",
}


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_pages_are_whole_and_load_nothing(make: object) -> None:
    html = make()
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert not page.names & {"script", "iframe", "object", "embed", "link", "base", "form", "img", "audio", "video"}
    assert not page.values("src") + page.values("srcset") + page.values("xlink:href") + page.values("style")
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(", html)
    ids = page.values("id")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES)
def test_the_policy_allows_our_style_sheet_and_nothing_else(make: object) -> None:
    page = Page(make())
    (policy,) = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f"<style>{style_sheet()}</style>" in make()


def test_links_lead_to_licences_alone() -> None:
    page = Page(render(report_inputs()))
    assert page.values("href") == ["https://example.org/licence"]


@pytest.mark.parametrize("place", PLAIN)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_stays_text(place: str, text: str) -> None:
    plain, hostile = Page(render(report_inputs())), Page(render(report_inputs({place: text})))
    added = hostile.names - plain.names
    assert not added, f"the text made elements: {added}"
    assert not [name for _, a in hostile.tags for name in a if name.startswith("on")]
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\u200b]", hostile.text)


@given(text=st.text(max_size=60))
def test_any_text_gives_a_sound_page(text: str) -> None:
    # A lone surrogate is refused before anything is released; Arrow cannot hold one either.
    safe = text.encode("utf-8", "replace").decode("utf-8")
    Page(render(report_inputs({"question": safe, "step": safe or "x", "name": safe or "x"}, n_rows=2)))


def test_the_same_release_gives_the_same_page_in_another_process() -> None:
    program = (
        "import hashlib; from tests.pages.world import report_inputs; from medreason.pages.report import render;"
        "print(hashlib.sha256(render(report_inputs()).encode()).hexdigest())"
    )
    here = hashlib.sha256(render(report_inputs()).encode()).hexdigest()
    environment = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == here


def test_row_order_does_not_matter() -> None:
    inputs = report_inputs()
    turned = {
        name: pa.table(table.take(pa.array(range(len(table) - 1, -1, -1))).columns, schema=table.schema)
        for name, table in {"rows": inputs.rows, "lineage": inputs.lineage, "quarantine": inputs.quarantine}.items()
    }
    assert render(replace(inputs, **turned)) == render(inputs)


def test_long_texts_make_fewer_samples_not_larger_pages() -> None:
    long = "word " * 1100
    page = render(report_inputs({"question": long, "step": long, "option": long}))
    assert len(page.encode()) <= report.MAX_PAGE_BYTES
    longer = render(report_inputs({"question": "€" * 60_000, "step": "€" * 60_000, "option": "€" * 60_000}))
    assert 0 < len(longer.encode()) <= report.MAX_PAGE_BYTES
    assert len(Page(longer).drawings) < len(Page(page).drawings) + 1
    assert len(render(report_inputs()).encode()) < report.MAX_PAGE_BYTES // 4


def test_a_release_of_rules_says_so_and_one_of_a_model_does_not() -> None:
    by_rule = Page(render(report_inputs()))
    assert "Demo: rows written by rules. Not for clinical use." in by_rule.text
    writer = Writer(engine_kind="vllm", model_id="m", model_revision="r", n_rows=20)
    by_model = Page(render(report_inputs(writers=[writer])))
    assert "Demo" not in by_model.text
    assert "Not for clinical use." in by_model.text


CHECKS = {
    "tells": (18, 20, 2, 20, False),
    "tells nothing": (10, 20, 10, 20, True),
    "foreign findings pass more often": (1, 20, 10, 20, True),
    "passes as often of fewer": (10, 20, 5, 10, True),
}


@pytest.mark.parametrize(("n_passed", "n", "n_control_passed", "n_control", "is_warned"), CHECKS.values(), ids=CHECKS)
def test_a_check_stands_beside_its_control(
    n_passed: int, n: int, n_control_passed: int, n_control: int, is_warned: bool
) -> None:
    check = CheckShare(
        check="re_answer", n=n, n_passed=n_passed, n_control=n_control, n_control_passed=n_control_passed
    )
    text = Page(render(report_inputs(checks=[check]))).text
    assert f"({n_passed} of {n})" in text
    assert f"({n_control_passed} of {n_control})" in text
    assert ("This check tells nothing here" in text) is is_warned


def test_the_report_shows_what_it_should() -> None:
    html = render(report_inputs())
    page = Page(html)
    assert page.text.count("rests on") == report.N_SAMPLED_ROWS
    assert html.count('<article class="row">') == report.N_SAMPLED_ROWS
    assert html.count('<article class="row ungrounded">') == 1
    assert html.count('class="record"') == report.N_SAMPLED_QUARANTINE
    for expected in (HASH, "712,825", "no answer entity", "gold missing", "20 drawn by hash", "stem", "MIT"):
        assert expected in page.text, expected
    assert '<mark class="question" title="Marfan syndrome (effect/phenotype), exact, 1000 of 1000">' in html
    assert all(str(n) in page.text for n in COUNTS.values())


def test_each_reason_is_sampled_before_one_is_sampled_twice() -> None:
    rows = report._sampled_quarantine(report_inputs())
    assert [row["reason"] for row in rows[:5]] == [
        *("no_path", "gold_missing", "no_answer_entity", "contaminated", "unsupported_step")
    ]
    assert len(rows) == report.N_SAMPLED_QUARANTINE
    assert len({row["item_id"] for row in rows}) == len(rows)


def test_commands_of_the_report_exist() -> None:
    html = render(report_inputs())
    block = re.search(r"<pre>(.*?)</pre>", html, flags=re.DOTALL).group(1)
    commands = [shlex.split(line.split("   ")[0]) for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        words = [word for word in command[1:] if not word.isupper() and "_" not in word]
        subprocess.run(
            [sys.executable, "-m", "medreason.cli", *words, "--help"], capture_output=True, check=True, timeout=60
        )


def test_gates_show_what_is_not_met_first() -> None:
    page = Page(render_gates([gate_result("failed")]))
    states = [
        attributes["class"].removeprefix("state ")
        for _, attributes in page.tags
        if "state" in attributes.get("class", "")
    ]
    assert states[2:] == ["failed", "warning", "holds"]
    assert "exception: column is missing" in Page(render_gates([gate_result("error")])).text


def test_a_row_shows_its_links_with_scores() -> None:
    text = Page(render(report_inputs(n_rows=1))).text
    assert "arachnodactyly → Marfan syndrome (effect/phenotype), exact, 1,000" in " ".join(text.split())


def test_options_mark_what_their_own_side_is_linked_to() -> None:
    link = {"mention_no": 1, "text": "Gout", "stage": "exact", "score": 990}
    node = {"node_type": "disease", "node_id": "9", "node_name": "gout"}
    row = {"answer_letters": ["A"], "options": "A. Gout\nB. Gout of the toe"}
    sides = {"answer": "A", "option": "B"}
    for side, letter in sides.items():
        links = [{**link, **node, "field": "option", "side": side}]
        marked = [str(option.text) for option in report._options(row, links) if "<mark" in option.text]
        assert [text[0] for text in marked] == [letter]
        assert f'<mark class="{side}"' in marked[0]


def test_a_question_without_a_path_shows_what_was_seen_and_why() -> None:
    html = render(report_inputs())
    shown = html.partition('<article class="row ungrounded">')[2].partition("</article>")[0]
    text = " ".join(shown.split())
    assert "The answer is linked to no entity of the graph" in text
    assert "Question's side: 1 node; answer's side: 0 nodes" in text
    assert '<mark class="question" title="Marfan syndrome (effect/phenotype), exact, 1000 of 1000">Fever</mark>' in text
    assert '<mark class="none" title="gout (disease), exact, 998 of 1000">gout</mark>' in text
    assert "“cough”" in text
    assert "(family history)" in text


def test_what_is_never_reached_stands_beside_what_is() -> None:
    html = render(report_inputs()).partition("What the questions reach of the graph")[2]
    section = " ".join(re.sub(r"<[^>]*>", " ", html.partition("Quarantined records")[0]).split())
    assert "disease 4 1 2 2" in section
    assert "pathway 3 0 0 3" in section
    assert "disease phenotype positive phenotype present 8 2 6 9" in section
    assert "Reached by most questions: Marfan syndrome (disease, 9)" in section
    assert "Never reached, with the most edges: Never &lt;b&gt;seen&lt;/b&gt; pathway (pathway, 6 edges)" in section


def test_a_release_without_counts_says_nothing_of_them() -> None:
    page = render(report_inputs(coverage=COVERAGE.empty(), ungrounded=[]))
    assert "What the questions reach" not in page
    assert "without a path to write from" not in page
