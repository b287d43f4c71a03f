"""Markdown that hostile text cannot change.

Belongs: text, tables and drawings as Markdown.
Does not belong: what is shown (preview.py, coverage.py, question_card.py).
Rule: text can make no table cell, link, image or markup of its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from markupsafe import Markup

from medreason.base.text import one_line
from medreason.pages.texts import visible

_MAX_CHARACTERS = 80
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$&:@/])")


def markdown_text(text: str, n_characters: int = _MAX_CHARACTERS) -> str:
    """One line of plain text: every character that Markdown or HTML could read is escaped.

    >>> markdown_text("a | <b>x</b>")
    'a \\\\| \\\\<b\\\\>x\\\\<\\\\/b\\\\>'
    """
    return _MARKS.sub(r"\\\1", visible(one_line(text, n_characters)))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def image(drawing: Markup, label: str) -> str:
    """A drawing as a Markdown image that loads nothing: the drawing is its address."""
    data = base64.b64encode(str(drawing).encode("utf-8")).decode("ascii")
    return f"![{markdown_text(label)}](data:image/svg+xml;base64,{data})"
