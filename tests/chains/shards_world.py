"""A graph of a few true facts, questions about them, and the tools of all shard functions.

Belongs: the small world of test_shards.py.
Does not belong: assertions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from medreason.base.store import open_store
from medreason.base.tables.questions import QUESTIONS
from medreason.chains.generation.generator import Generator, open_generator
from medreason.chains.generation.settings import EngineSettings
from medreason.chains.settings import ChainSettings, GroundingSettings
from medreason.chains.shards.generation import GenerationTools, generate_shard
from medreason.chains.shards.grounding import Grounded, GroundingTools, ground_shard
from medreason.chains.shards.verification import VerificationTools, synonyms_of, verify_shard
from medreason.chains.verification.policy import VerificationSettings
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.lexicon import build_lexicon
from medreason.graph.knowledge.settings import GraphSettings
from medreason.graph.linking.linker import Linker
from medreason.graph.paths import PathFinder
from tests.graph.worlds import Edge, tables

NAMES = {
    ("disease", "1"): "Marfan syndrome",
    ("disease", "2"): "Ehlers-Danlos syndrome",
    ("disease", "3"): "gout",
    ("disease", "4"): "cystic fibrosis",
    ("disease", "5"): "peptic ulcer disease",
    ("disease", "6"): "sarcoidosis",
    ("effect/phenotype", "1"): "Arachnodactyly",
    ("effect/phenotype", "2"): "Ectopia lentis",
    ("effect/phenotype", "3"): "Joint hypermobility",
    ("effect/phenotype", "4"): "Hyperuricemia",
    ("effect/phenotype", "5"): "Nausea",
    ("effect/phenotype", "6"): "Bronchiectasis",
    ("drug", "1"): "Allopurinol",
    ("drug", "2"): "Ibuprofen",
    ("drug", "3"): "Ivacaftor",
    ("gene/protein", "1"): "FBN1",
    ("gene/protein", "2"): "CFTR",
    ("gene/protein", "3"): "PTGS2",
}
_PRESENTS = ("disease_phenotype_positive", "phenotype present")
_GENE = ("disease_protein", "associated with")
_TARGET = ("drug_protein", "target")
_TREATS = ("indication", "indication")
EDGES: tuple[Edge, ...] = (
    (("disease", "1"), *_PRESENTS, ("effect/phenotype", "1")),
    (("disease", "1"), *_PRESENTS, ("effect/phenotype", "2")),
    (("disease", "1"), *_GENE, ("gene/protein", "1")),
    (("disease", "2"), *_PRESENTS, ("effect/phenotype", "3")),
    (("disease", "2"), *_PRESENTS, ("effect/phenotype", "1")),
    (("disease", "3"), *_PRESENTS, ("effect/phenotype", "4")),
    (("disease", "4"), *_PRESENTS, ("effect/phenotype", "6")),
    (("disease", "4"), *_GENE, ("gene/protein", "2")),
    (("drug", "1"), *_TREATS, ("disease", "3")),
    (("drug", "2"), *_TREATS, ("disease", "3")),
    (("drug", "2"), "contraindication", "contraindication", ("disease", "5")),
    (("drug", "2"), "drug_effect", "side effect", ("effect/phenotype", "5")),
    (("drug", "1"), "drug_effect", "side effect", ("effect/phenotype", "5")),
    (("drug", "2"), *_TARGET, ("gene/protein", "3")),
    (("drug", "3"), *_TREATS, ("disease", "4")),
    (("drug", "3"), *_TARGET, ("gene/protein", "2")),
)


def question(name: str, stem: str, options: str | list[str], gold: str, **changes: Any) -> dict[str, Any]:
    """A row of `questions`; options by `|`, gold as letter, or as text where there are no options."""
    texts = options.split("|") if isinstance(options, str) and options else list(options)
    rows = [{"letter": letter, "text": text} for letter, text in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", texts, strict=False)]
    answers = {row["letter"]: row["text"] for row in rows}
    return {
        "item_id": f"medqa:{name}",
        "source": "medqa",
        "dataset_name": "medqa",
        "split": "train",
        "role": "train",
        "raw_record_id": name,
        "raw_file_sha256": "0" * 64,
        "raw_locator": f"line:{name}",
        "record_sha256": "1" * 64,
        "stem": stem,
        "context": "",
        "options": rows,
        "answer_type": "choice" if rows else "free_text",
        "answer_letters": [gold] if rows else [],
        "answer_text": answers.get(gold, gold),
        "answer_lower": "",
        "answer_upper": "",
        "gold_rationale": f"SECRET RATIONALE {name}",
        "facets": [],
        "language": "en",
        "group_id": name,
        **changes,
    }


YES_NO = "Yes|No|Maybe"
ROWS: tuple[dict[str, Any], ...] = (
    question(
        "marfan",
        "A boy has arachnodactyly and ectopia lentis. Which diagnosis?",
        "Gout|Marfan syndrome|Ehlers-Danlos syndrome",
        "B",
    ),
    question("gout", "A man has hyperuricemia. Which drug is best?", "Ivacaftor|Allopurinol|Bronchoscopy", "B"),
    question("free", "Which gene is mutated in cystic fibrosis with bronchiectasis?", "", "CFTR"),
    question(
        "decision",
        "Does allopurinol help in gout?",
        YES_NO,
        "A",
        answer_type="yes_no_maybe",
        answer_text="yes",
        gold_rationale="Hyperuricemia improved.",
    ),
    question("avoid", "Which drug is contraindicated in peptic ulcer disease?", "Ibuprofen|Allopurinol", "A"),
    question(
        "except", "All of the following are found in Marfan syndrome EXCEPT:", "Ectopia lentis|Hyperuricemia", "A"
    ),
    question(
        "exception", "All are found in Marfan syndrome EXCEPT:", "Ectopia lentis|Hyperuricemia|Arachnodactyly", "B"
    ),
    question("nofinding", "What is best?", "Gout|Sarcoidosis", "A"),
    question("negated", "The boy has no arachnodactyly. Which diagnosis?", "Gout|Marfan syndrome", "B"),
    question("noanswer", "A boy has arachnodactyly. Which test?", "Bronchoscopy|Urine culture", "A"),
    question("nopath", "A boy has arachnodactyly. Which diagnosis?", "Gout|Sarcoidosis", "B"),
    question("nosupport", "A woman has nausea. Which drug is best?", "Ibuprofen|Ivacaftor", "A"),
    question("use", "Ibuprofen is approved for use in:", "Nausea|Cystic fibrosis", "A"),
    question("effect", "Which is an adverse effect of ibuprofen?", "Nausea|Cystic fibrosis", "A"),
    question("number", "What is the anion gap in gout?", "", "14", answer_type="number"),
    question("chinese", "痛风用什么药?", "Allopurinol|Ibuprofen", "A", language="zh"),
)
OUTCOMES = {
    "marfan": "",
    "gout": "",
    "free": "",
    "decision": "",
    "avoid": "",
    "except": "no_supporting_path",
    "exception": "",
    "nofinding": "no_question_entity",
    "negated": "no_question_entity",
    "noanswer": "no_answer_entity",
    "nopath": "no_path",
    "nosupport": "no_supporting_path",
    "use": "no_supporting_path",
    "effect": "",
    "number": "answer_type_not_supported",
    "chinese": "language_not_supported",
}


class World:
    """Graph, linker and rule engine, opened once."""

    def __init__(self, folder: Path) -> None:
        """Build the graph into a folder."""
        nodes, edges = tables(EDGES, NAMES, alone=NAMES)
        self.folder = folder
        self.settings = GroundingSettings()
        self.graph = KnowledgeGraph.build(nodes, edges, folder / "graph", GraphSettings())
        self.lexicon = build_lexicon(nodes)
        self.linker = Linker(nodes, self.lexicon, self.settings.linking)
        self.finder = PathFinder(self.graph, self.settings.paths)
        self.questions = QUESTIONS.from_rows(list(ROWS))

    @contextmanager
    def generator(self, name: str, **settings: Any) -> Iterator[Generator]:
        """A generator over a store of its own."""
        store = open_store(str(self.folder / name / "store"))
        with open_generator(EngineSettings(**settings), store, folder=self.folder / name / "cache") as generator:
            yield generator

    def ground(self, generator: Generator, questions: pa.Table | None = None) -> Grounded:
        """Ground questions (by default all)."""
        tools = GroundingTools(
            graph=self.graph, linker=self.linker, finder=self.finder, generator=generator, settings=self.settings
        )
        return ground_shard(self.questions if questions is None else questions, tools)

    def write(self, generator: Generator, grounded: Grounded, **settings: Any) -> pa.Table:
        """Write chains."""
        tools = GenerationTools(generator=generator, settings=ChainSettings(**settings))
        return generate_shard(self.questions, grounded.paths, grounded.pruned_paths, tools)

    def verify(self, generator: Generator, grounded: Grounded, chains: pa.Table, **more: Any) -> pa.Table:
        """Check chains."""
        tools = VerificationTools(
            graph=self.graph,
            linker=self.linker,
            finder=self.finder,
            generator=generator,
            settings=VerificationSettings(),
            synonyms=synonyms_of(self.lexicon),
        )
        return verify_shard(self.questions, grounded.links, grounded.paths, chains, tools, **more)
