"""The auditor's questions are answered from the files of a release, in the program too.

Belongs: every question, unknown ids, releases that do not hold together, the printed form.
Does not belong: verification (test_verify.py).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from medreason.base.canonical import canonical_json
from medreason.base.errors import BadConfiguration, MedReasonError
from medreason.base.store import Store
from medreason.base.store.tables import parquet_bytes
from medreason.base.tables.grounding import PATHS
from medreason.cli import audit as audit_command
from medreason.cli import verify as verify_command
from medreason.releases import lineage
from medreason.releases.lineage import Audit, open_audit
from medreason.releases.publish import publish
from medreason.releases.values import Published
from tests.releases import world


@pytest.fixture
def audit(published: Published) -> Iterator[Audit]:
    """The small release, open."""
    with open_audit(published.url) as opened:
        yield opened


def _item(fate: str) -> str:
    return str(world.origin(world.FATES.index(fate), fate)["item_id"])


def test_a_row_is_told_from_raw_file_to_verdicts(audit: Audit) -> None:
    found = lineage.audit_row(audit, _item("released"))
    assert (found["raw"]["file_name"], found["raw"]["raw_locator"]) == ("train.jsonl", "line:1")
    assert [link["node_name"] for link in found["links"]] == ["fever"]
    assert found["paths"][0]["hops"] == [[f"fever -indication-> gout  [{world.edge(0)}]"]]
    assert found["steps"][0]["edges"] == [f"fever -indication-> gout  [{world.edge(0)}]"]
    assert {(v["check"], v["is_control"], v["outcome"]) for v in found["verdicts"]} == {
        *{(check, False, "passed") for check in ("step_support", "re_answer")},
        *{(check, True, "failed") for check in ("step_support", "re_answer")},
    }
    assert found["writing"]["template_sha256"] == world.TEMPLATE_SHA256
    assert json.loads(json.dumps(found)) == found


REACHED = {
    "released": (None, 7),
    "raw": ("malformed_record", 0),
    "normalisation": ("gold_missing", 1),
    "curation": ("contaminated", 2),
    "unpathed": ("no_path", 3),
    "generation": ("cannot_write", 4),
    "verification": ("unsupported_step", 5),
    "seeded_fault": ("release_rule", 6),
}


@pytest.mark.parametrize(("fate", "end"), REACHED.items(), ids=REACHED)
def test_why_not_tells_how_far_a_record_came(fate: str, end: tuple[str | None, int], audit: Audit) -> None:
    found = lineage.why_not(audit, _item(fate))
    (record,) = found["records"]
    assert (record.get("reason"), len(record["reached"])) == end
    assert bool(found["grounding"]) is (end[1] >= 3)
    assert bool(found["chains"]) is (end[1] >= 4)


def test_an_unknown_item_names_near_ones(audit: Audit) -> None:
    typed = _item("raw")[:-1] + "x"
    with pytest.raises(BadConfiguration, match=f"there is no item .* Near it: {_item('raw')}"):
        lineage.why_not(audit, typed)
    with pytest.raises(BadConfiguration, match="looks like medqa:"):
        lineage.audit_row(audit, "?")


def test_a_quarantined_item_has_no_row(audit: Audit) -> None:
    with pytest.raises(BadConfiguration, match=r"was not released: no_path in grounding.*why-not"):
        lineage.audit_row(audit, _item("unpathed"))


def test_the_quarantine_can_be_narrowed(audit: Audit) -> None:
    assert len(lineage.quarantine(audit)) == 9
    assert {row["reason"] for row in lineage.quarantine(audit, stage="grounding")} == {"no_question_entity", "no_path"}
    assert [row["role"] for row in lineage.quarantine(audit, dataset_name="medqa_test")] == ["benchmark"]
    assert lineage.quarantine(audit, reason="no_path")[0]["item_id"] == _item("unpathed")
    assert len(lineage.quarantine(audit, n=2)) == 2
    assert sum(row["n_records"] for row in lineage.reasons(audit)) == 9


def test_a_sound_release_conserves_and_has_no_orphans(audit: Audit) -> None:
    (balance,) = lineage.conservation(audit)
    assert balance == {"dataset_name": "medqa", "n_raw": 10, "n_released": 2, "n_quarantined": 8, "n_missing": 0}
    assert lineage.orphans(audit) == []


def test_a_path_is_told_in_words_with_its_verdict(audit: Audit) -> None:
    found = lineage.of_path(audit, world.path_id(0))
    assert found["nodes"][0] == "fever (disease 1)"
    # Nothing is declared for an indication between two diseases.
    assert found["hops"] == [[f"fever is related to gout  [{world.edge(0)}]"]]
    (row,) = found["rows"]
    assert (row["item_id"], row["verdict"], row["rule"], row["reason"]) == (_item("released"), "supports", "", "")
    assert lineage.of_path(audit, "nothing")["rows"] == []


def test_the_reason_of_a_verdict_is_told(local_store: Store, key) -> None:
    given = world.inputs(["released"])
    paths = given.paths.to_pylist()
    for path, rule in zip(paths, ("contraindication", "of_another_version"), strict=True):
        path |= {"verdict": "against", "verdict_reason": rule}
    made = world.candidate(["released"], paths=PATHS.from_rows(paths))
    done = publish(local_store, made, gates=world.proofs(local_store, made), build=world.BUILD, key=key)
    with open_audit(done.url) as audit:
        (row,) = lineage.of_path(audit, world.path_id(0))["rows"]
    assert row["reason"] == "a step says that the drug must not be given in the disease"
    assert lineage._reason("of_another_version") == "a rule that this version does not have"


def test_edges_and_sources_lead_to_rows(audit: Audit) -> None:
    (by_edge,) = lineage.of_edge(audit, world.edge(0))
    assert (by_edge["item_id"], by_edge["is_cited"]) == (_item("released"), True)
    train, test = lineage.of_source(audit, "medqa")
    assert (train["n_released"], train["n_quarantined"], test["n_released"], test["n_quarantined"]) == (2, 8, 0, 1)
    assert lineage.of_source(audit, train["file_sha256"][:12]) == [train]
    assert lineage.of_edge(audit, "nothing") == lineage.of_source(audit, "nothing") == []


def test_rows_are_counted_by_writer_template_and_licence(audit: Audit) -> None:
    for rows in (lineage.models(audit), lineage.prompts(audit), lineage.licences(audit)):
        assert [row["n_rows"] for row in rows] == [2]


def _broken(published: Published, name: str) -> str:
    """The release with a table emptied: what an auditor may meet where nobody verified."""
    table = world.candidate().tables[name]
    (Path(published.url) / f"{name}.parquet").write_bytes(parquet_bytes(table.slice(0, 0)))
    return published.url


ORPHANS = {
    "lineage": {"released row without lineage", "path that no row uses"},
    "paths": {"cited edge on no path of the row", "path of a row that is not there"},
    "chains": {"row without its chain"},
}


@pytest.mark.parametrize(("name", "kinds"), ORPHANS.items(), ids=ORPHANS)
def test_what_leads_nowhere_is_found(name: str, kinds: set[str], published: Published) -> None:
    with open_audit(_broken(published, name)) as audit:
        assert {row["kind"] for row in lineage.orphans(audit)} == kinds


def test_lost_records_are_counted(published: Published) -> None:
    with open_audit(_broken(published, "quarantine")) as audit:
        assert [row["n_missing"] for row in lineage.conservation(audit)] == [8]


def test_a_release_on_s3_is_asked_as_one_on_disk(s3_root: str, tmp_path: Path, key) -> None:
    from medreason.base.store import open_store

    store: Store = open_store(s3_root, cache=tmp_path / "copies")
    made = world.candidate()
    url = publish(store, made, gates=world.proofs(store, made), build=world.BUILD, key=key).url
    with open_audit(url) as audit:
        assert lineage.orphans(audit) == []
        assert lineage.audit_row(audit, _item("released"))["release_id"] == made.release_id


# ---------------------------------------------------------------- the program


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for command in (audit_command, verify_command):
        command.register(commands)
    arguments = parser.parse_args(words)
    return int(arguments.run(arguments))


SHOWN = {
    "row": (["row", _item("released")], ["train.jsonl line:1", "fever -indication-> gout", "kept by step_support"]),
    "why-not": (["why-not", _item("unpathed")], ["grounding: no_path", "came through: raw, normalisation, curation"]),
    "quarantine": (["quarantine", "--reason", "no_path"], [_item("unpathed"), "no_path"]),
    "reasons": (["reasons"], ["contaminated", "medqa_test"]),
    "conservation": (["conservation"], ["n_missing"]),
    "orphans": (["orphans"], ["nothing found"]),
    "edge": (["edge", world.edge(0)], [_item("released")]),
    "path": (["path", world.path_id(0)], [_item("released"), "fever is related to gout", "no rule speaks against it"]),
    "coverage": (["coverage"], ["n_never", "disease", "indication"]),
    "source": (["source", "medqa"], ["train.jsonl", "CC0-1.0"]),
    "model": (["model"], ["rule"]),
    "prompt": (["prompt"], [world.TEMPLATE_SHA256[:40]]),
    "licence": (["licence"], ["CC0-1.0"]),
}


@pytest.mark.parametrize(("words", "shown"), SHOWN.values(), ids=SHOWN)
def test_the_program_answers(
    words: list[str],
    shown: list[str],
    published: Published,
    local_store: Store,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    assert _run("audit", *words, "--root", local_store.url) == 0
    printed = capsys.readouterr().out
    assert [text for text in shown if text not in printed] == []
    assert _run("audit", *words, "--release", published.url, "--json") == 0
    assert json.loads(capsys.readouterr().out)["release_id"] == published.release_id


@pytest.mark.parametrize("columns", ["40", "80", "250"])
@pytest.mark.parametrize("is_terminal", [False, True])
def test_nothing_of_a_row_is_cut_however_narrow_the_window(
    columns: str,
    is_terminal: bool,
    published: Published,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _run("audit", "row", _item("released"), "--release", published.url, "--json")
    found = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TTY_COMPATIBLE", str(int(is_terminal)))
    _run("audit", "row", _item("released"), "--release", published.url)
    words = re.sub(r"\x1b\[[0-9;]*m|[\s│├└─]+", "", capsys.readouterr().out)
    kept = [found["writing"]["request_sha256"], found["raw"]["raw_file_sha256"], found["row"]["conclusion"]]
    assert [text for text in kept if re.sub(r"\s+", "", text) not in words] == []


def test_coverage_names_entities_that_are_reached_and_never(
    published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    for n, told in ((1, [("fever", "reached"), ("scurvy", "never reached")]), (0, [])):
        _run("audit", "coverage", "--entities", "--n", str(n), "--release", published.url, "--json")
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert [(row["name"], row["state"]) for row in rows] == told


def test_a_release_made_before_coverage_was_counted_can_still_be_asked(published: Published) -> None:
    place = Path(published.url) / "manifest.json"
    manifest = json.loads(place.read_bytes())
    del manifest["tables"]["coverage"]
    place.write_bytes(canonical_json(manifest))
    with open_audit(published.url) as audit:
        assert lineage.coverage(audit) == lineage.entities(audit, n=5) == []
        assert lineage.orphans(audit) == []


WRONG_CALLS = {
    "reason": (["--reason", "no_paht"], "did you mean no_path"),
    "stage": (["--stage", "grading"], "did you mean grounding"),
    "nothing near": (["--stage", "xyz"], "none of raw, normalisation"),
    "fewer than none": (["--n", "-1"], "expected one argument|is no count"),
    "no number": (["--n", "many"], "is no count"),
}


@pytest.mark.parametrize(("words", "says"), WRONG_CALLS.values(), ids=WRONG_CALLS)
def test_a_filter_that_cannot_be_is_a_wrong_call(
    words: list[str], says: str, published: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        _run("audit", "quarantine", *words, "--release", published.url)
    assert ended.value.code == 2
    assert re.search(says, capsys.readouterr().err)


def test_every_question_is_shown_in_a_test() -> None:
    assert set(SHOWN) == set(audit_command._QUESTIONS)


def test_orphans_end_with_the_code_of_a_corrupt_release(published: Published) -> None:
    for name, question in (("paths", "orphans"), ("quarantine", "conservation")):
        assert _run("audit", question, "--release", _broken(published, name)) == 10


def test_text_of_a_release_is_printed_as_text(local_store: Store, key, capsys: pytest.CaptureFixture[str]) -> None:
    given = world.inputs(["released"])
    chains = given.chains.to_pylist()
    chains[0]["steps"][0]["text"] = "[red]bold[/red] [link=https://example.org]x[/link]"
    made = world.candidate(["released"], chains=world.CHAINS.from_rows(chains))
    publish(local_store, made, gates=world.proofs(local_store, made), build=world.BUILD, key=key)
    _run("audit", "row", _item("released"), "--root", local_store.url)
    assert "[red]bold[/red] [link=https://example.org]x[/link]" in capsys.readouterr().out


VERIFIED = {"newest": [], "named": ["made-up"], "by version": ["made-up/2026.11.20"], "deep": ["made-up", "--deep"]}


@pytest.mark.parametrize("words", VERIFIED.values(), ids=VERIFIED)
def test_the_program_verifies(
    words: list[str], published: Published, local_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("verify", *words, "--root", local_store.url) == 0
    assert published.release_id in capsys.readouterr().out
    assert _run("verify", *words, "--root", local_store.url, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["release_id"], answer["counts"]["released"]) == (published.release_id, 2)


def test_the_program_demands_a_signature(published: Published, tmp_path: Path) -> None:
    public = str(tmp_path / "keys" / "release.pub.pem")
    assert _run("verify", published.url, "--pubkey", public) == 0
    (tmp_path / "keys" / "release.pub.pem").write_bytes(b"no key")
    with pytest.raises(MedReasonError) as error:
        _run("verify", published.url, "--pubkey", public)
    assert error.value.exit_code == 2
