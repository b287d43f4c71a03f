"""A path as a small graph: nodes coloured by type, relations along the edges.

Belongs: paths of the registry's form as drawings, one lane each, and the legend of types.
Does not belong: which paths are drawn (report.py), phrases of relations (graph/knowledge/relations.py).
Rule: an arrow stands only where the direction is known, from the relation's subject to its object; paths to wrong
options are dashed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from medreason.chains.tasks.names import readable_name
from medreason.graph.knowledge.relations import rule_for
from medreason.pages import svg
from medreason.pages.texts import count, text_width, words, wrap
from medreason.pages.theme import BAD, INK, LINE, PAPER, QUIET_INK, RELEASED, WRONG, node_tint

_BOX_WIDTH = 164
_BOX_HEIGHT = 58
_GAP = 126
_MARGIN = 2
_NODES_IN_ROW = 4
_HEADER = 24
_ROW_GAP = 46
_LANE_GAP = 14
_NAME_SIZE, _TYPE_SIZE, _RELATION_SIZE = 13, 11, 12
_MAX_HOPS = 11
WIDTH = _NODES_IN_ROW * _BOX_WIDTH + (_NODES_IN_ROW - 1) * _GAP + 2 * _MARGIN
_HALF = _NODES_IN_ROW // 2 * (_BOX_WIDTH + _GAP)

Path = Mapping[str, Any]
"""A row of `paths`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Upper left corner of a node's box; rows after the first begin at the left again."""

    x: int
    y: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """How an edge is drawn."""

    ink: str
    is_dashed: bool

    @property
    def attributes(self) -> dict[str, str | int]:
        found: dict[str, str | int] = {"stroke": self.ink, "stroke_width": 2, "fill": "none"}
        if self.is_dashed:
            found["stroke_dasharray"] = "6 4"
        return found


def draw_paths(paths: Sequence[Path], *, max_paths: int = 8) -> Markup:
    """Rows of `paths`, numbered in the order given, those to the answer first; what is left out is counted."""
    shown = _shown(paths, max_paths)
    parts, height = paths_parts(paths, max_paths=max_paths)
    return svg.drawing(parts, width=WIDTH, height=height, label=_label(shown))


def paths_parts(paths: Sequence[Path], *, max_paths: int) -> tuple[list[Markup], int]:
    """What `draw_paths` draws, from (0, 0), `WIDTH` wide, and its height: for drawings with more in them."""
    shown = _shown(paths, max_paths)
    parts: list[Markup] = []
    y = 0
    for row in _rows(shown):
        for column, (number, path) in enumerate(row):
            parts += _lane(path, number, column * _HALF, y)
        y += _lane_height(row[0][1]) + _LANE_GAP
    if n_more := len(paths) - len(shown):
        parts.append(svg.text(f"{count(n_more)} more not drawn", _MARGIN, y + 12, size=12, fill=QUIET_INK))
        y += 18 + _LANE_GAP
    return parts, max(y - _LANE_GAP + 4, 20)


def _shown(paths: Sequence[Path], max_paths: int) -> list[tuple[str, Path]]:
    numbered = [(f"P{number}", path) for number, path in enumerate(paths, start=1)]
    # What leads to the answer is what a reader looks for first; numbers stay those of the order given.
    return sorted(numbered, key=lambda pair: is_to_wrong_option(pair[1]))[:max_paths]


def draw_path(path: Path) -> Markup:
    """One row of `paths`."""
    return draw_paths([path])


def legend(node_types: Sequence[str]) -> Markup:
    """The tints of these types, in one row."""
    parts: list[Markup] = []
    x = _MARGIN
    for node_type in node_types:
        tint = node_tint(node_type)
        parts.append(svg.element("rect", x=x, y=4, width=14, height=14, rx=3, fill=tint.ground, stroke=tint.border))
        parts.append(svg.text(words(node_type), x + 20, 16, size=12, fill=INK))
        x += 20 + text_width(words(node_type), 12) + 18
    label = "Colours of node types: " + ", ".join(map(words, node_types))
    return svg.drawing(parts, width=max(x, 20), height=22, label=label)


def is_to_wrong_option(path: Path) -> bool:
    """The path leads to an option that is not the gold answer."""
    return bool(path["target"] != "answer")


def hop_words(path: Path) -> Iterator[str]:
    """Each hop as a statement in its own direction, for labels and texts."""
    for one, other, hop in zip(path["nodes"], path["nodes"][1:], path["hops"], strict=False):
        yield edge_words(hop[0], one, other)


def edge_words(edge: Mapping[str, Any], one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """`Marfan syndrome → presents with → arachnodactyly`, or `–` where the direction is not known."""
    phrase = _phrase(edge, one, other)
    head, tail = (other, one) if edge["is_reversed"] else (one, other)
    mark = "→" if edge["is_direction_known"] else "–"
    return f"{_name(head)} {mark} {phrase} {mark} {_name(tail)}"


# ---------------------------------------------------------------- one lane


def _n_nodes(path: Path) -> int:
    return min(len(path["nodes"]), _MAX_HOPS + 1)


def _rows(numbered: Sequence[tuple[str, Path]]) -> list[list[tuple[str, Path]]]:
    """Lanes in rows: two paths of one hop share one."""
    rows: list[list[tuple[str, Path]]] = []
    for lane in numbered:
        has_room = rows and len(rows[-1]) == 1 and _n_nodes(rows[-1][0][1]) == _n_nodes(lane[1]) == _NODES_IN_ROW // 2
        if has_room:
            rows[-1].append(lane)
        else:
            rows.append([lane])
    return rows


def _lane_height(path: Path) -> int:
    n_rows = -(-_n_nodes(path) // _NODES_IN_ROW)
    return _HEADER + n_rows * (_BOX_HEIGHT + 6) + (n_rows - 1) * _ROW_GAP


def _lane(path: Path, number: str, x: int, y: int) -> Iterator[Markup]:
    places = [_place(n, x, y + _HEADER) for n in range(_n_nodes(path))]
    line = _Line(ink=WRONG, is_dashed=True) if is_to_wrong_option(path) else _Line(ink=LINE, is_dashed=False)
    yield from _header(path, number, x, y)
    for n, (start, end) in enumerate(itertools.pairwise(places)):
        one, other, hop = path["nodes"][n], path["nodes"][n + 1], path["hops"][n]
        yield from _hop(hop, one, other, start, end, line)
    for node, place in zip(path["nodes"], places, strict=False):
        yield _box(node, place)


def _place(number: int, x: int, y: int) -> _Place:
    row, column = divmod(number, _NODES_IN_ROW)
    return _Place(x=x + _MARGIN + column * (_BOX_WIDTH + _GAP), y=y + row * (_BOX_HEIGHT + 6 + _ROW_GAP) + 2, row=row)


def _header(path: Path, number: str, x: int, y: int) -> Iterator[Markup]:
    target, verdict = str(path["target"]), str(path["verdict"])
    goal = "to the answer" if target == "answer" else f"to option {target.removeprefix('option:')} (wrong)"
    # Support of a wrong option is nothing good: the colour is that of its dashes.
    inks = {"supports": WRONG if is_to_wrong_option(path) else RELEASED, "against": BAD}
    yield svg.text(number, x + _MARGIN, y + 15, size=13, fill=INK, font_weight=700)
    after = x + _MARGIN + text_width(number, 14) + 10
    told = ((goal, QUIET_INK, 400), (verdict, inks.get(verdict, QUIET_INK), 600))
    for text, ink, weight in (
        *told,
        (words(str(path["verdict_reason"])), QUIET_INK, 400),
        (_found(path), QUIET_INK, 400),
    ):
        if text:
            yield svg.text(text, after, y + 15, size=12, fill=ink, font_weight=weight)
            after += text_width(text, 13) + 12


def _found(path: Path) -> str:
    """In which view, and of how many: what is kept is a part of what there is."""
    total = path["n_shortest"]
    return f"{words(str(path['view']))} view, {'the only one' if total == 1 else f'one of {count(total)} shortest'}"


def _box(node: Mapping[str, str], place: _Place) -> Markup:
    tint = node_tint(node["node_type"])
    # Semi-bold letters are about a thirteenth wider than the plain ones that `wrap` knows.
    name = wrap(_name(node), _BOX_WIDTH - 14, _NAME_SIZE + 1, 2)
    middle = place.x + _BOX_WIDTH // 2
    first = place.y + (22 if len(name) > 1 else 28)
    frame = svg.element(
        "rect",
        x=place.x,
        y=place.y,
        width=_BOX_WIDTH,
        height=_BOX_HEIGHT,
        rx=8,
        fill=tint.ground,
        stroke=tint.border,
        stroke_width=2,
    )
    kind = svg.text(
        words(node["node_type"]),
        middle,
        place.y + _BOX_HEIGHT - 7,
        size=_TYPE_SIZE,
        fill=QUIET_INK,
        text_anchor="middle",
    )
    rows = svg.lines(name, middle, first, size=_NAME_SIZE, leading=15, fill=INK, font_weight=600, text_anchor="middle")
    return svg.titled(f"{node['node_name']} ({node['node_type']} {node['node_id']})", frame, *rows, kind)


# ---------------------------------------------------------------- edges


def _hop(
    hop: Sequence[Mapping[str, Any]],
    one: Mapping[str, str],
    other: Mapping[str, str],
    start: _Place,
    end: _Place,
    line: _Line,
) -> Iterator[Markup]:
    edge = hop[0]
    title = "\n".join(f"{edge_words(e, one, other)} [{e['edge_id']}]" for e in hop)
    parts = _turning(edge, start, end, line) if start.row != end.row else _straight(edge, start, end, line)
    phrase = _phrase(edge, one, other)
    note = f"+{len(hop) - 1} parallel" if len(hop) > 1 else ""
    label = _label_above(phrase, note, start) if start.row == end.row else _label_on_turn(phrase, note, start, end)
    yield svg.titled(title, *parts, *label)


def _straight(edge: Mapping[str, Any], start: _Place, end: _Place, line: _Line) -> Iterator[Markup]:
    x1, x2, y = start.x + _BOX_WIDTH + 3, end.x - 3, start.y + _BOX_HEIGHT // 2
    arrow = _arrow(edge)
    ends = (x1 + 7 if arrow == "backward" else x1, x2 - 7 if arrow == "forward" else x2)
    yield svg.element("path", d=f"M{ends[0]} {y} L{ends[1]} {y}", **line.attributes)
    if arrow == "forward":
        yield svg.arrow_head(x2, y, direction="right", fill=line.ink)
    elif arrow == "backward":
        yield svg.arrow_head(x1, y, direction="left", fill=line.ink)


def _turning(edge: Mapping[str, Any], start: _Place, end: _Place, line: _Line) -> Iterator[Markup]:
    """From the last box of a row down and back to the first one of the next."""
    x1, x2 = start.x + _BOX_WIDTH // 2, end.x + _BOX_WIDTH // 2
    y1, y2 = start.y + _BOX_HEIGHT + 3, end.y - 3
    middle = (y1 + y2) // 2 + 8
    arrow = _arrow(edge)
    ends = (y1 + 7 if arrow == "backward" else y1, y2 - 7 if arrow == "forward" else y2)
    yield svg.element("path", d=f"M{x1} {ends[0]} L{x1} {middle} L{x2} {middle} L{x2} {ends[1]}", **line.attributes)
    if arrow == "forward":
        yield svg.arrow_head(x2, y2, direction="down", fill=line.ink)
    elif arrow == "backward":
        yield svg.arrow_head(x1, y1, direction="up", fill=line.ink)


def _label_above(phrase: str, note: str, start: _Place) -> tuple[Markup, ...]:
    rows = wrap(phrase, _GAP - 16, _RELATION_SIZE, 2)
    middle = start.x + _BOX_WIDTH + _GAP // 2
    baseline = start.y + _BOX_HEIGHT // 2
    above = svg.lines(
        rows,
        middle,
        baseline - 8 - (len(rows) - 1) * 14,
        size=_RELATION_SIZE,
        leading=14,
        fill=INK,
        text_anchor="middle",
    )
    below = (svg.text(note, middle, baseline + 18, size=11, fill=QUIET_INK, text_anchor="middle"),) if note else ()
    return (*above, *below)


def _label_on_turn(phrase: str, note: str, start: _Place, end: _Place) -> tuple[Markup, ...]:
    told = f"{phrase} ({note})" if note else phrase
    middle = (start.x + end.x + _BOX_WIDTH) // 2
    y = (start.y + _BOX_HEIGHT + end.y) // 2 + 8
    width = text_width(told, _RELATION_SIZE) + 14
    ground = svg.element("rect", x=middle - width // 2, y=y - 10, width=width, height=20, fill=PAPER)
    return (ground, svg.text(told, middle, y + 4, size=_RELATION_SIZE, fill=INK, text_anchor="middle"))


def _arrow(edge: Mapping[str, Any]) -> str:
    if not edge["is_direction_known"]:
        return "none"
    return "backward" if edge["is_reversed"] else "forward"


def _phrase(edge: Mapping[str, Any], one: Mapping[str, str], other: Mapping[str, str]) -> str:
    return rule_for(edge["relation"], edge["display_relation"], one["node_type"], other["node_type"]).phrase


def _name(node: Mapping[str, str]) -> str:
    return readable_name(node["node_name"], node["node_type"])


def _label(numbered: Sequence[tuple[str, Path]]) -> str:
    return "Paths: " + ". ".join(f"{number}: {'; '.join(hop_words(path))}" for number, path in numbered)
