"""Tasks: what is rendered can be read back, what comes back is checked against what was given.

Belongs: templates, blocks, parsers, rule answers of all tasks but the writer's wording.
Does not belong: wording (test_verbaliser.py), seeded faults (test_faults.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Reason
from medreason.chains.tasks import TASKS, Fault, answer, choose, extract, judge, prune, write
from medreason.chains.tasks.protocol import BEGIN, END, Template, encode_block
from medreason.chains.tasks.shown import ShownOption, show_paths
from tests.chains.tasks_world import (
    ARACHNODACTYLY,
    ASPIRIN,
    EHLERS,
    FBN1,
    GOUT,
    HOSTILE,
    IBUPROFEN,
    MARFAN,
    MARFAN_ROWS,
    NAUSEA,
    OPTIONS,
    PTGS2,
    path_row,
    shown,
    writing,
)

EVIDENCE = answer.Evidence(
    finding="arachnodactyly",
    option="B",
    path="arachnodactyly <-presents with- Marfan syndrome",
    n_hops=1,
    stance="supports",
)
INPUTS: dict[str, Any] = {
    "extract": extract.ExtractGiven(
        parts=(
            extract.Part(
                no="T1", kind="stem", text="He has a rash.", spans=(extract.DetectedSpan(no="S1", text="rash"),)
            ),
        )
    ),
    "choose": choose.ChooseGiven(
        mention="MI",
        sentence="after an MI",
        candidates=(choose.Candidate(no="C1", name="myocardial infarction", types=("disease",), match="exact"),),
        first_leads=True,
    ),
    "prune": prune.PruneGiven(
        question="Which?", options=OPTIONS, quotas=(prune.Quota(target="B", at_most=2),), paths=shown(*MARFAN_ROWS)
    ),
    "write": writing(*MARFAN_ROWS, unconnected=("C",)),
    "answer": answer.AnswerGiven(
        question="Which?", options=OPTIONS, masked_chain=("Found: arachnodactyly.",), evidence=(EVIDENCE,)
    ),
    "judge": judge.JudgeGiven(
        question="Which?", answer_type="free_text", answer="MI", gold="mi", lower="", upper="", same_concept=False
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_the_rule_answer_fits_schema_and_parser(name: str) -> None:
    task, given_input = TASKS[name], INPUTS[name]
    value = task.rule(given_input)
    jsonschema.Draft202012Validator(task.schema).validate(value)
    assert not isinstance(task.parse(json.dumps(value), given_input), Fault)


@pytest.mark.parametrize("name", TASKS)
def test_the_rule_answers_from_the_messages_alone(name: str) -> None:
    task, given_input = TASKS[name], INPUTS[name]
    assert task.rule(task.parse_input(task.messages(given_input))) == task.rule(given_input)


def _unbounded(schema: Any) -> list[Any]:
    found = []
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not {"maxLength", "pattern", "enum", "const"} & set(schema):
            found.append(schema)
        if schema.get("type") == "array" and "maxItems" not in schema:
            found.append(schema)
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            found.append(schema)
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [bad for part in parts for bad in _unbounded(part)]


@pytest.mark.parametrize("name", TASKS)
def test_every_response_is_bounded(name: str) -> None:
    assert _unbounded(TASKS[name].schema) == []


@given(texts=st.lists(HOSTILE, min_size=8, max_size=8), number=st.integers(1, 3))
def test_every_input_can_be_read_back(texts: list[str], number: int) -> None:
    a, b, c, d, e, f, g, h = texts
    inputs: dict[str, Any] = {
        "extract": extract.ExtractGiven(
            parts=(extract.Part(no="T1", kind=a, text=b, spans=(extract.DetectedSpan(no="S1", text=c),)),) * number
        ),
        "choose": replace(INPUTS["choose"], mention=a, sentence=b),
        "prune": replace(INPUTS["prune"], question=a, options=(ShownOption(letter="A", text=b),)),
        "write": writing(
            path_row(("disease", a, b), "gene", ("gene/protein", c, d)),
            question=e,
            context=f,
            answer=g,
            answer_letters=(h,),
        ),
        "answer": replace(INPUTS["answer"], question=a, masked_chain=(b, c), evidence=(replace(EVIDENCE, path=d),)),
        "judge": replace(INPUTS["judge"], question=a, answer=b, gold=c, lower=d),
    }
    for name, task in TASKS.items():
        messages = task.messages(inputs[name])
        assert task.parse_input(messages) == inputs[name]
        content = messages[-1]["content"]
        assert content.count(f"{BEGIN}\n") == content.count(f"\n{END}") == 1
        assert "<|" not in content
        assert "[INST" not in content


def test_a_block_has_a_limit() -> None:
    task = TASKS["judge"]
    with pytest.raises(ValueError, match="at most"):
        encode_block(replace(INPUTS["judge"], question="x" * 700_000), task.input_adapter)


def test_messages_of_another_task_are_refused() -> None:
    with pytest.raises(ValueError, match="validation error"):
        TASKS["judge"].parse_input(TASKS["choose"].messages(INPUTS["choose"]))
    with pytest.raises(ValueError, match="no input block"):
        TASKS["judge"].parse_input([{"role": "user", "content": "hello"}])


def test_a_template_cannot_reach_out_of_its_sandbox() -> None:
    template = Template.of("bad", "{{ ''.__class__.__mro__ }}\n=== user ===\n{{ block }}")
    with pytest.raises(Exception, match="unsafe"):
        template.render("x")
    with pytest.raises(ValueError, match="needs one line"):
        Template.of("bad", "no user part {{ block }}")


def test_prompts_hold_no_ids_costs_or_dates() -> None:
    for name in ("prune", "write"):
        content = TASKS[name].messages(INPUTS[name])[-1]["content"]
        for row in MARFAN_ROWS:
            for secret in (row["path_id"], row["item_id"], row["hops"][0][0]["edge_id"], "cost", "7947"):
                assert secret not in content


def test_paths_are_shown_in_the_direction_of_the_registry() -> None:
    rows = (
        path_row(ARACHNODACTYLY, "presents", MARFAN, "gene", FBN1),
        path_row(FBN1, "ppi", PTGS2),
    )
    paths = show_paths(rows, ("A", "A"))
    assert [edge.edge for edge in paths[0].edges] == [
        ("arachnodactyly", "<-presents with-", "Marfan syndrome"),
        ("Marfan syndrome", "-is associated with->", "FBN1"),
    ]
    assert next(paths[1].edges).edge[1] == "--interacts with--"
    assert [edge.no for path in paths for edge in path.edges] == ["E1", "E2", "E3"]


RESPONSES = {
    "broken JSON": ("judge", "{", Reason.MALFORMED_RESPONSE),
    "prose": ("judge", "Sure! The verdict is correct.", Reason.MALFORMED_RESPONSE),
    "fenced": ("judge", '```json\n{"verdict": "correct"}\n```', Reason.MALFORMED_RESPONSE),
    "a list": ("judge", "[]", Reason.SCHEMA_MISMATCH),
    "missing key": ("judge", "{}", Reason.SCHEMA_MISMATCH),
    "further key": ("judge", '{"verdict": "correct", "why": ""}', Reason.SCHEMA_MISMATCH),
    "another value": ("judge", '{"verdict": "maybe"}', Reason.SCHEMA_MISMATCH),
    "another type": ("answer", '{"abstain": "no", "answer": "B"}', Reason.SCHEMA_MISMATCH),
    "foreign span": ("extract", '{"spans": ["S2"], "more": []}', Reason.FOREIGN_REFERENCE),
    "span that is not there": (
        "extract",
        '{"spans": [], "more": [{"part": "T1", "text": "fever", "is_absent": false}]}',
        Reason.FOREIGN_REFERENCE,
    ),
    "foreign candidate": ("choose", '{"candidate": "C2"}', Reason.FOREIGN_REFERENCE),
    "foreign path": ("prune", '{"paths": ["P9"]}', Reason.FOREIGN_REFERENCE),
    "too many paths": ("prune", '{"paths": ["P1", "P2", "P3"]}', Reason.SCHEMA_MISMATCH),
    "no option": ("answer", '{"abstain": false, "answer": "D"}', Reason.NOT_AN_OPTION),
    "option by text": ("answer", '{"abstain": false, "answer": "Marfan syndrome"}', Reason.NOT_AN_OPTION),
}


@pytest.mark.parametrize(("name", "text", "reason"), RESPONSES.values(), ids=RESPONSES)
def test_bad_responses_have_their_reason(name: str, text: str, reason: Reason) -> None:
    result = TASKS[name].parse(text, INPUTS[name])
    assert isinstance(result, Fault)
    assert result.reason is reason


def _written(**changes: Any) -> str:
    return json.dumps({**TASKS["write"].rule(INPUTS["write"]), **changes})


CHAINS = {
    "cannot write": ({"cannot_write": True}, Reason.CANNOT_WRITE),
    "foreign edge": ({"steps": [{"text": "So.", "edges": ["E99"]}]}, Reason.FOREIGN_REFERENCE),
    "foreign path": ({"paths": ["P99"]}, Reason.FOREIGN_REFERENCE),
    "no step": ({"steps": []}, Reason.SCHEMA_MISMATCH),
    "blank conclusion": ({"conclusion": "  "}, Reason.SCHEMA_MISMATCH),
    "no option": ({"answer": "Z"}, Reason.NOT_AN_OPTION),
    "too long": ({"conclusion": "x" * 5000}, Reason.SCHEMA_MISMATCH),
}


@pytest.mark.parametrize(("changes", "reason"), CHAINS.values(), ids=CHAINS)
def test_bad_chains_have_their_reason(changes: dict[str, Any], reason: Reason) -> None:
    result = TASKS["write"].parse(_written(**changes), INPUTS["write"])
    assert isinstance(result, Fault)
    assert result.reason is reason


def test_letters_come_back_in_order() -> None:
    chain = write.TASK.parse(_written(answer="C,B"), INPUTS["write"])
    assert isinstance(chain, write.Chain)
    assert chain.answer == "B, C"


@given(text=st.text(max_size=200))
def test_any_response_is_read_or_refused(text: str) -> None:
    for name, task in TASKS.items():
        task.parse(text, INPUTS[name])


# ---------------------------------------------------------------- rules


def test_choose_takes_the_leader_or_none() -> None:
    given_input = INPUTS["choose"]
    assert choose.TASK.rule(given_input) == {"candidate": "C1"}
    assert choose.TASK.rule(replace(given_input, first_leads=False)) == {"candidate": None}
    assert choose.TASK.rule(replace(given_input, candidates=())) == {"candidate": None}


def test_prune_shows_each_step_once_and_varies() -> None:
    rows = (
        path_row(ASPIRIN, "target", PTGS2),
        path_row(ASPIRIN, "treats", GOUT, "gene", PTGS2),
        path_row(IBUPROFEN, "treats", GOUT, "treats", ASPIRIN, "target", PTGS2),
        path_row(IBUPROFEN, "target", PTGS2),
        path_row(ASPIRIN, "target", PTGS2, "ppi", FBN1),
        path_row(ASPIRIN, "causes", NAUSEA, verdict="neutral"),
    )
    paths = show_paths(rows, ["B"] * len(rows))
    kept = prune.varied([path for path in paths if path.stance == "supports"], 4)
    assert [path.no for path in kept] == ["P1", "P2", "P4", "P5"]


def test_prune_keeps_quotas_and_only_direct_objections() -> None:
    rows = (
        path_row(ARACHNODACTYLY, "presents", MARFAN),
        path_row(GOUT, "forbids", ASPIRIN, target="option:A", verdict="against"),
        path_row(NAUSEA, "presents", GOUT, "forbids", ASPIRIN, target="option:C", verdict="against"),
    )
    given_input = prune.PruneGiven(
        question="Which?",
        options=OPTIONS,
        quotas=tuple(prune.Quota(target=letter, at_most=1) for letter in "ABC"),
        paths=shown(*rows),
    )
    assert prune.TASK.rule(given_input) == {"paths": ["P2", "P1"]}


def _evidence(option: str, n_hops: int, stance: str = "supports", finding: str = "x") -> answer.Evidence:
    return answer.Evidence(finding=finding, option=option, path="", n_hops=n_hops, stance=stance)  # type: ignore[arg-type]


ANSWERS = {
    "no evidence": ((), "Which?", ""),
    "one option": ((_evidence("A", 2),), "Which?", "A"),
    "the nearer one": ((_evidence("A", 2), _evidence("B", 1)), "Which?", "B"),
    "a tie": ((_evidence("A", 2), _evidence("B", 2)), "Which?", ""),
    "more findings": ((_evidence("A", 2), _evidence("B", 2), _evidence("B", 3, finding="y")), "Which?", "B"),
    "one finding counts once": ((_evidence("A", 2), _evidence("A", 3), _evidence("B", 1)), "Which?", "B"),
    "neutral says nothing": ((_evidence("A", 1, "neutral"),), "Which?", ""),
    "against": ((_evidence("A", 1, "against"), _evidence("B", 3)), "Which?", "B"),
    "exception": ((_evidence("A", 1), _evidence("B", 1), _evidence("C", 3)), "All EXCEPT which?", "C"),
    "exception with one told of": ((_evidence("A", 1),), "All EXCEPT which?", ""),
}


@pytest.mark.parametrize(("evidence", "question", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_the_answer_follows_the_evidence(evidence: tuple[answer.Evidence, ...], question: str, expected: str) -> None:
    given_input = answer.AnswerGiven(question=question, options=OPTIONS, masked_chain=(), evidence=evidence)
    assert answer.TASK.rule(given_input) == {"abstain": not expected, "answer": expected}


JUDGED = {
    "same words": ("free_text", "Myocardial  infarction.", "myocardial infarction", "", "", False, "correct"),
    "same concept": ("free_text", "heart attack", "myocardial infarction", "", "", True, "correct"),
    "other words": ("free_text", "heart attack", "myocardial infarction", "", "", False, "cannot_judge"),
    "empty": ("free_text", "", "", "", "", False, "cannot_judge"),
    "in limits": ("number", "about 14.2 %", "14", "13.3", "14.7", False, "correct"),
    "at a limit": ("number", "14.7", "14", "13.3", "14.7", False, "correct"),
    "out of limits": ("number", "15", "14", "13.3", "14.7", False, "incorrect"),
    "tolerance": ("number", "100.9", "100", "", "", False, "correct"),
    "beyond tolerance": ("number", "101.1", "100", "", "", False, "incorrect"),
    "negative": ("number", "-2.0", "-2", "-2.1", "-1.9", False, "correct"),
    "thousands": ("number", "1,250 mg", "1250", "", "", False, "correct"),
    "two numbers": ("number", "between 13 and 15", "14", "", "", False, "cannot_judge"),
    "no number": ("number", "high", "14", "", "", False, "cannot_judge"),
    "date": ("date", "due on 06/07/2024", "6/7/2024", "", "", False, "correct"),
    "other date": ("date", "06/08/2024", "06/07/2024", "", "", False, "incorrect"),
}


@pytest.mark.parametrize(
    ("answer_type", "text", "gold", "lower", "upper", "same", "expected"), JUDGED.values(), ids=JUDGED
)
def test_judgements(answer_type: str, text: str, gold: str, lower: str, upper: str, same: bool, expected: str) -> None:
    given_input = judge.JudgeGiven(
        question="", answer_type=answer_type, answer=text, gold=gold, lower=lower, upper=upper, same_concept=same
    )
    assert judge.TASK.rule(given_input) == {"verdict": expected}


EXCEPTIONS = {
    "All of the following are true EXCEPT": True,
    "Which is NOT a feature of gout?": True,
    "Which of these is least likely?": True,
    "Which drug is not indicated here?": True,
    "Which condition is not caused by a mutation in FGFR3?": True,
    "Why is she not sleeping?": False,
    "He is not well. Which of these drugs should not be given?": False,
    "All except one child recovered. Which organism is likely?": False,
    "He does not smoke. Which diagnosis is most likely?": False,
    "Which of the following is true?": False,
    "Drug not given in PCOD in a 30-year-old lady?": True,
    "Gardner syndrome does not include:": True,
    "The causative organism shall not include?": True,
    "Not seen in the classical triad of megaloblastic anemia": True,
    "Gene not involved in SCID": True,
    "Identify one condition that is not a risk factor for this disease.": True,
    "The organism which plays least role in periodontitis is:": True,
    "Which drug is least efficacious in epilepsy?": True,
    "Relative bradycardia is uncommon in:": True,
    "Which organ is most likely to be spared?": True,
    "Which drug has shown limited evidence of effectiveness in mania?": True,
    "Regarding fractures, point out the WRONG answer:": True,
    "Which statement about gout is wrong?": True,
    "What went wrong with her heart valve?": False,
    "Which of these adverse effects cannot be explained with escitalopram?": True,
    "Which of the following complications need not to be treated?": True,
    "In which dementia are cognitive symptoms less likely?": True,
    "G-protein coupled receptor that does not act through potassium channels is": True,
    "Which rare disease does she have?": False,
    "Which complication follows if it is not treated?": False,
    "Which test needs at least two visits?": False,
    "What would you do for a boy who was not vaccinated?": False,
}


@pytest.mark.parametrize(("question", "expected"), EXCEPTIONS.items(), ids=EXCEPTIONS)
def test_questions_for_the_exception(question: str, expected: bool) -> None:
    assert answer.asks_exception(question) is expected


def test_the_writer_may_find_the_answer_itself() -> None:
    rows = (*MARFAN_ROWS, path_row(ARACHNODACTYLY, "presents", EHLERS, target="option:A"))
    blind = writing(*rows, answer_letters=(), answer="", unconnected=())
    assert write.TASK.rule(blind)["answer"] == "B"
    tie = writing(MARFAN_ROWS[0], MARFAN_ROWS[3], answer_letters=(), answer="", unconnected=())
    assert write.TASK.rule(tie)["cannot_write"] is True
