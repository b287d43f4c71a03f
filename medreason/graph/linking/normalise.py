"""Normal forms: how a name and a text become comparable tokens, with the way back to the original characters.

Belongs: tokens with offsets, folding of one token, keys of whole names.
Does not belong: which names exist (knowledge/lexicon.py), search in text (mentions.py).
Rule: names and texts go through the same `tokens`; nothing here knows a language other than English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_JOINED_PREFIXES = (
    "anti|bi|co|counter|extra|hyper|hypo|infra|inter|intra|macro|meta|micro|mid|mono|multi|neo|non|para|per|peri|poly|"
    "post|pre|pseudo|re|retro|semi|sub|supra|trans|ultra|un"
)
# A token is a run of letters (with the marks that combine with them), a Greek letter, or a number. Letters and digits
# part, so that "IL2", "IL-2" and "IL 2" are one name; a prefix joins what its hyphen parts ("pre-eclampsia").
_GREEK = "\u0391-\u03a9\u03b1-\u03c9\u00b5"
_MARKS = "\u0300-\u036f"
_LETTER = rf"[^\W\d_{_GREEK}][{_MARKS}]*"
_TOKEN = re.compile(
    rf"(?<![^\W_])(?:{_JOINED_PREFIXES})[-\u2010\u2011](?=[^\W\d_{_GREEK}]{{3}})(?:{_LETTER})+(?:['\u2019]s\b)?"
    rf"|(?:{_LETTER})+(?:['\u2019]s\b)?|[{_GREEK}][{_MARKS}]*|\d+(?:[.,]\d+)*",
    re.IGNORECASE,
)
# The same for lower-case ASCII, which is nearly every text: three times as fast without case and character classes.
_ASCII_TOKEN = re.compile(
    rf"(?<![a-z0-9])(?:{_JOINED_PREFIXES})-(?=[a-z]{{3}})[a-z]+(?:'s\b)?|[a-z]+(?:'s\b)?|[0-9]+(?:[.,][0-9]+)*"
)

_GREEK_NAMES = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "ο": "omicron", "π": "pi", "ρ": "rho",
    "σ": "sigma", "ς": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
GREEK_LETTERS = frozenset(_GREEK_NAMES.values())
# "x" stays a letter: fragile X, trisomy X, factor X. The others are folded on both sides, so nothing is lost by it.
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
# British to American, by parts of words; the list holds what occurs in disease, phenotype and drug names.
_SPELLING = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"aemi", "emi"), (r"haem", "hem"), (r"oedem", "edem"), (r"oesoph", "esoph"), (r"rrhoea", "rrhea"),
        (r"tumour", "tumor"), (r"paed", "ped"), (r"^foet", "fet"), (r"sulph", "sulf"), (r"gynaec", "gynec"),
        (r"leucocyt", "leukocyt"), (r"leucopen", "leukopen"), (r"coeli", "celi"), (r"orthopaed", "orthoped"),
        (r"caec", "cec"), (r"faec", "fec"), (r"anaesth", "anesth"), (r"oestr", "estr"), (r"colour", "color"),
        (r"fibre", "fiber"), (r"litre", "liter"), (r"signalling", "signaling"), (r"ischaem", "ischem"),
        (r"caesar", "cesar"), (r"praevi", "previ"), (r"aetio", "etio"), (r"apnoea", "apnea"), (r"pnoea", "pnea"),
        (r"behaviour", "behavior"), (r"odour", "odor"), (r"isation$", "ization"), (r"ise$", "ize"),
    )
)  # fmt: skip
OF_NO_WEIGHT = frozenset(["a", "an", "the", "of", "in", "to", "with", "due", "by", "on", "nos", "unspecified"])
# An option names the antibody, a vocabulary its finding: "rheumatoid factor" is "rheumatoid factor positive".
# A test is still no positive one.
_OF_A_TEST = frozenset(["positive", "positivity"])
# One word of each set stands for all of it, in the sorted key only: there the whole phrase has to agree.
SAME_WORD = {
    word: words[0]
    for words in (
        ("increased", "elevated", "high", "raised", "elevation", "increase", "excess", "excessive"),
        ("decreased", "reduced", "low", "diminished", "decrease", "reduction"),
        ("cancer", "carcinoma"), ("tumor", "neoplasm"), ("bleeding", "hemorrhage", "haemorrhage", "hemorrhagic"),
        ("kidney", "renal"), ("liver", "hepatic"), ("heart", "cardiac"), ("lung", "pulmonary"), ("stomach", "gastric"),
        ("bladder", "vesical"), ("skin", "cutaneous"), ("absent", "absence"), ("abnormal", "abnormality"),
        ("infection", "infectious"), ("inherited", "hereditary", "familial"), ("toxicity", "poisoning", "intoxication"),
        ("type", "types"), ("obstruction", "obstructive"), ("deficiency", "deficient"), ("brain", "cerebral"),
        ("intestine", "intestinal", "bowel"), ("failure", "insufficiency"), ("pancreas", "pancreatic"),
        ("ovary", "ovarian"), ("uterus", "uterine"), ("esophagus", "esophageal"),
        ("thrombosis", "thrombotic"), ("rupture", "ruptured"), ("perforation", "perforated"),
        ("serum", "blood", "plasma"), ("delayed", "delay"), ("enlarged", "enlargement", "enlarge"),
        ("swelling", "swollen"), ("abdomen", "abdominal"), ("vision", "visual"), ("spine", "spinal"),
        ("vagina", "vaginal"), ("vulva", "vulvar", "vulval"), ("rectum", "rectal"), ("joint", "articular"),
        ("muscle", "muscular"), ("bone", "osseous"), ("nose", "nasal"), ("mouth", "oral"), ("trachea", "tracheal"),
        ("prostate", "prostatic"), ("testis", "testicular"), ("scrotum", "scrotal"),
        ("colon", "colonic"), ("duodenum", "duodenal"), ("larynx", "laryngeal"), ("pharynx", "pharyngeal"),
        ("pericardium", "pericardial"), ("pleura", "pleural"), ("retina", "retinal"),
        ("cornea", "corneal"), ("tendon", "tendinous"), ("vein", "venous"), ("artery", "arterial"),
        ("cerebellum", "cerebellar"), ("tibia", "tibial"), ("femur", "femoral"), ("mandible", "mandibular"),
        ("tooth", "dental"), ("nail", "ungual"), ("gum", "gingival"), ("lip", "labial"), ("tongue", "lingual"),
        ("eyelid", "palpebral"), ("ulcer", "ulceration", "ulcerated"), ("dilation", "dilatation", "dilated", "dilate"),
        ("stenosis", "stenosed", "stenotic", "narrowing"), ("weakness", "weak"), ("pain", "painful"),
        ("tenderness", "tender"), ("stiffness", "stiff"), ("itching", "itchy"), ("dryness", "dry"),
        ("numbness", "numb"), ("redness", "red"), ("erythema", "erythematous"), ("thickening", "thickened"),
        ("impairment", "impaired"), ("fracture", "fractured"), ("hypoplasia", "hypoplastic"),
        ("atrophy", "atrophic", "atrophied"), ("dislocation", "dislocated"), ("inflammation", "inflamed"),
        ("calcification", "calcified"), ("hypertrophy", "hypertrophied", "hypertrophic"), ("loss", "lost"),
        ("deformity", "deformed"), ("retention", "retained"), ("prolonged", "prolongation"), ("edema", "edematous"),
        ("trauma", "traumatized"), ("cyst", "cystic"), ("fourth", "4th"),
    )
    for word in words
}  # fmt: skip


class Token(NamedTuple):
    """A token: its folded form and its place in the original text, in code points."""

    key: str
    start: int
    stop: int


class _Folds(dict[str, str]):
    """Folded forms met so far; emptied when full, so that hostile text cannot fill the memory."""

    MAX_WORDS = 200_000

    def __missing__(self, word: str) -> str:
        if len(self) >= self.MAX_WORDS:
            self.clear()
        folded = self[word] = fold(word)
        return folded


def fold(word: str) -> str:
    """One token's folded form: no case, marks, possessive, British spelling, Greek letter or small Roman number.

    >>> [fold(word) for word in ("Ménière's", "Oedema", "β", "III")]
    ['meniere', 'edema', 'beta', '3']
    """
    plain = unicodedata.normalize("NFKD", word).casefold().replace("\u2019", "'").removesuffix("'s")
    if plain[:1].isdecimal():
        return "".join(c for c in plain if c.isdecimal() or c in ".,")
    plain = "".join(_GREEK_NAMES.get(c, c) for c in plain if c.isalpha())
    if plain in _ROMAN:
        return _ROMAN[plain]
    if len(plain) > 4:
        for pattern, to in _SPELLING:
            plain = pattern.sub(to, plain)
    return plain


_folded = _Folds()


def tokens(text: str) -> list[Token]:
    """Tokens of a text in order; `text[t.start:t.stop]` is what was written.

    >>> [t.key for t in tokens("TGF-β1 (pre-eclampsia), Crohn’s")]
    ['tgf', 'beta', '1', 'preeclampsia', 'crohn']
    """
    found = ((_folded[m.group()], *m.span()) for m in _matches(text))
    return [Token(*parts) for parts in found if parts[0]]


def _matches(text: str) -> Iterator[re.Match[str]]:
    return _ASCII_TOKEN.finditer(text.lower()) if text.isascii() else _TOKEN.finditer(text)


def token_keys(text: str) -> list[str]:
    """Folded tokens without their places."""
    found = _ASCII_TOKEN.findall(text.lower()) if text.isascii() else _TOKEN.findall(text)
    return [key for key in map(_folded.__getitem__, found) if key]


def name_key(name: str) -> str:
    """The normalised name: folded tokens with one blank between; empty where nothing can be compared.

    >>> name_key("Graves' Disease, type II")
    'graves disease type 2'
    """
    return " ".join(token_keys(name))


def singular(word: str) -> str:
    """A word without its plural ending, by rule.

    >>> [singular(word) for word in ("seizures", "biopsies", "diabetes", "pelvis", "abscess", "metastases")]
    ['seizure', 'biopsy', 'diabetes', 'pelvis', 'abscess', 'metastasis']
    """
    if len(word) < 5 or not word.endswith("s") or word in _NOT_PLURAL or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("itides"):
        return word[:-3] + "s"
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ases", "oses", "ises", "eses")):
        return word[:-2] + "is" if word not in _PLAIN_SE else word[:-1]
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1]


_NOT_PLURAL = frozenset(
    (
        "diabetes", "rabies", "herpes", "measles", "mumps", "shingles", "rickets", "scabies", "caries", "tabes",
        "ascites", "series", "species", "biceps", "triceps", "graves", "yaws", "hives", "meninges", "pancreas",
        "cris", "faeces", "feces", "kuru", "lens", "chorea", "ataxia", "always", "perhaps", "whereas", "less"
    )
)  # fmt: skip
_PLAIN_SE = frozenset(
    (
        "diseases", "cases", "causes", "nurses", "phases", "bases", "increases", "decreases", "doses", "noses",
        "releases", "kinases", "proteases", "lipases", "phosphatases", "synthases", "transferases", "oxidases",
        "reductases", "exercises"
    )
)  # fmt: skip


def sorted_key(keys: Iterable[str]) -> str:
    """The key under which word order, small words, number and a few equal words do not matter.

    >>> sorted_key(token_keys("Elevated level of serum calcium")) == sorted_key(token_keys("serum calcium level, high"))
    True
    """
    words = tuple(keys)
    light = OF_NO_WEIGHT if "test" in words else OF_NO_WEIGHT | _OF_A_TEST
    plain = (singular(key) for key in words if key not in light)
    return " ".join(sorted(SAME_WORD.get(key, key) for key in plain))


def encode(keys: Sequence[str]) -> str:
    """Tokens as one string for search: inner blanks are doubled, so that neighbours do not share one."""
    return " " + "  ".join(keys) + " "


def letters_and_digits(text: str) -> str:
    """What is left of a written symbol when hyphens and blanks go; case stays.

    >>> letters_and_digits("IL-2")
    'IL2'
    """
    return "".join(c for c in text if c.isalnum())
