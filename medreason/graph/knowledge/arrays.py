"""The graph's files: plain arrays and one string table, mapped into memory.

Belongs: names of the files, writing, mapping, their content hash; compressed adjacency of one view.
Does not belong: what the arrays are computed from (build.py), questions to the graph (graph.py).
Rules: a folder is flat and never changes; the hash is over values and not over file bytes, so that no library version
enters it; arrays are read-only, so all processes of a machine share one copy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from medreason.base.canonical import canonical_json, sha256_json
from medreason.base.errors import CorruptRelease

FORMAT = 1
"""Rises when the meaning of a file changes; an older folder is then built again."""
META_FILE = "meta.json"
NODES_FILE = "nodes.arrow"
HUB_DEGREE = 384
"""From this many neighbours on a node has a row in the bit matrix; at PrimeKG's size the best of 64 .. 1,024."""

Int32s = npt.NDArray[np.int32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ViewArrays:
    """Neighbours in one view: each pair of nodes once in both directions, whatever the number of its edges."""

    indptr: Int32s
    """[n + 1]; neighbours of node v are adj[indptr[v]:indptr[v + 1]], ascending."""
    adj: Int32s
    cost: npt.NDArray[np.uint16]
    """Beside adj: the cheapest edge of the pair that the view holds, milli-nats."""
    hub_slot: Int32s
    """[n]; row of the node in hub_bits, -1 for all but hubs."""
    hub_bits: npt.NDArray[np.uint64]
    """[hubs, ceil(hubs / 64)], at least [1, 1]; bit b of a row is set where hub b is a neighbour."""

    @property
    def n_nodes(self) -> int:
        """Nodes of the graph, whether the view reaches them or not."""
        return len(self.hub_slot)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EdgeArrays:
    """All edges, in the order (lower end, higher end, cost, edge_id): parallel edges stand together, cheapest first."""

    low_indptr: Int32s
    """[n + 1]; edges whose lower end is v."""
    high: Int32s
    label: npt.NDArray[np.uint16]
    """Place in the meta file's list of (relation, display_relation)."""
    cost: npt.NDArray[np.uint16]
    edge_id: npt.NDArray[np.uint64]
    """The 16 hex digits as a number."""
    flags: npt.NDArray[np.uint8]
    """Bit 0: the subject is the lower end. Bit 1: the direction is known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConceptArrays:
    """Groups of nodes of one normalised name; a node alone is in no group."""

    concept_of: Int32s
    """[n]; group, or -1."""
    indptr: Int32s
    members: Int32s
    """Nodes of group g are members[indptr[g]:indptr[g + 1]], ascending."""


Group = ViewArrays | EdgeArrays | ConceptArrays


def named_arrays(prefix: str, group: Group) -> Arrays:
    """The arrays of a group under their file names (without suffix)."""
    return {f"{prefix}.{field.name}": getattr(group, field.name) for field in fields(group)}


def group_arrays(kind: type[Any], prefix: str, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """The mapped arrays of a group, by field name."""
    return {field.name: map_array(folder / f"{prefix}.{field.name}.npy") for field in fields(kind)}


def map_array(path: Path) -> npt.NDArray[Any]:
    """One array, mapped and read-only.

    Raises: CorruptRelease where the file is missing or cut short.
    """
    try:
        # A plain ndarray over the mapping: numba takes memmap objects at a third of the speed.
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, EOFError, ValueError) as error:
        raise CorruptRelease(f"not an array of the graph: {error}", where=path.name, remedy=_REBUILD) from error


def map_nodes(path: Path) -> pa.Table:
    """The string table of the nodes, mapped.

    Raises: CorruptRelease where the file is missing or cut short.
    """
    try:
        with pa.memory_map(str(path), "r") as source:
            return pa.ipc.open_file(source).read_all()
    except (OSError, pa.ArrowInvalid) as error:
        raise CorruptRelease(f"not the graph's node table: {error}", where=path.name, remedy=_REBUILD) from error


_REBUILD = "Delete the folder and build the graph again."


def read_meta(folder: Path) -> dict[str, Any]:
    """What the meta file says.

    Raises: CorruptRelease where it is missing, broken, or of another format.
    """
    try:
        meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptRelease(f"no graph here: {error}", where=META_FILE, remedy=_REBUILD) from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CorruptRelease(f"a graph of another format than {FORMAT}", where=META_FILE, remedy=_REBUILD)
    return meta


def write_files(folder: Path, arrays: Arrays, nodes: pa.Table, meta: Mapping[str, Any]) -> str:
    """Write every file into an empty folder; gives the graph's sha256, which the meta file holds too."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    with pa.OSFile(str(folder / NODES_FILE), "wb") as sink, pa.ipc.new_file(sink, nodes.schema) as writer:
        writer.write_table(nodes.combine_chunks())
    sha256 = content_sha256(arrays, nodes, meta)
    (folder / META_FILE).write_bytes(canonical_json({**meta, "sha256": sha256}))
    return sha256


def content_sha256(arrays: Mapping[str, npt.NDArray[Any]], nodes: pa.Table, meta: Mapping[str, Any]) -> str:
    """SHA-256 over the values of all arrays, the strings of the nodes, labels and settings."""
    of_arrays = {name: _array_sha256(array) for name, array in arrays.items()}
    of_nodes = {name: _strings_sha256(nodes.column(name)) for name in nodes.column_names}
    facts = {key: value for key, value in meta.items() if key != "sha256"}
    return sha256_json({"arrays": of_arrays, "nodes": of_nodes, "facts": facts})


def _array_sha256(array: npt.NDArray[Any]) -> str:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    head = f"{little.dtype.str}{list(little.shape)}".encode()
    return hashlib.sha256(head + b"\n" + hashlib.sha256(little.data).digest()).hexdigest()


def _strings_sha256(column: Any) -> str:
    digest = hashlib.sha256()
    for chunk in column.chunks:
        for text in chunk.to_pylist():
            data = text.encode("utf-8")
            digest.update(len(data).to_bytes(4, "little") + data)
    return digest.hexdigest()
