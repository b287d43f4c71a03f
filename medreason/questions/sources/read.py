"""A source's raw table from the files that the configuration names.

Belongs: fetching each entry, its layout, its records, the provenance of each row; refusing a file wrong as a whole.
Does not belong: decoding (decode.py, fields.py and the adapters), writing (the asset).
Rules: n records are n rows, the faulty ones too. A file whose records all lack or mistype a field is no such file: it
is refused with the commonest fault, so that a renamed column does not end as a quarantine of everything.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from medreason.base.canonical import item_id
from medreason.base.errors import BadConfiguration, BadInput
from medreason.base.reasons import Reason
from medreason.questions.sources.fetch import fetch
from medreason.questions.sources.protocol import Fault, RawFile, Record, Source, SourceEntry, role_of
from medreason.questions.sources.registry import fitting_source, source_named

if TYPE_CHECKING:
    import pyarrow as pa

_WHERE = "sources"
_BATCH_ROWS = 2048
_READ_THROUGH_BYTES = 64 << 20
"""Reading a megabyte of JSON takes 65 ms, and each build begins with it."""
_STRUCTURAL = frozenset({Reason.MALFORMED_RECORD, Reason.WRONG_TYPE, Reason.MISSING_FIELD})

Progress = Callable[[int], None]
"""Gets the number of records read since the last call."""


def read_source(
    adapter: str, entries: Sequence[tuple[int, SourceEntry]], *, progress: Progress | None = None
) -> pa.Table:
    """All records of one adapter's entries, as its raw table.

    Args: adapter name; (position in the configuration, entry) pairs, all of this adapter; what gets the progress.
    Returns: table `raw_<adapter>`; empty where there are no entries.
    Raises: BadInput where a file cannot be used, BadConfiguration where an entry does not fit the adapter.
    """
    import pyarrow as pa

    source = source_named(adapter)
    for _, entry in entries:
        _require_fitting(source, entry)
    schema = pa.schema([pa.field(column.name, column.type) for column in source.table.columns])
    batches: list[pa.RecordBatch] = []
    for entry_no, entry in entries:
        rows = _entry_rows(source, entry_no, entry, fetch(entry.url))
        while chunk := list(islice(rows, _BATCH_ROWS)):
            batches.append(pa.RecordBatch.from_pylist(chunk, schema=schema))
            if progress is not None:
                progress(len(chunk))
    return source.table.conform(pa.Table.from_batches(batches, schema=schema))


def check_entry(entry: SourceEntry) -> None:
    """Refuse a file that is wrong as a whole, reading no further than it takes to know.

    Where lines or cases stand for themselves the first sound one is enough; an array, an object and a Parquet file may
    be broken further down, and are read through where that takes seconds at most.
    Raises: BadInput where the file cannot be used, BadConfiguration where the entry does not fit the adapter.
    """
    source = fitting_source(entry, where=_WHERE)
    file = fetch(entry.url)
    is_read_through = len(file.data) <= _READ_THROUGH_BYTES
    for row in _entry_rows(source, 0, entry, file):
        if row["fault_reason"] is None and not (is_read_through and row["raw_locator"].startswith(("row:", "key:"))):
            return


def _require_fitting(source: Source, entry: SourceEntry) -> None:
    if fitting_source(entry, where=_WHERE) is not source:
        raise BadConfiguration(f"an entry of {entry.adapter} was given to {source.name}", where=_WHERE)


def _entry_rows(source: Source, entry_no: int, entry: SourceEntry, file: RawFile) -> Iterator[dict[str, Any]]:
    layout = source.detect_layout(file, entry)
    shared = _provenance(source, entry_no, entry, file, layout)
    faults: Counter[Fault] = Counter()
    n_other = 0
    for record_no, record in enumerate(source.records(file, layout, entry)):
        if record.fault is not None and record.fault.reason in _STRUCTURAL:
            faults[record.fault] += 1
        else:
            n_other += 1
        yield _row(source.name, shared, record_no, record)
    _refuse_unusable(file, layout, n_other, faults)


def _refuse_unusable(file: RawFile, layout: str, n_other: int, faults: Counter[Fault]) -> None:
    if n_other:
        return
    if not faults:
        raise BadInput("the file holds no record", where=file.url)
    fault, n_records = faults.most_common(1)[0]
    raise BadInput(
        f"no record of the file fits layout {layout}; in {n_records} of {faults.total()}: {fault.detail}",
        where=file.url,
    )


def _provenance(source: Source, entry_no: int, entry: SourceEntry, file: RawFile, layout: str) -> dict[str, Any]:
    return {
        "source": source.name,
        "dataset_name": entry.dataset_name or source.dataset_name(_file_name(entry)),
        "split": entry.split,
        "role": role_of(source, entry),
        "layout": layout,
        "raw_file_sha256": file.sha256,
        "entry_no": entry_no,
    }


def _file_name(entry: SourceEntry) -> str:
    # With its folder: on the hub that names the set (pqa_artificial/train-00000-of-00001.parquet).
    folder, name = posixpath.split(entry.url)
    return posixpath.join(posixpath.basename(folder), name)


def _row(source: str, shared: dict[str, Any], record_no: int, record: Record) -> dict[str, Any]:
    return {
        **record.columns,
        **shared,
        "item_id": item_id(source, record.raw_record_id),
        "raw_record_id": record.raw_record_id,
        "raw_locator": record.locator,
        "record_sha256": record.sha256,
        "record_no": record_no,
        "fault_reason": record.fault.reason.value if record.fault else None,
        "fault_detail": record.fault.detail if record.fault else None,
    }
