"""Mentions.

Belongs: where mentions are, what they name, what the text says of them.
Does not belong: stages and scores (test_linking_candidates.py), the lexicon's rows (test_lexicon.py).
"""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.graph.knowledge.lexicon import build_lexicon
from medreason.graph.linking import Linker, LinkingSettings, collapsed_options, finding_nodes
from medreason.graph.linking.normalise import name_key, tokens
from tests.graph.small_lexicon import NODE_ROWS, ids, linker, nodes_table

IN_TEXT = {
    "plain": ("She has fever and cough.", [("fever", ["P1"]), ("cough", ["P2"])]),
    "neighbours share no blank": ("fever cough fever", [("fever", ["P1"]), ("cough", ["P2"]), ("fever", ["P1"])]),
    "inside a word": ("feverfew tea", []),
    "longest name wins": ("type 2 diabetes mellitus", [("type 2 diabetes mellitus", ["D10"])]),
    "homonyms are one concept": ("a myocardial infarction", [("myocardial infarction", ["D4", "P4"])]),
    "possessive": (
        "Parkinson’s disease and Parkinson disease",
        [("Parkinson’s disease", ["D2"]), ("Parkinson disease", ["D2"])],
    ),
    "plural and singular": ("a seizure, two seizures", [("seizure", ["P5"]), ("seizures", ["P5"])]),
    "British spelling": ("hyperkalemia", [("hyperkalemia", ["P7"])]),
    "hyphen of a prefix": ("preeclampsia, pre-eclampsia", [("preeclampsia", ["P10"]), ("pre-eclampsia", ["P10"])]),
    "accents": ("Meniere disease", [("Meniere disease", ["D13"])]),
    "combining marks": ("Me\u0301nie\u0300re disease", [("Me\u0301nie\u0300re disease", ["D13"])]),
    "Roman number": ("type II diabetes mellitus", [("type II diabetes mellitus", ["D10"])]),
    "Greek letter": ("TGF-β was high", [("TGF-β", ["G5"])]),
    "no name over a comma": ("diabetes, mellitus", [("diabetes", ["D9"])]),
    "gene in its case": ("FBN1 and JAK2", [("FBN1", ["G2"]), ("JAK2", ["G4"])]),
    "gene in another case": ("fbn1 and Jak2", []),
    "gene with hyphen or blank": ("IL-2 and IL 2 and JAK 2", [("IL-2", ["G6"]), ("IL 2", ["G6"]), ("JAK 2", ["G4"])]),
    "gene inside a longer symbol": ("FBN12 and XJAK2", []),
    "gene that is a plain word": ("bed REST and rest", []),
    "gene that is a vertebra": ("injury at C6", []),
    "anatomy": ("blood from the heart", []),
    "one-word pathway": ("apoptosis", []),
    "pathway of several words": ("Signaling by VEGF", [("Signaling by VEGF", ["W2"])]),
    "general words": ("the disease causes pain", [("pain", ["P11"])]),
    "a finding with a general word in it": ("chest pain", [("chest pain", ["P13"])]),
    "null is no finding": ("the null hypothesis", []),
    "another kind of thing": ("hepatitis B vaccine and hepatitis B", [("hepatitis B", ["D1"])]),
    "abbreviation": ("PCOS, not pcos", [("PCOS", ["D11"])]),
    "bracketed abbreviation": (
        "polycystic ovary syndrome (PCOS)",
        [("polycystic ovary syndrome", ["D11"]), ("PCOS", ["D11"])],
    ),
    "bracketed abbreviation of something else": (
        "chest pain (PCOS) and PCOS",
        [("chest pain", ["P13"]), ("PCOS", ["P13"]), ("PCOS", ["D11"])],
    ),
    "everyday word": ("a heart attack", [("heart attack", ["D4", "P4"])]),
    "level": ("elevated blood calcium", [("elevated blood calcium", ["P6"])]),
    "lost letters of MedMCQA": (
        "myocardial infarction, hyperkalaemia",
        [("myocardial infarction", ["D4", "P4"]), ("hyperkalaemia", ["P7"])],
    ),
    "full-width letters": ("ｆｅｖｅｒ", [("ｆｅｖｅｒ", ["P1"])]),
    "behind astral characters": ("𝒳🩺 fever", [("fever", ["P1"])]),
    "empty": ("", []),
    "punctuation alone": ("... --- !!!", []),
}


@pytest.mark.parametrize(("text", "expected"), IN_TEXT.values(), ids=IN_TEXT)
def test_mentions_in_running_text(text, expected):
    found = linker().mentions(text)
    assert [(m.text, ids(m.node_indices)) for m in found] == expected
    assert all(text[m.start : m.stop] == m.text for m in found)


CONTEXTS = {
    "finding": ("He has fever.", "fever", False, "finding"),
    "denied": ("He denies fever.", "fever", True, "finding"),
    "denied list": ("He denies rash, cough, or fever.", "fever", True, "finding"),
    "but": ("He denies cough but has fever.", "fever", False, "finding"),
    "no": ("There is no fever.", "fever", True, "finding"),
    "no, then a comma": ("There is no rash, fever came later.", "fever", False, "finding"),
    "no, then a list": ("There is no rash, cough, or fever.", "fever", True, "finding"),
    "without": ("A cough without fever.", "fever", True, "finding"),
    "next sentence": ("No rash. Fever came later.", "fever", False, "finding"),
    "negative for": ("Review is negative for cough and fever.", "fever", True, "finding"),
    "absence of": ("In the absence of fever, wait.", "fever", True, "finding"),
    "afterwards": ("Fever is absent.", "fever", True, "finding"),
    "normal": ("Serum fever is normal.", "fever", True, "finding"),
    "within normal limits": ("Fever was within normal limits.", "fever", True, "finding"),
    "vaccinated against": ("He was vaccinated for hepatitis B.", "hepatitis B", True, "finding"),
    "vaccination course": ("A vaccination course for hepatitis B was given.", "hepatitis B", True, "finding"),
    "table of results": ("Rash: negative, cough: present", "rash", True, "finding"),
    "no improvement": ("There was no improvement in fever.", "fever", False, "finding"),
    "mother has": ("His mother has diabetes mellitus.", "diabetes mellitus", False, "family_history"),
    "family history": ("Family history is positive for breast cancer.", "breast cancer", False, "family_history"),
    "mother speaks": ("His mother reports fever.", "fever", False, "finding"),
    "brought by his mother": ("He is brought by his mother because of fever.", "fever", False, "finding"),
    "father died of": ("Her father died of myocardial infarction.", "myocardial infarction", False, "family_history"),
    "takes": ("She takes metformin.", "metformin", False, "medication"),
    "treated with": ("It was treated with ceftriaxone.", "ceftriaxone", False, "medication"),
    "medications include": ("Current medications include propranolol and metformin.", "metformin", False, "medication"),
    "medications, including": ("She has several medications, including metformin.", "metformin", False, "medication"),
    "on a drug": ("A man on metformin presents with fever.", "metformin", False, "medication"),
    "on examination": ("On examination there is fever.", "fever", False, "finding"),
    "drug asked for": ("What does metformin do?", "metformin", False, "finding"),
    "history of": ("A man with a history of hepatitis B presents with fever.", "hepatitis B", False, "history"),
    "and now": ("A man with a history of hepatitis B presents with fever.", "fever", False, "finding"),
    "present illness": ("A 3-day history of fever.", "fever", False, "finding"),
}


@pytest.mark.parametrize(("text", "name", "is_negated", "status"), CONTEXTS.values(), ids=CONTEXTS)
def test_what_the_text_says_of_a_mention(text, name, is_negated, status):
    mention = next(m for m in linker().mentions(text) if m.text.casefold() == name.casefold())
    assert (mention.is_negated, mention.status) == (is_negated, status)


MISLEADING = {
    "an analyte is not its high level": ("Parathyroid hormone", []),
    "relief of pain is not its blindness": ("Analgesia", []),
    "a number is not a translocation": ("12", []),
    "a hormone's excess is one": ("Parathyroid hormone increased", ["N3"]),
}


@pytest.mark.parametrize(("text", "expected"), MISLEADING.values(), ids=MISLEADING)
def test_what_vocabularies_call_by_another_things_name(text, expected):
    names = ("Parathyroid hormone", "Analgesia", "Parathyroid hormone increased", "12")
    rows = [("effect/phenotype", f"N{number}", name, "UMLS") for number, name in enumerate(names, start=1)]
    nodes = nodes_table(rows)
    found = Linker(nodes, build_lexicon(nodes)).mentions(text, "option")
    assert [rows[index][1] for mention in found for index in mention.node_indices] == expected


def test_a_muscarinic_receptor_is_not_the_nicotinic_one():
    nodes = nodes_table([("gene/protein", "N1", "CHRNA1", "NCBI")])
    found = Linker(nodes, build_lexicon(nodes))
    assert found.mentions("Muscarinic acetylcholine receptor antagonism", "option") == ()
    assert [m.node_indices for m in found.mentions("Nicotinic acetylcholine receptor", "option")] == [(0,)]


def test_a_hormone_in_running_text_is_a_value():
    nodes = nodes_table([("drug", "N1", "Testosterone", "DrugBank")])
    found = Linker(nodes, build_lexicon(nodes))
    assert found.mentions("Labs (TSH, testosterone) were drawn.") == ()
    assert [m.node_indices for m in found.mentions("Testosterone", "option")] == [(0,)]


OPTIONS = {
    "whole": ("Ceftriaxone", [("Ceftriaxone", "exact", ["DB1"])]),
    "whole, other words": ("Parkinson disease", [("Parkinson disease", "normalised", ["D2"])]),
    "word order": ("Cancer of breast", [("Cancer of breast", "exact", ["D3"])]),
    "equal words": ("High calcium in the blood", [("High calcium in the blood", "sorted_tokens", ["P6"])]),
    "general word": ("Pain", [("Pain", "exact", ["P11"])]),
    "anatomy": ("The heart", [("The heart", "sorted_tokens", ["A2"])]),
    "null": ("null", [("null", "exact", ["P3"])]),
    "gene": ("REST", [("REST", "exact", ["G1"])]),
    "drug in a phrase": ("Administration of intravenous ceftriaxone", [("ceftriaxone", "partial", ["DB1"])]),
    "salt": ("Morphine", [("Morphine", "exact", ["DB4"])]),
    "an ion is no drug": ("Calcium", []),
    "mutation of a gene": ("Mutation in JAK2 gene", [("JAK2", "partial", ["G4"])]),
    "list": ("Fever, cough, and great sadness", [("Fever", "partial", ["P1"]), ("cough", "partial", ["P2"])]),
    "disease of a place": ("Previous tuberculosis of the upper lobe", [("tuberculosis", "partial", ["D14"])]),
    "modifier": ("High fatigue resistance", []),
    "behind a preposition": ("Screening programme for tuberculosis", []),
    "a gland is no cancer": ("Parotid gland", []),
    "slip of the pen": ("Parkinsons diseese", []),
    "slip in a long word": ("Myocardial infarctoin", [("Myocardial infarctoin", "fuzzy", ["D4", "P4"])]),
    "sentence": ("It is a drug that nobody would give to anyone with a fever for any reason at all", []),
    "number": ("120", []),
    "line end": ("Ceftriaxone\n", [("Ceftriaxone", "exact", ["DB1"])]),
    "empty": ("", []),
}


@pytest.mark.parametrize(("text", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_mentions_of_an_option(text, expected):
    found = linker().mentions(text, "option")
    about = [m for m in found if not m.is_in_passing]
    assert [(m.text, m.stage, ids(m.node_indices)) for m in about] == expected
    assert found == linker().mentions(text, "answer")


PASSING = {
    "behind a preposition": ("Screening programme for tuberculosis", ["tuberculosis"]),
    "a sentence about another thing": ("It is a drug that nobody would give to anyone with a fever", ["fever"]),
    "a modifier names nothing": ("High fatigue resistance", []),
    "what it is about is no aside": ("Administration of intravenous ceftriaxone", []),
}


@pytest.mark.parametrize(("text", "expected"), PASSING.values(), ids=PASSING)
def test_what_an_option_names_aside_is_recorded_and_nothing_to_build_on(text, expected):
    found = linker().mentions(text, "option")
    assert [m.text for m in found if m.is_in_passing] == expected
    assert not any(m.is_finding for m in found if m.is_in_passing)


def test_a_slip_never_turns_a_prefix_round():
    nodes = nodes_table([("effect/phenotype", "N1", "Hypokalemia", "HPO")])
    assert Linker(nodes, build_lexicon(nodes)).mentions("Hyperkalemia", "option") == ()


TEXT_PASSING = {
    "pain alone": ("He has pain.", "pain", True),
    "a finding with a place": ("He has chest pain.", "chest pain", False),
}


@pytest.mark.parametrize(("text", "name", "is_in_passing"), TEXT_PASSING.values(), ids=TEXT_PASSING)
def test_a_general_word_in_running_text_is_nothing_to_build_on(text, name, is_in_passing):
    assert [(m.text, m.is_in_passing) for m in linker().mentions(text)] == [(name, is_in_passing)]


PHRASES = {
    "a possessive behind a preposition": ("a mass in her breast", [("mass in her breast", ["N1"])]),
    "a side behind a preposition": ("a mass in the right breast", [("mass in the right breast", ["N1"])]),
    "a name with a side needs that side": ("tumor of the left atrium", [("tumor of the left atrium", ["N2"])]),
    "another side is another thing": ("tumor of the right atrium", []),
    "a shared head": ("chest and abdominal pain", [("chest", ["N3"]), ("abdominal pain", ["N4"])]),
    "no shared head over a verb": ("the chest hurts and abdominal pain", [("abdominal pain", ["N4"])]),
    "an abbreviation that the text explains": (
        "abdominal pain (AP) came, and AP stayed",
        [("abdominal pain", ["N4"]), ("AP", ["N4"]), ("AP", ["N4"])],
    ),
}


@pytest.mark.parametrize(("text", "expected"), PHRASES.values(), ids=PHRASES)
def test_words_between_and_around_a_name(text, expected):
    names = ("Mass in breast", "Tumor of left atrium", "Chest pain", "Abdominal pain")
    rows = [("effect/phenotype", f"N{number}", name, "HPO") for number, name in enumerate(names, start=1)]
    nodes = nodes_table(rows)
    found = Linker(nodes, build_lexicon(nodes, everyday=False)).mentions(text)
    assert [(m.text, [rows[index][1] for index in m.node_indices]) for m in found] == expected


def test_an_organism_is_not_its_disease_unless_asked_for():
    nodes = nodes_table([("disease", "N1", "giardiasis", "MONDO")])
    lexicon = build_lexicon(nodes)
    assert Linker(nodes, lexicon).mentions("Giardia lamblia", "option") == ()
    assert [m.node_indices for m in Linker(nodes, lexicon).infection_by("Giardia lamblia")] == [(0,)]
    assert Linker(nodes, lexicon).infection_by("Giardia lamblia in the gut") == ()
    loose = LinkingSettings(scopes=("name", "exact", "agent"))
    assert [m.node_indices for m in Linker(nodes, lexicon, loose).mentions("Giardia lamblia", "option")] == [(0,)]


def test_coverage_is_written_beside_a_partial_mention():
    (mention,) = linker().mentions("Cautious ceftriaxone desensitisation protocol", "option")
    assert (mention.stage, mention.coverage) == ("partial", 250)


def test_coverage_setting_is_obeyed():
    text = "Massive bilateral acral tuberculosis"
    assert linker().mentions(text, "option")
    strict = linker(LinkingSettings(min_coverage_head=500))
    assert not strict.mentions(text, "option")


def test_anatomy_in_stems_is_a_setting():
    loose = linker(LinkingSettings(whole_only_types=()))
    assert [m.text for m in loose.mentions("a lesion of the midbrain")] == ["midbrain"]
    assert not linker().mentions("a lesion of the midbrain")


def test_findings_come_before_history_and_drugs():
    side = linker().mentions("A man with a history of hepatitis B takes metformin and has fever, without cough.")
    assert ids(finding_nodes(side)) == ["P1"]
    past = linker().mentions("A man with a history of hepatitis B takes metformin.")
    assert ids(finding_nodes(past)) == ["D1"]
    assert finding_nodes(linker().mentions("No fever.")) == ()


def test_options_over_the_same_nodes_are_told():
    letters = {
        letter: {node for m in linker().mentions(text, "option") for node in m.node_indices}
        for letter, text in {"A": "Heart attack", "B": "Fever", "C": "Myocardial infarction", "D": "42"}.items()
    }
    assert collapsed_options(letters) == (("A", "C"),)


WORDS = st.sampled_from(
    [row[2] for row in NODE_ROWS] + ["denies", "no", "history of", "mother has", ",", ".", "β", "🩺", "e\u0301", "IL-2"]
)
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(WORDS, max_size=30).map(" ".join), st.lists(WORDS, max_size=9).map("".join)
)


@given(text=TEXTS)
def test_any_text_is_read_and_offsets_slice_it(text):
    for field in ("stem", "option"):
        found = linker().mentions(text, field)
        assert all(text[m.start : m.stop] == m.text and m.text.strip() == m.text != "" for m in found)
        assert all(one.stop <= other.start for one, other in pairwise(found))
        assert all(list(m.node_indices) == sorted(set(m.node_indices)) != [] for m in found)


@given(text=TEXTS)
def test_tokens_are_in_order_and_their_keys_are_stable(text):
    found = tokens(text)
    assert all(one.stop <= other.start for one, other in pairwise(found))
    assert all(token.start < token.stop <= len(text) for token in found)
    assert name_key(name_key(text)) == name_key(text)


@given(seed=st.integers(0, 2**32), texts=st.lists(TEXTS, max_size=4))
def test_row_order_of_the_tables_does_not_matter(seed, texts):
    shuffled = _shuffled_linker(seed % 3)
    for text in texts:
        for field in ("stem", "option"):
            assert linker().mentions(text, field) == shuffled.mentions(text, field)


_SHUFFLED: dict[int, Linker] = {}


def _shuffled_linker(seed: int) -> Linker:
    from medreason.graph.knowledge.lexicon import build_lexicon

    if seed not in _SHUFFLED:
        nodes = nodes_table()
        lexicon = build_lexicon(nodes)
        order = list(range(lexicon.num_rows))
        random.Random(seed).shuffle(order)
        _SHUFFLED[seed] = Linker(nodes.take(list(reversed(range(nodes.num_rows)))), lexicon.take(order))
    return _SHUFFLED[seed]
