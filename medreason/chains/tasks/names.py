"""Names of graph nodes as a sentence can hold them.

Belongs: readable names (OMIM capitals, numbers, commas), lower case within a sentence, number (singular or plural).
Does not belong: names as lookup keys (graph/knowledge/lexicon.py).
Rule: a readable name has the words of the graph's name or fewer, never other ones; where in doubt it stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

DISEASE, GENE = "disease", "gene/protein"

_OMIM_NUMBER = re.compile(r"^[*+#%^]?\d{6}\s+")
_ROMAN = re.compile(r"^(?:I{1,3}|IV|VI{0,3}|IX|XI{0,2})[A-C]?$")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?", re.UNICODE)
_COMMA_PART = re.compile(
    r"^(?:congenital|familial|hereditary|idiopathic|isolated|juvenile|neonatal|primary|secondary|acute|chronic|benign|"
    r"malignant|progressive|transient|recurrent|severe|symmetric|unilateral|bilateral|autosomal (?:dominant|recessive)|"
    r"infantile|essential|x-linked|persistent|atypical|imperforate|cutaneous malignant|mild|moderate|type \w+|"
    r"\w+ form)$",
    re.IGNORECASE,
)


def words_of(name: str) -> frozenset[str]:
    """The words of a list file beside this module; lines that begin with `#` are remarks."""
    text = resources.files(__package__).joinpath(f"{name}.words").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


EPONYMS = words_of("eponyms")
"""First words that keep their capital within a sentence: names of people, places and organisms."""

_PLURALS = words_of("plurals")
_KNOWN_WORDS = words_of("countable") | words_of("uncountable")
_PLURAL_ENDING = re.compile(
    r"(?:[ts]ion|ment|iti|ity|disease|disorder|syndrome|neoplasm|oma|cyst|cele)s$|(?:itie|pathie|ncie)s$"
)
PLAIN_FIRST_WORDS = words_of("plain_first")
"""First words that vocabularies capitalise though they are no names."""
_SUSCEPTIBILITY = re.compile(r"(.+), susceptibility to(?:, (\d+))?", re.IGNORECASE)

_SINGULARS_WITH_S = re.compile(
    r"(?:ss|us|is|os|ans|oides|pnea|scens|herpes|diabetes|rabies|scabies|measles|mumps|rickets|shingles|ascites|facies|caries|"
    r"tabes|biceps|triceps|series|species|pancreas|lens|aids|sars|mers|yaws|lues|stapes|forceps|pointes|gas|pons|"
    r"adias)$",
    re.IGNORECASE,
)
_ADJECTIVE = re.compile(
    r"(?:ic|al|ar|ous|oid|ed|ing|ary|ive|ory|ent|ant|ile|less|tion|ity|sis|itis|oma|ia)$", re.IGNORECASE
)
_COMMON_TITLES = frozenset(
    {"Infection", "Infections", "Disease", "Diseases", "Disorder", "Disorders", "Neoplasms", "Syndrome", "Syndromes"}
)
_CONNECTORS = frozenset({"with", "from", "without", "after", "of", "and", "in", "to", "by", "due", "on"})
_PROPER = {word.lower(): word for word in words_of("proper")}
"""Acronyms and names that vocabularies write small."""
_SMALL_PROPER = re.compile(rf"(?<![\w])(?:{'|'.join(sorted(_PROPER, key=len, reverse=True))})(?![\w])", re.IGNORECASE)
_SMALL_LETTER = re.compile(r"(?:(?<=vitaminosis )|(?<=hepatitis )|(?<=hemophilia ))[a-e]\b")
_BEHIND_ACRONYM = re.compile(r"(?<=\b[TB]-)Cell\b|(?<=AIDS-)Related\b|(?<=HIV-)Associated\b|(?<=[a-z]-)Type\b")
_SHOUTED_PART = re.compile(r"(?<![A-Z\d])[A-Z]{5,}(?![A-Z\d])")
_TAXON = re.compile(r"[a-z]+(?:viridae|virinae|virales|aceae|matales|siales|ur[io]da|arida|ridida)")
"""Families and orders of organisms keep their capital."""
_GLUED_ACRONYM = re.compile(r";\s*\w{2,8}$")
_INVERTED = frozenset({"neoplasms", "infections", "diseases", "syndromes", "carcinoma", "tumors", "injuries", "hernia"})
_CHANGED = re.compile(r"([^,]+) (increased|decreased|abnormal|prolonged|elevated)")
_PLAIN_ADJECTIVE = re.compile(r"[TB]-Cell|[a-z-]+(?:ic|al|ar|ary|ous|ed|ine|ive|ory|ile|oid)", re.IGNORECASE)
_AFTER_A_NAME = re.compile(
    r"(?:syndrome|disease|sign|phenomenon|anomaly|tumou?r|reflex|ring|nodes?|lymphoma|virus|fever|encephalitis)\b"
)
_AFTER_A_SHOUTED_NAME = frozenset({"SYNDROME", "SYNDROME$", "SYNDROME,", "DISEASE", "DISEASE$", "DISEASE,", "TYPE$"})
HEAD_END = re.compile(
    r",| \(| (?:of|in|with|without|due|to|by|from|on|at|for|during|after|following|associated|caused|involving|"
    r"affecting|and/or|between|under|within)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=200_000)
def readable_name(name: str, node_type: str) -> str:
    """A graph name as a person would write it in the middle of a sentence.

    >>> readable_name("#154700 MARFAN SYNDROME; MFS;;MARFAN SYNDROME TYPE I", "disease")
    'Marfan syndrome'
    >>> readable_name("Arachnodactyly", "effect/phenotype"), readable_name("FBN1", "gene/protein")
    ('arachnodactyly', 'FBN1')
    >>> readable_name("GENERALIZED EPILEPSY WITH FEBRILE SEIZURES PLUS, TYPE 2", "disease")
    'generalized epilepsy with febrile seizures plus, type 2'
    """
    if node_type == GENE:
        return name
    if node_type == "pathway":
        return name  # quoted as it is written
    return _with_proper_words(_cased_name(name, node_type))


def _with_proper_words(name: str) -> str:
    name = _BEHIND_ACRONYM.sub(lambda found: found[0].lower(), name)
    name = f"n{name[1:]}" if name.startswith("Non-") else name
    known = _SMALL_PROPER.sub(lambda found: _PROPER[found[0].lower()], name)
    return _SMALL_LETTER.sub(lambda found: found[0].upper(), known)


def _cased_name(name: str, node_type: str) -> str:
    clean = _GLUED_ACRONYM.sub("", _without_omim(name))
    if _is_shouted(clean):
        clean = _unshout(clean)
    if susceptibility := _SUSCEPTIBILITY.fullmatch(clean):
        number = f" {susceptibility[2]}" if susceptibility[2] else ""
        return f"susceptibility to {_cased_name(susceptibility[1], node_type)}{number}"
    is_vocabulary_case = node_type == DISEASE and clean == name and " " in name
    if is_vocabulary_case and ", " in clean and _is_inverted_title(clean):
        clean = " ".join(reversed(clean.split(", ")))
    clean = _lower_plain_first(clean)
    return _turn_comma(_lower_list_title(clean) if is_vocabulary_case else _lower_first(clean))


def sentence_case(text: str) -> str:
    """The text with a capital at its beginning, where it begins with a plain lower-case word.

    >>> sentence_case("marfan syndrome"), sentence_case("mTOR inhibitor"), sentence_case("p53")
    ('Marfan syndrome', 'mTOR inhibitor', 'p53')
    """
    first = text.split(" ", 1)[0].split("-", 1)[0]
    plain = first.rstrip(",.;:'’").isalpha() and first == first.lower() and len(first) > 1
    return text[0].upper() + text[1:] if plain or first == "a" else text


@lru_cache(maxsize=200_000)
def is_plural(name: str) -> bool:
    """The name's head noun is a plural: `seizures are`, `diabetes is`.

    >>> [is_plural(n) for n in ("seizures", "diabetes mellitus", "recurrent infections of the ear", "Graves' disease")]
    [True, False, True, False]
    """
    head = HEAD_END.split(name, maxsplit=1)[0].strip()
    word = head.rsplit(" ", 1)[-1]
    if word.lower() in _PLURALS:
        return True
    is_word = word.isalpha() and word == word.lower() and len(word) > 3
    return is_word and word.endswith("s") and not _SINGULARS_WITH_S.search(word) and _has_singular(word)


def _has_singular(word: str) -> bool:
    """Only a plural whose singular is known is taken for one: hydrops and erysipelas are none."""
    singulars = {word[:-1], word[:-2] if word.endswith("es") else "", f"{word[:-3]}y" if word.endswith("ies") else ""}
    return bool(singulars & _KNOWN_WORDS) or _PLURAL_ENDING.search(word) is not None


def _without_omim(name: str) -> str:
    first = _OMIM_NUMBER.sub("", name).split(";;", 1)[0]
    if _OMIM_NUMBER.match(name) or ";;" in name or _is_shouted(first):
        first = first.split("; ", 1)[0]
    return first.strip(" ;").replace("@", "") or name


def _is_shouted(name: str) -> bool:
    letters = [word for word in _WORD.findall(name) if len(word) > 3 and not _ROMAN.match(word)]
    return bool(letters) and all(word == word.upper() for word in letters) and (" " in name or len(name) >= 8)


def _unshout(name: str) -> str:
    words = name.split(" ")
    following = [*words[1:-1], f"{words[-1]}$", ""] if len(words) > 1 else [""]
    # Only the first word before SYNDROME or DISEASE is a name; the last one before TYPE is one anywhere.
    following = [after if place == 0 or after == "TYPE$" else "" for place, after in enumerate(following)]
    lower = [_whisper(word, after) for word, after in zip(words, following, strict=True)]
    return " ".join(lower)


def _whisper(word: str, following: str) -> str:
    bare = word.strip("(),;")
    if any(letter.isdigit() for letter in bare) and not bare.startswith("COVID"):
        return _SHOUTED_PART.sub(lambda found: found[0].lower(), word)
    if _ROMAN.match(bare) or any(letter.isdigit() for letter in bare) or bare in {"DNA", "RNA", "HIV", "ATP", "X", "Y"}:
        return word
    if _is_name_word(word) or (following in _AFTER_A_SHOUTED_NAME and not _ADJECTIVE.search(bare)):
        return "-".join(part.capitalize() for part in word.split("-"))
    first, hyphen, rest = word.partition("-")
    lower_rest = f"{hyphen}{rest.lower()}"
    return f"{first}{lower_rest}" if len(first) == 1 and first != "A" else f"{first.lower()}{lower_rest}"


def _is_inverted_title(name: str) -> bool:
    """`Hematoma, Subdural, Intracranial`: a heading whose parts are plain words in reverse order."""
    head, *tails = name.split(", ")
    if len(tails) > 1 and not all(map(_PLAIN_ADJECTIVE.fullmatch, tails)):
        return False
    words = " ".join([head, *tails]).split(" ")
    return all(_is_title_word(word) and word not in ("And", "Or") for word in words)


def _lower_plain_first(name: str) -> str:
    first, blank, rest = name.partition(" ")
    if first.lower() not in PLAIN_FIRST_WORDS:
        return name
    return f"{first.lower()}{blank}{rest[:1].lower() if rest[1:2].islower() and rest.istitle() else rest[:1]}{rest[1:]}"


def _lower_first(name: str) -> str:
    first, blank, rest = name.partition(" ")
    stem = re.split(r"['’]", first.rstrip(",;"))[0]
    is_titled = all(_is_title_word(part) or part == part.lower() for part in re.split("[-/]", stem))
    is_letter = len(stem.split("-")[0]) == 1
    if not is_titled or is_letter or _is_name_word(first) or "'" in first or _ends_a_name(stem, rest):
        return name
    # Titles as "Renal Nutcracker Syndrome" are capitals of a list, not of a name.
    return _lower_titles(f"{first.lower()}{blank}{rest}")


def _lower_list_title(name: str) -> str:
    """Disease vocabularies write names in lower case; only a title such as `Fetal Macrosomia` needs mending."""
    words = name.split(" ")
    is_title = all(map(_may_stand_in_title, words)) and words[1:] != ["Syndrome"]
    first = words[0] if _is_name_word(words[0]) or _is_acronym(words[0]) else _lower_title_word(words[0])
    if is_title:
        return _lower_titles(f"{first} {' '.join(words[1:])}")
    return " ".join([words[0], *(word.lower() if word in _COMMON_TITLES else word for word in words[1:])])


def _may_stand_in_title(word: str) -> bool:
    return len(word) <= 3 or word in _CONNECTORS or _is_title_word(word) or _is_acronym(word)


def _is_acronym(word: str) -> bool:
    """`AIDS`, and what begins with one: `HIV-Associated`, `T-Cell`."""
    first, hyphen, _ = word.strip("(),;").partition("-")
    return (len(first) > 1 or bool(hyphen)) and first.isalpha() and first == first.upper()


def _ends_a_name(stem: str, rest: str) -> bool:
    """What follows makes the first word a name: `Marfan syndrome`, not `Metabolic syndrome`."""
    return bool(_AFTER_A_NAME.match(rest)) and not _ADJECTIVE.search(stem)


def _lower_titles(name: str) -> str:
    words = name.split(" ")
    is_list_title = len(words) > 1 and all(map(_may_stand_in_title, words[1:]))
    if not is_list_title:
        return name
    rest = (word if _is_name_word(word) else _lower_title_word(word) for word in words[1:])
    return " ".join([_lower_behind_acronym(words[0]), *rest])


def _lower_behind_acronym(word: str) -> str:
    """`HIV-associated`, `T-cell`."""
    first, hyphen, rest = word.partition("-")
    is_short = first == first.upper() and first.isalpha()
    return f"{first}{hyphen}{rest.lower()}" if hyphen and is_short and _is_title_word(rest) else word


def _lower_title_word(word: str) -> str:
    return word.lower() if _is_title_word(word) else word


def _is_title_word(word: str) -> bool:
    parts = [part for part in word.strip("(),;").split("-") if part not in _CONNECTORS]
    return all(part[:1].isupper() and part[1:].isalpha() and part[1:] == part[1:].lower() for part in parts)


def _is_name_word(word: str) -> bool:
    bare = re.split(r"['’]", word.strip("(),;").lower())[0]
    return bare in EPONYMS or bare.split("-")[0] in EPONYMS or _TAXON.fullmatch(bare) is not None


def _turn_comma(name: str) -> str:
    """`alacrima, congenital` as `congenital alacrima`, `haemoglobin decreased` as `decreased haemoglobin`.

    What is no plain adjective stays behind its comma.
    """
    if changed := _CHANGED.fullmatch(name):
        return f"{changed[2]} {changed[1]}"
    head, comma, tail = name.partition(", ")
    if not comma or "," in tail:
        return name
    is_type = re.match(r"type |\w+ form", tail, re.IGNORECASE)
    is_adjective = not is_type and (_COMMA_PART.match(tail) or _PLAIN_ADJECTIVE.fullmatch(tail) or head in _INVERTED)
    start = tail[0] if _is_acronym(tail) else tail[0].lower()
    return f"{start}{tail[1:]} {head}" if is_adjective or tail.endswith((" of", " due to")) else name
