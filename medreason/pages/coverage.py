"""What the questions reach of the graph, for a reader.

Belongs: the coverage table as Markdown (metadata, benchmarks), and as values for the report.
Does not belong: counting (medreason/graph/coverage.py), the report's layout (templates/report.html).
Rule: shares are of the graph; what is never reached stands beside what is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from medreason.pages.markdown import markdown_table, markdown_text
from medreason.pages.texts import count, counted, share, words

N_ENTITIES = 12
"""Entities named of those reached most, and of those never reached."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The coverage table, sorted for a reader."""

    types: tuple[Row, ...]
    """Largest first."""
    relations: tuple[Row, ...]
    """Largest first."""
    most_reached: tuple[Row, ...]
    never_reached: tuple[Row, ...]
    """With the most edges first."""

    @property
    def is_empty(self) -> bool:
        """No graph was counted."""
        return not self.types


def coverage_of(table: pa.Table) -> Coverage:
    """Values of table `graph_coverage`."""
    rows: list[Row] = table.to_pylist()
    entities = [row for row in rows if row["kind"] == "entity"]
    return Coverage(
        types=_largest_first(rows, "node_type"),
        relations=_largest_first(rows, "relation"),
        most_reached=_first(entities, "n_questions", is_reached=True),
        never_reached=_first(entities, "n_in_graph", is_reached=False),
    )


def _largest_first(rows: Sequence[Row], kind: str) -> tuple[Row, ...]:
    return tuple(sorted((row for row in rows if row["kind"] == kind), key=lambda row: (-row["n_in_graph"], *_id(row))))


def _first(entities: Sequence[Row], number: str, *, is_reached: bool) -> tuple[Row, ...]:
    found = [row for row in entities if (row["n_reached"] > 0) is is_reached]
    return tuple(sorted(found, key=lambda row: (-row[number], *_id(row)))[:N_ENTITIES])


def _id(row: Row) -> tuple[str, str, str]:
    return row["node_type"], row["code"], row["name"]


def coverage_markdown(table: pa.Table) -> str:
    """Types, relations and entities, as three tables and two lines."""
    found = coverage_of(table)
    types = [
        [markdown_text(words(row["node_type"])), *_counts(row, ("n_in_graph", "n_linked", "n_on_paths")), _never(row)]
        for row in found.types
    ]
    relations = [
        [markdown_text(f"{row['code']}, {row['name']}"), *_counts(row, ("n_in_graph", "n_reached")), _never(row)]
        for row in found.relations
    ]
    return "\n\n".join(
        [
            markdown_table(["node type", "nodes", "linked to a question", "on a kept path", "never reached"], types),
            markdown_table(["relation", "edges", "on a kept path", "never reached"], relations),
            f"Reached by most questions: {_names(found.most_reached, 'n_questions', 'question')}.",
            f"Never reached, with the most edges: {_names(found.never_reached, 'n_in_graph', 'edge')}.",
        ]
    )


def _counts(row: Row, names: Sequence[str]) -> list[str]:
    return [count(row[name]) for name in names]


def _never(row: Row) -> str:
    return markdown_text(share(row["n_in_graph"] - row["n_reached"], row["n_in_graph"]))


def _names(rows: Sequence[Row], number: str, unit: str) -> str:
    return "; ".join(_name(row, counted(row[number], unit)) for row in rows) or "none"


def _name(row: Row, told: str) -> str:
    return f"{markdown_text(row['name'])} \\({markdown_text(words(row['node_type']))}, {told}\\)"
