"""Shard functions over a small graph: outcomes, independence of the cut, what the writer sees, controls.

Belongs: the three functions as a job calls them, with the rule engine.
Does not belong: single steps (the other modules here), the real graph (tests of the build).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from medreason.base.tables.questions import QUESTIONS
from medreason.chains.engines.rule import RuleEngine
from medreason.chains.generation.generator import Generator
from medreason.chains.grounding import EXCEPTION, PathJudge, intent_of
from medreason.chains.shards.grounding import Grounded
from medreason.chains.tasks import write
from medreason.chains.verification.policy import VerificationSettings, decide
from medreason.graph.knowledge.graph import KnowledgeGraph
from medreason.graph.knowledge.settings import GraphSettings
from medreason.graph.paths import PathFinder, PathSettings
from tests.chains.shards_world import OUTCOMES, ROWS, World, question
from tests.graph.worlds import tables


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The small world, built once."""
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def generator(world: World) -> Iterator[Generator]:
    """The rule engine."""
    with world.generator("shared") as opened:
        yield opened


@pytest.fixture(scope="module")
def grounded(world: World, generator: Generator) -> Grounded:
    """All questions in one shard."""
    return world.ground(generator)


@pytest.fixture(scope="module")
def chains(world: World, generator: Generator, grounded: Grounded) -> pa.Table:
    """One chain for each."""
    return world.write(generator, grounded)


def _by_name(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["item_id"].partition(":")[2]: row for row in table.to_pylist()}


def test_every_question_has_an_outcome_with_its_reason(grounded: Grounded) -> None:
    outcomes = _by_name(grounded.outcomes)
    assert {name: row["reason"] for name, row in outcomes.items()} == OUTCOMES
    assert outcomes["except"]["detail"] == EXCEPTION
    assert outcomes["nosupport"]["detail"] == "side_effect_as_treatment"
    assert outcomes["use"]["detail"] == "not_asked_for"
    assert outcomes["decision"]["answer_side"] == "rationale"
    assert outcomes["marfan"]["n_paths"] >= 2
    assert outcomes["number"]["n_question_nodes"] == 0


class _PrunesAll(RuleEngine):
    """A model that finds every path beside the point."""

    def content(self, task_name: str, messages: Sequence[Mapping[str, str]]) -> str:
        return '{"paths": []}' if task_name == "prune" else super().content(task_name, messages)


def test_a_model_that_keeps_no_path_loses_no_question(world: World) -> None:
    with world.generator("prunes-all") as generator:
        generator.engine = _PrunesAll()
        grounded = world.ground(generator)
    outcomes = _by_name(grounded.outcomes)
    assert {row["outcome"] for row in outcomes.values()} == {"quarantined"}
    assert outcomes["marfan"]["reason"] == "no_supporting_path"
    assert outcomes["marfan"]["detail"] == "pruning kept none of the paths"


def test_paths_lead_to_the_answer_and_to_wrong_options(grounded: Grounded) -> None:
    rows = [row for row in grounded.paths.to_pylist() if row["item_id"] == "medqa:marfan"]
    assert [row["path_no"] for row in rows] == list(range(len(rows)))
    assert rows[0]["target"] == "answer"
    assert {row["target"] for row in rows} == {"answer", "option:C"}
    names = [node["node_name"] for node in rows[0]["nodes"]]
    assert names[-1] == "Marfan syndrome"


def test_what_is_asked_for_decides_what_supports(grounded: Grounded) -> None:
    rows = [row for row in grounded.paths.to_pylist() if row["item_id"] == "medqa:avoid" and row["target"] == "answer"]
    assert [row["verdict"] for row in rows if row["n_hops"] == 1] == ["supports"]


INTENTS = {
    "Which drug is contraindicated here?": "contraindication",
    "Which drug should be avoided?": "contraindication",
    "Which of his drugs should be stopped?": "contraindication",
    "Which drugs would you like to avoid in this patient?": "contraindication",
    "Which of the following is best avoided in renal failure?": "contraindication",
    "Which agent has to be used with caution?": "contraindication",
    "He likes to avoid crowds. What is the diagnosis?": "",
    "What is given to avoid the development of resistance?": "",
    "Which of the following would you prescribe?": "treatment",
    "Which drug should she be switched to?": "treatment",
    "Which drug is most likely responsible for this rash?": "adverse_effect",
    "Which is the causal drug?": "adverse_effect",
    "Vitamin D toxicity is treated with": "treatment",
    "What is the antidote for acetaminophen toxicity?": "",
    "Which drug is best for the treatment of digoxin toxicity?": "treatment",
    "What is the best treatment?": "treatment",
    "She was treated at home. What is the diagnosis?": "",
    "What is the most likely diagnosis?": "",
}


@pytest.mark.parametrize(("stem", "expected"), INTENTS.items(), ids=INTENTS)
def test_what_a_question_asks_for(stem: str, expected: str) -> None:
    assert intent_of(stem) == expected


def test_any_cut_into_shards_gives_the_same_tables(world: World, generator: Generator, grounded: Grounded) -> None:
    parts = [world.ground(generator, world.questions.slice(start, 4)) for start in range(0, len(ROWS), 4)]
    for name in ("mentions", "links", "paths", "pruned_paths", "outcomes"):
        assert pa.concat_tables([getattr(part, name) for part in parts]).equals(getattr(grounded, name)), name


def test_the_longest_and_strangest_texts_go_through(world: World, generator: Generator) -> None:
    text = 'arachnodactyly and ectopia lentis <|x|> \\" ' * 1_400
    rows = [question("long", text, [f"Marfan syndrome {text}", f"Gout {text}", "Gout"] * 8, "A", context=text)]
    grounded = world.ground(generator, QUESTIONS.from_rows(rows))
    assert grounded.outcomes.num_rows == 1
    assert max(row["stop"] for row in grounded.mentions.to_pylist()) <= len(text)


def test_an_empty_shard_is_empty_tables(world: World, generator: Generator) -> None:
    nothing = world.ground(generator, world.questions.slice(0, 0))
    chains = world.write(generator, nothing)
    assert [nothing.outcomes.num_rows, chains.num_rows] == [0, 0]
    assert world.verify(generator, nothing, chains).num_rows == 0


def test_chains_are_written_for_what_is_pathed(grounded: Grounded, chains: pa.Table) -> None:
    rows = _by_name(chains)
    assert set(rows) == {name for name, reason in OUTCOMES.items() if not reason}
    assert rows["marfan"]["answer_given"] == "B"
    assert "option B (Marfan syndrome)" in rows["marfan"]["conclusion"]
    assert rows["free"]["answer_given"] == "CFTR"
    assert rows["exception"]["answer_given"] == "B"
    assert "options A and C more closely with the question than option B" in rows["exception"]["conclusion"]
    assert rows["decision"]["answer_given"] == "A"
    assert rows["avoid"]["steps"][0]["text"].endswith("ibuprofen is contraindicated in peptic ulcer disease.")
    known = {edge["edge_id"] for row in grounded.paths.to_pylist() for hop in row["hops"] for edge in hop}
    assert {edge for row in rows.values() for step in row["steps"] for edge in step["edge_ids"]} <= known


def test_samples_are_rows_of_their_own(
    world: World, generator: Generator, grounded: Grounded, chains: pa.Table
) -> None:
    rows = world.write(generator, grounded, n_samples=3).to_pylist()
    assert len(rows) == 3 * chains.num_rows
    assert [row["sample_no"] for row in rows[:3]] == [0, 1, 2]
    assert len({row["request_sha256"] for row in rows[:3]}) == 3


class _Watching:
    """The writer's task, keeping what it was asked."""

    def __init__(self) -> None:
        self.given: list[write.WriteGiven] = []

    def keep(self, generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
        ask = generator.ask

        def watched(task: Any, given: Any, **more: Any) -> Any:
            self.given += given if task is write.TASK else []
            return ask(task, given, **more)

        monkeypatch.setattr(generator, "ask", watched)


def test_the_slots_of_source_text_are_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row as long as texts may be makes no prompt longer than any model takes."""
    filler = " and more of the same" * 20_000
    row = question(
        "long",
        "A boy has arachnodactyly and ectopia lentis. Which diagnosis?" + filler,
        ["Gout", "Marfan syndrome", "Ehlers-Danlos syndrome"],
        "B",
        context="He has arachnodactyly." + filler,
        gold_rationale="SECRET" + filler,
    )
    asked: dict[str, int] = {}
    with world.generator("long") as generator:
        ask = generator.ask

        def watched(task: Any, given: Any, **more: Any) -> Any:
            for one in given:
                asked[task.name] = max(asked.get(task.name, 0), *(len(m["content"]) for m in task.messages(one)))
            return ask(task, given, **more)

        monkeypatch.setattr(generator, "ask", watched)
        monkeypatch.setattr(world, "questions", QUESTIONS.from_rows([row]))
        grounded = world.ground(generator)
        chains = world.write(generator, grounded)
        world.verify(generator, grounded, chains)
    assert {"extract", "prune", "write", "answer"} <= set(asked)
    assert max(asked.values()) < 80_000, asked
    assert chains.column("outcome").to_pylist() == ["ok"]


@pytest.mark.parametrize("sees_gold", [True, False])
def test_the_writer_sees_gold_where_it_may_and_the_rationale_never(
    world: World, generator: Generator, grounded: Grounded, monkeypatch: pytest.MonkeyPatch, sees_gold: bool
) -> None:
    watching = _Watching()
    watching.keep(generator, monkeypatch)
    rows = world.write(generator, grounded, writer_sees_gold=sees_gold).to_pylist()
    assert {row["writer_sees_gold"] for row in rows} == {sees_gold}
    prompts = ["\n".join(m["content"] for m in write.TASK.messages(given)) for given in watching.given]
    assert not any("SECRET" in prompt or "improved" in prompt for prompt in prompts)
    assert all(bool(given.answer) == sees_gold for given in watching.given)
    if not sees_gold:
        targets = [[path.target for path in given.paths] for given in watching.given]
        assert all(names == sorted(set(names)) for names in targets)
        assert not any(given.answer_letters or given.unconnected for given in watching.given)


def test_every_check_stands_beside_its_control(
    world: World, generator: Generator, grounded: Grounded, chains: pa.Table
) -> None:
    verdicts = world.verify(generator, grounded, chains)
    rows = verdicts.to_pylist()
    assert len(rows) == 4 * chains.num_rows
    support = {row["is_control"]: row["outcome"] for row in rows if row["check"] == "step_support"}
    assert support == {False: "passed", True: "failed"}
    for row in rows:
        assert bool(row["control_item_id"]) == row["is_control"]
        assert row["control_item_id"] != row["item_id"]
        assert bool(row["request_sha256"]) == (row["check"] == "re_answer")
    some = {"medqa:marfan", "medqa:gout"}
    part = world.verify(generator, grounded, chains, only_items=some)
    assert part.to_pylist() == [row for row in rows if row["item_id"] in some]
    decisions = decide(chains.to_pylist(), rows, VerificationSettings())
    assert {decision.label for decision in decisions} == {"graph-consistent"}


def test_masked_findings_still_lead_to_the_answer(
    world: World, generator: Generator, grounded: Grounded, chains: pa.Table
) -> None:
    rows = world.verify(generator, grounded, chains).to_pylist()
    again = {(r["item_id"], r["is_control"]): r for r in rows if r["check"] == "re_answer"}
    assert again[("medqa:marfan", False)]["outcome"] == "passed"
    assert again[("medqa:marfan", True)]["outcome"] != "passed"
    assert again[("medqa:decision", False)]["outcome"] == "abstained"


def test_seeded_faults_are_labelled_and_lower_the_support(world: World, grounded: Grounded) -> None:
    with world.generator("faulty", fault_rates={"negated_claim": 1.0}) as faulty:
        chains = world.write(faulty, grounded)
        verdicts = world.verify(faulty, grounded, chains).to_pylist()
    labels = {row["item_id"]: row["fault_label"] for row in chains.to_pylist()}
    assert set(labels.values()) == {"negated_claim"}
    own = [row for row in verdicts if row["check"] == "step_support" and not row["is_control"]]
    failed = {row["item_id"] for row in own if row["outcome"] == "failed"}
    assert failed == set(labels)


@pytest.mark.parametrize(("name", "kind"), {"sarcoidosis": "supports", "syndrome": "neutral"}.items())
def test_a_class_of_everything_joins_nothing(tmp_path: Path, name: str, kind: str) -> None:
    finding, middle, gene = ("effect/phenotype", "1"), ("disease", "1"), ("gene/protein", "1")
    nodes, edges = tables(
        [
            (middle, "disease_phenotype_positive", "phenotype present", finding),
            (middle, "disease_protein", "associated with", gene),
        ],
        {finding: "Pustule", middle: name, gene: "BRAF"},
    )
    graph = KnowledgeGraph.build(nodes, edges, tmp_path / "graph", GraphSettings())
    finder = PathFinder(graph, PathSettings())
    ends = [graph.index_of(*end) for end in (finding, gene)]
    (path,) = finder.find(ends[:1], ends[1:], "full").paths
    assert PathJudge(graph, finder)(path, "").kind == kind


def test_an_option_that_was_not_searched_is_told_nowhere(chains: pa.Table) -> None:
    chain = _by_name(chains)["gout"]
    told = " ".join([*(step["text"] for step in chain["steps"]), chain["conclusion"]])
    assert "Allopurinol" in told
    assert "Bronchoscopy" not in told


def test_options_are_looked_for_as_far_away_as_the_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "settings", world.settings.model_copy(update={"max_option_hops": 1}))
    row = question("same", "A man has hyperuricemia. Which target is meant?", "PTGS2|The PTGS2|CFTR", "A")
    with world.generator("same") as generator:
        paths = world.ground(generator, QUESTIONS.from_rows([row])).paths.to_pylist()
    hops_of = {path["target"]: path["n_hops"] for path in reversed(paths)}
    assert hops_of["option:B"] == hops_of["answer"]
    assert hops_of["answer"] > world.settings.max_option_hops
