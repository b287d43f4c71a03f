"""Answer again from a masked chain: can the answer be reached without being told?

Belongs: input, response, its check, the rule answer (evidence of the graph for each option).
Does not belong: masking (chains/verification/masking.py), deriving the evidence (chains/verification/re_answer.py).
Rule: the input never holds gold, links, path ids or the chain's conclusion; abstaining is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from medreason.base.reasons import Reason
from medreason.chains.tasks.protocol import Fault, ResponseModel, Task, make_task
from medreason.chains.tasks.shown import ShownOption
from medreason.chains.tasks.write import split_letters

MAX_EVIDENCE = 60

_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LAST_CHARACTERS = 300
_EXCEPTION = re.compile(
    r"\bNOT\b|\b(?i:except|(?:is|are) (?:false|wrong)|incorrect|wrong (?:answer|statement|option|one|match|pair)|"
    r"(?:least|less) likely|untrue|false statement|"
    r"(?:is|are) (?:uncommon|rare(?:ly)?(?: seen)?) in|uncommon (?:feature|cause|finding|complication)|"
    r"(?:be|is|are) spared|(?:limited|little|no) evidence of (?:effectiveness|efficacy|benefit)|"
    r"(?:is|are) ineffective)\b"
)
_LEAST = re.compile(
    r"(?<!at )\bleast (?:\w+ly )?(?:likely|role|effective|efficacious|important|common(?:ly)?|useful|helpful|potent|"
    r"frequent(?:ly)?|often|involved|seen|affected|appropriate|probable|associated|expected|suited|suitable)\b",
    re.IGNORECASE,
)
_ELLIPTIC = re.compile(
    r"^\W*not\b|"
    r"^\W*(?!(?:which|what|how|why|who)\b)(?:[\w-]+ ){1,5}(?:that|which) (?:does|do|is|are|can|has|have) ?not\b|"
    r"\b(?:not|never) (?:includ\w+|given|used|seen|found|involved|belong\w*|associated|caused|present|"
    r"indicated|recommended|required|affected|useful|effective|helpful|characteristic|true|correct|known|implicated|"
    r"responsible|related|part of|one of|an? (?:\w+ ){0,2}(?:feature|cause|risk factor|sign|symptom|component|"
    r"complication|manifestation|finding|type|member|side[ -]effect))\b",
    re.IGNORECASE,
)
"""A heading that asks for the exception without a question word: `Drug not used in typhoid`."""
_ASIDE = re.compile(r"\b(?:if|when|who|because|although|but|since|despite|whether) (?:\w+ ){0,3}not\b", re.IGNORECASE)
"""A condition or reason, which is no exception: `if it is not treated`."""
_CHOICE_WORD = re.compile(r"\b(?:which|what|following|these|all)\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:cannot|could not|unable to)\b|\b(?:is|are|was|were|does|do|would|can|will|may|has|have|need) not\b|"
    r"\b(?:isn|aren|doesn|don|can)['\u2019]t\b"
)
_SHOULD_NOT = re.compile(r"\b(?:should|must) (?:not|NOT)\b|contra-?indicated", re.IGNORECASE)
_WEIGHT_OF_HOPS = {1: 8, 2: 4, 3: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the graph holds between one finding and one option."""

    finding: str
    option: str
    path: str
    """`head -relation-> tail ...`, the best path of the two."""
    n_hops: int
    stance: Literal["supports", "against", "neutral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGiven:
    """The question, the masked chain, and the graph's evidence for what stands in it."""

    question: str
    options: tuple[ShownOption, ...]
    masked_chain: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class AnswerResponse(ResponseModel):
    """An answer, or an abstention."""

    abstain: bool
    answer: Annotated[str, StringConstraints(max_length=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer; empty where it abstains."""

    answer: str
    """Option letters joined by `, `, or the answer as text."""


def check(response: AnswerResponse, given: AnswerGiven) -> Answered | Fault:
    """The answer, or a Fault where it is no option."""
    if response.abstain:
        return Answered(answer="")
    letters = {option.letter for option in given.options}
    named = split_letters(response.answer)
    if letters and not (named and set(named) <= letters):
        return Fault(reason=Reason.NOT_AN_OPTION)
    if not letters and not response.answer.strip():
        return Fault(reason=Reason.SCHEMA_MISMATCH, detail="answer: empty without abstaining")
    return Answered(answer=", ".join(sorted(set(named))) if letters else response.answer.strip())


def last_sentence(question: str) -> str:
    """Where a question usually asks."""
    return _SENTENCES.split(question.strip())[-1][-_LAST_CHARACTERS:]


def asks_exception(question: str) -> bool:
    """The question asks for what does not belong: `all of the following EXCEPT`.

    >>> asks_exception("Which of the following is NOT a feature of Marfan syndrome?")
    True
    >>> asks_exception("Why is the child not growing?")
    False
    """
    last = _ASIDE.sub("", last_sentence(question).rsplit("|", 1)[-1])
    if _SHOULD_NOT.search(last):
        return False  # what must not be done is asked for itself, it is no exception
    if _EXCEPTION.search(last) or _LEAST.search(last) or (_CHOICE_WORD.search(last) and _DENIED.search(last)):
        return True
    return bool(_ELLIPTIC.search(last)) and "because" not in last


def option_scores(options: Sequence[ShownOption], evidence: Sequence[Evidence]) -> dict[str, int]:
    """Sum over findings of the weight of an option's best path; nearer weighs more, `against` weighs against."""
    best: dict[tuple[str, str], int] = {}
    for row in evidence:
        sign = {"supports": 1, "neutral": 0, "against": -1}[row.stance]
        weight = sign * _WEIGHT_OF_HOPS.get(row.n_hops, 1)
        key = (row.option, row.finding)
        best[key] = max(best.get(key, weight), weight)
    return {option.letter: sum(w for (letter, _), w in best.items() if letter == option.letter) for option in options}


def answer_from(question: str, scores: dict[str, int], told: set[str]) -> str:
    """The option that leads alone, else empty; a question for the exception takes the least of those told of."""
    if asks_exception(question):
        scores = {letter: -score for letter, score in scores.items() if letter in told}
    ranked = sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))
    if not ranked or (ranked[0][1] <= 0 and not asks_exception(question)):
        return ""
    is_tie = len(ranked) > 1 and ranked[1][1] == ranked[0][1]
    return "" if is_tie or (len(ranked) == 1 and asks_exception(question)) else ranked[0][0]


def margin_thousandths(scores: dict[str, int]) -> int:
    """Lead of the first option over the second, as a share of all that speaks for an option."""
    ranked = sorted((max(score, 0) for score in scores.values()), reverse=True)
    total = sum(ranked)
    return 1000 * (ranked[0] - (ranked[1] if len(ranked) > 1 else 0)) // total if total else 0


def _rule(given: AnswerGiven) -> AnswerResponse:
    scores = option_scores(given.options, given.evidence)
    answer = answer_from(given.question, scores, {row.option for row in given.evidence})
    return AnswerResponse(abstain=not answer, answer=answer)


TASK: Task[AnswerGiven, Answered] = make_task("answer", AnswerGiven, AnswerResponse, check, _rule)
