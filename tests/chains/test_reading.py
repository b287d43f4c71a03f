"""What a question's own explanations make of its mentions.

Belongs: abbreviations over all texts of a question, bare gene symbols.
Does not belong: how long forms are found (tests/graph/test_linking_abbreviations.py).
"""

from __future__ import annotations

import pytest

from medreason.chains.reading import asks_organism, means_infections, read_questions
from medreason.graph.knowledge.lexicon import build_lexicon
from medreason.graph.linking import Linker
from tests.chains.shards_world import World, question
from tests.graph.worlds import tables

INFECTION_NAMES = {("disease", "1"): "syphilis", ("disease", "2"): "brucellosis", ("disease", "3"): "gout"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The small world, built once."""
    return World(tmp_path_factory.mktemp("world"))


STEMS = {
    "not explained": ("She has arachnodactyly; FBN1 was sequenced.", "", ["arachnodactyly", "FBN1"]),
    "a bracket that its words do not spell": (
        "A fixed bone nail (FBN1) was set; arachnodactyly.",
        "",
        ["FBN1", "arachnodactyly"],
    ),
    "another sense": ("Fast balloon number 1 (FBN1) for arachnodactyly.", "", ["arachnodactyly"]),
    "explained in the other text": (
        "She has arachnodactyly after FBN1.",
        "A fast balloon number 1 (FBN1) was used.",
        ["arachnodactyly"],
    ),
}


@pytest.mark.parametrize(("stem", "context", "expected"), STEMS.values(), ids=STEMS)
def test_an_abbreviation_means_what_the_question_explains(
    world: World, stem: str, context: str, expected: list[str]
) -> None:
    row = question("one", stem, ["Marfan syndrome", "Gout"], "A", context=context)
    with world.generator("reading") as generator:
        (reading,) = read_questions([row], world.linker, world.graph, generator, world.settings)
    spots = [link.spot for link in reading.links if link.spot.text.side == "question"]
    assert [spot.mention.text for spot in spots] == expected


ORGANISMS = {
    "the organism is asked for": ("She has a painful ulcer. Which organism is the most likely cause?", True),
    "the infectious cause is asked for": ("She has an ulcer. What is the most likely infectious cause?", True),
    "the cause is asked for": ("What is the most likely underlying cause of these findings?", True),
    "laboratory values stand behind the question": (
        "Which pathogen is most likely?\n\n| Lipase\\* | 38 U/L |\n\n\\*Reference range: 12-70 U/L",
        True,
    ),
    "another thing is asked for": ("A virus was found. What is the best treatment?", False),
}


@pytest.mark.parametrize(("stem", "expected"), ORGANISMS.values(), ids=ORGANISMS)
def test_an_organism_stands_for_its_infection_only_where_it_is_asked_for(stem: str, expected: bool) -> None:
    assert asks_organism(stem) is expected


INFECTIONS = {
    "a diagnosis is asked for": (
        "She has a chancre. What is the diagnosis?",
        "Treponema pallidum|Gout|Sarcoidosis",
        True,
    ),
    "options to a case are organisms": ("A 22 year old man with a chancre", "Treponema pallidum|Brucella", True),
    "few of them are": ("A 22 year old man with a chancre", "Treponema pallidum|Gout|Sarcoidosis", False),
    "no case": ("The best stain is made for", "Treponema pallidum|Brucella", False),
    "no organism": ("A 22 year old man with a chancre", "Gout|Sarcoidosis", False),
}


@pytest.mark.parametrize(("stem", "options", "expected"), INFECTIONS.values(), ids=INFECTIONS)
def test_options_that_are_organisms_stand_for_infections(stem: str, options: str, expected: bool) -> None:
    nodes, _ = tables((), INFECTION_NAMES, alone=INFECTION_NAMES)
    linker = Linker(nodes, build_lexicon(nodes))
    assert means_infections(question("one", stem, options, "A"), linker) is expected
