"""Bytes of a URL: local, S3 and HTTP, packed or not, and everything that can be wrong with a file as a whole.

Belongs: fetching, hashing, limits, what messages show.
Does not belong: what the bytes mean (test_layouts.py, test_bad_input.py).
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from medreason.base.errors import BadInput
from medreason.questions.sources import fetch as module
from medreason.questions.sources.fetch import fetch, file_sha256, reachable, shown_url

_DATA = b'{"question": "Q?"}\n' * 50


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """URL of a web server that serves the test's folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_packed_file_keeps_the_hash_of_what_was_fetched(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    # Two members, as `cat a.gz b.gz` makes them.
    path.write_bytes(gzip.compress(_DATA) + gzip.compress(_DATA))
    file = fetch(str(path))
    assert file.data == _DATA * 2
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == file_sha256(str(path))


def test_a_file_is_fetched_over_http(web: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(_DATA)
    assert fetch(f"{web}/a.jsonl").data == _DATA
    assert reachable(f"{web}/a.jsonl") is None
    with pytest.raises(BadInput, match="no such file"):
        fetch(f"{web}/b.jsonl")


class _Streaming(BaseHTTPRequestHandler):
    """Sends a file piece by piece and never says how long it is."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A megabyte in twenty pieces; who hangs up early is let go."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for start in range(0, len(_LONG), _PIECE_BYTES):
                piece = _LONG[start : start + _PIECE_BYTES]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


_PIECE_BYTES = 50_000
_LONG = _DATA * (20 * _PIECE_BYTES // len(_DATA))


def test_a_streamed_file_is_fetched_to_its_end() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Streaming) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/a.jsonl"
        assert fetch(url).data == _LONG
        assert file_sha256(url) == hashlib.sha256(_LONG).hexdigest()
        with pytest.raises(BadInput, match="larger than"):
            fetch(url, max_bytes=len(_LONG) - 1)
        server.shutdown()


def test_a_file_is_fetched_from_s3(s3_root: str) -> None:
    import s3fs

    s3fs.S3FileSystem(skip_instance_cache=True).pipe_file(f"{s3_root}/a.jsonl", _DATA)
    assert fetch(f"{s3_root}/a.jsonl").data == _DATA
    assert file_sha256(f"{s3_root}/a.jsonl") == hashlib.sha256(_DATA).hexdigest()
    with pytest.raises(BadInput, match="no such file"):
        fetch(f"{s3_root}/b.jsonl")


def test_a_member_of_a_zip_file_is_fetched(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("folder/a.jsonl", _DATA)
    file = fetch(f"zip://folder/a.jsonl::{tmp_path}/a.zip")
    assert (file.data, file.sha256) == (_DATA, hashlib.sha256(_DATA).hexdigest())
    with pytest.raises(BadInput, match="no such file"):
        fetch(f"zip://folder/b.jsonl::{tmp_path}/a.zip")
    (tmp_path / "b.zip").write_bytes(_DATA)
    with pytest.raises(BadInput, match="BadZipFile"):
        fetch(f"zip://a::{tmp_path}/b.zip")


def test_a_server_that_is_not_there_is_bad_input() -> None:
    # Port 9 (discard) of this machine: nothing listens.
    assert "does not answer" in (reachable("http://127.0.0.1:9/a.jsonl") or "")
    with pytest.raises(BadInput, match="does not answer"):
        fetch("http://127.0.0.1:9/a.jsonl")


FILES = {
    "empty": (b"", "is empty"),
    "gzip of nothing": (b"\x1f\x8b", "corrupt or cut short"),
    "cut gzip": (gzip.compress(_DATA)[:-6], "corrupt or cut short"),
    "corrupt gzip": (gzip.compress(_DATA)[:20] + b"\x00" * 8 + gzip.compress(_DATA)[28:], "corrupt or cut short"),
    "gzip with another checksum": (gzip.compress(_DATA)[:-8] + b"\x00" * 8, "corrupt or cut short"),
}


@pytest.mark.parametrize(("data", "says"), FILES.values(), ids=FILES)
def test_a_broken_file_is_one_clear_error(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=says):
        fetch(str(path))


def test_a_file_that_is_too_large_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(_DATA)
    with pytest.raises(BadInput, match="larger than 100 bytes"):
        fetch(str(path), max_bytes=100)


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"\x00" * (8 << 20)))
    with pytest.raises(BadInput, match="more than 1,000 bytes"):
        fetch(str(path), max_unpacked_bytes=1_000)
    monkeypatch.setattr(module, "RATIO_FROM_BYTES", 1 << 20)
    with pytest.raises(BadInput, match="times its size"):
        fetch(str(path))


URLS = {
    "unknown scheme": "gopher://example.org/a",
    "memory of the process": "memory://a",
    "chain that writes a cache": "simplecache::https://example.org/a",
    "archive in an archive": "zip://a::zip://b::/a.zip",
    "missing": "no/such/file.jsonl",
    "folder": "/",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_what_cannot_be_fetched_is_refused(url: str) -> None:
    assert reachable(url)
    for read in (fetch, file_sha256):
        with pytest.raises(BadInput):
            read(url)


SHOWN = {
    "secret in the query": ("https://example.org/a.json?token=secret#x", "https://example.org/a.json"),
    "secret before the host": ("https://me:secret@example.org/a.json", "https://example.org/a.json"),
    "bucket": ("s3://bucket/a/b.json", "s3://bucket/a/b.json"),
    "member": ("zip://a::https://me:secret@example.org/a.zip?b=c", "zip://a::https://example.org/a.zip"),
    "path": ("/data/a#b?.json", "/data/a#b?.json"),
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.values(), ids=SHOWN)
def test_messages_show_no_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_an_error_shows_no_secret() -> None:
    with pytest.raises(BadInput) as refusal:
        fetch("http://me:hidden@127.0.0.1:9/a.json?token=hidden")
    assert "hidden" not in str(refusal.value)
