"""Rows of tables as the shards' functions pass them on.

Belongs: rows grouped by their question, what is told of a path in brief.
Does not belong: columns (medreason/base/tables).
Rule: nothing here knows a graph or an engine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from medreason.chains.grounding import PathSummary

Row = dict[str, Any]


def grouped(table: pa.Table) -> dict[str, list[Row]]:
    """Rows of a table by `item_id`, in the order of the table."""
    return grouped_rows(table.to_pylist())


def grouped_rows(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by `item_id`, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["item_id"], []).append(row)
    return groups


def summaries(paths: Iterable[Row]) -> list[PathSummary]:
    """Target, verdict and number of hops of each path."""
    return [(row["target"], row["verdict"], row["n_hops"]) for row in paths]
