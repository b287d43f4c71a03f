"""The lexicon.

Belongs: names that follow from a node's own, synonym files, bad files.
Does not belong: search with them (test_linking_mentions.py).
"""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medreason.base.errors import BadInput
from medreason.base.tables.graph import LEXICON
from medreason.graph.knowledge.lexicon import (
    Name,
    SynonymSource,
    build_lexicon,
    clean_synonym,
    is_gene_product,
    is_wrong,
    plural,
)
from medreason.graph.linking.normalise import name_key, singular
from tests.graph.small_lexicon import index_of, linker, nodes_table


def _names(lexicon, node_id, scope=None):
    rows = lexicon.to_pylist()
    return {r["name"] for r in rows if r["node_index"] == index_of(node_id) and scope in (None, r["scope"])}


def _keys(lexicon, node_id, scope=None):
    return {name_key(name) for name in _names(lexicon, node_id, scope)}


@pytest.fixture(scope="module")
def lexicon():
    return build_lexicon(nodes_table())


DERIVED = {
    "OMIM number goes": ("D5", "arachnoiditis spinal"),
    "OMIM heading is turned": ("D5", "spinal arachnoiditis"),
    "OMIM symbol": ("D5", "spar"),
    "OMIM synonym": ("D5", "spinal meningeal fibrosis"),
    "heading of three parts": ("D7", "internal carotid artery dissection"),
    "bracket goes": ("D8", "chagas cardiomyopathy"),
    "bracketed abbreviation": ("D8", "ccm"),
    "salt goes": ("DB4", "morphine"),
    "of the organ": ("D3", "cancer of the breast"),
    "level first": ("P6", "elevated blood calcium"),
    "singular": ("P5", "seizure"),
    "plural": ("D2", "parkinson diseases"),
    "everyday": ("D4", "heart attack"),
    "everyday plural": ("D4", "heart attacks"),
    "lost letters": ("D7", "carotid aery internal dissection"),
    "null": ("P3", "null"),
}


@pytest.mark.parametrize(("node_id", "key"), DERIVED.values(), ids=DERIVED)
def test_names_that_follow(lexicon, node_id, key):
    assert key in _keys(lexicon, node_id)


LEFT_OUT = {
    "included entities": ("D5", "flushing"),
    "an ion is no drug": ("DB3", "calcium"),
    "nor is its salt word": ("DB3", "chloride"),
}


@pytest.mark.parametrize(("node_id", "key"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_names_that_do_not_follow(lexicon, node_id, key):
    assert key not in _keys(lexicon, node_id)


def test_a_gene_among_the_diseases_is_related_only(lexicon):
    assert _names(lexicon, "D6") == _names(lexicon, "D6", "related") != set()


GENE_PRODUCTS = {
    "ASPARAGINE SYNTHETASE": True,
    "ALPHA-FETOPROTEIN": True,
    "109350 RENIN": True,
    "FUMARASE DEFICIENCY": False,
    "AZOTEMIA, FAMILIAL": False,
    "INSULIN RECEPTOR, RESISTANCE TO": False,
}


@pytest.mark.parametrize(("name", "expected"), GENE_PRODUCTS.items(), ids=GENE_PRODUCTS)
def test_gene_products(name, expected):
    assert is_gene_product(name) is expected


def test_a_derived_name_yields_to_a_node_of_that_name():
    nodes = nodes_table([("disease", "1", "Morphine", "X"), ("drug", "2", "Morphine sulfate", "DrugBank")])
    rows = build_lexicon(nodes).to_pylist()
    assert {r["node_index"] for r in rows if r["name_key"] == "morphine"} == {0}


def test_the_table_has_its_registered_form_and_no_empty_key(lexicon):
    assert lexicon.schema == LEXICON.schema
    assert all(lexicon["name_key"].to_pylist())
    assert build_lexicon(nodes_table()).equals(lexicon)


OBO = """format-version: 1.2

[Term]
id: D1
name: hepatitis B
synonym: "serum hepatitis (disorder)" EXACT [X:1]
synonym: "liver trouble" RELATED []
synonym: "(fever) or (NOS)" EXACT []
synonym: "HBVI" EXACT []

[Term]
id: D14
name: phthisis
is_obsolete: true

[Typedef]
id: part_of
name: part of
"""


def test_obo_synonyms_by_scope(tmp_path):
    path = tmp_path / "diseases.obo.gz"
    path.write_bytes(gzip.compress(OBO.encode()))
    exact = build_lexicon(nodes_table(), [SynonymSource(layout="obo", url=str(path))], everyday=False)
    assert _names(exact, "D1", "exact") == {"serum hepatitis", "HBVI"}
    assert "phthisis" not in _keys(exact, "D14")
    both = build_lexicon(nodes_table(), [SynonymSource(layout="obo", url=str(path), scopes=("EXACT", "RELATED"))])
    assert "liver trouble" in _names(both, "D1", "related")


def test_obo_terms_reach_mondo_nodes_by_references(tmp_path):
    (tmp_path / "do.obo").write_text(
        '\n[Term]\nid: DOID:2043\nname: hepatitis B\nsynonym: "serum hepatitis" EXACT []\n'
    )
    (tmp_path / "refs.csv").write_text("ontology_id,ontology,mondo_id\n2043,DOID,0005344\n")
    nodes = nodes_table(
        [("disease", "12345_5344", "hepatitis", "MONDO_grouped"), ("disease", "77", "x disease", "MONDO")]
    )
    source = SynonymSource(layout="obo", url=str(tmp_path / "do.obo"), references=str(tmp_path / "refs.csv"))
    rows = build_lexicon(nodes, [source]).to_pylist()
    assert {r["node_index"] for r in rows if r["name"] == "serum hepatitis"} == {0}


def _class_file(tmp_path, ids):
    path = tmp_path / "classes.tsv"
    path.write_text("drugbank_id\tclass_name\n" + "".join(f"{i}\tAdrenergic beta-Antagonists\n" for i in ids))
    return SynonymSource(
        layout="tsv", url=str(path), name_column="class_name", node_column="drugbank_id", scope="class"
    )


def test_members_answer_to_the_name_of_their_class(tmp_path):
    source = _class_file(tmp_path, ["DB5", "DB6", "DB7"])
    (mention,) = linker(None, (source,)).mentions("Beta-blockers", "option")
    assert mention.is_class
    assert list(mention.node_indices) == [index_of(i) for i in ("DB5", "DB6", "DB7")]


def test_a_class_of_few_known_members_is_not_linked(tmp_path):
    source = _class_file(tmp_path, ["DB5", "DB6"])
    assert linker(None, (source,)).mentions("Adrenergic beta-antagonists", "option") == ()


def test_tsv_by_name(tmp_path):
    path = tmp_path / "names.tsv"
    path.write_text("name\tnode\nconsumption\ttuberculosis\n")
    lexicon = build_lexicon(nodes_table(), [SynonymSource(layout="tsv", url=str(path), node_by="name")])
    assert "consumption" in _names(lexicon, "D14", "exact")


def test_sider_gives_lowest_terms_only_where_one_preferred_term_is_meant(tmp_path):
    path = tmp_path / "meddra_all_se.tsv"
    path.write_text(
        "CID1\tCID2\tC1\tLLT\tC1\tFebrile reaction\nCID1\tCID2\tC1\tPT\tC2\tFever\n"
        "CID1\tCID2\tC3\tLLT\tC3\tHacking\nCID1\tCID2\tC3\tPT\tC4\tCough\nCID1\tCID2\tC3\tPT\tC5\tRash\n"
    )
    lexicon = build_lexicon(nodes_table(), [SynonymSource(layout="sider_meddra", url=str(path))])
    assert "Febrile reaction" in _names(lexicon, "P1", "exact")
    assert "Hacking" not in _names(lexicon, "P2")


BAD_FILES = {
    "missing": (None, {"layout": "obo"}, "no such file"),
    "empty": (b"", {"layout": "obo"}, "empty"),
    "cut gzip": (gzip.compress(b"[Term]\n" * 99)[:-9], {"layout": "obo"}, "gzip file is corrupt"),
    "no synonyms": (b"plain", {"layout": "obo"}, "no name"),
    "not UTF-8": (gzip.compress(b"\xff\xfe"), {"layout": "obo"}, "not UTF-8"),
    "no name for any node": (gzip.compress(b"[Term]\nid: Z9\nname: nothing\n"), {"layout": "obo"}, "no name"),
    "columns": (gzip.compress(b"a\tb\n1\t2\n"), {"layout": "tsv"}, "columns"),
    "row of another width": (gzip.compress(b"a\tb\n"), {"layout": "sider_meddra"}, "2 columns"),
}


@pytest.mark.parametrize(("content", "fields", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_synonym_files_are_told(tmp_path, content, fields, message):
    path = tmp_path / "file.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        build_lexicon(nodes_table(), [SynonymSource(url=str(path), **fields)])


CLEANED = {
    "qualifier": ("Seal finger (disorder)", "Seal finger"),
    "nos": ("Diverticulitis NOS", "Diverticulitis"),
    "rest is a joint": ("(fever) or (NOS)", None),
    "short rest": ("of it", None),
    "abbreviation": ("FTDMND", "FTDMND"),
    "other": ("Other bacterial diseases", None),
}


@pytest.mark.parametrize(("raw", "name"), CLEANED.values(), ids=CLEANED)
def test_synonyms_are_cleaned_or_dropped(raw, name):
    assert clean_synonym(raw) == name


@given(word=st.from_regex(r"[a-z]{4,10}(osis|oma|itis|ness|ction|emia|pathy)", fullmatch=True))
def test_plural_of_a_disease_word_is_undone_by_singular(word):
    assert singular(plural(word)) == singular(word)


@given(name=st.text(max_size=60))
def test_any_node_name_makes_a_lexicon(name):
    rows = [("disease", "1", name, "OMIM"), ("drug", "2", name, "DrugBank"), ("effect/phenotype", "3", name, "HPO")]
    lexicon = build_lexicon(nodes_table(rows), everyday=False)
    assert all(key == name_key(key) for key in lexicon["name_key"].to_pylist())


def test_a_bracket_that_says_with_what_is_not_dropped():
    nodes = nodes_table([("effect/phenotype", "N1", "Headache (with pheochromocytoma)", "HPO")])
    assert "headache" not in build_lexicon(nodes, everyday=False)["name_key"].to_pylist()


def test_a_wrong_name_is_left_out_and_the_right_node_keeps_it():
    rows = [("effect/phenotype", "N1", "Dysphonia", "UMLS"), ("effect/phenotype", "N2", "Hoarse voice", "HPO")]
    nodes = nodes_table(rows)
    from_file = [Name(0, "hoarseness", "file", "exact"), Name(1, "hoarseness", "file", "exact")]
    kept = [name for name in from_file if not is_wrong(name, rows[name.node_index][2])]
    assert [name.node_index for name in kept] == [1]
    lexicon = build_lexicon(nodes).to_pylist()
    assert {row["node_index"] for row in lexicon if row["name_key"] == "hoarseness"} == {1}
