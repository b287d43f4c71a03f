"""Question text with its mentions marked, each with the node it is linked to.

Belongs: spans from the tables of grounding or from a release's lineage, the marked text.
Does not belong: mention detection (graph/linking).
Rule: spans that overlap are cut to the first of them; the text itself is never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from medreason.pages.texts import visible, words

Row = Mapping[str, Any]
_SET_ASIDE = ("family_history", "in_passing")
"""Statuses of mentions on which grounding builds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A mention in a text, in code points."""

    start: int
    stop: int
    side: str
    """question, answer, option, or none where it counts for none; decides the colour."""
    title: str
    """What it is linked to, for the pointer."""
    is_negated: bool = False


def highlight(text: str, spans: Iterable[Span]) -> Markup:
    """The text with its mentions marked, escaped."""
    parts: list[str] = []
    done = 0
    for span in apart(spans, len(text)):
        parts += (_escaped(text[done : span.start]), _mark(text[span.start : span.stop], span))
        done = span.stop
    return Markup("".join([*parts, _escaped(text[done:])]))


def spans_of_tables(
    mentions: Iterable[Row], links: Iterable[Row], *, field: str, option_letter: str = ""
) -> list[Span]:
    """Spans of one text of a question, from its rows of `mentions` and `links`."""
    chosen = {link["mention_no"]: link for link in links if link["is_chosen"]}
    return [
        Span(
            start=mention["start"],
            stop=mention["stop"],
            side=side_of(mention, chosen.get(mention["mention_no"])),
            title=link_words(chosen[mention["mention_no"]]) if mention["mention_no"] in chosen else "not linked",
            is_negated=mention["is_negated"],
        )
        for mention in mentions
        if mention["field"] == field and mention["option_letter"] == option_letter
    ]


def side_of(mention: Row, link: Row | None) -> str:
    """The side that a mention counts for: none where it is not linked, denied, a relative's, or named in passing."""
    if link is None or mention["is_negated"] or mention["status"] in _SET_ASIDE:
        return "none"
    return str(link["side"])


def spans_of_lineage(text: str, links: Sequence[Row], *, fields: Sequence[str]) -> list[Span]:
    """Spans of a released text: lineage keeps a mention's words, which are looked for in it.

    A mention that is there several times is marked once for each of its links, from the beginning.
    """
    taken: dict[str, int] = {}
    spans = []
    for link in links:
        if link["field"] not in fields:
            continue
        start = _next_start(text, link["text"], taken.get(link["text"], 0))
        if start is not None:
            stop = start + len(link["text"])
            taken[link["text"]] = stop
            spans.append(Span(start=start, stop=stop, side=link["side"], title=link_words(link)))
    return spans


def link_words(link: Row) -> str:
    """A link in words: node, type, how it was found, score."""
    return f"{link['node_name']} ({words(link['node_type'])}), {words(link['stage'])}, {link['score']} of 1000"


def _next_start(text: str, mention: str, after: int) -> int | None:
    found = re.compile(rf"(?<!\w){re.escape(mention)}(?!\w)").search(text, after) if mention else None
    return found.start() if found else None


def apart(spans: Iterable[Span], n_characters: int) -> Iterator[Span]:
    """Spans inside a text of so many characters, in order; of those that overlap the first."""
    end = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.stop)):
        if end <= span.start < span.stop <= n_characters:
            yield span
            end = span.stop


def _mark(text: str, span: Span) -> str:
    kind = span.side if span.side in ("question", "answer", "option") else "none"
    negated = " negated" if span.is_negated else ""
    title = f"{'denied; ' if span.is_negated else ''}{span.title}"
    return f'<mark class="{kind}{negated}" title="{_escaped(title)}">{_escaped(text)}</mark>'


def _escaped(text: str) -> str:
    return str(escape(visible(text)))
