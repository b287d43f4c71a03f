"""Containers: bytes of a file into one parsed record after another.

Belongs: JSON lines, JSON arrays, one JSON object by key, CSV, Parquet, tar; hashes of records.
Does not belong: which fields a record has (fields.py), opening files (fetch.py).
Rules: a record that does not parse is a record with a fault; a container that does not parse is one `BadInput`.
A record over `MAX_RECORD_BYTES` is hashed where it lies and never copied or parsed.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import posixpath
import re
import tarfile
from collections.abc import Iterator
from typing import Any

from medreason.base.canonical import sha256_bytes, sha256_json
from medreason.base.errors import BadInput
from medreason.base.reasons import Reason
from medreason.base.text import MAX_RECORD_BYTES
from medreason.questions.sources.protocol import Fault, Parsed, RawFile

PARQUET_MAGIC = b"PAR1"
_BATCH_ROWS = 1024
_BLANK = b" \t\r\n"
_JSON_BLANKS = re.compile(r"[ \t\r\n]*")
_UNDECODED = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` makes of bytes that are no UTF-8; a JSON escape cannot put one into source text."""

_BAD_UTF8 = Fault(reason=Reason.BAD_UTF8, detail="the record is not UTF-8")
_TOO_LONG = Fault(reason=Reason.TEXT_TOO_LONG, detail=f"the record has more than {MAX_RECORD_BYTES} bytes")


def _malformed(detail: str) -> Fault:
    return Fault(reason=Reason.MALFORMED_RECORD, detail=detail)


# --- one JSON value --------------------------------------------------------------------------------------------------


class _NotStrict(ValueError):
    """JSON that Python reads and the standard does not allow, or that says one thing twice."""


def _refuse_constant(name: str) -> Any:
    raise _NotStrict(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrict("an object has the same key twice")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def record_sha256(value: Any, raw: bytes | memoryview) -> str:
    """Hash of the RFC 8785 form; of the bytes where the value has none (lone surrogates, huge integers)."""
    try:
        return sha256_json(value)
    except (ValueError, RecursionError):
        return hashlib.sha256(raw).hexdigest()


def _parsed(locator: str, value: Any, raw: bytes) -> Parsed:
    if not isinstance(value, dict):
        fault = _malformed("the record is no JSON object")
        return Parsed(locator=locator, sha256=sha256_bytes(raw), value=None, fault=fault)
    return Parsed(locator=locator, sha256=record_sha256(value, raw), value=value)


def _faulty(locator: str, raw: bytes | memoryview, fault: Fault) -> Parsed:
    return Parsed(locator=locator, sha256=hashlib.sha256(raw).hexdigest(), value=None, fault=fault)


def parse_json_record(locator: str, raw: bytes) -> Parsed:
    """One record from the bytes of one JSON object; whatever is wrong with it is its fault."""
    try:
        return _parsed(locator, _DECODER.decode(raw.decode("utf-8")), raw)
    except UnicodeDecodeError:
        return _faulty(locator, raw, _BAD_UTF8)
    except (ValueError, RecursionError):
        return _faulty(locator, raw, _malformed("the record is not one whole JSON object"))


# --- JSON containers -------------------------------------------------------------------------------------------------


def without_bom(data: bytes) -> bytes:
    """The content without a UTF-8 byte order mark."""
    return data.removeprefix(codecs.BOM_UTF8)


def first_byte(data: bytes) -> bytes:
    """The first byte that is no blank; empty where there is none."""
    for start in range(min(len(data), 4096)):
        if data[start : start + 1] not in _BLANK:
            return data[start : start + 1]
    return b""


def _lines(data: bytes) -> Iterator[tuple[int, memoryview]]:
    """(number from 1, line without its end) over all lines, without a copy."""
    view, start, number = memoryview(data), 0, 0
    while start < len(data):
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        number += 1
        yield number, view[start:stop]
        start = stop + 1


def json_lines(data: bytes) -> Iterator[Parsed]:
    """One record per line; blank lines are none."""
    for number, line in _lines(without_bom(data)):
        locator = f"line:{number}"
        if len(line) > MAX_RECORD_BYTES:
            yield _faulty(locator, line, _TOO_LONG)
        elif raw := bytes(line).strip(_BLANK):
            yield parse_json_record(locator, raw)


def _next_start(text: str, place: int) -> int:
    blanks = _JSON_BLANKS.match(text, place)
    return blanks.end() if blanks else place


def _read_value(text: str, place: int, file: RawFile) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except _NotStrict as error:
        raise BadInput(f"the JSON file is not strict: {error}", where=file.url) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the JSON file is broken or cut short at character {place}", where=file.url) from error


def _element(locator: str, value: Any, source: str) -> Parsed:
    raw = source.encode("utf-8", "surrogateescape" if _UNDECODED.search(source) else "surrogatepass")
    if len(raw) > MAX_RECORD_BYTES:
        return _faulty(locator, raw, _TOO_LONG)
    if _UNDECODED.search(source):
        return _faulty(locator, raw, _BAD_UTF8)
    return _parsed(locator, value, raw)


def _expect(text: str, place: int, allowed: str, file: RawFile) -> int:
    if text[place : place + 1] not in tuple(allowed):
        raise BadInput(f"the JSON file is broken or cut short at character {place}", where=file.url)
    return place + 1


def _refuse_rest(text: str, place: int, file: RawFile) -> None:
    if _next_start(text, place) != len(text):
        raise BadInput(f"the JSON file goes on after its end, at character {place}", where=file.url)


def json_array(file: RawFile) -> Iterator[Parsed]:
    """One record per element of the array that the file is.

    Raises: BadInput where the array is broken: after a fault nobody can tell where the next element starts.
    """
    text = without_bom(file.data).decode("utf-8", "surrogateescape")
    place = _next_start(text, _expect(text, _next_start(text, 0), "[", file))
    number = 0
    while text[place : place + 1] != "]":
        value, stop = _read_value(text, place, file)
        yield _element(f"row:{number}", value, text[place:stop])
        number += 1
        place = _after_element(text, stop, "]", file)
    _refuse_rest(text, place + 1, file)


def json_by_key(file: RawFile, key_name: str) -> Iterator[Parsed]:
    """One record per member of the object that the file is; the member's key goes into the record as `key_name`.

    Raises: BadInput where the object is broken, or a key is there twice.
    """
    text = without_bom(file.data).decode("utf-8", "surrogateescape")
    place = _next_start(text, _expect(text, _next_start(text, 0), "{", file))
    seen: set[str] = set()
    while text[place : place + 1] != "}":
        start = place
        key, place = _read_key(text, place, file)
        if key in seen:
            raise BadInput("a key is there twice, so one of its records would be lost", where=file.url)
        seen.add(key)
        value, stop = _read_value(text, place, file)
        keyed = {key_name: key, **value} if isinstance(value, dict) else value
        yield _element(f"key:{_shown_key(key, len(seen))}", keyed, text[start:stop])
        place = _after_element(text, stop, "}", file)
    _refuse_rest(text, place + 1, file)


def _after_element(text: str, place: int, end: str, file: RawFile) -> int:
    place = _next_start(text, place)
    if text[place : place + 1] == end:
        return place
    place = _next_start(text, _expect(text, place, ",", file))
    if text[place : place + 1] == end:
        raise BadInput(f"the JSON file has a comma too many at character {place}", where=file.url)
    return place


def _read_key(text: str, place: int, file: RawFile) -> tuple[str, int]:
    key, place = _read_value(text, place, file)
    if not isinstance(key, str):
        raise BadInput(f"the JSON file has no key at character {place}", where=file.url)
    return key, _next_start(text, _expect(text, _next_start(text, place), ":", file))


def _shown_key(key: str, number: int) -> str:
    return key if re.fullmatch(r"[\w.-]{1,64}", key, re.ASCII) else f"member-{number}"


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv_records(data: bytes, file: RawFile) -> Iterator[memoryview]:
    """Records of a CSV file: line ends inside quotes are text. A quote inside quotes is doubled, so parity decides.

    Raises: BadInput where a quote that is never closed swallows more than the last line.
    """
    view, start, stop, is_quoted = memoryview(data), 0, 0, False
    for _, line in _lines(data):
        is_quoted ^= data.count(b'"', stop, stop + len(line)) % 2 == 1
        stop += len(line) + 1
        if not is_quoted:
            yield view[start : stop - 1]
            start = stop
    if is_quoted and 0 <= data.find(b"\n", start) < len(data) - 1:
        raise BadInput(
            f"a quote that opens after byte {start} is never closed: the rows behind it are lost", where=file.url
        )
    if is_quoted:
        yield view[start:]


def _cells(raw: bytes) -> list[str]:
    rows = list(csv.reader([raw.decode("utf-8")], delimiter=",", quotechar='"', doublequote=True, strict=True))
    return rows[0] if rows else []


def _csv_header(raw: bytes, file: RawFile) -> list[str]:
    try:
        names = _cells(raw)
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput("the first line is no CSV header", where=file.url) from error
    if len(set(names)) != len(names):
        raise BadInput("the CSV header names a column twice", where=file.url)
    return names


def csv_rows(file: RawFile) -> Iterator[Parsed]:
    """One record per row: comma, double quotes, doubled inside, line ends allowed in quotes, header in the first line.

    Empty cells past the header's last column are allowed (MedBullets' files have four).
    Raises: BadInput where the header is broken, or a quote is never closed.
    """
    header: list[str] = []
    number = 0
    for view in _csv_records(without_bom(file.data), file):
        if not header:
            header = _csv_header(bytes(view[: MAX_RECORD_BYTES + 1]).rstrip(b"\r"), file)
        elif len(view) > MAX_RECORD_BYTES:
            number += 1
            yield _faulty(f"row:{number}", view, _TOO_LONG)
        elif raw := bytes(view).rstrip(b"\r"):
            number += 1
            yield _csv_row(f"row:{number}", raw, header)


def _csv_row(locator: str, raw: bytes, header: list[str]) -> Parsed:
    try:
        cells = _cells(raw)
    except UnicodeDecodeError:
        return _faulty(locator, raw, _BAD_UTF8)
    except csv.Error:
        too_long = len(raw) > csv.field_size_limit()
        return _faulty(locator, raw, _TOO_LONG if too_long else _malformed("the row is no CSV"))
    if len(cells) < len(header) or any(cells[len(header) :]):
        return _faulty(locator, raw, _malformed(f"the row has {len(cells)} cells, the header {len(header)}"))
    return _parsed(locator, dict(zip(header, cells, strict=False)), raw)


# --- Parquet ---------------------------------------------------------------------------------------------------------


def parquet_rows(file: RawFile, wanted: frozenset[str]) -> Iterator[Parsed]:
    """One record per row, of the wanted columns alone (hub files also hold pictures); NULLs inside structs are absent.

    Raises: BadInput where the file is no Parquet or is corrupt.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(pa.BufferReader(file.data))
        columns = [name for name in parquet.schema_arrow.names if name in wanted]
        number = 0
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns, use_threads=False):
            yield from _batch_rows(batch, number)
            number += batch.num_rows
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise BadInput("the Parquet file is corrupt", where=file.url) from error


def _batch_rows(batch: Any, first: int) -> Iterator[Parsed]:
    try:
        for place, row in enumerate(batch.to_pylist()):
            yield _parquet_row(f"row:{first + place}", row)
    except UnicodeDecodeError:
        # One text that is no UTF-8 spoils the batch: find out which rows have one.
        for place in range(batch.num_rows):
            yield _single_row(f"row:{first + place}", batch.slice(place, 1))


def _single_row(locator: str, batch: Any) -> Parsed:
    try:
        return _parquet_row(locator, batch.to_pylist()[0])
    except UnicodeDecodeError:
        raw = b"\x1f".join(_cell_bytes(column) for column in batch.columns)
        return _faulty(locator, raw, _BAD_UTF8)


def _cell_bytes(column: Any) -> bytes:
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return bytes(column.cast(pa.large_binary())[0].as_py() or b"")
    return str(column.type).encode()


def _present(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _present(inner) for key, inner in value.items() if inner is not None}
    return value


def _parquet_row(locator: str, row: dict[str, Any]) -> Parsed:
    value = {key: _present(cell) for key, cell in row.items()}
    raw = repr(value).encode("utf-8", "surrogatepass")
    return _faulty(locator, raw, _TOO_LONG) if len(raw) > MAX_RECORD_BYTES else _parsed(locator, value, raw)


# --- tar -------------------------------------------------------------------------------------------------------------


def _member_path(member: tarfile.TarInfo, file: RawFile) -> str:
    path = posixpath.normpath(member.name)
    if path == ".." or path.startswith(("/", "../")) or "\\" in path or "\x00" in path:
        raise BadInput("a member's name leads out of the archive", where=file.url)
    if not (member.isfile() or member.isdir()):
        raise BadInput("the archive holds a link or device", where=file.url)
    return path


def tar_files(file: RawFile) -> list[tuple[str, bytes]]:
    """(path, content) of the regular files of an archive, by path; nothing is unpacked to disk.

    Raises: BadInput where it is broken, a name leads out of it, or it holds anything but files and folders.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(file.data), mode="r:") as archive:
            for member in archive:
                path = _member_path(member, file)
                stream = archive.extractfile(member)
                if stream is not None:
                    found[path] = stream.read()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BadInput("the archive is corrupt or cut short", where=file.url) from error
    return sorted(found.items())
