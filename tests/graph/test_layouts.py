"""Graph files: read whole and literally, or refused with one clear error.

Belongs: PrimeKG's layout as csv, gzip and Parquet; every way a file can be wrong.
Does not belong: nodes and edges (tests/dbt).
"""

from __future__ import annotations

import gzip
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medreason.base.errors import BadConfiguration, BadInput
from medreason.base.tables.raw import RAW_GRAPH
from medreason.graph.knowledge.layouts import PRIMEKG_COLUMNS, read_graph

HEADER = ",".join(PRIMEKG_COLUMNS)
ROW = "protein_protein,ppi,0,9796,gene/protein,PHYHIP,NCBI,8889,56992,gene/protein,KIF15,NCBI"
FILE = f"{HEADER}\n{ROW}\n".encode()


def primekg_parquet(**changes: pa.Array) -> bytes:
    columns = {n: pa.array([v]) for n, v in zip(PRIMEKG_COLUMNS, ROW.split(","), strict=True)}
    sink = io.BytesIO()
    pq.write_table(pa.table({**columns, **changes}), sink)
    return sink.getvalue()


_PACKED = {"kg.csv": FILE, "kg.csv.gz": gzip.compress(FILE), "kg.parquet": primekg_parquet()}


def written(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


EXPECTED = {
    "row_no": 0,
    "relation": "protein_protein",
    "display_relation": "ppi",
    **{"x_id": "9796", "x_type": "gene/protein", "x_name": "PHYHIP", "x_source": "NCBI"},
    **{"y_id": "56992", "y_type": "gene/protein", "y_name": "KIF15", "y_source": "NCBI"},
}
READABLE = {
    "csv": ("kg.csv", FILE),
    "gzip": ("kg.csv.gz", gzip.compress(FILE)),
    "gzip without its name": ("kg.csv", gzip.compress(FILE)),
    "byte order mark and carriage returns": ("kg.csv", b"\xef\xbb\xbf" + FILE.replace(b"\n", b"\r\n")),
    "header in quotes": ("kg.csv", FILE.replace(HEADER.encode(), ",".join(f'"{n}"' for n in PRIMEKG_COLUMNS).encode())),
    "without index columns": (
        "kg_raw.csv",
        FILE.replace(b"x_index,", b"").replace(b"y_index,", b"").replace(b"ppi,0,", b"ppi,").replace(b"8889,", b""),
    ),
    "columns in another order": (
        "kg.csv",
        ("y_source," + HEADER.removesuffix(",y_source") + "\nNCBI," + ROW.removesuffix(",NCBI") + "\n").encode(),
    ),
    "parquet": ("kg.parquet", primekg_parquet()),
    "parquet with large and dictionary text": (
        "kg.parquet",
        primekg_parquet(
            x_id=pa.array(["9796"], pa.large_string()), relation=pa.array(["protein_protein"]).dictionary_encode()
        ),
    ),
}


@pytest.mark.parametrize(("name", "data"), READABLE.values(), ids=READABLE)
def test_a_graph_file_is_read_literally(name: str, data: bytes, tmp_path: Path):
    table = read_graph("primekg", written(tmp_path, name, data))
    assert table.schema == RAW_GRAPH.schema
    assert table.to_pylist() == [EXPECTED]


NAMES = {
    "null": "null",
    "NA": "NA",
    "nan": "nan",
    "a number": "007",
    "grouped ids": "13924_12592_14672",
    "comma": '"glioma, H3 K27-altered"',
    "quotes": '"the ""other"" one"',
    "an apostrophe": "Down's syndrome",
    "a quote inside": 'a "b',
    "blanks": " x ",
    "other letters": "Ménière 病 😀",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_every_name_is_text(name: str, tmp_path: Path):
    import csv

    (meant,) = next(csv.reader([name + "\n"])) if not name.startswith('"') else (next(csv.reader([name]))[0],)
    url = written(tmp_path, "kg.csv", FILE.replace(b"PHYHIP", name.encode()).replace(b"9796", name.encode()))
    (row,) = read_graph("primekg", url).to_pylist()
    assert (row["x_name"], row["x_id"]) == (meant, meant)


UNUSABLE = {
    "empty": ("kg.csv", b"", "is empty"),
    "header alone": ("kg.csv", f"{HEADER}\n".encode(), "no rows"),
    "parquet without rows": (
        "kg.parquet",
        primekg_parquet(**{n: pa.array([], pa.string()) for n in PRIMEKG_COLUMNS}),
        "no rows",
    ),
    "renamed column": ("kg.csv", FILE.replace(b"x_name", b"x_label"), "x_name"),
    "column twice": ("kg.csv", FILE.replace(b"x_index", b"y_index"), "not PrimeKG's columns"),
    "a question file": ("kg.csv", b'{"question": "?"}\n', "not PrimeKG's columns"),
    "one endless line": ("kg.csv", b"x" * 300_000, "not PrimeKG's columns"),
    "not text": ("kg.csv", b"\xff\xfe\x00", "line of text"),
    "cut gzip": ("kg.csv.gz", gzip.compress(FILE * 50)[:60], "cut short"),
    "damaged gzip": ("kg.csv.gz", gzip.compress(FILE)[:-8] + b"\0" * 8, "cut short or damaged"),
    "bad UTF-8": ("kg.csv", FILE.replace(b"PHYHIP", b"PHY\xff"), "not UTF-8"),
    "a short row": ("kg.csv", FILE + b"protein_protein,ppi\n", "1 rows .* 2 fields instead of 12"),
    "a long row": ("kg.csv", FILE + f"{ROW},more\n".encode(), "13 fields instead of 12"),
    "a quote that does not end": ("kg.csv", FILE.replace(b"PHYHIP", b'"PHYHIP') + FILE, "fields|csv form"),
    "no id": ("kg.csv", FILE.replace(b"9796", b""), "x_id has rows without a value"),
    "blank type": ("kg.csv", FILE.replace(b"gene/protein,KIF15", b" ,KIF15"), "y_type"),
    "control character": ("kg.csv", FILE.replace(b"PHYHIP", b"PHY\x1fHIP"), "control_character"),
    "numbers for ids": ("kg.parquet", primekg_parquet(x_id=pa.array([9796])), "x_id.* not text"),
    "NULL in Parquet": ("kg.parquet", primekg_parquet(x_name=pa.array([None], pa.string())), "x_name has rows without"),
    "damaged Parquet": ("kg.parquet", primekg_parquet()[:-20], "damaged or no Parquet"),
}


@pytest.mark.parametrize(("name", "data", "says"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_one_clear_error(name: str, data: bytes, says: str, tmp_path: Path):
    url = written(tmp_path, name, data)
    with pytest.raises(BadInput, match=says) as caught:
        read_graph("primekg", url)
    assert url in str(caught.value)
    assert "PHY" not in str(caught.value), "a message holds no row's text"


def test_a_missing_file_and_an_unknown_layout(tmp_path: Path):
    with pytest.raises(BadInput, match="no such file"):
        read_graph("primekg", str(tmp_path / "kg.csv"))
    with pytest.raises(BadConfiguration, match="primekg"):
        read_graph("primkg", "kg.csv")


@pytest.mark.parametrize("name", ["kg.csv", "kg.csv.gz", "kg.parquet"])
def test_a_graph_is_read_from_s3(name: str, s3_root: str):
    import s3fs

    url = f"{s3_root}/{name}"
    s3fs.S3FileSystem().pipe_file(url.removeprefix("s3://"), _PACKED[name])
    assert read_graph("primekg", url).to_pylist() == [EXPECTED]


class _Streaming(BaseHTTPRequestHandler):
    """Sends a file in chunks and says neither its length nor that parts can be had, as Dataverse may."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The file that the last part of the address names."""
        data = _PACKED.get(self.path.rpartition("/")[2], FILE)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("name", ["kg.csv", "kg.csv.gz", "api/access/datafile/6180620"])
def test_a_graph_is_read_from_a_web_server_that_streams(name: str):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Streaming) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert read_graph("primekg", f"http://127.0.0.1:{server.server_port}/{name}").to_pylist() == [EXPECTED]
        server.shutdown()


@pytest.mark.shared_data
def test_the_real_graph_has_its_published_size(shared_data: Path):
    table = read_graph("primekg", str(shared_data / "medkg" / "kg.csv.gz"))
    assert table.num_rows == 1_425_650
    names = set(table.column("x_name").unique().to_pylist())
    assert "null" in {name.lower() for name in names}
