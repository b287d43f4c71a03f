"""One finding under two names: a graph joined of vocabularies holds it twice, and neither node knows the other.

Belongs: the table of such names (twins.words), the nodes that stand for one thing.
Does not belong: what words of a text name (graph/linking), nodes of one name (graph/knowledge: concepts).
Rule: a twin is the same thing by its meaning; something wider is only ever a finding of the question, never an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import pyarrow as pa
import pyarrow.compute as pc

from medreason.graph.knowledge.graph import KnowledgeGraph

_SAME, _WIDER = " = ", " > "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Twins:
    """What the table says of one graph's nodes."""

    same: dict[int, tuple[int, ...]]
    """Every node of a thing that has several names, and all nodes of it."""
    wider: dict[int, tuple[int, ...]]


def nodes_of_thing(index: int, graph: KnowledgeGraph) -> tuple[int, ...]:
    """All nodes of one thing, ascending: those of its name, and those of its other names."""
    return _twins(graph).same.get(index) or graph.concept(index)


def nodes_as_finding(index: int, graph: KnowledgeGraph) -> tuple[int, ...]:
    """The same, and what holds of whoever has it: with pain in the upper abdomen one has abdominal pain."""
    own = nodes_of_thing(index, graph)
    return tuple(sorted({*own, *_twins(graph).wider.get(index, ())}))


@lru_cache(maxsize=4)
def _twins(graph: KnowledgeGraph) -> _Twins:
    nodes_by_name = _nodes_by_name(graph, sorted({name for pair in (*_pairs(_SAME), *_pairs(_WIDER)) for name in pair}))
    same: dict[int, tuple[int, ...]] = {}
    for one, other in _pairs(_SAME):
        if one in nodes_by_name and other in nodes_by_name:
            joined = {
                same_node for n in (*nodes_by_name[one], *nodes_by_name[other]) for same_node in same.get(n, (n,))
            }
            same |= dict.fromkeys(joined, tuple(sorted(joined)))
    wider: dict[int, tuple[int, ...]] = {}
    for one, other in _pairs(_WIDER):
        if one in nodes_by_name and other in nodes_by_name:
            added = tuple(same_node for n in nodes_by_name[other] for same_node in same.get(n, (n,)))
            wider |= dict.fromkeys(nodes_by_name[one], added)
    return _Twins(same=same, wider=wider)


def _nodes_by_name(graph: KnowledgeGraph, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Nodes of these names, and of the same names in other letters."""
    column = graph.strings.column("node_name")
    is_named = pc.is_in(column, value_set=pa.array(names, column.type)).to_pylist()
    found: dict[str, set[int]] = {}
    for index in (index for index, is_one in enumerate(is_named) if is_one):
        found.setdefault(graph.node(index).name, set()).update(graph.concept(index))
    return {name: tuple(sorted(nodes)) for name, nodes in found.items()}


@cache
def _pairs(sign: str) -> tuple[tuple[str, str], ...]:
    lines = resources.files("medreason.chains").joinpath("twins.words").read_text(encoding="utf-8").splitlines()
    return tuple(_pair(line, sign) for line in lines if sign in line and not line.startswith("#"))


def _pair(line: str, sign: str) -> tuple[str, str]:
    one, _, other = line.partition(sign)
    return one, other
