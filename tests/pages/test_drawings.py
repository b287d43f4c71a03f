"""Drawings: sound XML, arrows where they may stand, labels that fit, colours that can be read.

Belongs: funnel, paths, mentions, colours.
Does not belong: whole pages (test_pages.py).
"""

from __future__ import annotations

import itertools
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Reason
from medreason.pages import theme
from medreason.pages.funnel import STAGES, draw_funnel, missed_count, paired_bars, small_bar, steps, told_losses
from medreason.pages.mentions import Span, highlight, spans_of_lineage, spans_of_tables
from medreason.pages.path_drawing import draw_path, draw_paths, edge_words, legend
from medreason.pages.texts import count, share, text_width, visible, words, wrap
from medreason.releases.counts import count as count_records
from tests.pages.world import COUNTS, REASONS, edge, path

_SVG = "{http://www.w3.org/2000/svg}"


def _read(drawing: str) -> ElementTree.Element:
    root = ElementTree.fromstring(drawing)
    assert root.tag == f"{_SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label")
    return root


def _texts(root: ElementTree.Element) -> list[str]:
    return ["".join(found.itertext()) for found in root.iter(f"{_SVG}text")]


def _assert_text_stays_inside(root: ElementTree.Element) -> None:
    width, height = int(root.get("width", 0)), int(root.get("height", 0))
    shift = {"middle": 2, "end": 1}
    for found in root.iter(f"{_SVG}text"):
        size, x, y = int(found.get("font-size", 0)), int(found.get("x", 0)), int(found.get("y", 0))
        assert size >= 11, f"too small to read: {found.text}"
        taken = text_width(found.text or "", size)
        anchor = found.get("text-anchor", "start")
        start = x - (taken // shift[anchor] if anchor in shift else 0)
        assert start >= -1, f"cut at the left: {found.text}"
        assert start + taken <= width + 1, f"cut at the right: {found.text}"
        assert 8 <= y <= height, f"cut at top or bottom: {found.text}"


# ---------------------------------------------------------------- the funnel


def test_the_flow_has_each_loss_once_and_in_its_place() -> None:
    flow = steps(COUNTS, REASONS)
    assert [step.name for step in flow] == [name for name, _ in STAGES]
    assert {step.name: [loss.reason for loss in step.losses] for step in flow if step.losses} == {
        "normalised": ["gold_missing"],
        "curated": ["contaminated"],
        "linked": ["no_answer_entity"],
        "pathed": ["no_path"],
        "verified": ["unsupported_step"],
    }
    for before, after in itertools.pairwise(flow):
        assert before.n - after.n == after.n_lost


def test_a_loss_that_nobody_explains_is_drawn() -> None:
    flow = steps(COUNTS, {})
    assert [(loss.reason, loss.n) for step in flow for loss in step.losses] == [
        ("not_explained", n) for n in (4, 2, 3, 6, 1)
    ]
    assert "not explained" in _texts(_read(draw_funnel(COUNTS, {})))


@pytest.mark.parametrize("reason", Reason)
def test_losses_stand_where_the_release_counts_them(reason: Reason) -> None:
    counts = count_records(n_raw=2, n_benchmark=0, left=[(reason.stage.value, reason.value)], n_released=1).as_json()
    first = next(name for name, _ in STAGES if counts[name] == 1)
    assert missed_count(reason.value) == first


def test_many_reasons_are_told_together() -> None:
    reasons = {reason.value: 20 - n for n, reason in enumerate(r for r in Reason if r.stage == "generation")}
    n_lost = sum(reasons.values())
    counts = dict.fromkeys(COUNTS, 500) | {name: 500 - n_lost for name in ("generated", "verified", "released")}
    generated = next(step for step in steps(counts, reasons) if step.name == "generated")
    told = told_losses(generated)
    assert len(told) == 8
    assert sum(loss.n for loss in told) == n_lost
    assert "other reasons" in words(told[-1].reason)


FUNNELS = {
    "some of everything": (COUNTS, REASONS),
    "nothing at all": (dict.fromkeys(COUNTS, 0), {}),
    "nothing released": (COUNTS | dict.fromkeys(("linked", "pathed", "generated", "verified", "released"), 0), {}),
    "millions": ({name: n * 1_000_000 for name, n in COUNTS.items()}, {r: n * 1_000_000 for r, n in REASONS.items()}),
    "one reason for all": (
        dict.fromkeys(COUNTS, 0) | {"raw": 7, "normalised": 7, "curated": 7, "linked": 7},
        {"no_path": 7},
    ),
}


@pytest.mark.parametrize(("counts", "reasons"), FUNNELS.values(), ids=FUNNELS)
def test_funnels_are_sound_and_nothing_is_cut(counts: dict[str, int], reasons: dict[str, int]) -> None:
    root = _read(draw_funnel(counts, reasons))
    _assert_text_stays_inside(root)
    assert {name for name, _ in STAGES} <= set(_texts(root))
    widths = [int(rect.get("width", 0)) for rect in root.iter(f"{_SVG}rect")]
    assert min(widths) >= 1


def test_bars_keep_their_shares() -> None:
    ground, bar = _read(small_bar(1, 4, label="a quarter")).iter(f"{_SVG}rect")
    assert int(bar.get("width", 0)) * 4 == int(ground.get("width", 0))
    for drawing in (paired_bars([("ours", 118, 118), ("theirs", 0, 118)]), paired_bars([("ours", 10**6, 10**6)])):
        _assert_text_stays_inside(_read(drawing))


# ---------------------------------------------------------------- paths


def _long_path(n_nodes: int, name: str = "Marfan syndrome", **changes: Any) -> dict[str, Any]:
    nodes = [{"node_type": "disease", "node_id": str(n), "node_name": f"{name} {n}"} for n in range(n_nodes)]
    return path(nodes=nodes, hops=[[edge(**changes)] for _ in range(n_nodes - 1)])


DIRECTIONS = {
    "known, walked back": ({"is_reversed": True}, 1, "Marfan syndrome → presents with → arachnodactyly"),
    "known, walked along": ({"is_reversed": False}, 1, "arachnodactyly → presents with → Marfan syndrome"),
    "not known": (
        {"is_direction_known": False, "is_reversed": False},
        0,
        "arachnodactyly – presents with – Marfan syndrome",
    ),
}


@pytest.mark.parametrize(("changes", "n_arrows", "told"), DIRECTIONS.values(), ids=DIRECTIONS)
def test_an_arrow_stands_only_where_the_direction_is_known(changes: dict[str, Any], n_arrows: int, told: str) -> None:
    row = path(hops=[[edge(**changes)]])
    root = _read(draw_path(row))
    heads = list(root.iter(f"{_SVG}polygon"))
    assert len(heads) == n_arrows
    assert edge_words(row["hops"][0][0], *row["nodes"]) == told


@pytest.mark.parametrize("is_reversed", [True, False])
def test_an_arrow_points_from_subject_to_object(is_reversed: bool) -> None:
    root = _read(draw_path(path(hops=[[edge(is_reversed=is_reversed)]])))
    first, second = [int(rect.get("x", 0)) for rect in root.iter(f"{_SVG}rect")][:2]
    (head,) = root.iter(f"{_SVG}polygon")
    tip = int(head.get("points", "").split(",")[0])
    nearer_to_first = abs(tip - (first + 164)) < abs(second - tip)
    assert nearer_to_first is is_reversed


def test_wrong_options_are_dashed_and_the_answer_comes_first() -> None:
    root = _read(draw_paths([path(0, target="option:B"), path(1)]))
    dashes = [line.get("stroke-dasharray") for line in root.iter(f"{_SVG}path")]
    assert dashes == [None, "6 4"]
    texts = _texts(root)
    assert texts.index("P2") < texts.index("P1")
    assert "to option B (wrong)" in texts


@pytest.mark.parametrize("n_nodes", [2, 3, 4, 5, 8, 9, 12])
@pytest.mark.parametrize(
    "name", ["gout", "recurrent infections of the middle ear and the upper airways", "中" * 40, "x" * 90]
)
def test_paths_of_any_length_fit(n_nodes: int, name: str) -> None:
    root = _read(draw_path(_long_path(n_nodes, name)))
    _assert_text_stays_inside(root)
    boxes = [rect for rect in root.iter(f"{_SVG}rect") if rect.get("rx") == "8"]
    assert len(boxes) == n_nodes
    assert len({(box.get("x"), box.get("y")) for box in boxes}) == n_nodes


def test_parallel_edges_are_counted_and_told() -> None:
    second = edge(edge_id="f" * 16, relation="disease_phenotype_negative", display_relation="phenotype absent")
    root = _read(draw_path(path(hops=[[edge(), second]])))
    assert "+1 parallel" in _texts(root)
    titles = [found.text or "" for found in root.iter(f"{_SVG}title")]
    assert any("f" * 16 in title for title in titles)


def test_what_is_not_drawn_is_counted() -> None:
    assert "3 more not drawn" in _texts(_read(draw_paths([path(n) for n in range(11)])))
    assert _texts(_read(draw_paths([]))) == []
    assert _texts(_read(legend(["disease", "gene/protein"]))) == ["disease", "gene/protein"]


@given(name=st.text(min_size=1, max_size=60))
def test_any_name_gives_sound_xml(name: str) -> None:
    _read(draw_path(path(name=name.encode("utf-8", "replace").decode())))


# ---------------------------------------------------------------- mentions


def _span(start: int, stop: int, **changes: Any) -> Span:
    return Span(**({"start": start, "stop": stop, "side": "question", "title": "t"} | changes))


HIGHLIGHTS = {
    "one": ("a cough", [_span(2, 7)], 'a <mark class="question" title="t">cough</mark>'),
    "overlap": ("abcd", [_span(1, 3), _span(2, 4)], 'a<mark class="question" title="t">bc</mark>d'),
    "longest of two at one place": ("abcd", [_span(0, 2), _span(0, 4)], '<mark class="question" title="t">abcd</mark>'),
    "out of the text": ("ab", [_span(1, 9), _span(0, 0)], "ab"),
    "markup": ("<b>", [_span(0, 1, title='"')], '<mark class="question" title="&#34;">&lt;</mark>b&gt;'),
    "denied": ("ab", [_span(0, 2, is_negated=True)], '<mark class="question negated" title="denied; t">ab</mark>'),
    "unknown side": ("ab", [_span(0, 2, side='"x')], '<mark class="none" title="t">ab</mark>'),
}


@pytest.mark.parametrize(("text", "spans", "expected"), HIGHLIGHTS.values(), ids=HIGHLIGHTS)
def test_mentions_are_marked(text: str, spans: list[Span], expected: str) -> None:
    assert highlight(text, spans) == expected


def test_spans_of_grounding_tables() -> None:
    place = {"mention_no": 0, "field": "stem", "option_letter": "", "start": 2, "stop": 7}
    mention = place | {"is_negated": False, "status": "finding"}
    link = {"mention_no": 0, "side": "question", "node_name": "Cough", "node_type": "effect/phenotype"}
    found = {"stage": "exact", "score": 1000}
    links = [link | found | {"is_chosen": True}, link | found | {"is_chosen": False, "node_name": "Couch"}]
    (span,) = spans_of_tables([mention, mention | {"field": "option", "option_letter": "A"}], links, field="stem")
    assert (span.start, span.stop, span.side, span.is_negated) == (2, 7, "question", False)
    assert span.title == "Cough (effect/phenotype), exact, 1000 of 1000"
    (unlinked,) = spans_of_tables([mention], [], field="stem")
    assert (unlinked.side, unlinked.title) == ("none", "not linked")
    for set_aside in ({"is_negated": True}, {"status": "family_history"}, {"status": "in_passing"}):
        (grey,) = spans_of_tables([mention | set_aside], links, field="stem")
        assert grey.side == "none", "what the patient does not have counts for no side"


def test_spans_of_lineage_take_whole_words_from_the_beginning() -> None:
    link = {"field": "stem", "text": "fever", "side": "question", "node_name": "Fever", "node_type": "x"}
    link |= {"stage": "exact", "score": 1000}
    spans = spans_of_lineage("feverfew for fever, fever", [link, link, link], fields=("stem",))
    assert [(span.start, span.stop) for span in spans] == [(13, 18), (20, 25)]
    assert spans_of_lineage("fever", [link], fields=("option",)) == []


TOTALS = {1: "full view, the only one", 1_234: "full view, one of 1,234 shortest"}


@pytest.mark.parametrize(("total", "told"), TOTALS.items())
def test_a_path_says_in_which_view_it_was_found_and_of_how_many(total: int, told: str) -> None:
    root = _read(draw_path(path(n_shortest=total)))
    assert told in _texts(root)
    _assert_text_stays_inside(root)


def test_what_is_left_out_is_said_inside_the_drawing() -> None:
    root = _read(draw_paths([path(number) for number in range(30)], max_paths=3))
    assert "27 more not drawn" in _texts(root)
    _assert_text_stays_inside(root)


# ---------------------------------------------------------------- texts and colours

SHARES = {
    "all": (5, 5, "100 %"),
    "nearly all": (99_999, 100_000, "> 99.9 %"),
    "nearly none": (1, 1_000_000, "< 0.1 %"),
    "none": (0, 9, "0 %"),
    "small": (1, 40, "2.5 %"),
    "large": (2, 3, "67 %"),
    "nearly all, coarse": (995, 1000, "99.5 %"),
    "of nothing": (0, 0, "–"),
}


@pytest.mark.parametrize(("part", "whole", "expected"), SHARES.values(), ids=SHARES)
def test_shares(part: int, whole: int, expected: str) -> None:
    assert share(part, whole) == expected


@given(text=st.text(max_size=120), width=st.integers(20, 300), n_lines=st.integers(1, 4))
def test_wrapped_lines_fit(text: str, width: int, n_lines: int) -> None:
    lines = wrap(text, width, 13, n_lines)
    assert len(lines) <= n_lines
    assert all(text_width(line, 13) <= width or len(line) == 1 for line in lines)


def test_unseen_characters_are_seen() -> None:
    assert visible("a\u202eb\x00c\td\n") == "a\ufffdb\ufffdc\td\n"
    assert count(1_425_650) == "1,425,650"


def _luminance(colour: str) -> float:
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


_TYPES = ("disease", "effect/phenotype", "drug", "gene/protein", "pathway", "anatomy", "exposure", "Compound", "other")
GROUNDS = {
    **{f"ink on {node_type}": (theme.INK, theme.node_tint(node_type).ground) for node_type in _TYPES},
    **{f"type on {node_type}": (theme.QUIET_INK, theme.node_tint(node_type).ground) for node_type in _TYPES},
    **{f"{name} on paper": (ink, theme.PAPER) for name, ink in theme.OUTCOME_INKS.items()},
    "quiet ink on paper": (theme.QUIET_INK, theme.PAPER),
    "wrong on paper": (theme.WRONG, theme.PAPER),
}


@pytest.mark.parametrize(("ink", "ground"), GROUNDS.values(), ids=GROUNDS)
def test_text_can_be_read(ink: str, ground: str) -> None:
    assert _contrast(ink, ground) >= 4.5
