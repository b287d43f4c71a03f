"""Progress of long work, for whoever is watching.

Belongs: the reporter that work reports to, silent unless a command sets one.
Does not belong: how it looks (cli, orchestration), Dagster metadata (assets).
Rule: reporting never changes what is made, and costs nothing when nobody watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Reporter(Protocol):
    """Something that shows progress."""

    def begin(self, label: str, n_total: int | None) -> None:
        """A piece of work begins; `n_total` items where known."""

    def advance(self, label: str, n_items: int) -> None:
        """So many more items are done."""

    def note(self, label: str, text: str) -> None:
        """What is going on within the piece of work, in place of what was said before."""

    def end(self, label: str) -> None:
        """The piece of work is done."""


class Silent:
    """Shows nothing."""

    def begin(self, label: str, n_total: int | None) -> None:
        """Nothing."""

    def advance(self, label: str, n_items: int) -> None:
        """Nothing."""

    def note(self, label: str, text: str) -> None:
        """Nothing."""

    def end(self, label: str) -> None:
        """Nothing."""


_current: ContextVar[Reporter] = ContextVar("reporter")
_SILENT = Silent()


def reporter() -> Reporter:
    """The reporter in force."""
    return _current.get(_SILENT)


@contextmanager
def reporting_to(target: Reporter) -> Iterator[None]:
    """Report to `target` inside this block."""
    token = _current.set(target)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def counting(label: str, *, shown_from: int = 0) -> Iterator[Callable[[int], None]]:
    """What takes how many more items are done, where nobody knows how many there will be.

    Args: `shown_from` items nothing is shown, so that what is short does not flicker by.
    """
    target, n_waiting, is_shown = reporter(), 0, False

    def advance(n_items: int) -> None:
        nonlocal n_waiting, is_shown
        n_waiting += n_items
        if not is_shown and n_waiting >= shown_from:
            target.begin(label, None)
            is_shown = True
        if is_shown:
            target.advance(label, n_waiting)
            n_waiting = 0

    try:
        yield advance
    finally:
        if is_shown:
            target.end(label)


def tracked(items: Iterable[Item], label: str, n_total: int | None = None) -> Iterator[Item]:
    """The same items, each reported when it is done."""
    target = reporter()
    target.begin(label, n_total)
    try:
        for item in items:
            yield item
            target.advance(label, 1)
    finally:
        target.end(label)
