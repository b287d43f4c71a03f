"""From the tables of nodes and edges to arrays.

Belongs: checks of the two tables against each other, edge order, views, concept groups.
Does not belong: costs (costs.py), files (arrays.py), the tables themselves (dbt).
Rules: a self loop is dropped and counted, since no shortest path takes one; whatever else does not fit is refused
before anything is written; the row order of the tables does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from medreason.base.errors import BadInput
from medreason.base.tables.graph import EDGES, NODES
from medreason.base.tables.registry import Table
from medreason.base.text import comparison_key
from medreason.graph.knowledge.arrays import (
    FORMAT,
    HUB_DEGREE,
    Arrays,
    ConceptArrays,
    EdgeArrays,
    Int32s,
    ViewArrays,
    named_arrays,
)
from medreason.graph.knowledge.costs import edge_costs, label_degrees
from medreason.graph.knowledge.settings import GraphSettings, ViewRule

Labels = tuple[tuple[str, str], ...]
_SUBJECT_IS_LOW, _IS_DIRECTION_KNOWN = 1, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuiltGraph:
    """Everything that is written."""

    arrays: Arrays
    nodes: pa.Table
    meta: dict[str, Any]


def build_graph(nodes: pa.Table, edges: pa.Table, settings: GraphSettings) -> BuiltGraph:
    """Arrays of a graph.

    Args: tables `graph_nodes` and `graph_edges` in any row order.
    Raises: BadInput for missing columns, repeated or missing indices, repeated ids, edges with a dangling end.
    """
    strings, edges = _ordered_nodes(nodes), _columns(edges, EDGES)
    merged_into = _merged_into(strings, settings)
    ends, n_loops = _ends(edges, len(merged_into), merged_into)
    labels, label = _labels(edges)
    by_pair = _edge_arrays(edges, ends, label, labels, settings, len(merged_into))
    arrays = named_arrays("edges", by_pair)
    for rule in settings.views:
        arrays |= named_arrays(f"view_{rule.name}", _view_arrays(by_pair, rule, labels))
    arrays |= named_arrays("concepts", _concept_arrays(strings, settings))
    meta = _meta(strings, labels, settings, n_edges=len(by_pair.high), n_loops=n_loops)
    return BuiltGraph(arrays=arrays, nodes=strings.select(["node_id", "node_name", "node_source"]), meta=meta)


def _meta(strings: pa.Table, labels: Labels, settings: GraphSettings, *, n_edges: int, n_loops: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "n_nodes": strings.num_rows,
        "n_edges": n_edges,
        "n_self_loops_dropped": n_loops,
        "labels": [list(label) for label in labels],
        "node_types": _type_ranges(strings.column("node_type")),
        "settings": settings.model_dump(mode="json"),
    }


# --- nodes -----------------------------------------------------------------------------------------------------------


def _columns(data: pa.Table, spec: Table) -> pa.Table:
    """The table's columns in its types, rows as they come: sorting four million ids would take longer than all else."""
    if missing := [name for name in spec.column_names if name not in data.column_names]:
        raise BadInput(f"columns {missing} are missing", where=spec.name)
    try:
        typed = data.select(list(spec.column_names)).cast(pa.schema([(c.name, c.type) for c in spec.columns]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"types do not fit: {error}", where=spec.name) from error
    if empty := [name for name in spec.column_names if typed.column(name).null_count]:
        raise BadInput(f"columns {empty} hold NULL", where=spec.name)
    return typed


def _ordered_nodes(nodes: pa.Table) -> pa.Table:
    typed = _columns(nodes, NODES).sort_by("node_index").combine_chunks()
    index = _numbers(typed, "node_index", np.int32)
    wrong = np.flatnonzero(index != np.arange(len(index)))
    if len(wrong):
        raise BadInput(f"node_index is not 0 .. n-1, each once: row {wrong[0]} has {index[wrong[0]]}", where=NODES.name)
    _refuse_unordered(typed)
    return typed


def _refuse_unordered(typed: pa.Table) -> None:
    """Nodes stand in the strict order of (type, id), so that an id is found by bisection."""
    if typed.num_rows < 2:
        return
    before, after = typed.slice(0, typed.num_rows - 1), typed.slice(1)
    type_rises = pc.less(before.column("node_type"), after.column("node_type"))
    type_stays = pc.equal(before.column("node_type"), after.column("node_type"))
    id_rises = pc.less(before.column("node_id"), after.column("node_id"))
    in_order = pc.or_(type_rises, pc.and_(type_stays, id_rises)).to_numpy()
    if not in_order.all():
        place = int(np.flatnonzero(~in_order)[0])
        raise BadInput(f"nodes {place} and {place + 1} are not in the order of (type, id), each once", where=NODES.name)


def _type_ranges(types: Any) -> list[list[Any]]:
    """[type, first node, behind the last node] in order."""
    counted = sorted(((pair["values"], pair["counts"]) for pair in types.value_counts().to_pylist()), key=_utf8)
    ranges, start = [], 0
    for name, count in counted:
        ranges.append([name, start, start + count])
        start += count
    return ranges


def _utf8(counted: tuple[str, int]) -> bytes:
    return counted[0].encode("utf-8")


def _merged_into(strings: pa.Table, settings: GraphSettings) -> Int32s:
    """Each node's own index, or with `name_keyed` the first node of its lower-cased name."""
    n_nodes = strings.num_rows
    if not settings.name_keyed:
        return np.arange(n_nodes, dtype=np.int32)
    first: dict[str, int] = {}
    names: list[Any] = strings.column("node_name").to_pylist()
    return np.array([first.setdefault(name.lower(), place) for place, name in enumerate(names)], np.int32)


def _concept_arrays(strings: pa.Table, settings: GraphSettings) -> ConceptArrays:
    groups: dict[tuple[str, str], list[int]] = {}
    types: list[Any] = strings.column("node_type").to_pylist()
    names: list[Any] = strings.column("node_name").to_pylist()
    for place, (node_type, name) in enumerate(zip(types, names, strict=True)):
        if key := _concept_key(node_type, name, settings):
            groups.setdefault(key, []).append(place)
    shared = sorted(members for members in groups.values() if len(members) > 1)
    concept_of = np.full(len(names), -1, np.int32)
    for number, members in enumerate(shared):
        concept_of[members] = number
    indptr = np.cumsum([0, *(len(members) for members in shared)], dtype=np.int32)
    return ConceptArrays(
        concept_of=concept_of,
        indptr=indptr,
        members=np.array([place for members in shared for place in members], np.int32),
    )


def _concept_key(node_type: str, name: str, settings: GraphSettings) -> tuple[str, str] | None:
    """Nodes of one key are one concept; None for a name without letters and digits."""
    if settings.name_keyed:
        return ("", name.lower())
    key = comparison_key(name)
    return (node_type if node_type in settings.separate_types else "", key) if key else None


# --- edges -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Ends:
    kept: npt.NDArray[np.bool_]
    """[rows]; false for self loops."""
    low: Int32s
    high: Int32s
    """Lower and higher end of the kept rows."""
    is_subject_low: npt.NDArray[np.bool_]


def _numbers(data: pa.Table, name: str, kind: type[Any]) -> npt.NDArray[Any]:
    return np.asarray(data.column(name).to_numpy(), kind)


def _ends(edges: pa.Table, n_nodes: int, merged_into: Int32s) -> tuple[_Ends, int]:
    ends = [_numbers(edges, name, np.int32) for name in ("subject_index", "object_index")]
    for name, end in zip(("subject_index", "object_index"), ends, strict=True):
        dangling = np.flatnonzero((end < 0) | (end >= n_nodes))
        if len(dangling):
            what = f"{len(dangling)} edges have a {name} that is no node, the first in row {dangling[0]}"
            raise BadInput(what, where=EDGES.name)
    subject, target = (merged_into[end] for end in ends)
    kept = subject != target
    subject, target = subject[kept], target[kept]
    low, high = np.minimum(subject, target), np.maximum(subject, target)
    return _Ends(kept=kept, low=low, high=high, is_subject_low=subject == low), int(len(kept) - kept.sum())


def _labels(edges: pa.Table) -> tuple[Labels, npt.NDArray[np.uint16]]:
    """The distinct (relation, display_relation) in order, and each row's place among them."""
    relations, relation = _coded(edges.column("relation"))
    displays, display = _coded(edges.column("display_relation"))
    codes, row_code = np.unique(relation * max(1, len(displays)) + display, return_inverse=True)
    named = [(relations[int(code) // len(displays)], displays[int(code) % len(displays)]) for code in codes]
    if len(named) > np.iinfo(np.uint16).max:
        raise BadInput(f"{len(named)} relations are more than 65,535", where=EDGES.name)
    labels = tuple(sorted(named))
    place = {label: number for number, label in enumerate(labels)}
    rank = np.array([place[one] for one in named], np.uint16)
    return labels, rank[row_code] if len(named) else np.empty(0, np.uint16)


def _coded(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    encoded: Any = column.dictionary_encode().unify_dictionaries()
    if not encoded.num_chunks:
        return [], np.empty(0, np.int64)
    codes = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks])
    return encoded.chunk(0).dictionary.to_pylist(), codes.astype(np.int64)


def _edge_arrays(
    edges: pa.Table, ends: _Ends, label: npt.NDArray[np.uint16], labels: Labels, settings: GraphSettings, n_nodes: int
) -> EdgeArrays:
    kept_label = label[ends.kept]
    edge_id = parse_edge_ids(edges.column("edge_id"))[ends.kept]
    _refuse_repeated(edge_id)
    cost = edge_costs(kept_label, label_degrees(kept_label, ends.low, ends.high, n_nodes), labels, settings)
    is_known = np.asarray(edges.column("is_direction_known").to_numpy(), bool)[ends.kept]
    flags = ends.is_subject_low * np.uint8(_SUBJECT_IS_LOW) + is_known * np.uint8(_IS_DIRECTION_KNOWN)
    order = np.lexsort((edge_id, cost, _pair_key(ends.low, ends.high, n_nodes)))
    return EdgeArrays(
        low_indptr=_indptr(ends.low, n_nodes),
        high=ends.high[order],
        label=kept_label[order],
        cost=cost[order],
        edge_id=edge_id[order],
        flags=flags.astype(np.uint8)[order],
    )


def _pair_key(one: Int32s, other: Int32s, n_nodes: int) -> npt.NDArray[np.int64]:
    return one.astype(np.int64) * n_nodes + other


def _indptr(owners: Int32s, n_nodes: int) -> Int32s:
    indptr = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(owners, minlength=n_nodes), out=indptr[1:])
    if indptr[-1] > np.iinfo(np.int32).max:
        raise BadInput(f"{indptr[-1]} neighbours are more than 32 bits can count", where=EDGES.name)
    return indptr.astype(np.int32)


def _refuse_repeated(edge_id: npt.NDArray[np.uint64]) -> None:
    ordered = np.sort(edge_id)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(repeated):
        raise BadInput(f"edge_id {int(repeated[0]):016x} and {len(repeated) - 1} more occur twice", where=EDGES.name)


def parse_edge_ids(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.uint64]:
    """Ids of 16 lower-case hex digits as numbers.

    Raises: BadInput for any other id.
    """
    digits = np.full(256, 255, np.uint8)
    digits[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16, dtype=np.uint8)
    chunks = [_chunk_ids(chunk, digits) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0, np.uint64)


def _chunk_ids(chunk: Any, digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    if not len(chunk):
        return np.empty(0, np.uint64)
    _, offset_buffer, characters = chunk.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    if (np.diff(offsets) != 16).any():
        raise BadInput("an edge_id has other than 16 characters", where=EDGES.name)
    text = np.frombuffer(characters, np.uint8)[offsets[0] : offsets[-1]].reshape(-1, 16)
    value = np.zeros(len(chunk), np.uint64)
    for place in range(16):
        digit = digits[text[:, place]]
        if (digit == 255).any():
            raise BadInput("an edge_id has characters other than 0-9 and a-f", where=EDGES.name)
        value = (value << np.uint64(4)) | digit
    return value


# --- views -----------------------------------------------------------------------------------------------------------


def _view_arrays(edges: EdgeArrays, rule: ViewRule, labels: Labels) -> ViewArrays:
    n_nodes = len(edges.low_indptr) - 1
    held = np.array([rule.holds(relation) for relation, _ in labels] or [False])
    rows = np.flatnonzero(held[edges.label])
    low = np.repeat(np.arange(n_nodes, dtype=np.int32), np.diff(edges.low_indptr))[rows]
    high = edges.high[rows]
    # Edges of a pair stand together, cheapest first: the first one that the view holds is the pair's.
    first = np.flatnonzero(_is_first(low, high))
    low, high, cost = low[first], high[first], edges.cost[rows][first]
    owner, other = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.argsort(_pair_key(owner, other, n_nodes))
    indptr, adj = _indptr(owner, n_nodes), other[order]
    hub_slot, hub_bits = _hubs(indptr, adj)
    doubled = np.concatenate([cost, cost])[order]
    return ViewArrays(indptr=indptr, adj=adj, cost=doubled, hub_slot=hub_slot, hub_bits=hub_bits)


def _is_first(low: Int32s, high: Int32s) -> npt.NDArray[np.bool_]:
    is_first = np.ones(len(low), bool)
    is_first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return is_first


def _hubs(indptr: Int32s, adj: Int32s) -> tuple[Int32s, npt.NDArray[np.uint64]]:
    hubs = np.flatnonzero(np.diff(indptr) >= HUB_DEGREE)
    slot = np.full(len(indptr) - 1, -1, np.int32)
    slot[hubs] = np.arange(len(hubs), dtype=np.int32)
    bits = np.zeros((max(1, len(hubs)), max(1, (len(hubs) + 63) // 64)), np.uint64)
    for row, hub in enumerate(hubs):
        neighbours = slot[adj[indptr[hub] : indptr[hub + 1]]]
        columns = neighbours[neighbours >= 0].astype(np.uint64)
        np.bitwise_or.at(bits[row], columns >> np.uint64(6), np.uint64(1) << (columns & np.uint64(63)))
    return slot, bits
