"""Findings whose words stand apart, and what stands beside a finding.

Belongs: windows around prepositions, verbs and directions; parts of the body before a finding; longer things.
Does not belong: names as they are written (test_linking_mentions.py).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.graph.knowledge.lexicon import build_lexicon
from medreason.graph.linking import Linker, Mention, borrowed_parts
from medreason.graph.linking.composed import loose_key, windows
from medreason.graph.linking.normalise import token_keys
from tests.graph.small_lexicon import nodes_table

ROWS = tuple(
    (kind, f"N{number}", name, "HPO")
    for number, (kind, name) in enumerate(
        (
            ("effect/phenotype", "Esophageal ulceration"),
            ("effect/phenotype", "Decreased circulating IgA level"),
            ("effect/phenotype", "Pulse absent"),
            ("effect/phenotype", "Pain"),
            ("effect/phenotype", "Edema"),
            ("effect/phenotype", "Nausea"),
            ("effect/phenotype", "Vomiting"),
            ("effect/phenotype", "Nausea and vomiting"),
            ("effect/phenotype", "Cough"),
            ("effect/phenotype", "Pharyngitis streptococcal"),
            ("effect/phenotype", "Rheumatoid factor positive"),
            ("effect/phenotype", "Tumor of left atrium"),
            ("disease", "candida infection"),
            ("disease", "coronary artery disease"),
            ("gene/protein", "TTR"),
            ("gene/protein", "CD4"),
            ("drug", "Zinc"),
            ("effect/phenotype", "Abnormality of the nipple"),
            ("gene/protein", "INS"),
            ("effect/phenotype", "Polymenorrhoea"),
            ("effect/phenotype", "Hoarse voice"),
        ),
        start=1,
    )
)
NAMES = {row[1]: row[2] for row in ROWS}


def found_in(text, field="stem"):
    nodes = nodes_table(ROWS)
    mentions = Linker(nodes, build_lexicon(nodes)).mentions(text, field)
    return [(m.text, [NAMES[ROWS[index][1]] for index in m.node_indices]) for m in mentions]


TEXTS = {
    "a noun, its preposition, its organ": (
        "Endoscopy shows ulcers in the distal esophagus.",
        [("ulcers in the distal esophagus", ["Esophageal ulceration"])],
    ),
    "a level before its analyte": (
        "There were low levels of IgA.",
        [("low levels of IgA", ["Decreased circulating IgA level"])],
    ),
    "a level behind its analyte": (
        "Serum IgA levels are low.",
        [("Serum IgA levels are low", ["Decreased circulating IgA level"])],
    ),
    "a verb between": ("Distal pulses are absent.", [("pulses are absent", ["Pulse absent"])]),
    "the infection's organism": (
        "It was infection with Candida species.",
        [("infection with Candida species", ["candida infection"])],
    ),
    "another direction is another thing": ("The IgA level was high.", []),
    "a word that no name has": ("Pulses in both feet are not absent.", []),
    "a direction at the end": ("Pulses increase", []),
    "no wording over a comma": ("Ulcers, in the esophagus", []),
    "a noun behind a bare level": ("an abnormal nipple discharge", []),
    "a name with a side needs its words": ("a tumor of the right atrium", []),
    "two findings in one name": ("nausea and vomiting", [("nausea", ["Nausea"]), ("vomiting", ["Vomiting"])]),
    "a noun before its adjective": (
        "a streptococcal pharyngitis",
        [("streptococcal pharyngitis", ["Pharyngitis streptococcal"])],
    ),
    "a part of the body before it": ("There is hand edema.", []),
    "a plain word before it": ("There is severe edema.", [("edema", ["Edema"])]),
    "an adjective of the next word": ("painful tingling", []),
    "less of it is another thing": ("decreased pain", []),
    "a longer thing without a node": ("a dry cough", []),
    "a cell is no gene": ("CD4+ cells and CD4", [("CD4", ["CD4"])]),
    "the metal of a salt": ("zinc oxide and zinc", [("zinc", ["Zinc"])]),
    "an abbreviation explained by something else": ("computer-aided diagnosis (CAD), then CAD", []),
    "an adjective that waits for its noun": ("ulcers in esophageal populations", []),
    "a cough that is hoarse": ("a hoarse cough", []),
    "short periods of time": ("for short periods of time", []),
    "a hormone among the medications": ("He takes zinc and insulin.", [("zinc", ["Zinc"])]),
    "an abbreviation of the very thing": (
        "coronary artery disease (CAD)",
        [("coronary artery disease", ["coronary artery disease"]), ("CAD", ["coronary artery disease"])],
    ),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_running_text(text, expected):
    assert found_in(text) == expected


OPTIONS = {
    "the antibody for its finding": ("Rheumatoid factor", [("Rheumatoid factor", ["Rheumatoid factor positive"])]),
    "a test is no positive one": ("Rheumatoid factor test", []),
    "a protein in a phrase": ("Mutated transthyretin", [("transthyretin", ["TTR"])]),
    "what lacks is not the protein": ("Transthyretin deficiency", []),
    "a hormone with its form of dosage": ("Insulin nasal spray", []),
    "a drug that is abused": ("Zinc abuse", []),
    "two findings as one option": ("Nausea and vomiting", [("Nausea and vomiting", ["Nausea and vomiting"])]),
}


@pytest.mark.parametrize(("text", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_options(text, expected):
    assert found_in(text, "option") == expected


def test_a_protein_in_a_phrase_is_as_sure_as_alone():
    nodes = nodes_table(ROWS)
    linker = Linker(nodes, build_lexicon(nodes))
    (mention,) = linker.mentions("Mutated transthyretin", "option")
    assert linker.chosen(linker.links(mention))


def test_a_symbol_in_the_table_of_names_is_the_gene():
    rows = [("gene/protein", "G1", "PLAT", "NCBI"), ("disease", "D1", "Adenoma of the thyroid (PLAT)", "MESH")]
    nodes = nodes_table(rows)
    (mention,) = Linker(nodes, build_lexicon(nodes)).mentions("tissue plasminogen activator", "option")
    assert [rows[index][1] for index in mention.node_indices] == ["G1"]


@given(words=st.lists(st.sampled_from(["pain", "in", "the", "left", "abdomen", "is", "increase", "high"]), max_size=12))
def test_every_window_lies_in_the_text_and_begins_and_ends_with_a_word_of_weight(words):
    for run in windows(words, lambda _: False, lambda _: True):
        assert 0 <= run.start < run.stop - 1 < len(words)
        assert {words[run.start], words[run.stop - 1]}.isdisjoint(("in", "the", "left", "is"))


def test_a_wording_of_one_word_has_no_key():
    assert loose_key(token_keys("serum level of the blood")) == loose_key(["pain"]) == ""


def _mention(stage, *nodes):
    return Mention(start=0, stop=1, text="x", stage=stage, node_indices=nodes)


def test_a_part_of_an_option_that_is_another_options_whole_name_is_borrowed():
    types = {1: "disease", 2: "drug"}
    options = {"A": [_mention("exact", 1)], "B": [_mention("partial", 1)], "C": [_mention("partial", 2)]}
    assert borrowed_parts({**options, "D": [_mention("exact", 2)]}, types) == {("B", 0)}
    assert not borrowed_parts({letter: options[letter] for letter in "BC"}, types)


NEGATIONS = {
    "the bracket closes": "edema (without cough) pain",
    "of interest": "no history of interest consults for pain",
    "no consensus": "no consensus on the management of pain",
    "no differences": "no within-group differences for pain",
    "its own words": "without edema and severe pain",
}


@pytest.mark.parametrize("text", NEGATIONS.values(), ids=NEGATIONS)
def test_where_a_negation_ends(text):
    nodes = nodes_table(ROWS)
    found = Linker(nodes, build_lexicon(nodes)).mentions(text)
    assert [m.is_negated for m in found if m.text == "pain"] == [False]
