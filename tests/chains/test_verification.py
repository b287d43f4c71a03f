"""Verification: support of steps, masking, controls, policy.

Belongs: named cases and laws of each check.
Does not belong: whole shards (test_shards.py), seeded faults (test_faults.py).
"""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.reasons import Outcome
from medreason.chains.verification.controls import Partner, pair_controls
from medreason.chains.verification.masking import MASK, mask_text, masked_chain, option_terms
from medreason.chains.verification.policy import KeepRule, VerificationSettings, decide, label_of
from medreason.chains.verification.support import NodeTerms, check_chain, edge_facts, named_options
from tests.chains.tasks_world import (
    ARACHNODACTYLY,
    ASPIRIN,
    ECTOPIA,
    FBN1,
    GOUT,
    HYPERMOBILITY,
    MARFAN,
    MARFAN_ROWS,
    NAUSEA,
    OPTIONS,
    PTGS2,
    path_row,
)

QUESTION: dict[str, Any] = {
    "options": [{"letter": option.letter, "text": option.text} for option in OPTIONS],
    "answer_letters": ["B"],
    "answer_type": "choice",
    "stem": "Which diagnosis is most likely?",
}
ROWS = (
    *MARFAN_ROWS,
    path_row(ARACHNODACTYLY, "absent", GOUT),
    path_row(GOUT, "treats", ASPIRIN),
    path_row(FBN1, "ppi", PTGS2),
    path_row(ASPIRIN, "causes", NAUSEA),
)
FACTS = edge_facts(ROWS, NodeTerms({("disease", "7947"): ("MFS",)}))
PRESENTS, ECTOPIC, GENE, OTHER, ABSENT, TREATS, PPI, CAUSES = FACTS


def _faults(text: str, *edges: str, kind: str = "rule", **changes: Any) -> list[str]:
    chain = {
        "steps": [{"step_no": 1, "text": text, "edge_ids": list(edges)}],
        "conclusion": "The answer is option B (Marfan syndrome).",
        "answer_given": "B",
        "engine_kind": kind,
        **changes,
    }
    return list(check_chain(chain, QUESTION, FACTS, ("A",), set(FACTS)).failed)


STEPS: dict[str, tuple[str, tuple[str, ...], str, bool]] = {
    "our words": ("Marfan syndrome presents with arachnodactyly.", (PRESENTS,), "rule", True),
    "a synonym": ("MFS presents with arachnodactyly.", (PRESENTS,), "rule", True),
    "reversed": ("Arachnodactyly presents with Marfan syndrome.", (PRESENTS,), "rule", False),
    "unknown direction either way": ("PTGS2 interacts with FBN1.", (PPI,), "rule", True),
    "denied": ("Marfan syndrome never presents with arachnodactyly.", (PRESENTS,), "rule", False),
    "another entity": ("Gout presents with arachnodactyly.", (PRESENTS,), "rule", False),
    "part of a word": ("Marfan syndrome presents with parachnodactylyx.", (PRESENTS,), "rule", False),
    "one edge of two": ("Marfan syndrome presents with arachnodactyly.", (PRESENTS, GENE), "rule", False),
    "both in one sentence": (
        "Marfan syndrome presents with arachnodactyly and is associated with FBN1.",
        (PRESENTS, GENE),
        "rule",
        True,
    ),
    "a denial kept": ("Gout does not present with arachnodactyly.", (ABSENT,), "rule", True),
    "a denial lost": ("Gout presents with arachnodactyly.", (ABSENT,), "rule", False),
    "another relation": ("Marfan syndrome is indicated for arachnodactyly.", (PRESENTS,), "rule", False),
    "a further claim": (
        "Marfan syndrome presents with arachnodactyly. Marfan syndrome is indicated for gout.",
        (PRESENTS,),
        "rule",
        False,
    ),
    "no edge": ("Marfan syndrome is common.", (), "rule", False),
    "an unknown edge": ("Marfan syndrome presents with arachnodactyly.", ("0" * 16,), "rule", False),
    "absence of what is absent": ("The search found no connection for option C (Homocystinuria).", (), "rule", True),
    "absence of what is there": ("The search found no connection for option A (x).", (), "rule", False),
    "absence of the answer": ("The search found no connection for option B (x).", (), "rule", False),
    "absence by name": ("The graph has no path to homocystinuria.", (), "openai", True),
    "free words": ("Long fingers, or arachnodactyly, are typical of Marfan syndrome.", (PRESENTS,), "openai", True),
    "free words by the rule engine": ("Arachnodactyly is typical of Marfan syndrome.", (PRESENTS,), "rule", False),
    "free denial": ("Arachnodactyly is not typical of Marfan syndrome.", (PRESENTS,), "openai", False),
    "free denial of a denial": ("Arachnodactyly is typical of gout.", (ABSENT,), "openai", False),
    "free treatment without one": ("Marfan syndrome is treated with arachnodactyly.", (PRESENTS,), "openai", False),
    "side effect as treatment": ("Acetylsalicylic acid is a treatment of nausea.", (CAUSES,), "openai", False),
    "treatment as side effect": ("Gout is a side effect of acetylsalicylic acid.", (TREATS,), "openai", False),
}


@pytest.mark.parametrize(("text", "edges", "kind", "expected"), STEPS.values(), ids=STEPS)
def test_steps_are_held_against_their_edges(text: str, edges: tuple[str, ...], kind: str, expected: bool) -> None:
    assert (_faults(text, *edges, kind=kind) == []) is expected


CONCLUSIONS = {
    "letter": ({"conclusion": "So B."}, True),
    "text": ({"conclusion": "So it is Marfan syndrome."}, True),
    "neither": ({"conclusion": "So it is clear."}, False),
    "another option": ({"conclusion": "So it is homocystinuria."}, False),
    "another answer": ({"answer_given": "A"}, False),
}


@pytest.mark.parametrize(("changes", "expected"), CONCLUSIONS.values(), ids=CONCLUSIONS)
def test_the_conclusion_names_the_gold_answer(changes: dict[str, Any], expected: bool) -> None:
    found = _faults("Marfan syndrome presents with arachnodactyly.", PRESENTS, **changes)
    assert (found == []) is expected


def test_an_edge_that_the_graph_lost_supports_nothing() -> None:
    chain = {
        "steps": [{"step_no": 1, "text": "Marfan syndrome presents with arachnodactyly.", "edge_ids": [PRESENTS]}],
        "conclusion": "So B.",
        "answer_given": "B",
        "engine_kind": "rule",
    }
    support = check_chain(chain, QUESTION, FACTS, (), set())
    assert support.failed == (f"1: edge {PRESENTS} is not on a path of this question",)
    assert support.score_thousandths == 500


OPTION_TEXTS = {
    "by letter": ("no connection for option C", "AC", {"C"}),
    "a capital within a text": ("option A (Vitamin C)", "Vitamin C|Vitamin K|Iron", {"A"}),
    "one text within another": ("options A (Atypical gout) and C (Iron)", "Atypical gout|Gout|Iron", {"A", "C"}),
    "by text alone": ("no path to gout", "Iron|Gout", {"B"}),
    "none": ("no path at all", "Iron|Gout", set()),
}


@pytest.mark.parametrize(("text", "options", "expected"), OPTION_TEXTS.values(), ids=OPTION_TEXTS)
def test_options_that_a_text_speaks_of(text: str, options: str, expected: set[str]) -> None:
    rows = [{"letter": letter, "text": option} for letter, option in zip("ABC", options.split("|"), strict=False)]
    if "|" not in options:
        rows = [{"letter": letter, "text": f"text {letter}"} for letter in options]
    assert named_options(text, rows) == expected


# ---------------------------------------------------------------- masking

TERMS = option_terms(["Marfan syndrome", "Ehlers-Danlos syndrome", "5 mg", "Vitamin C."], ["MFS", "EDS", "FBN1"])
MASKS = {
    "name": ("Consider Marfan syndrome.", "Consider [masked]."),
    "other case and hyphen": ("ehlers danlos  syndrome", "[masked]"),
    "possessive": ("Marfan syndrome's signs", "[masked] signs"),
    "synonym": ("MFS or EDS", "[masked] or [masked]"),
    "inside a word": ("MFSX and FBN12 stay", "MFSX and FBN12 stay"),
    "number": ("give 5 mg now", "give [masked] now"),
    "longest first": ("vitamin C", "[masked]"),
    "letters": ("options A, B and C", "[masked]"),
    "answer letter": ("the answer is (B)", "the [masked]"),
    "single capital": ("so B it is", "so [masked] it is"),
    "article stays": ("A man has a rash", "A man has a rash"),
}


@pytest.mark.parametrize(("text", "expected"), MASKS.values(), ids=MASKS)
def test_names_and_letters_are_masked(text: str, expected: str) -> None:
    assert mask_text(text, TERMS, "ABCD") == expected


def test_masking_leaves_nothing_that_names_an_option() -> None:
    chain = {
        "path_ids": [row["path_id"] for row in MARFAN_ROWS],
        "steps": [
            {"step_no": 1, "text": "Marfan syndrome presents with arachnodactyly.", "edge_ids": [PRESENTS]},
            {"step_no": 2, "text": "FBN1 interacts with PTGS2, so not option A.", "edge_ids": [PPI]},
            {"step_no": 3, "text": "No connection for option C (Homocystinuria).", "edge_ids": []},
        ],
    }
    nodes = {MARFAN[:2], ("disease", "13138")}
    terms = option_terms([option.text for option in OPTIONS], ["MFS"])
    lines = masked_chain(chain, ROWS, FACTS, nodes, terms, "ABC")
    assert lines == (
        "Entities found: arachnodactyly; ectopia lentis; FBN1; joint hypermobility.",
        "FBN1 interacts with PTGS2, so not [masked].",
    )


WORDS = st.sampled_from(
    ["Marfan syndrome", "MFS", "option B", "(C)", "fever", "5 mg", "B", "and", "EDS's", "choices A or D"]
)


@given(parts=st.lists(WORDS, max_size=12))
def test_no_term_and_no_option_letter_survives(parts: list[str]) -> None:
    masked = mask_text(" ".join(parts), TERMS, "ABCD").replace(MASK, " ")
    assert not re.search(r"marfan|\bmfs\b|\beds\b|5 mg|option|choice|\([A-D]\)|\b[BCD]\b", masked, re.IGNORECASE)


# ---------------------------------------------------------------- controls


def _partners(ids: list[int]) -> list[Partner]:
    return [
        Partner(
            item_id=f"medqa:{n:016x}", source="medqa" if n % 3 else "mmlu", n_options=4 + n % 2, group_id=str(n // 2)
        )
        for n in ids
    ]


@given(ids=st.lists(st.integers(0, 400), unique=True, max_size=60), shuffle=st.randoms())
def test_controls_follow_from_the_ids_alone(ids: list[int], shuffle: Any) -> None:
    items = _partners(ids)
    pairs = pair_controls(items)
    mixed = list(items)
    shuffle.shuffle(mixed)
    assert pair_controls(mixed) == pairs
    group = {item.item_id: item.group_id for item in items}
    assert all(group[one] != group[other] for one, other in pairs.items())


def test_a_control_is_of_the_same_source_and_size_where_there_is_one() -> None:
    items = _partners(list(range(60)))
    by_id = {item.item_id: item for item in items}
    for one, other in pair_controls(items).items():
        assert (by_id[one].source, by_id[one].n_options) == (by_id[other].source, by_id[other].n_options)
    alone = [*items, Partner(item_id="x:1", source="x", n_options=2, group_id="x")]
    assert pair_controls(alone)["x:1"]
    assert pair_controls(_partners([7])) == {}


# ---------------------------------------------------------------- policy


def _chain(sample_no: int = 0, *, kind: str = "rule", outcome: str = "ok", reason: str = "") -> dict[str, Any]:
    return {
        "item_id": "i",
        "sample_no": sample_no,
        "engine_kind": kind,
        "outcome": outcome,
        "reason": reason,
        "detail": "",
    }


def _verdict(check: str, outcome: str, score: int = 1000, sample_no: int = 0, control: bool = False) -> dict[str, Any]:
    return {
        "item_id": "i",
        "sample_no": sample_no,
        "check": check,
        "is_control": control,
        "outcome": outcome,
        "score": score,
        "detail": "",
    }


SUPPORT, AGAIN = "step_support", "re_answer"
POLICIES: dict[str, tuple[str | None, str, list[dict[str, Any]], str, str]] = {
    "rule keeps by support": (None, "rule", [_verdict(SUPPORT, "passed"), _verdict(AGAIN, "failed")], "ok", ""),
    "rule without support": (None, "rule", [_verdict(SUPPORT, "failed", 500)], "quarantined", "unsupported_step"),
    "model needs both": (None, "openai", [_verdict(SUPPORT, "passed"), _verdict(AGAIN, "passed")], "ok", ""),
    "model wrong": (
        None,
        "openai",
        [_verdict(SUPPORT, "passed"), _verdict(AGAIN, "failed")],
        "quarantined",
        "re_answer_wrong",
    ),
    "model abstains": (
        None,
        "openai",
        [_verdict(SUPPORT, "passed"), _verdict(AGAIN, "abstained")],
        "quarantined",
        "re_answer_abstained",
    ),
    "a control decides nothing": (
        None,
        "rule",
        [_verdict(SUPPORT, "passed"), _verdict(SUPPORT, "failed", control=True)],
        "ok",
        "",
    ),
    "answerer down": (None, "openai", [_verdict(SUPPORT, "passed"), _verdict(AGAIN, "deferred")], "deferred", ""),
    "re-answer alone": (
        "re_answer",
        "rule",
        [_verdict(SUPPORT, "failed"), _verdict(AGAIN, "passed")],
        "ok",
        "",
    ),
}


@pytest.mark.parametrize(("keep", "kind", "verdicts", "outcome", "reason"), POLICIES.values(), ids=POLICIES)
def test_the_policy(keep: Any, kind: str, verdicts: list[dict[str, Any]], outcome: str, reason: str) -> None:
    (decision,) = decide([_chain(kind=kind)], verdicts, VerificationSettings(keep=keep))
    assert (decision.outcome.value, decision.reason) == (outcome, reason)
    assert bool(decision.label) == (outcome == "ok")


def test_names_of_kept_rows_are_those_that_the_release_gate_knows() -> None:
    from expectations.release import LABELS

    given = [label_of(kind, rule) for kind in ("rule", "openai", "vllm", "replay") for rule in get_args(KeepRule)]
    assert set(given) == set(LABELS)


def test_the_best_of_several_chains_is_kept() -> None:
    chains = [_chain(n) for n in range(4)]
    verdicts = [
        *(
            _verdict(SUPPORT, "failed", 500, 0),
            _verdict(SUPPORT, "passed", 1000, 1),
            _verdict(SUPPORT, "passed", 1000, 2),
        ),
        *(_verdict(AGAIN, "failed", 0, 1), _verdict(AGAIN, "passed", 300, 2), _verdict(SUPPORT, "passed", 1000, 3)),
    ]
    (decision,) = decide(chains, verdicts, VerificationSettings())
    assert decision.sample_no == 2
    (tie,) = decide(chains[1:], [_verdict(SUPPORT, "passed", 1000, n) for n in (1, 2, 3)], VerificationSettings())
    assert tie.sample_no == 1


def test_a_chain_that_was_not_written_keeps_its_reason() -> None:
    (decision,) = decide([_chain(outcome="quarantined", reason="cut_short")], [], VerificationSettings())
    assert (decision.outcome, decision.reason) == (Outcome.QUARANTINED, "cut_short")
    (later,) = decide(
        [_chain(outcome="quarantined", reason="cut_short"), _chain(1, outcome="deferred")], [], VerificationSettings()
    )
    assert later.outcome is Outcome.DEFERRED


def test_unused_findings_of_the_world_exist() -> None:
    """The world's nodes are those that the facts above name: a renamed node would make cases pass for nothing."""
    assert {ECTOPIC, OTHER} <= set(FACTS)
    assert {node["node_name"] for row in ROWS for node in row["nodes"]} >= {ECTOPIA[2], HYPERMOBILITY[2]}
