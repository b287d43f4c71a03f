"""Write the chain: steps that each cite the edges they rest on, and a conclusion.

Belongs: input, response, its check, the layout of the released text.
Does not belong: the rule engine's wording (verbaliser.py), support of steps (chains/verification).
Rule: gold rationales are no part of the input; whether the gold answer is, is a setting of the caller.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field as field
from pydantic import StringConstraints

from medreason.base.reasons import Reason
from medreason.base.text import one_line
from medreason.chains.tasks.protocol import Fault, ResponseModel, Task, make_task
from medreason.chains.tasks.shown import ShownOption, ShownPath

MAX_QUESTION_CHARACTERS = 8_000
MAX_CONTEXT_CHARACTERS = 12_000
MAX_OPTION_CHARACTERS = 1_000
MAX_OPTIONS_CHARACTERS = 16_000
"""All options together."""
MAX_ANSWER_CHARACTERS = 2_000
MAX_LABEL_CHARACTERS = 160
"""An option's text as a chain quotes it."""
_EMPHASIS = re.compile(r"(\*{1,2})([^*\s](?:[^*]*[^*\s])?)\1")

EdgeNo = Annotated[str, StringConstraints(pattern=r"^E[0-9]{1,4}$")]
PathNo = Annotated[str, StringConstraints(pattern=r"^P[0-9]{1,4}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteGiven:
    """What the writer sees."""

    question: str
    context: str
    answer_type: str
    options: tuple[ShownOption, ...]
    answer_letters: tuple[str, ...]
    """Gold letters; empty where the writer does not see gold, or there are no options."""
    answer: str
    """Gold answer; empty where the writer does not see gold."""
    unconnected: tuple[str, ...]
    """Letters of options to which the search found no supporting path as short as the shortest one to the answer."""
    paths: tuple[ShownPath, ...]


class WrittenStep(ResponseModel):
    """One step and the edges it rests on."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=1600)]
    edges: Annotated[list[EdgeNo], field(max_length=24)]


class WriteResponse(ResponseModel):
    """What a writer returns."""

    cannot_write: bool
    """The shown paths do not carry a chain to an answer."""
    paths: Annotated[list[PathNo], field(max_length=16)]
    steps: Annotated[list[WrittenStep], field(max_length=16)]
    conclusion: Annotated[str, StringConstraints(max_length=4000)]
    answer: Annotated[str, StringConstraints(max_length=MAX_ANSWER_CHARACTERS + 10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a chain; edges by their numbers in the input."""

    text: str
    edges: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain whose references were all shown."""

    paths: tuple[str, ...]
    steps: tuple[Step, ...]
    conclusion: str
    answer: str
    """Option letters joined by `, `, or the answer as text."""


def check(response: WriteResponse, given: WriteGiven) -> Chain | Fault:
    """The chain, or the first thing wrong with it."""
    if response.cannot_write:
        return Fault(reason=Reason.CANNOT_WRITE)
    fault = _reference_fault(response, given) or _content_fault(response, given)
    return fault or Chain(
        paths=tuple(response.paths),
        steps=tuple(Step(text=step.text.strip(), edges=tuple(dict.fromkeys(step.edges))) for step in response.steps),
        conclusion=response.conclusion.strip(),
        answer=_tidy_answer(response.answer, given),
    )


def _reference_fault(response: WriteResponse, given: WriteGiven) -> Fault | None:
    paths = {path.no for path in given.paths}
    edges = {edge.no for path in given.paths for edge in path.edges}
    foreign = set(response.paths) - paths | {no for step in response.steps for no in step.edges} - edges
    return Fault(reason=Reason.FOREIGN_REFERENCE, detail=", ".join(sorted(foreign))) if foreign else None


def _content_fault(response: WriteResponse, given: WriteGiven) -> Fault | None:
    texts = [response.conclusion, response.answer, *(step.text for step in response.steps)]
    if not response.steps or not response.paths or not all(text.strip() for text in texts):
        return Fault(reason=Reason.SCHEMA_MISMATCH, detail="no path, no step, or an empty text")
    letters = {option.letter for option in given.options}
    named = split_letters(response.answer)
    if letters and not (named and set(named) <= letters):
        return Fault(reason=Reason.NOT_AN_OPTION)
    return None


def _tidy_answer(answer: str, given: WriteGiven) -> str:
    return ", ".join(sorted(set(split_letters(answer)))) if given.options else answer.strip()


def option_label(text: str) -> str:
    """An option's text as a chain quotes it: one line, without marks of the source around it.

    >>> option_label("*Salmonella*"), option_label('Haloperidol\\n"'), option_label("E. coli.")
    ('Salmonella', 'Haloperidol', 'E. coli')
    """
    plain = _EMPHASIS.sub(r"\2", text)
    if plain.count('"') == 1:
        plain = plain.replace('"', "")
    return one_line(plain, MAX_LABEL_CHARACTERS).rstrip(" .;,:")


def split_letters(answer: str) -> tuple[str, ...]:
    """Option letters of an answer such as `B` or `A, C`.

    >>> split_letters("A, C"), split_letters(" B ")
    (('A', 'C'), ('B',))
    """
    return tuple(part.strip() for part in answer.split(",") if part.strip())


def reasoning_text(findings: Sequence[str], steps: Sequence[str], conclusion: str) -> str:
    """The whole chain as released, in MedReason's order: paths, reasoning, conclusion."""
    parts = ("Finding reasoning paths:", *_numbered(findings), "", "Reasoning Process:", *_numbered(steps))
    return "\n".join([*parts, "", "Conclusion:", conclusion])


def _numbered(lines: Sequence[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, start=1)]


def _rule(given: WriteGiven) -> WriteResponse:
    from medreason.chains.tasks.verbaliser import verbalise

    return verbalise(given)


TASK: Task[WriteGiven, Chain] = make_task("write", WriteGiven, WriteResponse, check, _rule)
