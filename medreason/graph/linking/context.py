"""What the words around a mention say of it: absent, of a relative, a current drug, of the past.

Belongs: cues, how far each reaches, the status of a span.
Does not belong: which spans are mentions (mentions.py).
Rule: a scope begins behind its cue and ends at the first thing that begins a new statement; every scope is a pair of
offsets, so what is marked can be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Scope = tuple[int, int]

# Cues after which a whole list is absent ("denies fever, chills, or cough").
_LIST_NEGATION = re.compile(
    r"\b(?:den(?:y|ies|ied|ying)|negative for|(?:was|were) (?:not|never) (?:any )?(?:history|evidence) of)\b"
)
# Cues that reach to the next comma, or through a list that ends in "or" / "nor".
_NEGATION = re.compile(
    r"\b(?:no|without|absence of|absent|lacks?|lack of|free (?:of|from)|never had|rules? out|ruled out|nor"
    r"|(?:does|do|did|has|have|had) not (?:have|had|show|experience|reveal|complain of)|not (?:have"
    r"|having|present with)|(?:vaccinated|immuni[sz]ed|vaccination (?:course|series)) (?:for|against))\b"
)
# "no" that does not say a finding is absent.
_NOT_NEGATION = re.compile(
    r"\bno (?:longer|improvement|relief|response|effect|change|increase|decrease|further|more|better"
    r"|worse|doubt|benefit|relation"
    r"|association|difference|significant difference|one|reduction|known|consensus|agreement|guidelines?|data)\b"
    r"|\bno (?:[\w-]+ ){0,2}(?:differences?|of (?:interest|note|relevance|significance))\b|\bwithout (?:improvement"
    r"|relief|effect|treatment|response)\b"
    r"|\babsent (?:in|from)\b|\babsence of (?:treatment|therapy)\b"
)
_AFTERWARDS = re.compile(
    r"\s*[:(]\s*(?:negative|absent|none)\b"
    r"|\s*(?:\w+\s+){0,2}(?:is|are|was|were|has been|have been)\s+(?:absent|negative|ruled out|excluded"
    r"|denied|normal|within (?:the )?(?:normal|reference)|not (?:present|seen|noted))\b"
)
_STATEMENT_END = re.compile(
    r"[.;:!?](?=\s|$)|\n|\b(?:but|however|although|though|yet|except|aside from|apart from|other than"
    r"|whereas|while|because"
    r"|who|which|he|she|they|patient|consults?|presents|comes"
    r"|and (?:is|was|has|had|reports|presents|complains|states|notes|admits"
    r"|her|his|he|she|the))\b"
)
_SENTENCE_END = re.compile(r"[.;!?](?=\s|$)|\n")
# "without desquamation and tender lymph nodes": what is described in its own words is there.
_OWN_WORDS = re.compile(
    r"\band (?:tender|painful|enlarged|palpable|bilateral|diffuse|marked|severe|mild|moderate|generali[sz]ed|persistent"
    r"|progressive)\b"
)
_LIST_END = re.compile(r"\b(?:or|nor)\b")
_VERB = re.compile(
    r"\b(?:is|was|are|were|has|have|had|shows?|showed|presents?|reports?|reveals?|revealed|develop(?:s|ed)?)\b"
)

_RELATIVES = (
    r"mother|father|brother|sister|uncle|aunt|grandmother|grandfather|grandparents?|parents?|sibling|siblings|cousin"
    r"|maternal \w+|paternal \w+|family members?|relatives?"
)
_FAMILY = re.compile(
    rf"\bfamily history(?: is)?(?: \w+)?(?: positive| significant| notable| remarkable)?(?: of| for)?\b"
    rf"|\b(?:{_RELATIVES})(?:'s|\u2019s)?\s+(?:\w+\s+){{0,3}}?"
    r"(?:has|had|have|died|suffer\w*|was diagnosed|were diagnosed|is diagnosed|with|history of|underwent)\b"
)
_SPEAKING = re.compile(
    r"\b(?:says?|states?|reports?|notes?|noticed|concerned|worried|brings|brought|denies|tells|thinks|claims?)\b"
)

_MEDICATION = re.compile(
    r"\b(?:takes|taking|took|has taken|(?:is|was|been|being) on|is currently on|treated with"
    r"|treatment with|receiv(?:es|ed|ing)"
    r"|prescribed|medications?,? (?:including|include|includes|such as|are|is|consist of)"
    r"|drugs? (?:include|are)|managed with|maintained on"
    r"|controlled with|controlled by|therapy with|uses|using|daily medications?"
    r"|on(?! (?:examination|exam|physical|the|a|an|his|her|room|day|admission|arrival|auscultation|palpation)))\b"
)
_HISTORY = re.compile(
    r"\b(?:history (?:is )?(?:of|significant for|notable for|remarkable for|positive for|includes)"
    r"|past medical history|medical history"
    r"|previously|prior|h/o|known case of|years ago|as a child|in childhood)\b"
)
# "a 3-day history of fever" is the present illness.
_PRESENT_ILLNESS = re.compile(
    r"(?:\b(?:\w+)[- ](?:hour|day|week|month|year)s?[- ](?:long )?|\b(?:hours|days|weeks|months"
    r"|years)['\u2019]?\s+|present(?:ing)?\s+)history of\b"
)
_NEW_EVENT = re.compile(
    r"\b(?:presents?|presented|presenting|comes|came|is brought|was brought|complain\w*|now|develops?"
    r"|developed|is admitted|was admitted"
    r"|is evaluated|is seen|visits|is noted|is found)\b"
)


@dataclass(frozen=True, slots=True)
class Context:
    """Scopes of one text, by what they say."""

    text: str
    negated: tuple[Scope, ...]
    family: tuple[Scope, ...]
    medication: tuple[Scope, ...]
    history: tuple[Scope, ...]

    def is_negated(self, start: int, stop: int) -> bool:
        """True where the span stands in a negated scope, or is called absent right behind it."""
        return _inside(self.negated, start) or bool(_AFTERWARDS.match(self.text, stop))

    def status(self, start: int, *, is_drug: bool) -> str:
        """One of STATUSES for a span that starts here."""
        if _inside(self.family, start):
            return "family_history"
        if is_drug:
            return "medication" if _inside(self.medication, start) else "finding"
        return "history" if _inside(self.history, start) else "finding"


def read_context(text: str) -> Context:
    """All scopes of a text.

    >>> context = read_context("She denies fever or cough, but has a rash.")
    >>> context.is_negated(11, 16), context.is_negated(38, 42)
    (True, False)
    """
    text = _lower(text)
    return Context(
        text=text,
        negated=(*_list_negations(text), *_negations(text)),
        family=tuple(_family(text)),
        medication=tuple((cue.end(), _statement_end(text, cue.end())) for cue in _MEDICATION.finditer(text)),
        history=tuple(_histories(text)),
    )


def _lower(text: str) -> str:
    """Lower case at the same places; the few letters whose lower case is longer keep the text as it is."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _inside(scopes: Sequence[Scope], place: int) -> bool:
    return any(start <= place < stop for start, stop in scopes)


def _statement_end(text: str, start: int) -> int:
    end = _STATEMENT_END.search(text, start)
    return end.start() if end else len(text)


def _list_negations(text: str) -> Iterator[Scope]:
    for cue in _LIST_NEGATION.finditer(text):
        yield cue.end(), min(_statement_end(text, cue.end()), _bracket_end(text, cue.end()))


def _bracket_end(text: str, start: int) -> int:
    """Where the bracket closes that this place is in; the text's end outside brackets."""
    is_inside = text.rfind("(", 0, start) > text.rfind(")", 0, start)
    end = text.find(")", start) if is_inside else -1
    return end if end >= 0 else len(text)


def _negations(text: str) -> Iterator[Scope]:
    for cue in _NEGATION.finditer(text):
        if not _NOT_NEGATION.match(text, cue.start()):
            own = _OWN_WORDS.search(text, cue.end())
            ends = (_short_end(text, cue.end()), _bracket_end(text, cue.end()), own.start() if own else len(text))
            yield cue.end(), min(ends)


def _short_end(text: str, start: int) -> int:
    """End of a short scope: the first comma, or the comma behind a list's last member."""
    limit = _statement_end(text, start)
    comma = text.find(",", start, limit)
    if comma < 0:
        return limit
    last = _LIST_END.search(text, comma, limit)
    if last is None or _VERB.search(text, comma, last.start()):
        return comma
    behind = text.find(",", last.end(), limit)
    return behind if behind >= 0 else limit


def _family(text: str) -> Iterator[Scope]:
    for cue in _FAMILY.finditer(text):
        if not _SPEAKING.search(text, cue.start(), cue.end()):
            end = _SENTENCE_END.search(text, cue.end())
            yield cue.end(), end.start() if end else len(text)


def _histories(text: str) -> Iterator[Scope]:
    present = {match.end() for match in _PRESENT_ILLNESS.finditer(text)}
    for cue in _HISTORY.finditer(text):
        if cue.end() not in present:
            end, event = _statement_end(text, cue.end()), _NEW_EVENT.search(text, cue.end())
            yield cue.end(), min(end, event.start()) if event else end
