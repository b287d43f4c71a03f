"""Graph files as text tables: opening, unpacking, parsing, and what every layout owes.

Belongs: reading delimited text literally, the checks of table `raw_graph`.
Does not belong: which columns a layout has (layouts.py, hetionet.py, columns.py).
Rules: every value is text; a file is read whole or refused; no message holds a row's text.
"""

from __future__ import annotations

import csv as plain_csv
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa

from medreason.base.errors import BadInput
from medreason.base.tables.raw import RAW_GRAPH
from medreason.base.text import text_fault
from medreason.questions.sources.fetch import seekable

if TYPE_CHECKING:
    import pyarrow.csv as csv

WANTED = tuple(name for name in RAW_GRAPH.column_names if name != "row_no")
"""Columns that a layout gives; `row_no` is added here."""
_MAY_BE_EMPTY = frozenset({"x_source", "y_source"})
_BLOCK_BYTES = 8 << 20
"""Bytes parsed at a time; the default of 1 MiB makes 150 chunks of 1.4 million rows, which are then joined slowly."""
_RAGGED_ROWS = 100_000
"""Rows of a ragged file that become one chunk."""
_GZIP_MAGIC = b"\x1f\x8b"

TextColumn: TypeAlias = "pa.ChunkedArray[Any]"
ChooseColumns = Callable[[list[str]], Sequence[str]]
"""From the names of all columns to those to read; raises BadInput where the file is of another layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """How a text table is written."""

    delimiter: str = ","
    is_quoted: bool = True
    """False: a quote is a character like any other."""
    has_header: bool = True
    """False: columns are called 1, 2, 3, ..."""
    is_ragged: bool = False
    """True: rows may be shorter (the rest is empty) or longer (the rest is not read)."""


def path_of(url: str) -> str:
    """The address without its query."""
    return url.partition("?")[0] if "://" in url else url


def read_text_table(url: str, form: TextForm, choose: ChooseColumns) -> pa.Table:
    """The chosen columns of a text table, plain or gzip, all as text.

    Raises: BadInput for a file that is missing, cut short, damaged, empty, not UTF-8, or has rows of another number
        of fields than its header (its first row, where it has no header) and is not declared ragged.
    """
    with _opened(url) as file:
        names = _column_names(file, form, url)
        wanted = list(choose(names))
        if form.is_ragged:
            return _ragged_rows(file, names, wanted, form, url)
        return _even_rows(file, names, wanted, form, url)


def text_table_columns(url: str, form: TextForm) -> list[str]:
    """The names of the columns, from the first line alone.

    Raises: BadInput for a file that is missing or empty, or does not begin with a line of text.
    """
    with _opened(url) as file:
        return _column_names(file, form, url)


@contextmanager
def _opened(url: str) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            yield _decompressed(seekable(url, stack), stack)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadInput("the gzip file is cut short or damaged", where=url) from error


def _decompressed(file: IO[bytes], stack: ExitStack) -> IO[bytes]:
    # By content, not by name: browsers and mirrors unpack or rename. And by Python's gzip, which refuses a cut file.
    magic = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    if magic != _GZIP_MAGIC:
        return file
    return io.BufferedReader(stack.enter_context(gzip.open(file)), _BLOCK_BYTES)


def _column_names(file: IO[bytes], form: TextForm, url: str) -> list[str]:
    # A file without line breaks must not be read whole to learn that it is none of ours.
    line = file.readline(64 * 1024)
    try:
        fields = _fields(line.decode("utf-8-sig").strip("\r\n"), form)
    except (UnicodeDecodeError, plain_csv.Error) as error:
        raise BadInput("the graph file does not begin with a line of text", where=url) from error
    if not any(fields):
        raise BadInput("the graph file is empty", where=url)
    if form.has_header:
        return fields
    file.seek(0)
    return [str(number) for number, _ in enumerate(fields, start=1)]


def _fields(line: str, form: TextForm) -> list[str]:
    return next(_parsed([line], form), [])


def _parsed(lines: Iterable[str], form: TextForm) -> Iterator[list[str]]:
    if not form.is_quoted:
        return plain_csv.reader(lines, delimiter=form.delimiter, quoting=plain_csv.QUOTE_NONE, strict=True)
    return plain_csv.reader(lines, delimiter=form.delimiter, strict=True)


# --- rows of one length ----------------------------------------------------------------------------------------------


def _even_rows(file: IO[bytes], names: list[str], wanted: list[str], form: TextForm, url: str) -> pa.Table:
    import pyarrow.csv as csv

    odd = _OddRows()
    try:
        rows = csv.read_csv(file, *_csv_options(names, wanted, form, odd))
    except pa.ArrowInvalid as error:
        # Arrow quotes the row in its message; ours never holds a row's text.
        is_empty = "Empty CSV" in str(error)
        what = "has a header and no rows" if is_empty else "is not UTF-8 text in csv form"
        raise BadInput(f"the graph file {what}", where=url) from error
    odd.refuse(url)
    return rows


class _OddRows:
    """Counts rows with another number of fields than the header; the first is told."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.first = ""

    def __call__(self, row: csv.InvalidRow) -> Literal["skip"]:
        self.n_rows += 1
        self.first = self.first or f"{row.actual_columns} fields instead of {row.expected_columns}"
        return "skip"

    def refuse(self, url: str) -> None:
        if self.n_rows:
            raise BadInput(f"{self.n_rows} rows have a wrong number of fields, the first has {self.first}", where=url)


def _csv_options(
    names: list[str], wanted: list[str], form: TextForm, odd: _OddRows
) -> tuple[csv.ReadOptions, csv.ParseOptions, csv.ConvertOptions]:
    import pyarrow.csv as csv

    read = csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES, use_threads=True)
    parse = csv.ParseOptions(
        delimiter=form.delimiter,
        quote_char='"' if form.is_quoted else False,
        double_quote=form.is_quoted,
        escape_char=False,
        newlines_in_values=False,
        ignore_empty_lines=True,
        invalid_row_handler=odd,
    )
    convert = csv.ConvertOptions(
        check_utf8=True,
        column_types={name: pa.string() for name in names},
        null_values=[],
        strings_can_be_null=False,
        include_columns=wanted,
    )
    return read, parse, convert


# --- rows of any length ----------------------------------------------------------------------------------------------


def _ragged_rows(file: IO[bytes], names: list[str], wanted: list[str], form: TextForm, url: str) -> pa.Table:
    places = [names.index(name) for name in wanted]
    schema = pa.schema([(name, pa.string()) for name in wanted])
    # Lines end at line feeds alone, as for even files; other separators of Unicode are characters of a name.
    with io.TextIOWrapper(file, "utf-8-sig", newline="\n") as text:
        rows = (row for row in _parsed((line.rstrip("\r\n") for line in text), form) if row)
        try:
            chunks = [_chunk(block, places, schema) for block in _blocks(rows)]
        except (UnicodeDecodeError, plain_csv.Error) as error:
            raise BadInput("the graph file is not UTF-8 text in csv form", where=url) from error
    return pa.Table.from_batches(chunks, schema)


def _blocks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    return iter(lambda: list(itertools.islice(rows, _RAGGED_ROWS)), [])


def _chunk(rows: Sequence[list[str]], places: list[int], schema: pa.Schema) -> pa.RecordBatch:
    columns = [[row[place] if place < len(row) else "" for row in rows] for place in places]
    return pa.RecordBatch.from_arrays([pa.array(column, pa.string()) for column in columns], schema=schema)


# --- what every layout owes ------------------------------------------------------------------------------------------


def as_raw_graph(rows: pa.Table, url: str) -> pa.Table:
    """Edge rows in the form of `raw_graph`, numbered in their order.

    Args: a table with the columns of WANTED, all text.
    Raises: BadInput where there are none, or where a value is missing or may not enter.
    """
    if rows.num_rows == 0:
        raise BadInput("the graph file has no rows", where=url)
    refuse_bad_values(rows, url)
    numbered = rows.add_column(0, "row_no", pa.array(range(rows.num_rows), pa.int64()))
    return RAW_GRAPH.conform(numbered)


def refuse_bad_values(rows: pa.Table, url: str) -> None:
    """Every column filled (but for the sources), every value clean text.

    Raises: BadInput for the first column where it is not so.
    """
    for name in rows.column_names:
        values: Iterable[str | None] = rows.column(name).unique().to_pylist()
        for value in values:
            if value is None or (not value.strip() and name not in _MAY_BE_EMPTY):
                raise BadInput(f"column {name} has rows without a value", where=url)
            if fault := text_fault(value):
                raise BadInput(f"column {name} holds a value that may not enter: {fault}", where=url)
