"""The id of a release: what it is a hash of.

Belongs: facts of one table that enter the id, the hashed object.
Does not belong: hashes of files (layout.py); Parquet bytes are a transport check and no part of the id.
Rule: equal rows, schemas, sources, graph, prompts and configuration give one id on any machine, whatever the order in
which rows came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from medreason.base.canonical import sha256_bytes, sha256_json
from medreason.base.tables.chains import CHAINS, VERDICTS
from medreason.base.tables.grounding import COVERAGE, OUTCOMES
from medreason.base.tables.questions import QUARANTINE
from medreason.base.tables.registry import Table, table_row_set_sha256
from medreason.base.tables.releases import RELEASE_LINEAGE, RELEASE_PATHS, RELEASE_ROWS, RELEASE_SOURCES
from medreason.releases.values import GraphFacts

MANIFEST_VERSION = 1

RELEASED_TABLES: dict[str, Table] = {
    "rows": RELEASE_ROWS,
    "lineage": RELEASE_LINEAGE,
    "paths": RELEASE_PATHS,
    "quarantine": QUARANTINE,
    "outcomes": OUTCOMES,
    "chains": CHAINS,
    "verdicts": VERDICTS,
    "coverage": COVERAGE,
    "sources": RELEASE_SOURCES,
}
"""Every table of a release, by its name there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What the id and the manifest say of one table."""

    n_rows: int
    row_set_sha256: str
    """Hash over the sorted row hashes."""
    columns: tuple[tuple[str, str, bool], ...]
    """Name, Arrow type as text, and whether it may be NULL, in order."""

    @property
    def schema_sha256(self) -> str:
        """Hash of the columns; equals `Table.schema_sha256`."""
        return sha256_json([list(column) for column in self.columns])

    def as_json(self) -> dict[str, Any]:
        """The table's entry in the manifest."""
        return {
            "n_rows": self.n_rows,
            "row_set_sha256": self.row_set_sha256,
            "schema_sha256": self.schema_sha256,
            "columns": [list(column) for column in self.columns],
        }


def table_facts(data: pa.Table) -> TableFacts:
    """Read off a table, in memory or from a file; equal for both."""
    return TableFacts(
        n_rows=data.num_rows,
        row_set_sha256=table_row_set_sha256(data),
        columns=tuple((field.name, _type_text(field.type), field.nullable) for field in data.schema),
    )


def release_id(
    tables: Mapping[str, TableFacts], *, graph: GraphFacts, prompts: Iterable[str], configuration: Mapping[str, Any]
) -> str:
    """64 hex.

    Args: facts by the table's name in the release, the graph, hashes of the prompt templates, the released
    configuration (release_config.py).
    """
    return sha256_json(
        {
            "manifest_version": MANIFEST_VERSION,
            "tables": {
                name: [facts.n_rows, facts.row_set_sha256, facts.schema_sha256] for name, facts in tables.items()
            },
            "graph": asdict(graph),
            "prompts": sorted(prompts),
            "configuration_sha256": sha256_json(configuration),
        }
    )


def prompt_sha256(text: str) -> str:
    """Hash that names a template."""
    return sha256_bytes(text.encode("utf-8"))


def _type_text(kind: pa.DataType) -> str:
    # A Parquet reader gives "not null" for items of lists where the writer had no such wish; the registry does not
    # use nullability inside lists.
    return str(kind).replace(" not null", "")
