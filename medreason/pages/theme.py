"""Colours of pages and drawings.

Belongs: ink, lines, colours of node types, outcomes and stages.
Does not belong: sizes and places (the drawings), the style sheet's layout (templates/style.css).
Rule: text on its ground has a contrast of at least 4.5 to 1 (a test computes it); colour never says a thing alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

INK = "#1c2b33"
QUIET_INK = "#52636d"
LINE = "#8fa1ab"
PAPER = "#ffffff"
STREAM = "#2b6f8a"
STREAM_LIGHT = "#d5e6ed"
RELEASED = "#2e7d5b"
RELEASED_LIGHT = "#d8ecdf"
LOSS = "#b26a2b"
LOSS_LIGHT = "#f3e3d0"
WRONG = "#8c5a6d"
BAD = "#a3302b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tint:
    """Ground and border of a node; its text is INK."""

    ground: str
    border: str


_NODE_TINTS = {
    "disease": Tint(ground="#fbe3df", border="#bb5245"),
    "effect/phenotype": Tint(ground="#fdf0d2", border="#b4861f"),
    "drug": Tint(ground="#dcebf9", border="#3f78b5"),
    "gene/protein": Tint(ground="#e7e2f6", border="#7360b4"),
    "pathway": Tint(ground="#dbf0ea", border="#2f8a72"),
    "biological_process": Tint(ground="#e2f1dc", border="#5b8f3e"),
    "molecular_function": Tint(ground="#e9f0d3", border="#7c8c2f"),
    "cellular_component": Tint(ground="#e0eef0", border="#47848d"),
    "anatomy": Tint(ground="#f6e2ee", border="#ac5690"),
    "exposure": Tint(ground="#ece6df", border="#86705a"),
}
_OTHER_TINTS = (
    Tint(ground="#e4e9ef", border="#61758c"),
    Tint(ground="#f1e9dd", border="#96793f"),
    Tint(ground="#e3ecdf", border="#5f8153"),
)


def node_tint(node_type: str) -> Tint:
    """The tint of a type; types that PrimeKG does not have get one of a few by their name."""
    known = _NODE_TINTS.get(node_type)
    return known or _OTHER_TINTS[crc32(node_type.encode("utf-8", "replace")) % len(_OTHER_TINTS)]


MARKS = {"question": "#fdecc4", "answer": "#cfe9da", "option": "#dce6f5", "none": "#e8edf0"}
"""Grounds of mentions by the side that they are linked to; style.css has the same."""

OUTCOME_INKS = {"passed": RELEASED, "warned": "#8a5a12", "failed": BAD, "error": BAD}
"""Inks of gate outcomes."""
