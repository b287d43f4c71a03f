"""A question as a picture, which questions are shown, and the coverage table in Markdown.

Belongs: marked text, the card, choosing, links in words, coverage.
Does not belong: the report (test_pages.py), paths and funnel (test_drawings.py).
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Reason, Stage
from medreason.base.tables.grounding import LINKS, MENTIONS, OUTCOMES, PATHS
from medreason.base.tables.questions import QUESTIONS
from medreason.pages.coverage import coverage_markdown
from medreason.pages.grounded import WHY_NONE, GroundedQuestion, linked_mentions, sample_questions
from medreason.pages.marked_text import break_lines, draw_text
from medreason.pages.mentions import Span
from medreason.pages.question_card import draw_question, questions_markdown
from medreason.pages.svg import drawing
from medreason.pages.texts import text_width
from tests.pages.world import graph_coverage, item_id, path, ungrounded

_SVG = "{http://www.w3.org/2000/svg}"


def _texts(root: ElementTree.Element) -> list[str]:
    return ["".join(found.itertext()) for found in root.iter(f"{_SVG}text")]


def _card(one: GroundedQuestion) -> ElementTree.Element:
    return ElementTree.fromstring(draw_question(one))


# ---------------------------------------------------------------- text


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=200), width=st.integers(20, 300))
def test_lines_hold_every_letter_once_and_fit(text: str, width: int) -> None:
    lines = break_lines(text, width, 13)
    assert "".join("".join(text[a:b] for a, b in lines).split()) == "".join(text.split())
    assert all(a <= b for a, b in lines)
    assert all(lines[n][1] <= lines[n + 1][0] for n in range(len(lines) - 1))
    for start, stop in lines:
        line = text[start:stop].rstrip()
        assert text_width(line, 13) <= width or len(line.strip()) <= 1


def test_a_mark_lies_under_its_words_even_across_lines() -> None:
    text = "arachnodactyly and a dilated aorta"
    span = Span(start=19, stop=34, side="question", title="t", is_negated=True)
    parts, height = draw_text(text, [span], 10, 5, width=170, size=13)
    root = ElementTree.fromstring(drawing(parts, width=300, height=height + 20, label="x"))
    groups = [(group.find(f"{_SVG}rect"), group.find(f"{_SVG}text")) for group in root.iter(f"{_SVG}g")]
    assert [letters.text for _, letters in groups] == ["a dilated", "aorta"]
    for ground, letters in groups:
        assert int(ground.get("x")) + 2 == int(letters.get("x"))
        assert int(ground.get("width")) - 4 == int(letters.get("textLength")) == text_width(letters.text, 13)
    assert len(list(root.iter(f"{_SVG}path"))) == 2, "what is denied is underlined"
    assert height == 2 * (13 * 12 // 8)


@given(
    text=st.text(st.characters(exclude_categories=("Cs",)), max_size=80),
    places=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), max_size=6),
)
def test_marks_never_lose_or_double_a_letter(text: str, places: list[tuple[int, int]]) -> None:
    spans = [Span(start=a, stop=b, side="answer", title="t") for a, b in places]
    parts, height = draw_text(text, spans, 0, 0, width=120, size=13)
    root = ElementTree.fromstring(drawing(parts, width=200, height=height + 10, label="x"))
    drawn = "".join("".join(_texts(root)).split())
    plain = "".join(
        "".join(
            _texts(
                ElementTree.fromstring(
                    drawing(draw_text(text, [], 0, 0, width=120, size=13)[0], width=200, height=height + 10, label="x")
                )
            )
        ).split()
    )
    assert drawn == plain


# ---------------------------------------------------------------- the card


def test_a_card_shows_mentions_links_scores_and_the_reason() -> None:
    root = _card(ungrounded())
    told = _texts(root)
    assert "“Fever” → Marfan syndrome (effect/phenotype), exact, 1,000" in told
    assert "“gout” (family history) → gout (disease), exact, 998" in told
    assert "seen and not linked: “cough”" in told
    assert WHY_NONE["no_answer_entity"] in told
    assert "no answer entity: looked in stem" in told
    titles = [found.text for found in root.iter(f"{_SVG}title")]
    assert "Marfan syndrome (effect/phenotype), exact, 1000 of 1000" in titles
    assert "kept paths" not in told


def test_a_card_draws_the_kept_paths_inside_its_frame() -> None:
    one = ungrounded()
    pathed = replace(
        one,
        outcome={**one.outcome, "outcome": "ok", "reason": "", "detail": "", "n_paths": 1},
        paths=tuple(path(n, item_id=item_id(77)) for n in range(6)),
    )
    root = _card(pathed)
    told = _texts(root)
    assert pathed.why_none == ""
    assert "kept paths" in told
    assert "2 more not drawn" in told
    (shifted,) = (group for group in root.iter(f"{_SVG}g") if group.get("transform"))
    left, top = map(int, re.findall(r"\d+", shifted.get("transform", "")))
    for box in shifted.iter(f"{_SVG}rect"):
        assert left + int(box.get("x")) + int(box.get("width")) <= int(root.get("width"))
        assert top + int(box.get("y")) + int(box.get("height")) <= int(root.get("height"))


HOSTILE = ("</svg><script>alert(1)</script>", '" onload="x', "a\u202eb\x00c", "]]>&amp;", "é病😀" * 40)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["question", "option", "name", "detail"])
def test_hostile_text_stays_text(place: str, text: str) -> None:
    root = _card(ungrounded(texts={place: text}))
    assert {found.tag.removeprefix(_SVG) for found in root.iter()} <= {"svg", "g", "rect", "path", "text", "title"}
    assert not [name for found in root.iter() for name in found.attrib if name.startswith("on")]


def test_markdown_holds_a_closed_picture_and_a_line_to_search_for() -> None:
    told = questions_markdown([ungrounded()])
    line, picture = told.split("\n\n")
    assert line == r"**medqa\:000000000000004d**, no path\: no answer entity"
    address = re.fullmatch(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", picture)
    assert address is not None
    ElementTree.fromstring(base64.b64decode(address[1]))
    assert questions_markdown([]) == "no question"


# ---------------------------------------------------------------- what is shown


def test_every_reason_of_grounding_is_explained() -> None:
    assert set(WHY_NONE) == {reason.value for reason in Reason if reason.stage is Stage.GROUNDING}


def test_equal_mentions_are_told_once_and_linked_ones_first() -> None:
    one = ungrounded()
    told = linked_mentions([*one.mentions, one.mentions[1] | {"mention_no": 9}], one.links)
    assert [(mention.text, len(mention.targets), mention.side) for mention in told] == [
        *(("Fever", 1, "question"), ("gout", 1, "none"), ("cough", 0, "none"))
    ]


def _outcome(number: int, reason: str, n_nodes: int = 0) -> dict[str, Any]:
    outcome = "quarantined" if reason else "ok"
    return {
        **{"item_id": item_id(number), "outcome": outcome, "reason": reason, "detail": "", "answer_side": "answer"},
        **{"n_question_nodes": n_nodes, "n_answer_nodes": 0, "n_paths": 0 if reason else 1},
    }


def _tables(outcomes: list[dict[str, Any]]) -> dict[str, pa.Table]:
    blank = {column.name: [] if "list" in str(column.type) else "" for column in QUESTIONS.columns}
    questions = [blank | {"item_id": outcome["item_id"], "stem": "s"} for outcome in outcomes]
    found = {"mentions": MENTIONS.empty(), "links": LINKS.empty(), "paths": PATHS.empty()}
    return {"questions": QUESTIONS.from_rows(questions), "outcomes": OUTCOMES.from_rows(outcomes), **found}


def test_each_reason_is_shown_before_one_is_shown_twice() -> None:
    reasons = ["no_answer_entity"] * 4 + ["no_path"] + ["language_not_supported"] * 3 + [""] * 5
    tables = _tables([_outcome(n, reason) for n, reason in enumerate(reasons)])
    shown = sample_questions(tables, n_with_paths=2, n_without=5)
    told = [one.outcome["reason"] for one in shown]
    assert told[:5] == ["", "", "no_path", "no_answer_entity", "language_not_supported"]
    assert sorted(told[5:]) == ["language_not_supported", "no_answer_entity"]
    turned = {
        name: table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64())) for name, table in tables.items()
    }
    assert [one.question for one in sample_questions(turned, n_with_paths=2, n_without=5)] == [
        one.question for one in shown
    ]


def test_where_something_was_linked_there_is_more_to_see() -> None:
    tables = _tables([_outcome(n, "no_answer_entity", n_nodes=int(n == 5)) for n in range(9)])
    (one,) = sample_questions(tables, n_with_paths=1, n_without=1)
    assert one.outcome["item_id"] == item_id(5)


def test_json_values_make_the_same_question_again() -> None:
    one = ungrounded()
    again = GroundedQuestion(**one.as_json())
    assert draw_question(again) == draw_question(one)


# ---------------------------------------------------------------- coverage


def test_coverage_tells_types_relations_and_entities() -> None:
    told = coverage_markdown(graph_coverage())
    assert "| disease | 4 | 1 | 2 | 50 % |" in told
    assert "| pathway | 3 | 0 | 0 | 100 % |" in told
    assert r"| disease\_phenotype\_positive, phenotype present | 8 | 2 | 75 % |" in told
    assert r"Reached by most questions: Marfan syndrome \(disease, 9 questions\)." in told
    assert r"Never \<b\>seen\<\/b\> pathway \(pathway, 6 edges\)." in told
