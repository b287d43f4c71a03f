"""How paths, edges and options are shown to a model: numbered, directed as the registry knows, readable.

Belongs: the shown types, and the rows of `paths` as them.
Does not belong: which paths are shown (prune.py, shards/), the map from numbers back to ids (the caller keeps it).
Rule: nothing shown holds an item id, score, cost, date or graph row number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from medreason.chains.tasks.names import readable_name
from medreason.graph.knowledge.relations import rule_for

Direction = Literal["forward", "backward", "unknown"]

_ARROWS: dict[Direction, tuple[str, str]] = {"forward": ("-", "->"), "backward": ("<-", "-"), "unknown": ("--", "--")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOption:
    """One option of the question."""

    letter: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEdge:
    """One edge of a path: `head`, the arrow with its relation, `tail`."""

    no: str
    """`E1`, unique within one input."""
    edge: tuple[str, str, str]
    """`("arachnodactyly", "<-presents with-", "Marfan syndrome")`: read along the arrow, from subject to object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPath:
    """One path from the question's side to an option or the answer."""

    no: str
    """`P1`, unique within one input."""
    target: str
    """Letter of the option it leads to, or `answer` where the question has no options."""
    stance: Literal["supports", "against", "neutral"]
    types: tuple[str, ...]
    """Node types along the path."""
    hops: tuple[tuple[ShownEdge, ...], ...]
    """For each hop all parallel edges."""

    @property
    def names(self) -> tuple[str, ...]:
        """Node names along the path."""
        return (self.hops[0][0].edge[0], *(hop[0].edge[2] for hop in self.hops))

    @property
    def edges(self) -> Iterator[ShownEdge]:
        """All edges, in order of hops."""
        return (edge for hop in self.hops for edge in hop)


def arrow(phrase: str, direction: Direction) -> str:
    """The relation between head and tail.

    >>> arrow("presents with", "backward")
    '<-presents with-'
    """
    left, right = _ARROWS[direction]
    return f"{left}{phrase}{right}"


def read_arrow(text: str) -> tuple[str, Direction]:
    """Phrase and direction of an arrow.

    >>> read_arrow("--interacts with--")
    ('interacts with', 'unknown')
    """
    for direction, (left, right) in reversed(_ARROWS.items()):
        if text.startswith(left) and text.endswith(right):
            return text[len(left) : len(text) - len(right)], direction
    msg = f"no arrow: {text!r}"
    raise ValueError(msg)


def path_line(path: ShownPath) -> str:
    """A path as one line, each hop by its first edge: `head -relation-> tail`."""
    parts = [path.names[0]]
    for hop in path.hops:
        parts += hop[0].edge[1:]
    return " ".join(parts)


def show_paths(rows: Sequence[Mapping[str, Any]], targets: Sequence[str]) -> tuple[ShownPath, ...]:
    """Rows of `paths`, numbered in the order given; `targets` are what each leads to, as the input calls it."""
    n_edges = 0
    shown: list[ShownPath] = []
    for number, (row, target) in enumerate(zip(rows, targets, strict=True), start=1):
        hops = tuple(_hops(row, n_edges))
        n_edges += sum(map(len, hops))
        types = tuple(node["node_type"] for node in row["nodes"])
        shown.append(ShownPath(no=f"P{number}", target=target, stance=row["verdict"], types=types, hops=hops))
    return tuple(shown)


def edge_ids(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What `E1` .. of `show_paths(rows, ...)` stand for."""
    ids = (edge["edge_id"] for row in rows for hop in row["hops"] for edge in hop)
    return {f"E{number}": edge_id for number, edge_id in enumerate(ids, start=1)}


def _hops(row: Mapping[str, Any], n_edges: int) -> Iterator[tuple[ShownEdge, ...]]:
    for one, other, hop in zip(row["nodes"], row["nodes"][1:], row["hops"], strict=False):
        yield tuple(_edge(edge, one, other, f"E{n_edges + n}") for n, edge in enumerate(hop, start=1))
        n_edges += len(hop)


def _edge(edge: Mapping[str, Any], one: Mapping[str, str], other: Mapping[str, str], number: str) -> ShownEdge:
    rule = rule_for(edge["relation"], edge["display_relation"], one["node_type"], other["node_type"])
    direction = direction_of(edge["is_direction_known"], edge["is_reversed"])
    head, tail = (readable_name(node["node_name"], node["node_type"]) for node in (one, other))
    return ShownEdge(no=number, edge=(head, arrow(rule.phrase, direction), tail))


def direction_of(is_known: bool, is_reversed: bool) -> Direction:
    """How a walk meets an edge."""
    if not is_known:
        return "unknown"
    return "backward" if is_reversed else "forward"
