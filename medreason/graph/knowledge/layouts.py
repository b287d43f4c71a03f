"""Graph files as rows: one reader per layout.

Belongs: the names of the layouts, PrimeKG's own reader.
Does not belong: the other readers (hetionet.py, columns.py), opening and parsing (files.py), nodes and edges (dbt), the
meaning of relations (relations.py).
Rules: every value is text ("null", "NA" and "1_2" are names and ids); nothing is guessed from the data;
a file is read whole or refused before anything is written.
"""

from __future__ import annotations

import difflib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from medreason.base.errors import BadConfiguration, BadInput
from medreason.graph.knowledge.columns import read_columns
from medreason.graph.knowledge.files import (
    WANTED,
    TextForm,
    as_raw_graph,
    path_of,
    read_text_table,
    text_table_columns,
)
from medreason.graph.knowledge.hetionet import read_hetionet
from medreason.graph.knowledge.options import LayoutOptions
from medreason.questions.sources.fetch import seekable

if TYPE_CHECKING:
    import pyarrow.parquet as pq

PRIMEKG_COLUMNS = (
    *("relation", "display_relation"),
    *("x_index", "x_id", "x_type", "x_name", "x_source"),
    *("y_index", "y_id", "y_type", "y_name", "y_source"),
)
"""Header of PrimeKG's kg.csv; `kg_raw.csv` and `kg_giant.csv` are the same without the two index columns."""


class LayoutReader(Protocol):
    """Reads one layout of graph files."""

    def __call__(self, url: str, options: LayoutOptions) -> pa.Table:
        """Rows of the file in its order, as table `raw_graph`; BadInput where it is none."""


def read_graph(layout: str, url: str, options: LayoutOptions | None = None) -> pa.Table:
    """The edge rows of a graph file.

    Args: a name of LAYOUTS, anything that fsspec opens (local path, s3://, hf://, https://), and what the layout needs
        beside the file.
    Returns: table `raw_graph`, rows in the file's order.
    Raises: BadConfiguration for an unknown layout or options that are not the layout's; BadInput for a file that is
        missing, cut short, empty or of another layout.
    """
    options = options or LayoutOptions()
    require_layout(layout, options)
    return LAYOUTS[layout](url, options)


def require_layout(layout: str, options: LayoutOptions, *, where: str = "graph") -> None:
    """The layout exists and has the options it needs, and none of another's.

    Raises: BadConfiguration.
    """
    if layout not in LAYOUTS:
        near = difflib.get_close_matches(layout, LAYOUTS, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(LAYOUTS))}."
        raise BadConfiguration(f"unknown graph layout {layout!r}", where=f"{where}.layout", remedy=hint)
    if fault := options.fault(_NEEDS.get(layout)):
        raise BadConfiguration(f"layout {layout}: {fault}", where=f"{where}.options")


def check_graph(layout: str, url: str) -> None:
    """Refuse a PrimeKG file whose first line already shows that it is none; other layouts show it when they are read.

    Raises: BadInput.
    """
    if layout == "primekg" and not path_of(url).endswith(".parquet"):
        _primekg_columns(text_table_columns(url, TextForm()), url)


def read_primekg(url: str, options: LayoutOptions) -> pa.Table:
    """PrimeKG's kg.csv, plain or gzip, or the same columns as Parquet."""
    if path_of(url).endswith(".parquet"):
        return as_raw_graph(_read_parquet(url), url)
    return as_raw_graph(read_text_table(url, TextForm(), lambda names: _primekg_columns(names, url)), url)


LAYOUTS: dict[str, LayoutReader] = {"primekg": read_primekg, "hetionet": read_hetionet, "columns": read_columns}
"""Readers by the name in the configuration. A new layout is one function that gives `raw_graph`, and one entry."""
_NEEDS = {"hetionet": "nodes_url", "columns": "columns"}
"""The one option that a layout must have; the others it must not."""


def _primekg_columns(names: list[str], url: str) -> tuple[str, ...]:
    missing = [name for name in WANTED if name not in names]
    unknown = [name for name in names if name not in PRIMEKG_COLUMNS]
    if missing or unknown or len(set(names)) != len(names):
        shown = [name[:40] for name in unknown[:5]]
        raise BadInput(f"not PrimeKG's columns: missing {missing}, unknown {shown}", where=url)
    return WANTED


def _read_parquet(url: str) -> pa.Table:
    import pyarrow.parquet as pq

    with ExitStack() as stack:
        try:
            file = pq.ParquetFile(seekable(url, stack))
            wanted = list(_primekg_columns(file.schema_arrow.names, url))
            _refuse_other_types(file, url)
            return file.read(columns=wanted).select(wanted)
        except (pa.ArrowInvalid, OSError) as error:
            raise BadInput("the graph file is damaged or no Parquet file", where=url) from error


def _refuse_other_types(file: pq.ParquetFile, url: str) -> None:
    schema = file.schema_arrow
    wrong = [name for name in WANTED if not _is_text(schema.field(name).type)]
    if wrong:
        raise BadInput(f"columns {wrong} are not text; numbers lose ids such as '1_2' and '007'", where=url)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
