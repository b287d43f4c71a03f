"""The verbaliser's wording: names, articles, number, what is said and what is not.

Belongs: tables of named cases over names, sentences, whole chains.
Does not belong: whether a step is supported (test_verification.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from medreason.chains.tasks import write
from medreason.chains.tasks.names import is_plural, readable_name, sentence_case
from medreason.chains.tasks.nouns import article, noun
from medreason.chains.tasks.phrasing import agree, claims_of, finish, path_clauses
from medreason.chains.tasks.shown import ShownOption, show_paths
from medreason.graph.knowledge.relations import RELATIONS
from tests.chains.tasks_world import (
    ARACHNODACTYLY,
    ASPIRIN,
    ECTOPIA,
    EHLERS,
    FBN1,
    GOUT,
    HEART,
    HYPERMOBILITY,
    IBUPROFEN,
    MARFAN,
    MARFAN_ROWS,
    NAUSEA,
    PTGS2,
    SEIZURES,
    ULCER,
    path_row,
    shown,
    writing,
)

NAMES = {
    "phenotype": ("Arachnodactyly", "effect/phenotype", "arachnodactyly"),
    "phenotype with an eponym": ("Raynaud phenomenon", "effect/phenotype", "Raynaud phenomenon"),
    "phenotype with a possessive": ("Addison's disease", "effect/phenotype", "Addison's disease"),
    "letter prefix": ("X-linked inheritance", "effect/phenotype", "X-linked inheritance"),
    "abbreviation": ("EEG with generalized spikes", "effect/phenotype", "EEG with generalized spikes"),
    "slashed": ("Aplasia/Hypoplasia of the thumb", "effect/phenotype", "aplasia/hypoplasia of the thumb"),
    "gene": ("FBN1", "gene/protein", "FBN1"),
    "drug": ("Propylthiouracil", "drug", "propylthiouracil"),
    "drug code": ("LY-2140023", "drug", "LY-2140023"),
    "OMIM entry": (
        "#614498 RIGIDITY AND MULTIFOCAL SEIZURE SYNDROME, LETHAL NEONATAL; RMFSL",
        "disease",
        "rigidity and multifocal seizure syndrome, lethal neonatal",
    ),
    "OMIM eponym": ("EMANUEL SYNDROME", "disease", "Emanuel syndrome"),
    "OMIM inverted": ("ALACRIMA, CONGENITAL", "disease", "congenital alacrima"),
    "MeSH inverted": ("Neoplasms, Connective and Soft Tissue", "disease", "connective and soft tissue neoplasms"),
    "MeSH title": ("Acute Coronary Syndrome", "disease", "acute coronary syndrome"),
    "organism": ("Escherichia coli Infections", "disease", "Escherichia coli infections"),
    "acronym": ("CADASIL", "disease", "CADASIL"),
    "vocabulary case": ("Marfan syndrome", "disease", "Marfan syndrome"),
    "roman number": ("GLYCOGEN STORAGE DISEASE IV", "disease", "glycogen storage disease IV"),
    "changed value": ("Haemoglobin decreased", "effect/phenotype", "decreased haemoglobin"),
    "null": ("null", "effect/phenotype", "null"),
    "heading turned round": ("Hematoma, Subdural, Intracranial", "disease", "intracranial subdural hematoma"),
    "heading with a noun behind": (
        "Carotid Artery, Internal, Dissection",
        "disease",
        "carotid artery, internal, dissection",
    ),
    "persistent behind its comma": ("TRUNCUS ARTERIOSUS, PERSISTENT", "disease", "persistent truncus arteriosus"),
    "susceptibility": ("sarcoidosis, susceptibility to, 1", "disease", "susceptibility to sarcoidosis 1"),
    "susceptibility of OMIM": (
        "#612922 HEMOLYTIC UREMIC SYNDROME, ATYPICAL, SUSCEPTIBILITY TO, 3; AHUS3",
        "disease",
        "susceptibility to atypical hemolytic uremic syndrome 3",
    ),
    "family of viruses": ("Adenoviridae Infections", "disease", "Adenoviridae infections"),
    "order of bacteria": ("Mycoplasmatales Infections", "disease", "Mycoplasmatales infections"),
    "order of worms": ("Spirurida Infections", "disease", "Spirurida infections"),
    "two surnames": ("Marcus Gunn pupil", "effect/phenotype", "Marcus Gunn pupil"),
    "pathway as written": ("Cori Cycle", "pathway", "Cori Cycle"),
    "genus": ("Haemophilus Infections", "disease", "Haemophilus infections"),
    "capital of a plain word": (
        "Human papillomavirus infectious disease",
        "disease",
        "human papillomavirus infectious disease",
    ),
    "title with an acronym": ("AIDS Dementia Complex", "disease", "AIDS dementia complex"),
    "title behind an acronym": (
        "HIV-Associated Lipodystrophy Syndrome",
        "disease",
        "HIV-associated lipodystrophy syndrome",
    ),
    "title with a connector": ("Otitis Media with Effusion", "disease", "otitis media with effusion"),
    "syndrome of a name": ("Gardner Syndrome", "disease", "Gardner syndrome"),
    "acronym behind its comma": ("Lymphoma, AIDS-Related", "disease", "AIDS-related lymphoma"),
    "acronym in small letters": ("xyy karyotype", "disease", "XYY karyotype"),
    "what is none": ("Non-Hodgkin's lymphoma", "effect/phenotype", "non-Hodgkin's lymphoma"),
    "letter of a vitamin": ("hypervitaminosis a", "disease", "hypervitaminosis A"),
    "shouted behind a number": (
        "2-METHYLBUTYRYL-COA DEHYDROGENASE DEFICIENCY",
        "disease",
        "2-methylbutyryl-CoA dehydrogenase deficiency",
    ),
    "acronym glued to the name": ("nephropathy, and muscle cramps;hanac", "disease", "nephropathy, and muscle cramps"),
    "name of two people": ("tolosa-hunt syndrome", "disease", "Tolosa-Hunt syndrome"),
    "capital of a list title": ("Postpericardiotomy Syndrome", "disease", "postpericardiotomy syndrome"),
}


@pytest.mark.parametrize(("name", "kind", "expected"), NAMES.values(), ids=NAMES)
def test_names_read_as_written_by_a_person(name: str, kind: str, expected: str) -> None:
    assert readable_name(name, kind) == expected


PLURALS = {
    "seizures": True,
    "recurrent infections": True,
    "hemangiomas of small intestine": True,
    "small feet": True,
    "diabetes mellitus": False,
    "mycosis fungoides": False,
    "metastasis": False,
    "abscess": False,
    "torsades de pointes": False,
    "Graves disease": False,
    "measles": False,
    "arthrogryposis and ectodermal dysplasia": False,
    "hydrops": False,
    "erysipelas": False,
    "petechiae": True,
    "injuries": True,
    "dental anomalies": True,
}


@pytest.mark.parametrize(("name", "expected"), PLURALS.items(), ids=PLURALS)
def test_number_of_names(name: str, expected: bool) -> None:
    assert is_plural(name) is expected


NOUNS = {
    "organ": ("heart", "anatomy", "the heart"),
    "mass noun": ("blood", "anatomy", "blood"),
    "countable finding": ("ataxic gait", "effect/phenotype", "an ataxic gait"),
    "finding of something": ("abnormality of the eye", "effect/phenotype", "an abnormality of the eye"),
    "uncountable finding": ("arachnodactyly", "effect/phenotype", "arachnodactyly"),
    "adjective": ("small for gestational age", "effect/phenotype", "being small for gestational age"),
    "lesion": ("pustule", "effect/phenotype", "a pustule"),
    "list in a name": ("hand, foot and mouth disease", "disease", "hand, foot and mouth disease"),
    "plural finding": ("skin tags", "effect/phenotype", "skin tags"),
    "disease": ("Marfan syndrome", "disease", "Marfan syndrome"),
    "tumour": ("fibroma", "effect/phenotype", "a fibroma"),
    "episode": ("cyanotic episode", "effect/phenotype", "a cyanotic episode"),
    "member of a family": ("cataract 44", "disease", "cataract 44"),
    "adjective behind": (
        "muscle contractions involuntary",
        "effect/phenotype",
        'the finding "muscle contractions involuntary"',
    ),
    "adjective alone": ("heterogeneous", "effect/phenotype", 'the finding "heterogeneous"'),
    "A and B": (
        "morbid obesity and spermatogenic failure",
        "disease",
        'the condition "morbid obesity and spermatogenic failure"',
    ),
    "commas": (
        "aortic aneurysm, familial thoracic 9",
        "disease",
        'the condition "aortic aneurysm, familial thoracic 9"',
    ),
    "bracket": (
        "headache (with pheochromocytoma)",
        "effect/phenotype",
        'the finding "headache (with pheochromocytoma)"',
    ),
    "the one and only": ("common cold", "disease", "the common cold"),
    "organs joined": ("head and neck cancer", "disease", "head and neck cancer"),
    "pathway": ("Signaling by FGFR", "pathway", 'the pathway "Signaling by FGFR"'),
    "pathway by name": ("Notch signaling pathway", "pathway", "the Notch signaling pathway"),
}


@pytest.mark.parametrize(("name", "kind", "expected"), NOUNS.values(), ids=NOUNS)
def test_articles(name: str, kind: str, expected: str) -> None:
    assert noun(name, kind) == expected


def test_a_and_an() -> None:
    words = (
        "ulcer",
        "uterine mass",
        "urinary cyst",
        "EEG lesion",
        "MRI lesion",
        "UV lesion",
        "hour",
        "nodule",
        "U-wave",
        "uninhibited bladder",
        "unilateral mass",
        "X-linked trait",
    )
    articles = ["an", "a", "a", "an", "an", "a", "an", "a", "a", "an", "a", "an"]
    assert [article(word) for word in words] == articles


def test_verbs_of_every_relation_have_a_plural() -> None:
    for rule in RELATIONS:
        singular, plural = agree(rule.phrase, plural=False), agree(rule.phrase, plural=True)
        assert singular == rule.phrase
        assert not plural.split()[0].endswith("ss")
        assert plural != singular or singular.startswith("can ")


SENTENCES = {
    "forward": ((MARFAN, "gene", FBN1), "Marfan syndrome is associated with FBN1."),
    "backward": ((ARACHNODACTYLY, "presents", MARFAN), "Marfan syndrome presents with arachnodactyly."),
    "plural object": ((SEIZURES, "presents", MARFAN), "Marfan syndrome presents with seizures."),
    "one subject, one relation": (
        (ARACHNODACTYLY, "presents", MARFAN, "presents", ECTOPIA),
        "Marfan syndrome presents with both arachnodactyly and ectopia lentis.",
    ),
    "one subject, two relations": (
        (ARACHNODACTYLY, "presents", MARFAN, "gene", FBN1),
        "Marfan syndrome presents with arachnodactyly and is associated with FBN1.",
    ),
    "one object": (
        (MARFAN, "presents", ECTOPIA, "presents", EHLERS),
        "Both Marfan syndrome and Ehlers-Danlos syndrome present with ectopia lentis.",
    ),
    "one object, two relations": (
        (MARFAN, "gene", PTGS2, "target", ASPIRIN),
        "Marfan syndrome is associated with PTGS2, and acetylsalicylic acid targets PTGS2.",
    ),
    "onwards": (
        (ASPIRIN, "treats", GOUT, "gene", PTGS2),
        "Acetylsalicylic acid is indicated for gout, and gout is associated with PTGS2.",
    ),
    "side effects": (
        (NAUSEA, "causes", ASPIRIN, "causes", ULCER),
        "Acetylsalicylic acid can cause the side effects nausea and gastric ulcer.",
    ),
    "unknown direction": ((FBN1, "ppi", PTGS2), "FBN1 interacts with PTGS2."),
    "unknown direction joins": (
        (FBN1, "ppi", PTGS2, "target", ASPIRIN),
        "FBN1 interacts with PTGS2, and acetylsalicylic acid targets PTGS2.",
    ),
    "two unknown directions": (
        (FBN1, "ppi", PTGS2, "ppi", ("gene/protein", "1", "ALB")),
        "Both FBN1 and ALB interact with PTGS2.",
    ),
    "denied": ((ARACHNODACTYLY, "absent", GOUT), "Gout does not present with arachnodactyly."),
    "denied twice": (
        (ARACHNODACTYLY, "absent", GOUT, "absent", ECTOPIA),
        "Gout does not present with arachnodactyly, and gout does not present with ectopia lentis.",
    ),
    "organ": ((FBN1, "expressed", HEART), "FBN1 is expressed in the heart."),
    "class of classes": (
        (("disease", "1", "cataract"), "parent", ("disease", "2", "lens disease")),
        'The class "cataract" is hierarchically related to lens disease.',
    ),
    "class and subject": (
        (ARACHNODACTYLY, "presents", ("disease", "1", "cataract"), "parent", ("disease", "2", "lens disease")),
        'A cataract presents with arachnodactyly, and the class "cataract" is hierarchically related to lens disease.',
    ),
    "quoted subjects take a singular": (
        (ARACHNODACTYLY, "presents", ("disease", "1", "enamel hypoplasia, cataracts, and aqueductal stenosis")),
        'The condition "enamel hypoplasia, cataracts, and aqueductal stenosis" presents with arachnodactyly.',
    ),
    "quoted side effect": (
        (ASPIRIN, "causes", ("effect/phenotype", "1", "Muscle contractions involuntary")),
        'Acetylsalicylic acid can cause the side effect "muscle contractions involuntary".',
    ),
    "three hops": (
        (ARACHNODACTYLY, "presents", MARFAN, "gene", PTGS2, "target", IBUPROFEN),
        "Marfan syndrome presents with arachnodactyly and is associated with PTGS2. Ibuprofen targets PTGS2.",
    ),
}


@pytest.mark.parametrize(("walk", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_sentences_say_what_the_edges_say(walk: tuple[Any, ...], expected: str) -> None:
    (path,) = show_paths([path_row(*walk)], ["B"])
    assert " ".join(map(finish, path_clauses(claims_of(path)))) == expected


def test_sentence_case_leaves_symbols_alone() -> None:
    assert [sentence_case(word) for word in ("mTOR", "p53", "gout", "a cyst", "FBN1")] == [
        "mTOR",
        "p53",
        "Gout",
        "A cyst",
        "FBN1",
    ]


# ---------------------------------------------------------------- whole chains


def _chain(*rows: dict[str, Any], **changes: Any) -> write.Chain:
    given = writing(*rows, **changes)
    chain = write.check(write.TASK.answer_by_rule(given), given)  # type: ignore[arg-type]
    assert isinstance(chain, write.Chain)
    return chain


def test_a_chain_joins_weighs_and_concludes() -> None:
    chain = _chain(*MARFAN_ROWS, unconnected=("C",))
    assert [step.text for step in chain.steps[:3]] == [
        "According to the knowledge graph, Marfan syndrome presents with both arachnodactyly and ectopia lentis.",
        "The graph also records that Marfan syndrome presents with ectopia lentis and is associated with FBN1.",
        "For option A (Ehlers-Danlos syndrome), the graph records that Ehlers-Danlos syndrome presents with joint "
        "hypermobility.",
    ]
    assert [step.edges for step in chain.steps] == [("E1", "E2"), ("E3", "E4"), ("E5",), ()]
    assert chain.steps[3].text.startswith(
        "The search found no equally short connection that supports option C (Homocys"
    )
    assert "option A with the question as well" in chain.conclusion
    assert "option B (Marfan syndrome)" in chain.conclusion
    assert chain.answer == "B"


def test_another_wording_of_the_option_is_explained() -> None:
    rows = [path_row(ARACHNODACTYLY, "presents", MARFAN)]
    options = (ShownOption(letter="A", text="Gout"), ShownOption(letter="B", text="MFS."))
    assert "option B (MFS; in the graph: Marfan syndrome)" in _chain(*rows, options=options).conclusion


def test_an_option_that_says_more_than_its_node_is_told_so() -> None:
    rows = [path_row(ARACHNODACTYLY, "presents", MARFAN)]
    options = (ShownOption(letter="A", text="Gout"), ShownOption(letter="B", text="Neonatal Marfan syndrome"))
    conclusion = _chain(*rows, options=options).conclusion
    assert "option B (Neonatal Marfan syndrome; in the graph: Marfan syndrome)" in conclusion


LABELS = {
    "emphasis": ("*Salmonella*", "Salmonella"),
    "a name within": ("*E. coli* 0157:H7", "E. coli 0157:H7"),
    "left quotation mark": ('Haloperidol\n"', "Haloperidol"),
    "two quotation marks": ('detergent "washing"', 'detergent "washing"'),
    "product": ("5 * 3 * 2 mg", "5 * 3 * 2 mg"),
}


@pytest.mark.parametrize(("text", "expected"), LABELS.values(), ids=LABELS)
def test_options_are_quoted_without_marks_of_the_source(text: str, expected: str) -> None:
    assert write.option_label(text) == expected


def test_longer_and_neutral_paths_do_not_make_a_rival() -> None:
    rows = (
        path_row(ARACHNODACTYLY, "presents", MARFAN),
        path_row(ARACHNODACTYLY, "presents", GOUT, "presents", HYPERMOBILITY, target="option:A"),
        path_row(NAUSEA, "causes", ASPIRIN, target="option:C", verdict="neutral"),
    )
    chain = _chain(*rows, unconnected=("A", "C"))
    assert len(chain.steps) == 2
    assert "options A (Ehlers-Danlos syndrome) and C (Homocystinuria)" in chain.steps[1].text


def test_a_direct_objection_is_told_as_one() -> None:
    rows = (
        path_row(GOUT, "treats", IBUPROFEN),
        path_row(GOUT, "forbids", ASPIRIN, target="option:A", verdict="against"),
    )
    step = _chain(*rows, unconnected=("A", "C")).steps[1]
    assert step.text.startswith("Against option A (")
    assert step.text.endswith("acetylsalicylic acid is contraindicated in gout.")


def test_contradicting_edges_are_both_told() -> None:
    step = _chain(path_row(GOUT, "treats|forbids", ASPIRIN)).steps[0]
    assert step.text == (
        "According to the knowledge graph, acetylsalicylic acid is indicated for gout. "
        "The graph also records that acetylsalicylic acid is contraindicated in gout."
    )
    assert step.edges == ("E1", "E2")


def test_the_exception_stands_out_by_what_the_others_have() -> None:
    rows = (
        path_row(MARFAN, "presents", ARACHNODACTYLY, target="option:A"),
        path_row(MARFAN, "presents", ECTOPIA, target="option:C"),
    )
    options = tuple(
        ShownOption(letter=letter, text=text)
        for letter, text in zip("ABCD", ("Arachnodactyly", "Gout", "Ectopia lentis", "Fever"), strict=True)
    )
    chain = _chain(*rows, question="Which is NOT found in Marfan syndrome?", options=options, unconnected=("B", "D"))
    assert chain.answer == "B"
    assert [step.edges for step in chain.steps] == [("E1",), ("E2",), ()]
    assert "options B (Gout) and D (Fever)" in chain.steps[2].text
    assert chain.conclusion == (
        "The question asks for the exception. The graph connects options A and C more closely with the question than "
        "option B (Gout), the answer given for this question."
    )
    nearer = writing(*rows, question="Which is NOT found?", options=options, unconnected=("D",))
    assert write.TASK.rule(nearer)["cannot_write"] is True


def test_a_decision_is_stated_and_not_proven() -> None:
    rows = [path_row(GOUT, "treats", ASPIRIN)]
    chain = _chain(
        *rows,
        answer_type="yes_no_maybe",
        options=tuple(ShownOption(letter=a, text=b) for a, b in (("A", "Yes"), ("B", "No"), ("C", "Maybe"))),
        answer_letters=("C",),
        answer="maybe",
        paths=show_paths(rows, ["answer"]),
    )
    assert chain.answer == "C"
    assert chain.conclusion == (
        "The connection shows how gout and acetylsalicylic acid are related in the graph; it does not prove the "
        "decision. The answer given for this question is maybe."
    )


def test_no_supporting_path_no_chain() -> None:
    assert write.TASK.rule(writing(path_row(GOUT, "forbids", ASPIRIN, verdict="against")))["cannot_write"] is True
    assert write.TASK.rule(writing())["cannot_write"] is True


def test_the_released_text_has_three_parts() -> None:
    text = write.reasoning_text(["a -b-> c"], ["A b c.", "C d e."], "So f.")
    assert text == (
        "Finding reasoning paths:\n1. a -b-> c\n\nReasoning Process:\n1. A b c.\n2. C d e.\n\nConclusion:\nSo f."
    )


def test_direct_connections_of_one_kind_are_one_step() -> None:
    rows = [path_row(finding, "presents", MARFAN) for finding in (ARACHNODACTYLY, ECTOPIA, HYPERMOBILITY)]
    assert _chain(*rows).steps[0].text == (
        "According to the knowledge graph, Marfan syndrome presents with arachnodactyly, ectopia lentis, and joint "
        "hypermobility."
    )
    assert shown(*rows)[0].names == ("arachnodactyly", "Marfan syndrome")


def test_one_connection_is_no_connections() -> None:
    assert "onnections" not in _chain(MARFAN_ROWS[0], unconnected=()).conclusion
    assert "onnection " not in _chain(MARFAN_ROWS[0], MARFAN_ROWS[1], unconnected=()).conclusion
