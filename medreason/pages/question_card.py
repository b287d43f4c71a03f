"""A question as one picture: text with mentions marked, links with scores, kept paths, or why there are none.

Belongs: the picture, and some of them as Markdown.
Does not belong: which questions are shown and what is told of them (grounded.py), pages (report.py).
Rule: a picture is closed: the Dagster UI shows images in Markdown and nothing of HTML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from medreason.pages import svg
from medreason.pages.grounded import GroundedQuestion, LinkedMention, linked_mentions
from medreason.pages.markdown import image, markdown_text
from medreason.pages.marked_text import draw_text
from medreason.pages.path_drawing import WIDTH as PATHS_WIDTH
from medreason.pages.path_drawing import paths_parts
from medreason.pages.texts import count, counted, cut, text_width, words, wrap
from medreason.pages.theme import BAD, INK, LINE, LOSS_LIGHT, MARKS, PAPER, QUIET_INK, RELEASED

_MARGIN = 24
_WIDTH = PATHS_WIDTH + 2 * _MARGIN
_SIZE, _SMALL = 15, 13
_MAX_TEXT_CHARACTERS = 1_600
_MAX_CONTEXT_CHARACTERS = 700
_MAX_LINKS = 14
_MAX_PATHS = 4
_LINK_LEADING = 21


class _Page:
    """Elements below each other."""

    def __init__(self) -> None:
        """An empty page."""
        self.parts: list[Markup] = []
        self.y = _MARGIN

    def heading(self, text: str) -> None:
        """A line that says what follows."""
        self.y += 14
        self.parts.append(svg.text(text, _MARGIN, self.y + 13, size=_SMALL, fill=QUIET_INK, font_weight=700))
        self.y += 24

    def line(self, text: str, fill: str = INK, x: int = _MARGIN) -> None:
        """One line of small text."""
        (told,) = wrap(text, _WIDTH - x - _MARGIN, _SMALL, 1) or ("",)
        self.parts.append(svg.text(told, x, self.y + 14, size=_SMALL, fill=fill))
        self.y += _LINK_LEADING

    def add(self, made: tuple[list[Markup], int], gap: int = 0) -> None:
        """Elements that were placed, and their height."""
        self.parts += made[0]
        self.y += made[1] + gap


def draw_question(one: GroundedQuestion) -> Markup:
    """Everything that grounding said of one question."""
    page = _Page()
    _add_head(page, one)
    _add_texts(page, one)
    _add_links(page, linked_mentions(one.mentions, one.links))
    _add_paths(page, one)
    frame = svg.element("rect", x=1, y=1, width=_WIDTH - 2, height=page.y + _MARGIN - 2, rx=10, fill=PAPER, stroke=LINE)
    label = f"Question {one.question['item_id']}: {one.why_none or f'{len(one.paths)} kept paths'}"
    return svg.drawing([frame, *page.parts], width=_WIDTH, height=page.y + _MARGIN, label=label)


def questions_markdown(questions: Sequence[GroundedQuestion]) -> str:
    """Pictures below each other, each with a line that can be searched for."""
    told = [f"{_told(one)}\n\n{image(draw_question(one), one.question['item_id'])}" for one in questions]
    return "\n\n".join(told) or "no question"


def _told(one: GroundedQuestion) -> str:
    outcome = f"no path: {words(one.outcome['reason'])}" if one.why_none else f"{count(len(one.paths))} kept paths"
    return f"**{markdown_text(one.question['item_id'])}**, {markdown_text(outcome)}"


# ---------------------------------------------------------------- parts


def _add_head(page: _Page, one: GroundedQuestion) -> None:
    name = str(one.question["dataset_name"])
    page.parts.append(svg.text(name, _MARGIN, page.y + 12, size=16, fill=INK, font_weight=700))
    after = _MARGIN + text_width(name, 18) + 14
    page.parts.append(svg.text(one.question["item_id"], after, page.y + 12, size=_SMALL, fill=QUIET_INK))
    x = _MARGIN
    page.y += 28
    for side, meaning in _SIDES.items():
        page.parts.append(svg.element("rect", x=x, y=page.y, width=14, height=14, rx=3, fill=MARKS[side]))
        page.parts.append(svg.text(meaning, x + 20, page.y + 12, size=12, fill=QUIET_INK))
        x += 20 + text_width(meaning, 12) + 20
    page.y += 28


_SIDES = {
    "question": "finding of the question",
    "answer": "answer side",
    "option": "other option",
    "none": "seen, not used",
}


def _add_texts(page: _Page, one: GroundedQuestion) -> None:
    question = one.question
    if question["context"]:
        _add_text(page, one, "context", cut(question["context"], _MAX_CONTEXT_CHARACTERS))
    _add_text(page, one, "stem", cut(question["stem"], _MAX_TEXT_CHARACTERS))
    for option in question["options"]:
        is_gold = option["letter"] in question["answer_letters"]
        _add_answer(page, one, "option", option["letter"], f"{option['letter']}. ", option["text"], is_gold=is_gold)
    if not question["options"]:
        _add_answer(page, one, "answer", "", "", question["answer_text"], is_gold=True)
    if one.outcome["answer_side"] == "rationale" and question["gold_rationale"]:
        page.heading("long answer, in which the answer's entities are looked for")
        _add_text(page, one, "rationale", cut(question["gold_rationale"], _MAX_CONTEXT_CHARACTERS))


def _add_text(page: _Page, one: GroundedQuestion, field: str, text: str) -> None:
    width = _WIDTH - 2 * _MARGIN
    page.add(draw_text(text, one.spans(field), _MARGIN, page.y, width=width, size=_SIZE), gap=10)


def _add_answer(
    page: _Page, one: GroundedQuestion, field: str, letter: str, label: str, text: str, *, is_gold: bool
) -> None:
    x = _MARGIN + 16
    left = x + text_width(label, _SIZE)
    width = _WIDTH - left - _MARGIN
    made = draw_text(cut(text, _MAX_TEXT_CHARACTERS), one.spans(field, letter), left, page.y, width=width, size=_SIZE)
    bar = {"x": _MARGIN, "y": page.y, "width": 4, "height": made[1] - 2}
    page.parts.append(svg.element("rect", **bar, fill=RELEASED if is_gold else LINE))
    if label:
        weight = 700 if is_gold else 400
        page.parts.append(svg.text(label.strip(), x, page.y + _SIZE, size=_SIZE, fill=INK, font_weight=weight))
    page.add(made, gap=4)


def _add_links(page: _Page, told: Sequence[LinkedMention]) -> None:
    linked = [one for one in told if one.targets]
    unlinked = [one for one in told if not one.targets]
    page.heading("links, each with how it was found and its score of 1,000" if linked else "no mention is linked")
    for one in linked[:_MAX_LINKS]:
        mark = {"x": _MARGIN, "y": page.y + 3, "width": 12, "height": 12, "rx": 3}
        page.parts.append(svg.element("rect", **mark, fill=MARKS.get(one.side, MARKS["none"])))
        page.line(_link_words(one), x=_MARGIN + 22)
    if n_more := len(linked) - len(linked[:_MAX_LINKS]):
        page.line(f"{count(n_more)} more", QUIET_INK)
    if unlinked:
        page.line("seen and not linked: " + "; ".join(_mention_words(one) for one in unlinked), QUIET_INK)


def _link_words(one: LinkedMention) -> str:
    targets = "; ".join(
        f"{target.node_name} ({words(target.node_type)}), {words(target.stage)}, {count(target.score)}"
        for target in one.targets[:3]
    )
    more = f"; {counted(len(one.targets) - 3, 'more node')}" if len(one.targets) > 3 else ""
    return f"{_mention_words(one)} → {targets}{more}"


def _mention_words(one: LinkedMention) -> str:
    return f"“{one.text}”" + (f" ({one.status})" if one.status else "")


def _add_paths(page: _Page, one: GroundedQuestion) -> None:
    if one.why_none:
        _add_reason(page, one)
    if not one.paths:
        return
    page.heading("kept paths")
    parts, height = paths_parts(one.paths, max_paths=_MAX_PATHS)
    page.parts.append(svg.group(parts, transform=f"translate({_MARGIN} {page.y})"))
    page.y += height


def _add_reason(page: _Page, one: GroundedQuestion) -> None:
    page.heading("why there is no chain to write")
    lines = [one.why_none, *_reached(one)]
    height = 14 + _LINK_LEADING * len(lines)
    ground = {"x": _MARGIN, "y": page.y, "width": _WIDTH - 2 * _MARGIN, "height": height, "rx": 8}
    page.parts.append(svg.element("rect", **ground, fill=LOSS_LIGHT))
    page.y += 7
    for number, line in enumerate(lines):
        page.line(line, INK if number else BAD, x=_MARGIN + 14)
    page.y += 7


def _reached(one: GroundedQuestion) -> Iterator[str]:
    outcome = one.outcome
    sides = f"question's side: {counted(outcome['n_question_nodes'], 'node')}"
    yield f"{sides}; answer's side: {counted(outcome['n_answer_nodes'], 'node')}; paths: {count(outcome['n_paths'])}"
    if outcome["detail"]:
        yield f"{words(outcome['reason'])}: {outcome['detail']}"
