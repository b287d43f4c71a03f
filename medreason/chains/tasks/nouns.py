"""Names as nouns: with an article, without, in the plural, or quoted.

Belongs: which of the four a name takes, the forms of names in a sentence.
Does not belong: readable names (names.py), sentences (phrasing.py).
Rule: a name stands bare or with an article only where its head noun is known; any other one is quoted behind a noun of
ours (`the finding "heterogeneous"`), which needs neither article nor number of the name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from medreason.chains.tasks.names import HEAD_END, is_plural, words_of
from medreason.graph.knowledge.relations import ANATOMY, CELLCOMP, DISEASE, PATHWAY, PHENOTYPE

Form = Literal["countable", "bare", "plural", "quoted"]

_COUNTABLE = words_of("countable")
_UNCOUNTABLE = words_of("uncountable")
_PLURALS = words_of("plurals")
_COUNTABLE_ENDING = re.compile(r"(?:cele|cysts?)$")
_UNCOUNTABLE_ENDING = re.compile(
    r"(?:itis|sis|a?emia|uria|pathy|algia|ia|ism|[lp]egia|pn[oe]+a|rrh\w+|ectasis|megaly|penia|phil\w+|troph\w+|plasia|"
    r"stasis|tension|syndrome|disease|disorder|deficiency|failure|cancer|carcinoma|sarcoma|melanoma|lymphoma|blastoma|"
    r"insufficiency|ty|ness|ncy|ance|ence|tion|sion|ment|palsy|lysis|thorax|ing|spasm)$"
)
_DESIGNATOR = re.compile(
    r"(?<=\w) (?:(?:type|group) )?(?:[IVX]+[A-Ca-c]?|I[a-z](?:/s)?|\d+[A-Z\d]*[a-z]?|[A-Z]\d?)$|"
    r"(?<=\w) (?:type [A-Z]\w*|\w*[A-Z\d]\w* type)$"
)
"""What tells a member of a family from the others: `type II`, `44`, `cblF type`."""
_NOT_PLAIN = re.compile(
    r"[;:\"“”()\[\]@<>+]|,(?!\d)|--| - |\b(?:or|NOS|included|other|unspecified)\b|^null$", re.IGNORECASE
)
_JOINED = re.compile(r"\band\b", re.IGNORECASE)
_JOINED_ORGANS = re.compile(r"\b(?:head and neck|connective and soft tissue|hand, foot and mouth|foot and mouth)\b")
_MASS_ANATOMY = frozenset({"blood", "bone marrow", "skin", "cartilage", "bone"})
_BARE_NAMES = frozenset({"heat stroke"})
_WITH_THE = frozenset({"common cold"})
_ACRONYM = re.compile(r"[A-Z][A-Z\d]{2,}")
_AN_ACRONYM = re.compile(r"^[AEFHILMNORSX](?:[A-Z\d]|\b)")
_KINDS = {DISEASE: "the condition", PHENOTYPE: "the finding"}


def noun(name: str, node_type: str) -> str:
    """The name as a sentence holds it.

    >>> noun("heart", "anatomy"), noun("ataxic gait", "effect/phenotype"), noun("Signaling by FGFR", "pathway")
    ('the heart', 'an ataxic gait', 'the pathway "Signaling by FGFR"')
    >>> noun("muscle contractions involuntary", "effect/phenotype")
    'the finding "muscle contractions involuntary"'
    """
    if node_type == PATHWAY:
        return f"the {name}" if name.lower().endswith("pathway") else f'the pathway "{name}"'
    if node_type in (ANATOMY, CELLCOMP):
        return name if name in _MASS_ANATOMY or is_plural(name) or name.endswith("tissue") else f"the {name}"
    if node_type == PHENOTYPE and name.startswith(("small for ", "large for ")):
        return f"being {name}"
    if node_type not in _KINDS:
        return name
    if name in _WITH_THE:
        return f"the {name}"
    form = form_of(name)
    if form == "quoted":
        return f'{_KINDS[node_type]} "{name}"'
    return f"{article(name)} {name}" if form == "countable" else name


def class_noun(name: str, node_type: str) -> str:
    """The name as a class among classes, which takes no article: `the class "cataract"`."""
    return f'the class "{name}"' if node_type in _KINDS and form_of(name) in ("countable", "quoted") else name


def apposed(name: str, node_type: str) -> str:
    """The name behind a noun that explains it (`the side effect rash`): quoted or bare, never with an article."""
    is_quoted = node_type in _KINDS and form_of(name) == "quoted" and name not in _WITH_THE
    return f'"{name}"' if is_quoted else name


def is_said_in_plural(name: str, node_type: str) -> bool:
    """The sentence's verb is a plural one: `seizures are`, `the condition "…" is`."""
    return form_of(name) == "plural" if node_type in _KINDS else node_type != PATHWAY and is_plural(name)


def article(name: str) -> str:
    """`a` or `an`.

    >>> article("ataxic gait"), article("urinary cyst"), article("MRI lesion"), article("Lisch nodule")
    ('an', 'a', 'an', 'a')
    """
    first = name.split(" ", 1)[0]
    if first[:2].isupper():
        return "an" if _AN_ACRONYM.match(first) else "a"
    if re.match(r"[xX]-", first):
        return "an"
    return "an" if re.match(r"[aeio]|u(?!ni(?!n|mp)|ri|se|su|te|ro|re)|hour|heir|honest", name, re.IGNORECASE) else "a"


@lru_cache(maxsize=200_000)
def form_of(name: str) -> Form:
    """How a name of a disease or finding stands in a sentence.

    >>> [form_of(name) for name in ("ulcer", "gout", "seizures", "heterogeneous")]
    ['countable', 'bare', 'plural', 'quoted']
    """
    joined = _JOINED_ORGANS.sub("organ", name)
    if _NOT_PLAIN.search(joined) or _JOINED.search(joined):
        return "quoted"  # `A and B` is one thing in the graph and two in a sentence
    if re.match(r"(?:the|a|an) ", name) or name in _BARE_NAMES or _ACRONYM.fullmatch(name):
        return "bare"
    core = _DESIGNATOR.sub("", HEAD_END.split(joined, maxsplit=1)[0].strip())
    head = core.rsplit(" ", 1)[-1]
    if head not in _UNCOUNTABLE:
        head = re.split("[-/]", head)[-1]
    if is_plural(core):
        return "plural" if core == name.strip() or not _DESIGNATOR.search(name) else "quoted"
    if _is_countable(head):
        return "bare" if _DESIGNATOR.search(name) else "countable"
    return "bare" if head in _UNCOUNTABLE or _UNCOUNTABLE_ENDING.search(head) else "quoted"


def _is_countable(word: str) -> bool:
    return word in _COUNTABLE or _COUNTABLE_ENDING.search(word) is not None
