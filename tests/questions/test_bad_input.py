"""Files and records that are wrong: one clear error for a file, one row with a reason for a record.

Belongs: the bad inputs that the platform promises to survive, and the property that nothing else raises.
Does not belong: fetching (test_fetch.py), canonical rules (tests/dbt).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.errors import BadConfiguration, BadInput
from medreason.base.reasons import Reason
from medreason.base.text import MAX_RECORD_BYTES
from medreason.questions.sources import decode
from medreason.questions.sources.protocol import SourceEntry
from medreason.questions.sources.read import read_source
from medreason.questions.sources.registry import SOURCES
from tests.questions.samples import MEDCALC, MEDMCQA, SAMPLES, csv_file, lines, options, parquet, read, tar

GOOD = {"question": "Q?", "answer": "Ferritin", "options": options(), "meta_info": "step1", "answer_idx": "A"}
_GOOD_LINE = lines([GOOD])


def _with(**changes: Any) -> bytes:
    return lines([{**GOOD, **changes}])


def _without(key: str) -> bytes:
    return lines([{name: value for name, value in GOOD.items() if name != key}])


RECORDS = {
    "truncated line": (_GOOD_LINE[:40] + b"\n", Reason.MALFORMED_RECORD, "whole JSON object"),
    "no object": (b'["a"]\n', Reason.MALFORMED_RECORD, "no JSON object"),
    "two objects in a line": (_GOOD_LINE.strip() * 2 + b"\n", Reason.MALFORMED_RECORD, "whole JSON object"),
    "key twice": (b'{"question": "a", "question": "b"}\n', Reason.MALFORMED_RECORD, "whole JSON object"),
    "not a number": (b'{"question": NaN}\n', Reason.MALFORMED_RECORD, "whole JSON object"),
    "too deep": (
        b'{"question": ' + b"[" * 50_000 + b"]" * 50_000 + b"}\n",
        Reason.MALFORMED_RECORD,
        "whole JSON object",
    ),
    "bad utf-8": (_GOOD_LINE.replace(b"Ferritin", b"Ferr\xff\xfein"), Reason.BAD_UTF8, "UTF-8"),
    "lone surrogate": (_with(question="a \ud800 b"), Reason.LONE_SURROGATE, "question"),
    "nul": (_with(answer="a\x00b"), Reason.CONTROL_CHARACTER, "answer"),
    "text that hides text": (_with(options={"A": "a\u202eb"}), Reason.CONTROL_CHARACTER, "options[0]"),
    "long text": (_with(question="a" * 64_001), Reason.TEXT_TOO_LONG, "question"),
    "long record": (_with(meta_info="a" * (MAX_RECORD_BYTES + 1)), Reason.TEXT_TOO_LONG, "bytes"),
    "missing field": (_without("answer_idx"), Reason.MISSING_FIELD, "answer_idx is missing"),
    "null field": (_with(answer=None), Reason.MISSING_FIELD, "answer is null"),
    "number for text": (_with(question=3), Reason.WRONG_TYPE, "question is an integer, not text"),
    "boolean for text": (_with(question=True), Reason.WRONG_TYPE, "question is a boolean"),
    "text for options": (_with(options="A. a"), Reason.WRONG_TYPE, "options is text"),
    "number for an option": (_with(options={"A": 1}), Reason.WRONG_TYPE, "options[0] is an integer"),
    "long letter": (_with(options={"Answer A": "a"}), Reason.WRONG_TYPE, "letter"),
    "letter twice": (_with(options=[{"key": "A", "value": "a"}] * 2), Reason.WRONG_TYPE, "options[1]"),
    "surrogate in an option's letter": (_with(options={"\ud800": "a"}), Reason.LONE_SURROGATE, "letter"),
}


@pytest.mark.parametrize(("bad", "reason", "detail"), RECORDS.values(), ids=RECORDS)
def test_a_bad_record_is_a_row_with_a_reason(bad: bytes, reason: Reason, detail: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(_GOOD_LINE + bad + _GOOD_LINE)
    rows = read("medqa", path)
    assert [row["fault_reason"] for row in rows] == [None, reason.value, None]
    assert detail in rows[1]["fault_detail"]
    assert rows[1]["raw_locator"] == "line:2"
    assert rows[1]["question"] is None
    assert rows[1]["raw_record_id"] == rows[1]["record_sha256"][:16]


def test_a_fault_never_shows_the_text(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(_GOOD_LINE + _with(answer="secret\x00") + _with(options={"secret-letter": "a"}))
    assert "secret" not in "".join(row["fault_detail"] or "" for row in read("medqa", path))


def test_a_huge_line_is_refused_where_it_lies(tmp_path: Path) -> None:
    import tracemalloc

    n_bytes = 100 << 20
    data = _GOOD_LINE + b'{"question": "' + b"a" * n_bytes + b'"}\n' + _GOOD_LINE
    tracemalloc.start()
    rows = list(decode.json_lines(data))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.fault is None for row in rows] == [True, False, True]
    assert peak_bytes < n_bytes // 10


def _array_record(change: Callable[[str], str]) -> bytes:
    good = json.dumps({"Question": "Q?", "Complex_CoT": "C", "Response": "R"})
    return f"[{good}, {change(good)}, {good}]".encode("utf-8", "surrogateescape")


ARRAY_RECORDS = {
    "bad utf-8": (_array_record(lambda good: good.replace("R", "\udcff")), Reason.BAD_UTF8),
    "lone surrogate": (_array_record(lambda good: good.replace("Q?", "\\udcff")), Reason.LONE_SURROGATE),
    "no object": (_array_record(lambda good: "3"), Reason.MALFORMED_RECORD),
    "long": (_array_record(lambda good: good.replace("C", "c" * 300_000)), Reason.TEXT_TOO_LONG),
}


@pytest.mark.parametrize(("data", "reason"), ARRAY_RECORDS.values(), ids=ARRAY_RECORDS)
def test_a_bad_element_of_an_array_is_a_row_with_a_reason(data: bytes, reason: Reason, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(data)
    assert [row["fault_reason"] for row in read("huatuo_o1", path)] == [None, reason.value, None]


_ROW = csv_file([MEDCALC]).split(b"\r\n", 1)[1]
CSV_RECORDS = {
    "too few cells": (b"1,2,3\r\n", Reason.MALFORMED_RECORD),
    "too many cells": (_ROW.rstrip() + b",more\r\n", Reason.MALFORMED_RECORD),
    "text after a quote": (_ROW.replace(b",lab,", b',"la"b,'), Reason.MALFORMED_RECORD),
    "bad utf-8": (_ROW.replace(b"Extracted", b"Extr\xff"), Reason.BAD_UTF8),
    "long": (_ROW.replace(b"lab", b"l" * 300_000), Reason.TEXT_TOO_LONG),
    "long cell": (_ROW.replace(b"lab", b"l" * 140_000), Reason.TEXT_TOO_LONG),
}


def test_the_last_row_of_a_csv_may_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(csv_file([MEDCALC]) + b'7,"cut in a ce')
    assert [row["fault_reason"] for row in read("medcalc_bench", path)] == [None, "malformed_record"]


@pytest.mark.parametrize(("bad", "reason"), CSV_RECORDS.values(), ids=CSV_RECORDS)
def test_a_bad_row_of_a_csv_is_a_row_with_a_reason(bad: bytes, reason: Reason, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(csv_file([MEDCALC]) + bad + _ROW)
    assert [row["fault_reason"] for row in read("medcalc_bench", path)] == [None, reason.value, None]


def test_bad_utf8_in_parquet_spoils_its_row_alone(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{**MEDMCQA, "id": str(number)} for number in range(3)]
    table = pa.Table.from_pylist(rows)
    texts = pa.array([b"a", b"\xff\xfe", b"c"]).view(pa.string())
    path = tmp_path / "file.parquet"
    pq.write_table(table.set_column(table.column_names.index("question"), "question", texts), path)
    assert [row["fault_reason"] for row in read("medmcqa", path)] == [None, "bad_utf8", None]


def test_a_question_with_a_picture_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    plain = {"question": "Q?", "answer": "A", "rationale": "R", "image": ""}
    path.write_bytes(lines([plain, {**plain, "image": "data:image/png;base64,AAAA"}]))
    assert [row["fault_reason"] for row in read("hle_biomed", path)] == [None, "wrong_type"]


CASES = {
    "no gold line": (lambda text: text.replace(b"CORRECT", b"CORRECTED"), "missing_field"),
    "no options": (lambda text: text.replace(b"1- O", b"One O"), "missing_field"),
    "line without a tag": (lambda text: text.replace(b"fatigue. I-Premise", b"fatigue."), "malformed_record"),
    "unknown tag": (lambda text: text.replace(b"fatigue. I-Premise", b"fatigue. X-Premise"), "malformed_record"),
    "bad utf-8": (lambda text: text.replace(b"fatigue.", b"\xff."), "bad_utf8"),
    "nul": (lambda text: text.replace(b"fatigue.", b"fatigue\x00"), "control_character"),
    "too long": (lambda text: text.replace(b"fatigue.", b"f" * 70_000), "text_too_long"),
    "far too long": (lambda text: text.replace(b"fatigue.", b"f" * 600_000), "text_too_long"),
}


@pytest.mark.parametrize(("spoil", "reason"), CASES.values(), ids=CASES)
def test_a_bad_case_is_a_row_with_a_reason(spoil: Callable[[bytes], bytes], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "EN" / "train.tsv"
    path.parent.mkdir()
    good = SAMPLES["casimedicos tokens"].data
    path.write_bytes(spoil(good) + b"\n" + good)
    assert [row["fault_reason"] for row in read("casimedicos", path)] == [reason, reason, None, None]


# --- files -----------------------------------------------------------------------------------------------------------


def _link() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        member = tarfile.TarInfo("EN/train.tsv")
        member.type, member.linkname = tarfile.SYMTYPE, "../../secret"
        archive.addfile(member)
    return sink.getvalue()


_PARQUET = parquet([{**MEDMCQA, "cop": 0}])
FILES: dict[str, tuple[str, bytes, str]] = {
    "another source's file": ("medqa", SAMPLES["medmcqa original"].data, "no record has the fields"),
    "plain text": ("medqa", b"hello\n", "no record has the fields"),
    "renamed column": ("medqa", lines([{**GOOD, "questions": "Q"} | {"question": None}] * 3), "question is null"),
    "renamed mark": ("medqa", _without("question"), "no record has the fields"),
    "retyped column": ("medqa", _with(question=["Q"]), "question is a list"),
    "retyped parquet column": ("medmcqa", parquet([{**MEDMCQA, "cop": 0, "opa": 1}]), "opa is an integer"),
    "no record": ("medqa", b"\n \n", "no record has the fields"),
    "empty array": ("huatuo_o1", b"[]", "no record has the fields"),
    "cut array": ("huatuo_o1", SAMPLES["huatuo sft"].data[:-30], "cut short"),
    "array that goes on": ("huatuo_o1", SAMPLES["huatuo sft"].data + b"x", "after its end"),
    "comma too many": ("huatuo_o1", SAMPLES["huatuo sft"].data.rstrip()[:-1] + b",]", "comma too many"),
    "key twice in a file by key": ("pubmedqa", b'{"1": {"a": 1}, "1": {"a": 2}}', "a key is there twice"),
    "cut object": ("pubmedqa", SAMPLES["pubmedqa original"].data[:-9], "cut short"),
    "corrupt parquet": ("medmcqa", _PARQUET[:200] + b"\x00" * 40 + _PARQUET[240:-60] + b"PAR1", "Parquet"),
    "csv header twice": ("medcalc_bench", b"a,a\r\n1,2\r\n", "names a column twice"),
    "csv header alone": ("medcalc_bench", csv_file([MEDCALC]).split(b"\r\n")[0] + b"\r\n", "no record has the fields"),
    "csv without a column": (
        "medcalc_bench",
        csv_file([{"Question": "Q", "Patient Note": "N"}]),
        "no record has the fields",
    ),
    "csv with a quote that never closes": (
        "medcalc_bench",
        csv_file([{**MEDCALC, "Patient Note": "A man.", "Category": name} for name in ("lab", "risk", "lab")]).replace(
            b",risk,", b',"risk,'
        ),
        "never closed",
    ),
    "cop says nothing": ("medmcqa", lines([{**MEDMCQA, "cop": 2}, {**MEDMCQA, "cop": 3}]), "neither 0 nor 4"),
    "cop says both": ("medmcqa", lines([{**MEDMCQA, "cop": 0}, {**MEDMCQA, "cop": 4}]), "do not fit"),
    "other categories": (
        "mmlu_pro_health",
        SAMPLES["mmlu pro"].data + SAMPLES["mmlu pro"].data.replace(b'"health"', b'"law"'),
        "other categories",
    ),
    "cases without a start": ("casimedicos", b"Hello O\n", "no case starts"),
    "archive without the split": ("casimedicos", tar({"x/EN/dev.tsv": b"a O\n"}), "no file for split"),
    "archive that leads out": ("casimedicos", tar({"../EN/train.tsv": b"a O\n"}), "leads out"),
    "archive with a root path": ("casimedicos", tar({"/EN/train.tsv": b"a O\n"}), "leads out"),
    "archive with a link": ("casimedicos", _link(), "link or device"),
    "cut archive": ("casimedicos", SAMPLES["casimedicos archive"].data[:700], "cut short"),
}


@pytest.mark.parametrize(("adapter", "data", "says"), FILES.values(), ids=FILES)
def test_a_file_that_is_wrong_as_a_whole_is_refused(adapter: str, data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "EN" / "file"
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(BadInput, match=says) as refusal:
        read(adapter, path)
    assert str(path) in str(refusal.value)


def test_a_stated_layout_settles_doubt_but_not_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(lines([{**MEDMCQA, "cop": 2}]))
    assert {read("medmcqa", path, layout=layout)[0]["layout"] for layout in ("hub", "original")} == {"hub", "original"}
    path.write_bytes(lines([{**MEDMCQA, "cop": 4}]))
    with pytest.raises(BadInput, match="do not fit"):
        read("medmcqa", path, layout="hub")


@pytest.mark.parametrize(("adapter", "layout"), [("medmcqa", "hub"), ("huatuo_o1", "sft"), ("medqa", "options4")])
def test_a_file_without_records_is_refused_whatever_its_entry_states(adapter: str, layout: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    for empty in (b"\n \n", b"[]"):
        path.write_bytes(empty)
        with pytest.raises(BadInput, match="holds no record"):
            read(adapter, path, layout=layout)


ENTRIES = {
    "unknown layout": ("medqa", {"layout": "options9"}, "options5"),
    "another language": ("medqa", {"language": "zh"}, "language is 'en'"),
    "unknown adapter": ("medqaa", {}, "did you mean 'medqa'"),
}


@pytest.mark.parametrize(("adapter", "settings", "says"), ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_does_not_fit_is_a_wrong_configuration(
    adapter: str, settings: dict[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfiguration, match=says):
        read(adapter, SAMPLES["medqa five options"].write(tmp_path), **settings)


def test_an_entry_of_another_adapter_is_a_wrong_configuration() -> None:
    with pytest.raises(BadConfiguration, match="medmcqa was given to medqa"):
        read_source("medqa", [(0, SourceEntry(adapter="medmcqa", url="x"))])


def test_the_language_of_token_files_has_to_be_told(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_bytes(SAMPLES["casimedicos tokens"].data)
    with pytest.raises(BadInput, match="language"):
        read("casimedicos", path)


# --- nothing else raises ---------------------------------------------------------------------------------------------

_ANY_TEXT = st.text(alphabet=st.characters(), max_size=40)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
_LINE_SAMPLES = {
    name: sample
    for name, sample in SAMPLES.items()
    if sample.data.startswith(b'{"') and sample.file_name != "ori_pqau.json"
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all examples of a property."""
    return tmp_path_factory.mktemp("any")


@pytest.mark.parametrize("name", _LINE_SAMPLES)
@given(data=st.data())
def test_any_value_in_any_field_survives_or_is_a_fault(name: str, data: st.DataObject, folder: Path) -> None:
    sample = _LINE_SAMPLES[name]
    good = json.loads(sample.data.splitlines()[0])
    field = data.draw(st.sampled_from(sorted(good)))
    value = data.draw(_ANY_TEXT if isinstance(good[field], str) else _ANY_JSON)
    path = folder / "train.jsonl"
    path.write_bytes(sample.data + lines([{**good, field: value}]))
    try:
        rows = read(sample.adapter, path)
    except BadInput:
        # Two fields decide over the file as a whole: which base `cop` has, and which category a file is of.
        assert field in ("cop", "category")
        return
    assert len(rows) == sample.n_records + 1
    _check_row(rows[-1])


def _check_row(row: dict[str, Any]) -> None:
    source_columns = set(row) - {column.name for column in SOURCES["medqa"].table.columns[:14]}
    if row["fault_reason"] is None:
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    else:
        assert Reason(row["fault_reason"]).stage.value == "raw"
        assert all(row[name] is None for name in source_columns)


@given(bad=st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ")), max_size=5))
def test_any_bytes_between_good_lines_are_rows(bad: list[bytes], folder: Path) -> None:
    path = folder / "bytes.jsonl"
    path.write_bytes(_GOOD_LINE + b"".join(line + b"\n" for line in bad) + _GOOD_LINE)
    n_blank = sum(not line.strip(b" \t\r\n") for line in bad)
    assert len(read("medqa", path)) == len(bad) + 2 - n_blank


@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"[", b"{", b"PAR1", b"\x1f\x8b", b"QUESTION TYPE: O\n"])
)
def test_any_file_is_read_or_refused(data: bytes, start: bytes, folder: Path) -> None:
    path = folder / "en" / "any"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(start + data)
    for adapter in ("medqa", "pubmedqa", "medbullets", "casimedicos"):
        try:
            rows = read(adapter, path)
        except BadInput:
            continue
        assert rows


@given(cut=st.integers(min_value=0, max_value=2_000))
def test_a_cut_file_is_read_or_refused(cut: int, folder: Path) -> None:
    for name in (
        "huatuo demo",
        "pubmedqa original",
        "medcalc",
        "medmcqa hub",
        "casimedicos archive",
        "casimedicos tokens",
    ):
        sample = SAMPLES[name]
        path = folder / "EN" / "cut"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(sample.data[: max(1, len(sample.data) - cut)])
        try:
            rows = read(sample.adapter, path)
        except BadInput:
            continue
        assert len(rows) <= sample.n_records
