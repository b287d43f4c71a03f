"""Edges as English: one claim is one edge, sentences join the claims that share a node.

Belongs: claims, agreement of verbs, articles, joining two claims, the forms a phrase can take in a text.
Does not belong: what a chain says in which order (verbaliser.py), the phrases (graph/knowledge/relations.py).
Rule: a sentence says exactly what its edges say, subject before relation before object; nothing is added or turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from medreason.chains.tasks.names import sentence_case
from medreason.chains.tasks.nouns import apposed, class_noun, is_said_in_plural, noun
from medreason.chains.tasks.shown import ShownEdge, ShownPath, read_arrow
from medreason.graph.knowledge.relations import RELATIONS, Polarity

_PLURAL_VERBS = {"is": "are", "does": "do", "has": "have", "expresses": "express"}
_APPOSITIONS = ("side effect", "molecular function", "enzyme", "carrier protein", "transporter")
_OF_CLASSES = "is hierarchically related to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one edge says: `subject PHRASE object`."""

    subject: str
    subject_type: str
    phrase: str
    object: str
    object_type: str
    is_symmetric: bool = False

    def turned(self) -> Claim:
        """The same claim from the other end; only for symmetric ones."""
        return Claim(
            subject=self.object,
            subject_type=self.object_type,
            phrase=self.phrase,
            object=self.subject,
            object_type=self.subject_type,
            is_symmetric=True,
        )


def claim_of(edge: ShownEdge, head_type: str, tail_type: str) -> Claim:
    """The claim of a shown edge, subject first whichever way the path walks it."""
    head, text, tail = edge.edge
    phrase, direction = read_arrow(text)
    if direction == "backward":
        return Claim(subject=tail, subject_type=tail_type, phrase=phrase, object=head, object_type=head_type)
    is_symmetric = direction == "unknown"
    return Claim(
        subject=head,
        subject_type=head_type,
        phrase=phrase,
        object=tail,
        object_type=tail_type,
        is_symmetric=is_symmetric,
    )


def claims_of(path: ShownPath) -> tuple[Claim, ...]:
    """The first (cheapest) edge of each hop as claim."""
    ends = zip(path.types, path.types[1:], strict=False)
    return tuple(claim_of(hop[0], one, other) for hop, (one, other) in zip(path.hops, ends, strict=True))


@cache
def _polarities() -> dict[str, Polarity]:
    return {rule.phrase: rule.polarity for rule in RELATIONS}


def polarity_of(phrase: str) -> Polarity:
    """Polarity of the relation that is said with this phrase; `associative` for phrases of undeclared relations."""
    return _polarities().get(phrase, "associative")


# ---------------------------------------------------------------- words


def agree(phrase: str, *, plural: bool) -> str:
    """The phrase with its verb in the subject's number.

    >>> agree("presents with", plural=True), agree("can cause the side effect", plural=True)
    ('present with', 'can cause the side effect')
    """
    if not plural:
        return phrase
    verb, blank, rest = phrase.partition(" ")
    if verb in _PLURAL_VERBS:
        return f"{_PLURAL_VERBS[verb]}{blank}{rest}"
    return f"{verb[:-1]}{blank}{rest}" if verb.endswith("s") else phrase


def for_several(phrase: str) -> str | None:
    """The phrase before several objects where it ends in a noun for one: `can cause the side effects`, else None."""
    noun = next((noun for noun in _APPOSITIONS if phrase.endswith(f"the {noun}")), None)
    return f"{phrase}s" if noun else None


@cache
def phrase_forms(phrase: str) -> tuple[str, ...]:
    """Every form in which a sentence of ours holds this phrase."""
    forms = [phrase, agree(phrase, plural=True)]
    forms += [several for form in tuple(forms) if (several := for_several(form))]
    return tuple(dict.fromkeys(forms))


# ---------------------------------------------------------------- sentences


def clause(claim: Claim) -> str:
    """One claim without capital and full stop.

    >>> clause(Claim(subject="seizures", subject_type="", phrase="is associated with", object="SCN1A", object_type=""))
    'seizures are associated with SCN1A'
    """
    return f"{_subject(claim)} {_predicate(claim)}"


def _subject(claim: Claim) -> str:
    as_noun = class_noun if claim.phrase == _OF_CLASSES else noun
    return as_noun(claim.subject, claim.subject_type)


def _predicate(claim: Claim) -> str:
    return f"{_verb(claim)} {_object(claim)}"


def _verb(claim: Claim) -> str:
    return agree(claim.phrase, plural=is_said_in_plural(claim.subject, claim.subject_type))


def _object(claim: Claim) -> str:
    """The object; without an article behind the noun that it explains (`the side effect rash`)."""
    if claim.phrase == _OF_CLASSES:
        return class_noun(claim.object, claim.object_type)
    as_noun = noun if for_several(claim.phrase) is None else apposed
    return as_noun(claim.object, claim.object_type)


def listed(parts: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(parts) < 3:
        return f" {word} ".join(parts)
    return f"{', '.join(parts[:-1])}, {word} {parts[-1]}"


def join_two(one: Claim, other: Claim) -> str:
    """Two claims that share a node, as one sentence without capital and full stop.

    >>> a = Claim(subject="Marfan syndrome", subject_type="disease", phrase="presents with", object="arachnodactyly",
    ...           object_type="effect/phenotype")
    >>> b = Claim(subject="Marfan syndrome", subject_type="disease", phrase="is associated with", object="FBN1",
    ...           object_type="gene/protein")
    >>> join_two(a, b)
    'Marfan syndrome presents with arachnodactyly and is associated with FBN1'
    """
    one, other = _faced(one, other)
    is_negative = "negative" in (polarity_of(one.phrase), polarity_of(other.phrase))
    if one.subject == other.subject and _subject(one) == _subject(other) and not is_negative:
        return one_subject((one, other))
    if one.object == other.object and one.phrase == other.phrase and not is_negative:
        return one_object((one, other))
    return f"{clause(one)}, and {clause(other)}"


def _faced(one: Claim, other: Claim) -> tuple[Claim, Claim]:
    """Symmetric claims turned so that a shared node stands in the same place in both, where that is possible."""
    if one.is_symmetric and other.is_symmetric:
        shared = {one.subject, one.object} & {other.subject, other.object}
        return (_with_object(one, shared), _with_object(other, shared))
    if one.is_symmetric and other.subject in (one.subject, one.object):
        return (one if one.subject == other.subject else one.turned(), other)
    if other.is_symmetric and one.subject in (other.subject, other.object):
        return (one, other if one.subject == other.subject else other.turned())
    return one, other


def _with_object(claim: Claim, shared: set[str]) -> Claim:
    return claim if claim.object in shared else claim.turned()


def one_subject(claims: Sequence[Claim]) -> str:
    """Claims of one subject: `M presents with both A and B`, `M presents with A and is associated with B`."""
    first = claims[0]
    if any(claim.phrase != first.phrase for claim in claims):
        return f"{_subject(first)} {listed([_predicate(claim) for claim in claims])}"
    phrase = _verb(first)
    objects = [_object(claim) for claim in claims]
    several = for_several(phrase)
    both = "both " if len(objects) == 2 and not several else ""
    return f"{_subject(first)} {several or phrase} {both}{listed(objects)}"


def one_object(claims: Sequence[Claim]) -> str:
    """Claims of one phrase and object: `both A and B present with M`."""
    both = "both " if len(claims) == 2 else ""
    subjects = listed([_subject(claim) for claim in claims])
    last = claims[0]
    return f"{both}{subjects} {agree(last.phrase, plural=True)} {_object(last)}"


def path_clauses(claims: Sequence[Claim]) -> list[str]:
    """A path's claims as sentences without capital and full stop, two hops to a sentence."""
    pairs = [claims[place : place + 2] for place in range(0, len(claims), 2)]
    return [join_two(*pair) if len(pair) == 2 else clause(pair[0]) for pair in pairs]


def finish(text: str) -> str:
    """The clause as a sentence of its own."""
    return f"{sentence_case(text)}."
