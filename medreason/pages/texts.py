"""Text and numbers as a page shows them.

Belongs: characters a page cannot hold, counts, shares, short hashes, estimated widths, wrapping.
Does not belong: markup (html.py, svg.py).
Rule: integers alone, so that a drawing is equal on every machine.
"""

from __future__ import annotations

import re
import unicodedata

from medreason.base.text import one_line

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
_BREAKS = re.compile(r"(?<=[\s/,;)-])|(?=\()")
_DEFAULT_WIDTH = 556
_WIDE = 1000
# Advance widths of Helvetica and Arial in thousandths of the font size: what text takes in the drawings' font.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 222),
    **dict.fromkeys("ftI.,:;!/\\ []", 278),
    **dict.fromkeys("r()-{}", 333),
    **dict.fromkeys("ckszvxyJ", 500),
    **dict.fromkeys("ABEKPSVXY&", 667),
    **dict.fromkeys("CDHNRUw", 722),
    **dict.fromkeys("FTZL", 611),
    **dict.fromkeys("GOQ", 778),
    **dict.fromkeys("mM", 833),
    "W": 944,
    "—": 1000,
    "…": 1000,
    "→": 1000,
}


def visible(text: str) -> str:
    """The text with a replacement mark for what could hide or reverse what stands around it.

    >>> visible("fever\\u202egnal")
    'fever\ufffdgnal'
    """
    return _UNSEEN.sub("\ufffd", text)


def count(number: int) -> str:
    """A count with thousands apart.

    >>> count(1425650)
    '1,425,650'
    """
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """A count and what is counted.

    >>> counted(1, "edge"), counted(1200, "more row")
    ('1 edge', '1,200 more rows')
    """
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """A share in percent, one digit below ten; what is not nothing never reads as nothing.

    >>> share(1, 3), share(1, 40), share(1, 100_000), share(0, 5), share(0, 0)
    ('33 %', '2.5 %', '< 0.1 %', '0 %', '–')
    """
    if whole == 0:
        return "–"
    tenths, percent = (2000 * part + whole) // (2 * whole), (200 * part + whole) // (2 * whole)
    if part and not tenths:
        return "< 0.1 %"
    if part < whole and tenths == 1000:
        return "> 99.9 %"
    is_coarse = tenths >= 100 and (percent < 100 or part >= whole)
    return f"{percent} %" if is_coarse or tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} %"


def short_hash(sha256: str) -> str:
    """The first twelve digits; the whole hash belongs beside it in a title."""
    return sha256[:12]


def words(code: str) -> str:
    """A code as words.

    >>> words("gold_not_among_options")
    'gold not among options'
    """
    return code.replace("_", " ")


def cut(text: str, n_characters: int) -> str:
    """The beginning of a text, its line breaks kept, with an ellipsis where more followed."""
    return text if len(text) <= n_characters else f"{text[: n_characters - 1].rstrip()}…"


def text_width(text: str, size_px: int) -> int:
    """Estimated width in pixels, rounded up.

    >>> text_width("iiii", 10), text_width("MMMM", 10)
    (9, 34)
    """
    return -(-sum(map(_character_width, text)) * size_px // 1000)


def _character_width(character: str) -> int:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if character.isascii():
        return _DEFAULT_WIDTH if character.islower() or character.isdigit() else 667
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else 667


def wrap(text: str, width_px: int, size_px: int, n_lines: int) -> tuple[str, ...]:
    """The text in at most so many lines of this width; the last one ends in an ellipsis where more followed.

    >>> wrap("recurrent infections of the middle ear", 100, 13, 2)
    ('recurrent', 'infections of th…')
    """
    lines: list[str] = []
    for piece in _pieces(visible(one_line(text, 400)), width_px, size_px):
        if lines and text_width(f"{lines[-1]}{piece}".rstrip(), size_px) <= width_px:
            lines[-1] += piece
        else:
            lines.append(piece)
    if len(lines) > n_lines:
        lines = [*lines[: n_lines - 1], _with_ellipsis(lines[n_lines - 1], width_px, size_px)]
    return tuple(line.rstrip() for line in lines)


def _pieces(text: str, width_px: int, size_px: int) -> list[str]:
    """Words with the blanks behind them; a word wider than a line is broken."""
    pieces: list[str] = []
    for word in filter(None, _BREAKS.split(text)):
        rest = word
        while text_width(rest.rstrip(), size_px) > width_px and len(rest) > 1:
            n_fitting = _n_fitting(rest, width_px, size_px)
            pieces.append(rest[:n_fitting])
            rest = rest[n_fitting:]
        pieces.append(rest)
    return pieces


def _n_fitting(text: str, width_px: int, size_px: int) -> int:
    n_fitting = len(text)
    while n_fitting > 1 and text_width(text[:n_fitting], size_px) > width_px:
        n_fitting -= 1
    return n_fitting


def _with_ellipsis(line: str, width_px: int, size_px: int) -> str:
    while line and text_width(f"{line}…", size_px) > width_px:
        line = line[:-1]
    return f"{line}…"
