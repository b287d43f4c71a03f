"""Text with its mentions marked, drawn: where HTML cannot go, a picture can.

Belongs: breaking a text into lines by known letter widths, grounds behind mentions.
Does not belong: the same as HTML (mentions.py), what stands around the text (question_card.py).
Rule: each run of letters is told its width, so that marks lie under their words in whatever font is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from medreason.pages import svg
from medreason.pages.mentions import Span, apart
from medreason.pages.texts import text_width, visible
from medreason.pages.theme import BAD, INK, MARKS

_PIECES = re.compile(r"\n|[^\S\n]+|[^\s]+")
_LEADING_EIGHTHS = 12
"""From one line's base to the next: one and a half times the size of the letters."""

Line = tuple[int, int]
"""First character and the one behind the last."""


def break_lines(text: str, width: int, size: int) -> list[Line]:
    """Lines of at most this width; blanks at a break belong to no line, a word wider than a line is broken.

    >>> break_lines("fever and\\nrash", 60, 13)
    [(0, 9), (10, 14)]
    """
    lines: list[Line] = []
    start = stop = 0
    for piece in _pieces(text, width, size):
        if text[piece[0]] == "\n":
            lines.append((start, stop))
            start = stop = piece[1]
        elif text_width(text[start : piece[1]].rstrip(), size) <= width:
            stop = piece[1] if text[piece[0] : piece[1]].strip() else stop
        elif text[piece[0] : piece[1]].strip():
            lines.append((start, stop))
            start, stop = piece
    return [*lines, (start, stop)]


def _pieces(text: str, width: int, size: int) -> Iterator[Line]:
    for found in _PIECES.finditer(text):
        start, stop = found.span()
        while stop - start > 1 and text_width(text[start:stop], size) > width and text[start].strip():
            n_fitting = _n_fitting(text[start:stop], width, size)
            yield start, start + n_fitting
            start += n_fitting
        yield start, stop


def _n_fitting(word: str, width: int, size: int) -> int:
    n_fitting = 1
    while n_fitting < len(word) and text_width(word[: n_fitting + 1], size) <= width:
        n_fitting += 1
    return n_fitting


def draw_text(text: str, spans: Sequence[Span], x: int, y: int, *, width: int, size: int) -> tuple[list[Markup], int]:
    """The text from its upper left corner, and the height that it takes."""
    leading = size * _LEADING_EIGHTHS // 8
    marked = list(apart(spans, len(text)))
    parts: list[Markup] = []
    lines = break_lines(text, width, size)
    for number, line in enumerate(lines):
        base = y + number * leading + size
        for run, span in _runs(line, marked):
            left = x + text_width(text[line[0] : run[0]], size)
            parts += _run(text[run[0] : run[1]], left, base, size, span)
    return parts, len(lines) * leading


def _runs(line: Line, marked: Sequence[Span]) -> Iterator[tuple[Line, Span | None]]:
    """Parts of a line that are in one mention or in none."""
    done, stop = line
    for span in marked:
        if span.stop <= done or span.start >= stop:
            continue
        if done < span.start:
            yield (done, span.start), None
        done = min(span.stop, stop)
        yield (max(line[0], span.start), done), span
    if done < stop:
        yield (done, stop), None


def _run(words: str, left: int, base: int, size: int, span: Span | None) -> Iterator[Markup]:
    seen = visible(words)
    bare = seen.strip()
    if not bare:
        return
    # Blanks at the ends are not drawn and would be stretched over; they move the letters instead.
    left += text_width(seen[: len(seen) - len(seen.lstrip())], size)
    width = text_width(bare, size)
    letters = svg.text(bare, left, base, size=size, fill=INK, textLength=width, lengthAdjust="spacingAndGlyphs")
    if span is None:
        yield letters
        return
    ground = MARKS.get(span.side, MARKS["none"])
    place = {"x": left - 2, "y": base - size, "width": width + 4, "height": size + 5, "rx": 3}
    parts = [svg.element("rect", **place, fill=ground), letters]
    if span.is_negated:
        line = f"M{left} {base + 4} L{left + width} {base + 4}"
        parts.append(svg.element("path", d=line, stroke=BAD, stroke_width=2, stroke_dasharray="2 3", fill="none"))
    yield svg.titled(f"{'denied; ' if span.is_negated else ''}{span.title}", *parts)
