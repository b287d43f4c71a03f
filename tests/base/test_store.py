"""The store keeps its promises on a local folder and on S3.

Belongs: create-only, compare-and-swap, tables, memos, folders.
Does not belong: releases (tests/releases).
"""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from medreason.base.errors import BadConfiguration, BadInput, CorruptRelease, LostToOtherWriter
from medreason.base.store import Memo, Store, failures_of, open_store, read_table, require_writable, write_table
from medreason.base.store.folders import open_folder, store_folder
from medreason.base.tables.graph import NODES
from medreason.base.tables.registry import folder_table, table_row_set_sha256


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Both backends, one after the other."""
    url = str(tmp_path / "root") if request.param == "local" else request.getfixturevalue("s3_root")
    return open_store(url, cache=tmp_path / "copies")


def test_create_writes_once_and_equal_bytes_count_as_done(store: Store) -> None:
    assert store.create("a/b.json", b"one") is True
    assert store.create("a/b.json", b"one") is False
    with pytest.raises(LostToOtherWriter):
        store.create("a/b.json", b"two")
    assert store.read("a/b.json") == b"one"
    assert store.keys("a") == ["a/b.json"]


def test_a_root_that_can_be_written_to_is_left_as_it_was(store: Store) -> None:
    require_writable(store.url)
    assert store.keys("") == []


@pytest.mark.parametrize("root", ["/proc/medreason", "{file}", "{file}/below", "s3://no-such-bucket/a"])
def test_a_root_that_cannot_be_written_to_is_a_wrong_call(
    root: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if root.startswith("s3://"):
        request.getfixturevalue("s3_root")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadConfiguration, match="nothing can be written"):
        require_writable(root.format(file=tmp_path / "file"))


def test_a_root_without_an_account_is_a_wrong_call(s3_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(BadConfiguration, match="nothing can be written"):
        require_writable(s3_root)
    with pytest.raises(failures_of(s3_root)):
        open_store(s3_root).exists("a")  # who may not look cannot say that there is nothing


def test_empty_objects_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="empty"):
        store.create("a", b"")


def test_swap_needs_what_it_expects(store: Store) -> None:
    store.swap("channels/x.json", None, b"1")
    store.swap("channels/x.json", b"1", b"2")
    for expected in (None, b"1"):
        with pytest.raises(LostToOtherWriter):
            store.swap("channels/x.json", expected, b"3")
    assert store.read("channels/x.json") == b"2"


def test_what_is_not_there_is_said(store: Store) -> None:
    assert not store.exists("no/such")
    assert store.keys("no") == []
    with pytest.raises(BadInput):
        store.read("no/such")
    store.delete("no/such")


@pytest.mark.parametrize("key", ["../x", "/x", "a//b", "a/../b", "a b", "", "a/"])
def test_keys_cannot_leave_the_root(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="not a store key"):
        store.create(key, b"x")


def test_one_of_many_writers_wins(store: Store) -> None:
    won: list[bool] = []
    lost: list[BaseException] = []

    def write(n: int) -> None:
        try:
            won.append(store.create("race.json", f"{n}".encode()))
        except LostToOtherWriter as error:
            lost.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won.count(True) == 1
    assert len(lost) == 7


def _nodes(*names: str) -> pa.Table:
    rows = [
        {"node_index": n, "node_type": "disease", "node_id": str(n), "node_name": name, "node_source": "MONDO"}
        for n, name in enumerate(names)
    ]
    return NODES.from_rows(rows)


def test_tables_come_back_as_they_were(store: Store) -> None:
    ref = write_table(store, NODES, _nodes("gout", "null"))
    assert ref.n_rows == 2
    assert read_table(store, NODES, ref).equals(_nodes("gout", "null"))


def test_a_changed_table_file_is_corrupt(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    ref = write_table(store, NODES, _nodes("gout"))
    path = store.local_path(ref.key)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(CorruptRelease):
        read_table(store, NODES, ref)


def test_equal_rows_in_any_order_are_the_same_table(store: Store) -> None:
    data = _nodes("gout", "null", "fever")
    shuffled = data.take([2, 0, 1])
    assert write_table(store, NODES, data) == write_table(store, NODES, shuffled)
    assert table_row_set_sha256(data) == table_row_set_sha256(shuffled)


def test_a_memo_is_found_by_what_decides_it(store: Store) -> None:
    memo = Memo(store=store, asset="graph/csr")
    key = memo.key(code_version="1", inputs={"nodes": "ab"}, settings={"w": 400})
    assert memo.get(key) is None
    memo.put(key, {"refs": {}, "shown": {"n": 1}})
    memo.put(key, {"refs": {}, "shown": {"n": 2}})
    assert memo.get(key) == {"refs": {}, "shown": {"n": 1}}
    assert memo.key(code_version="2", inputs={"nodes": "ab"}, settings={"w": 400}) != key


def test_folders_open_as_local_files(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "arrays"
    source.mkdir()
    (source / "indptr.npy").write_bytes(b"123")
    (source / "meta.json").write_bytes(b"{}")
    spec = folder_table("graph_arrays", "arrays")
    table = store_folder(store, spec, source)
    for _ in range(2):
        opened = open_folder(store, table, tmp_path / "scratch")
        assert {f.name: f.read_bytes() for f in opened.iterdir()} == {"indptr.npy": b"123", "meta.json": b"{}"}


def test_other_schemes_are_no_roots() -> None:
    with pytest.raises(BadConfiguration):
        open_store("ftp://host/x")
