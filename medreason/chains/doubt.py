"""Mentions that a question names without saying that its patient has them: tests, scales, beliefs, vaccines, allergies.

Belongs: what the words around a mention say against building on it, names that mean something else than their node.
Does not belong: finding mentions and plain negation (graph/linking), what is searched (grounding.py).
Rule: a doubtful mention stays a mention; it is named in passing, and no path starts or ends at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from medreason.base.text import comparison_key
from medreason.chains.tasks.answer import last_sentence

_MAX_CHARACTERS_BEFORE = 1_000
_SENTENCE_BREAK = re.compile(r"[.;:!?](?=\s|$)|\n|\b(?:but|however|although|except|whereas)\b")
_ENDS_ASKING = re.compile(r"[?:\u2013-]\W*$|\b(?:which|what)\b", re.IGNORECASE)
_ASKING_PART = re.compile(r"\||\n|(?=\b(?:Which|What)\b)")
"""Tables and laboratory values stand before the question without a full stop."""
_POSITIVE = re.compile(r"^[^.;|]{0,60}\b(?:positive|detected|confirm\w*|reactive)\b", re.IGNORECASE)

# ---------------------------------------------------------------- behind the mention

_INSTRUMENT = re.compile(
    r"^[ /-]{0,2}(?:[\w-]+ ){0,2}(?:scale|scor(?:e|ing)|questionnaire|inventory|survey|control test|index)\b",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"^[ /-]{0,2}(?:virus |infection |surface |core |viral |release )?(?:[\w-]+ )?(?:tests?|testing|screen(?:ing)?|"
    r"serolog\w+|antigens?|antibod\w+|Ig[GM]|titers?|PCR|assay|suppression|challenge|stimulation|culture)\b",
    re.IGNORECASE,
)
_AROUND_CARE = re.compile(
    r"^[ -]{0,2}(?:patient )?(?:vaccin\w+|immuni[sz]ation\w*|clinic|support (?:center|group)|post-?exposure|"
    r"prophylaxis|exposure|shots?|jabs?|awareness|foundation|association|anonymous|drinks?|beverages?)\b",
    re.IGNORECASE,
)
_WITHDRAWAL = re.compile(r"^[ -]withdrawal\b", re.IGNORECASE)
_NEGATIVE_BEHIND = re.compile(
    r"^[ )]{0,2}(?:(?!but\b|and\b)\w+ ){0,3}(?:negative|undetectable|not detected|absent)\b|"
    r"^[^.|]{0,30}\|\s*(?:negative|absent|none|normal|not detected)\b|"
    r"^[^.;]{0,60}\b(?:are|were) all (?:negative|normal|unremarkable)\b",
    re.IGNORECASE,
)
_LONGER_BEHIND = re.compile(
    r"^[ -](?:kinase|oncogene|support|programs?|counsel\w+|surgery|medications?|supplement\w*|education|diets?|"
    r"spots?|loops?|stud(?:y|ies)|trials?|controlled|placebo|randomi\w+)\b",
    re.IGNORECASE,
)
_LIKE = re.compile(r"^[-\u2010\u2011 ]like\b", re.IGNORECASE)
_ALLERGIC_BEHIND = re.compile(r"^[- ](?:allerg\w+|hypersensitiv\w+)", re.IGNORECASE)
_RESISTANT_BEHIND = re.compile(r"^[- ]?(?:resistan\w+|susceptible|sensitiv\w+)\b", re.IGNORECASE)
_CELL = re.compile(
    r"^\s?(?:[+\u207a]|[TB][ -]?(?:cells?|lymphocytes?|helper)|cells?|lymphocytes?|counts?)", re.IGNORECASE
)

# ---------------------------------------------------------------- before the mention

_NOT = re.compile(
    r"\b(?:(?:does|do|did|has|have|had|is|are|was|were|will|would|could|should|can|may) not|\w+n['\u2019]t|never|"
    r"cannot|no (?:patient|case|child|one)s?|no symptoms of)\b(?! only)"
    r"(?:(?!\b(?:because|until|that|who|which|despite|when|where|what|how|only|and (?:has|is|appears|presents))\b)"
    r"[^.;:]){0,70}$",
    re.IGNORECASE,
)
_FEARED = re.compile(
    r"\b(?:worr(?:y|ied|ies)|afraid|fear(?:s|ful)?|concern(?:ed|s)?|obsess\w*) (?:about|of|over|with) $", re.IGNORECASE
)
_ENDS_IN_ING = re.compile(r"(?:gain|los|gett|becom)ing\b", re.IGNORECASE)
_STATEMENT = re.compile(r"\b(?:is|are|was|were)\b", re.IGNORECASE)
_BEHIND_PREPOSITION = re.compile(r"\b(?:in|of|on|from) (?:the |his |her )?$", re.IGNORECASE)
_NOBODY = re.compile(r"\bno (?:patient|case|child|one)s? (?:had|has|have|developed|showed) $", re.IGNORECASE)
_BELIEF = re.compile(
    r"\b(?:believes?|worr(?:ied|ies)|concern(?:ed|s)?|afraid|suspects?|thinks?|convinced|fears?|wonders?)\b"
    r"(?: (?!when|because|about)[\w']+){0,3} (?:that|this|if|may|might|could|is|be|having|has|he|she)\b"
    r"(?: (?!when|because)[\w'\"\u201c]+){0,4}[ \"\u201c]*$",
    re.IGNORECASE,
)
_RISK = re.compile(
    r"\b(?:risks? (?:of|for)(?: developing)?|(?:to|may|can|could|would|might) (?:prevent|cause|lead to|develop)|"
    r"prevention of|complications? (?:such as|like|including)|prophylaxis (?:of|for|against)|"
    r"(?:to|and) (?:rule out|exclude)|researching|read(?:ing)? about)\W+(?:[\w-]+\W+){0,4}$",
    re.IGNORECASE,
)
_TEST_BEFORE = re.compile(
    r"\b(?:tests?|tested|testing|screen(?:s|ed|ing)?|vaccin\w+|immuni[sz]\w+|immunity|serolog\w+)"
    r"(?: (?!positive|confirm)\w+){0,2} (?:for|against|to|of)\W+(?:(?!positive)[\w-]+(?:,| and| or)*\W+){0,8}$|"
    r"\bnegative (?:\w+ and )?$",
    re.IGNORECASE,
)
_ANTIBODIES = re.compile(r"\bantibod\w+ (?:\w+ )?(?:against|to)\W+(?:[\w-]+(?:,| and| or)*\W+){0,8}$", re.IGNORECASE)
_ALLERGY = re.compile(
    r"\b(?:allerg(?:y|ic|ies)|anaphyla\w+|hypersensitiv\w+|intoleran\w+)(?: \w+){0,2} (?:to|with exposure to)\W+"
    r"(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_SENSITIVITY = re.compile(
    r"\b(?:sensitivit\w+|susceptib\w+|resistan\w+|sensitive) (?:\w+ )?(?:to|include[s]?)\b[^.]*$", re.IGNORECASE
)
_ADVISED = re.compile(r"\b(?:recommend|advis|encourag|diet|lifestyle )\w*\b[^.;:]{0,90}$", re.IGNORECASE)
_LESS = re.compile(r"\b(?:less|fewer|reduced) (?:[\w-]+ ){0,1}$", re.IGNORECASE)
_EXCLUDED = re.compile(r"\bexclu(?:ded|sion|ding)\b[^.;]{0,140}$", re.IGNORECASE)
_TRIGGER = re.compile(
    r"\b(?:upon|(?:triggered|provoked|precipitated|exacerbated) by|worse(?:ns|ned)? with|resolves? with) $",
    re.IGNORECASE,
)
_SUSPECTED_BEHIND = re.compile(
    r"^(?:['\u2019]s)?(?: disease| syndrome)? (?:is|was|are|were) (?:suspected|ruled out)\b", re.I
)
_PATTERN_BEHIND = re.compile(r"^ (?:pattern|picture)\b", re.IGNORECASE)
_MEASURE_BEHIND = re.compile(
    r"^ (?:(?:may|should|can|could) (?:not )?be an? (?:\w+ )?)?"
    r"(?:strateg|intervention|approach|treatment|therap|to improve)",
    re.IGNORECASE,
)
_SHAPE = re.compile(r"\b(?:ST|crater-like|functional|\w+-like)[- ]$")
_NORMAL = re.compile(r"\bnormal (?:[\w-]+ )?$", re.IGNORECASE)
_RELATIVES = (
    r"(?:mother|father|brother|sister|daughter|son|uncle|aunt|cousin|grand\w+|wife|husband|roommate|sibling|partner|"
    r"parent)s?"
)
_RELATIVE = re.compile(
    rf"\b(?:his|her|whose|the|older|younger|twin|\d|two|and) {_RELATIVES},? (?:\w+ )?"
    r"(?:has|had|have|(?:died|passed away|was deceased) (?:[\w-]+ ){0,8}?(?:of|from|due to)|suffers? from|"
    r"(?:was|is|were) (?:recently )?(?:diagnosed with|treated for))\b"
    r"(?! (?:also )?(?:noticed|seen|observed|reported|brought|tried|given|said|found|"
    r"been (?:giving|worried|trying|concerned)))(?:(?!\b(?:he|she|patient|that)\b)[^.;]){0,60}$",
    re.IGNORECASE,
)

_PERSON = (
    r"(?:individual|person|patient|someone|somebody|co-?worker|roommate|friend|people|classmate|man|woman|child)s?"
)
_SOMEBODY = re.compile(
    r"\b(?:expos\w+ to|contact with|car(?:ing|es|ed) for|liv\w+ with|shar\w+ (?:\w+ ){1,4}with) "
    rf"(?:[\w-]+ ){{0,3}}?{_PERSON} "
    r"(?:with|who (?:has|had|have)|diagnosed with|suffering from) (?:[\w-]+ ){0,3}$",
    re.IGNORECASE,
)
_RELATIVE_WHO = re.compile(
    rf"\b(?:an?|the|his|her|their) (?:[\w-]+ ){{0,2}}{_RELATIVES} (?:who|whose)\b"
    r"(?:(?!\b(?:he|she|patient|that)\b)[^.;])*"
    r"\b(?:has|had|with|suffers from|diagnosed with) (?:[\w-]+ ){0,4}$",
    re.IGNORECASE,
)
_NEWBORN = re.compile(r"\b(?:newborn|neonate|\d+[- ](?:day|week)s?[- ]old)\b", re.IGNORECASE)
_MOTHERS = re.compile(r"\b(?:prior|before|pregnan\w+|deliver\w+|trimester)\b[^.;]*\bshe\b[^.;]*$", re.IGNORECASE)

# ---------------------------------------------------------------- options

_REACTION = re.compile(r"\ballerg\w+\b[^.;]*\bcausing (?:[\w-]+,? (?:and )?){0,3}$", re.IGNORECASE)
_STOPPED_FOR = re.compile(
    r"\bstopped (?:taking )?(?:[\w-]+ ){1,3}(?:because of|due to) (?:[\w-]+ ){0,1}$", re.IGNORECASE
)
_ITCHING_ELSEWHERE = re.compile(
    r"^ (?:sensation )?(?:(?:in|of) )?(?:the |his |her )?(?:throat|nose|eyes?|palate)\b", re.IGNORECASE
)
_STOPPED = re.compile(
    r"\b(?:discontinu\w+|stop(?:ping)?|withhold\w*|hold|ceas\w+|(?:decreas|reduc)(?:e|ing)(?: the)?|"
    r"taper\w*|chang(?:e|ing)|adjust(?:ing)?|modify(?:ing)?|"
    r"replac(?:e|ing)|switch(?:ing)?(?: from)?|remov(?:e|al of)|avoid\w*)\b"
    r"(?:(?!\b(?:start|begin|initiat\w*|add|to|with|administer|give|use)\b)[^.;])*$",
    re.IGNORECASE,
)
_WATCHED = re.compile(r"\b(?:monitor|watch|observe)(?:ing|ed)? (?:for )?(?:[\w'\u2019]+ ){0,2}$", re.IGNORECASE)
_BROUGHT_ABOUT = re.compile(r"\b(?:provok|induc|trigger|stimulat)(?:e|es|ing) (?:of )?(?:[\w-]+ ){0,1}$", re.IGNORECASE)
_IN_THE_FAMILY = re.compile(r"\b(?:family|familial|maternal|paternal) history of (?:[\w-]+ ){0,3}$", re.IGNORECASE)
_EARLIER = re.compile(r"\bago\b[^.;]*\bepisodes? of\b[^.;]*$", re.IGNORECASE)
_ABSENT_BEFORE = re.compile(r"\b(?:absence|lack) of (?:[\w-]+ ){0,2}$", re.IGNORECASE)
_HANDLED = re.compile(r"\b(?:metabolism|tolerance|clearance|excretion|abuse|overdose) (?:of|to) $", re.IGNORECASE)
_HANDLED_BEHIND = re.compile(
    r"^ (?:metabolism|tolerance|clearance|abuse|overdose|dependence|intoxication|withdrawal)\b", re.IGNORECASE
)
_SPECIES = re.compile(r"(?:^|\s)[A-Z]\. $")
"""The name behind it is an organism's: S. pneumonia."""
_RESISTANT_TO = re.compile(r"\bresistan\w+ to (?:\w+ )?$", re.IGNORECASE)
_LONGER_NAME = re.compile(
    r"\b(?:nor-|power |(?:double|single|triple|observer|investigator)[- ]|lupus |lipoprotein |hormone[- ]sensitive |"
    r"chorionic |illness |prostaglandin |tetravalent |H\. )$",
    re.IGNORECASE,
)
_HORMONE_OF_THE_BODY = re.compile(
    r"^s?[- ]?(?:secret\w+|excess|levels?|in (?:the |adipose)|produc\w+|deficien\w+)", re.I
)
_NARROWER_CLASS = re.compile(
    r"\b(?:direct|oral|inhaled|intranasal|topical|intra-?articular|intravitreal|intravenous|long-acting|short-acting|"
    r"dihydropyridine|cardioselective|first|second|third|fourth|3rd|2nd|1st|generation)\b",
    re.IGNORECASE,
)
_NAMED_MEMBER = re.compile(
    r"^[^.]{0,30}(?:\b(?:such as|like)\b|e\.g\.|\()|^s?(?: therapy| treatment)? with \w+", re.IGNORECASE
)
_TEST_AS_OPTION = re.compile(r"^[ -](?:[\w-]+ ){0,3}(?:tests?|testing|assay|serology|levels)\b", re.IGNORECASE)
_TEST_FOR = re.compile(r"\b(?:PCR|test(?:ing)?|screen(?:ing)?|assay|serology) for (?:\w+ ){0,2}$", re.IGNORECASE)
_OTHER_SALT = re.compile(
    r"^(?: heparin\b|-resistan|[ -](?:blockade|antagonis\w+|deplet\w+|deficien\w+|resistance)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a mention stands, and what it names."""

    text: str
    start: int
    stop: int
    side: str
    """question, answer or option."""
    is_drug: bool = False
    is_gene: bool = False
    is_class: bool = False
    """It names a class of drugs; what holds of one of them need not hold of the one that the patient takes."""
    is_study: bool = False
    """The text is a paper's: risk, prevention and tests are its topic."""


def is_doubtful(place: Place) -> bool:
    """The words around it say that it is no finding of the patient, or no answer.

    >>> text = "Her Glasgow Coma Scale score is 9. She does not report fever. What is it?"
    >>> [is_doubtful(Place(text=text, start=text.index(w), stop=text.index(w) + len(w), side="question"))
    ...  for w in ("Coma", "fever")]
    [True, True]
    """
    behind, near = place.text[place.stop : place.stop + 90], _near(place)
    if _LONGER_NAME.search(near):
        return True
    if place.side != "question":
        if not place.is_drug and _is_any(_NO_FINDING_AS_OPTION, near):
            return True
        return _is_test_as_option(place, behind) or (place.is_drug and _is_no_remedy(place, behind))
    if place.is_class and not place.is_study:
        return True
    before = _clause(near)
    return _is_said_otherwise(before, behind, place) or (not _asks_about(place) and _is_not_said(before, behind, place))


def _is_test_as_option(place: Place, behind: str) -> bool:
    is_value = place.is_gene and " test" not in behind and "assay" not in behind  # a level of a protein is about it
    return not is_value and (_TEST_AS_OPTION.match(behind) or _TEST_FOR.search(_near(place))) is not None


def _is_no_remedy(place: Place, behind: str) -> bool:
    before = _near(place)
    if place.is_class and _is_another_class(place, behind):
        return True
    return _is_any((_STOPPED, _RESISTANT_TO, _HANDLED), before) or _is_any((_OTHER_SALT, _HANDLED_BEHIND), behind)


def _is_another_class(place: Place, behind: str) -> bool:
    """A hormone of the body, or a class of which another member is meant than any."""
    near = place.text[max(place.start - 30, 0) : place.stop]
    return _NARROWER_CLASS.search(near) is not None or _is_any((_HORMONE_OF_THE_BODY, _NAMED_MEMBER), behind)


def _is_said_otherwise(before: str, behind: str, place: Place) -> bool:
    """The words are part of another name: a scale, a test, a cell, a shape."""
    written = place.text[place.start : place.stop].lower()
    if place.is_gene and written.startswith("cd"):
        return _CELL.search(behind) is not None and not before.endswith("positive for ")
    if place.is_drug and _is_any((_ALLERGIC_BEHIND, _RESISTANT_BEHIND), behind):
        return True
    if place.is_drug and (_is_any((_ALLERGY, _SENSITIVITY), before) or _is_withdrawn(place)):
        return True
    if _is_spoken_of(before, place):
        return True
    if not place.is_drug and _is_any((_LONGER_BEHIND, _PATTERN_BEHIND), behind):
        return True
    if written.startswith("itch") and _ITCHING_ELSEWHERE.search(behind):
        return True
    if written == "weight loss" and _is_measure(before, behind, place):
        return True
    if place.is_study:
        return _LIKE.search(behind) is not None or _is_any((_ANTIBODIES, _LESS), before)
    is_positive = not place.is_gene and _POSITIVE.search(behind) is not None  # a test of a gene's protein is none of it
    is_test = _TEST.search(behind) is not None and not is_positive
    return is_test or _is_any((_INSTRUMENT, _LIKE), behind) or _SHAPE.search(before) is not None


def _is_measure(before: str, behind: str, place: Place) -> bool:
    return _MEASURE_BEHIND.match(behind) is not None or (not place.is_study and _ADVISED.search(before) is not None)


def _is_withdrawn(place: Place) -> bool:
    """Its withdrawal is what the text is about, wherever the drug stands."""
    named = re.escape(place.text[place.start : place.stop])
    return any(
        _WITHDRAWAL.match(place.text[m.end() : m.end() + 20]) for m in re.finditer(named, place.text, re.IGNORECASE)
    )


def _is_spoken_of(before: str, place: Place) -> bool:
    """What is feared (`worried about gaining weight`), or a sentence whose subject is another (`bile in urine is`)."""
    written = place.text[place.start : place.stop]
    is_feared = _ENDS_IN_ING.match(written) is not None and _FEARED.search(before) is not None
    return is_feared or (_STATEMENT.search(written) is not None and _BEHIND_PREPOSITION.search(before) is not None)


def _is_not_said(before: str, behind: str, place: Place) -> bool:
    """The sentence denies it, fears it, looks for it, or says it of somebody else."""
    if place.is_study:
        return _is_any((_NOBODY, _EXCLUDED), before)  # what else a paper denies or looks for is still what it is about
    is_positive = not place.is_gene and _POSITIVE.search(behind) is not None
    is_tested = _is_any((_TEST_BEFORE, _ANTIBODIES), before) and not is_positive
    return is_tested or _is_any(_SAID_OTHERWISE, before) or _is_any(_CARE, behind) or _is_mothers(place)


def _is_mothers(place: Place) -> bool:
    """The patient is a newborn, and the sentence tells what she, the mother, had before."""
    opening = place.text[: min(place.start, 300)]
    return _NEWBORN.search(opening) is not None and _MOTHERS.search(_clause(_near(place))) is not None


_NO_FINDING_AS_OPTION = (_WATCHED, _ABSENT_BEFORE, _SPECIES, _BROUGHT_ABOUT, _IN_THE_FAMILY)
_SAID_OTHERWISE = (
    _NOT,
    _BELIEF,
    _NORMAL,
    _RELATIVE,
    _RELATIVE_WHO,
    _SOMEBODY,
    _RISK,
    _LESS,
    _EXCLUDED,
    _TRIGGER,
    _EARLIER,
    _REACTION,
    _STOPPED_FOR,
)
_CARE = (_NEGATIVE_BEHIND, _AROUND_CARE, _SUSPECTED_BEHIND)


def _is_any(cues: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(cue.search(text) for cue in cues)


def _asks_about(place: Place) -> bool:
    """It stands in the question that is asked, where a denial or risk is what is asked about."""
    return place.start >= _asked_from(place.text)


@lru_cache(maxsize=16)  # every mention of a text asks
def _asked_from(text: str) -> int:
    """Where the question that is asked begins; behind the text where none is."""
    whole = text.rstrip()
    asked = _ASKING_PART.split(last_sentence(whole))[-1]
    is_asked = len(asked) >= len(whole) - 1 or _ENDS_ASKING.search(asked) is not None
    return len(whole) - len(asked) if is_asked else len(text)


def _near(place: Place) -> str:
    """What stands before it, as far as any cue looks; the whole of a long text would be searched for each mention."""
    return place.text[max(place.start - _MAX_CHARACTERS_BEFORE, 0) : place.start]


def _clause(before: str) -> str:
    return _SENTENCE_BREAK.split(before)[-1][-160:]


# ---------------------------------------------------------------- names


def is_another_thing(written: str, node_name: str) -> bool:
    """These words do not mean that node, whatever a vocabulary lists.

    >>> is_another_thing("headaches", "Headache (with pheochromocytoma)"), is_another_thing("poxvirus", "smallpox")
    (True, True)
    >>> is_another_thing("headaches", "Headache")
    False
    """
    if " (with " in node_name and "with" not in written.lower().split():
        return True
    names = _other_things().get(comparison_key(written), frozenset())
    return "" in names or comparison_key(node_name) in names


@cache
def _other_things() -> dict[str, frozenset[str]]:
    """From each wording the nodes that it does not name; the empty name stands for all of them."""
    lines = resources.files("medreason.chains").joinpath("misread.words").read_text(encoding="utf-8").splitlines()
    found: dict[str, set[str]] = {}
    for line in lines:
        written, _, name = line.partition("=")
        if line and not line.startswith("#"):
            found.setdefault(comparison_key(written), set()).add(comparison_key(name))
    return {written: frozenset(names) for written, names in found.items()}
