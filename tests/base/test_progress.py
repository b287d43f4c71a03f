"""Progress: who watches is told each item once; who does not pays nothing.

Belongs: what reporters are told.
Does not belong: how bars look.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from medreason.base.progress import counting, reporting_to, tracked


@dataclass(slots=True)
class Heard:
    """A reporter that keeps what it is told."""

    told: list[tuple[str, str, int | None]] = field(default_factory=list)

    def begin(self, label: str, n_total: int | None) -> None:
        self.told.append(("begin", label, n_total))

    def advance(self, label: str, n_items: int) -> None:
        self.told.append(("advance", label, n_items))

    def note(self, label: str, text: str) -> None:
        self.told.append(("note", label, None))

    def end(self, label: str) -> None:
        self.told.append(("end", label, None))


def test_items_pass_and_are_told() -> None:
    heard = Heard()
    with reporting_to(heard):
        assert list(tracked("ab", "letters", 2)) == ["a", "b"]
    assert heard.told == [("begin", "letters", 2), *[("advance", "letters", 1)] * 2, ("end", "letters", None)]


COUNTS: dict[str, tuple[int, list[int], list[int]]] = {
    "from the first": (0, [3, 4], [3, 4]),
    "once there are many": (5, [3, 4, 2], [7, 2]),
    "never many": (5, [3, 1], []),
    "nothing at all": (0, [], []),
}


@pytest.mark.parametrize(("shown_from", "counts", "told"), COUNTS.values(), ids=COUNTS)
def test_counts_are_told_once_there_are_enough(shown_from: int, counts: list[int], told: list[int]) -> None:
    heard = Heard()
    _count(heard, counts, shown_from)
    advances = [("advance", "x", n_items) for n_items in told]
    assert heard.told == ([("begin", "x", None), *advances, ("end", "x", None)] if told else [])


def _count(heard: Heard, counts: list[int], shown_from: int = 0) -> None:
    with reporting_to(heard), counting("x", shown_from=shown_from) as advance:
        for count in counts:
            advance(100 // count and count)


def test_a_failure_ends_what_was_begun() -> None:
    heard = Heard()
    with pytest.raises(ZeroDivisionError):
        _count(heard, [1, 0])
    assert heard.told[-1] == ("end", "x", None)
