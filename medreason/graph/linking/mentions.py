"""Mention detection: spans of text that name nodes.

Belongs: search of running text, whole options and answers, names inside a longer phrase, coverage.
Does not belong: candidates for a span that no name equals (candidates.py), what cues mean (context.py).
Rule: spans do not overlap, the longest name at the leftmost place wins, and each is a run of whole words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import ahocorasick_rs

from medreason.graph.linking.abbreviations import explained_abbreviations
from medreason.graph.linking.composed import ANCHORS, loose_key, windows
from medreason.graph.linking.context import Context, read_context
from medreason.graph.linking.names import ANYWHERE, IN_OPTIONS, IN_TEXT, WHOLE, Entry, Names
from medreason.graph.linking.normalise import GREEK_LETTERS, Token, encode, singular, tokens
from medreason.graph.linking.phrases import bare_phrase, bare_places, side_words
from medreason.graph.linking.settings import LinkingSettings
from medreason.graph.linking.values import IN_PASSING, Mention
from medreason.graph.linking.words import (
    ANYWHERE_FINDINGS,
    BODY_WORDS,
    LIGHT_WORDS,
    OTHER_KIND_HEADS,
    SALT_BASES_KEPT,
    SALT_WORDS,
)

_WEIGHTLESS = LIGHT_WORDS | SALT_WORDS
_BREAK = re.compile(r"[.,;:!?](?:\s|$)|\n")
_BREAK_KEY = "|"
# "Niemann-Pick disease, type C" is one name.
_KIND_WORDS = frozenset(["type", "stage", "grade", "class", "group"])
# Words behind a disease's name that leave it the same disease.
_SAME_KIND_HEADS = _WEIGHTLESS | frozenset(
    (
        "infection", "infections", "reactivation", "exacerbation", "attack", "attacks", "flare", "episode", "episodes",
        "crisis", "complication", "complications", "relapse", "recurrence", "progression", "onset", "symptoms",
    )
)  # fmt: skip
_AND = frozenset(["and", "or", "plus"])
# Words that end a noun phrase: what follows says more of it and is not its head.
_JOINTS = frozenset(
    (
        "and", "or", "of", "with", "without", "due", "to", "in", "by", "from", "for", "on", "at", "after", "during",
        "caused", "associated", "secondary", "following", "plus", "is", "are", "as", "than", "per", "via",
        "through", "into", "before", "causing", "versus", "if", "until", "because", "that", "which", "who", "was",
        "were", "has", "have", "under", "but", "not", "once", "alone", "only", "daily", "today", "immediately",
        "now", "therapy", "treatment"
    )
)  # fmt: skip
# Words before a name that make nothing narrower of it; words behind it that do.
_PLAIN_BEFORE = (_WEIGHTLESS | _JOINTS) - frozenset(
    (
        "acquired", "congenital", "familial", "hereditary", "primary", "secondary", "decreased", "decreasing",
        "reduced", "low", "loss", "decrease",
    )
) | frozenset(
    (
        "any", "no", "some", "more", "most", "all", "each", "worsening", "intense", "mild", "moderate", "sudden",
        "sharp", "dull", "constant", "persistent", "intermittent", "having", "denies", "reports", "shows", "showed",
        "reveals", "develops", "developed", "experiencing", "experiences", "about", "like", "marked", "significant",
        "slight", "of", "including", "such", "since", "cause", "causes", "prevent", "prevents", "may", "can", "certain",
        "other", "also", "known", "serious", "brisk", "aching", "throbbing", "stabbing", "burning", "worse",
        "excessive", "reactive", "several", "multiple", "few", "two", "three", "four", "occasional", "frequent",
        "ongoing", "active", "increasing", "new", "extreme", "considerable", "minimal", "slow", "fast", "rapid",
        "unexplained", "obvious",
    )
)  # fmt: skip
_ADJECTIVES = frozenset(["painful", "tender"])
"""General findings that describe what follows: "painful tingling" is no pain beside it."""
_NARROWING = frozenset(["of", "in", "on", "with", "from", "at", "to"])
_STEM_LETTERS = 5
"""Letters that two forms of a word share: pulmonary, pulmonic."""
_LONGEST_PHRASE = 5
"""Words up to which an option is a noun phrase, where a name before the last word modifies (fatigue resistance)."""
_PATIENT_TYPES = frozenset(["disease", "effect/phenotype"])
_MISUSE = frozenset(
    ("abuse", "overdose", "intoxication", "dependence", "withdrawal", "addiction", "abuser", "abusers", "misuse")
)
"""Words behind a drug that make a disease of it."""
_DOSAGE_FORMS = frozenset(
    (
        "spray", "injection", "injections", "infusion", "infusions", "tablet", "tablets", "cream", "gel", "patch",
        "pump", "ointment", "drip", "glargine", "lispro", "aspart",
    )
)  # fmt: skip
_PERIODS = frozenset(["period", "periods"])
"""Of time, where "of" follows."""
_TEST_HEADS = frozenset(
    (
        "time", "angiography", "dye", "scan", "challenge", "antibody", "antibodies", "test", "tests", "assay", "titer",
        "titers", "ratio", "receptor", "receptors",
    )
)  # fmt: skip


_Span = tuple[int, int, tuple[Entry, ...]]
"""First word, last word, entries."""


class MentionFinder:
    """Searches texts for the names of one lexicon."""

    def __init__(self, names: Names, settings: LinkingSettings) -> None:
        """Build the automaton: about one second for 130,000 names."""
        self._names, self._settings = names, settings
        bare: dict[str, list[str]] = defaultdict(list)
        for key in names.keys_in_text():
            bare[bare_phrase(key)].append(key)
        self._patterns = list(bare)
        self._keys = list(bare.values())
        self._automaton = ahocorasick_rs.AhoCorasick(
            [encode(pattern.split(" ")) for pattern in self._patterns],
            matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
            implementation=ahocorasick_rs.Implementation.ContiguousNFA,
        )

    def in_text(self, text: str, *, with_classes: bool = True) -> tuple[Mention, ...]:
        """Mentions of running text with their status, in order; classes of drugs only where they are asked for."""
        words = tokens(text)
        spans = self._parted(text, words, self._spans_in_text(text, words))
        spans += self._shared_heads(text, words, spans)
        spans = [*self._without_other_senses(text, words, spans), *_explained(text, words, spans)]
        if not with_classes:
            spans = [span for span in spans if any(entry.scope != "class" for entry in span[2])]
        found = [(words[first], words[last], entries) for first, last, entries in sorted(spans, key=_by_place)]
        if not found:
            return ()
        context = read_context(text)
        mentions = (
            _mention(
                text,
                (head.start, tail.stop),
                entries,
                is_negated=context.is_negated(head.start, tail.stop),
                status=_status(context, head.start, entries),
            )
            for head, tail, entries in found
            if not _is_taken_hormone(context, head.start, entries)
        )
        return tuple(mentions)

    def in_passing(self, text: str, taken: Sequence[Mention]) -> tuple[Mention, ...]:
        """What an option or answer names beside what it is about: right, but nothing to build on."""
        words = tokens(text)
        is_sentence = len(words) > _LONGEST_PHRASE
        found = (
            (words[first].start, words[last].stop, kept)
            for first, last, entries in sorted(self._spans_in_text(text, words), key=_by_place)
            if (kept := tuple(e for e in entries if is_sentence or _is_of_phrase(e, text, words, first, last)))
        )
        return tuple(
            _mention(text, (start, stop), entries, status=IN_PASSING)
            for start, stop, entries in found
            if not any(start < one.stop and one.start < stop for one in taken)
        )

    def _spans_in_text(self, text: str, words: Sequence[Token]) -> list[_Span]:
        """Names of running text, and findings whose words stand apart in it."""
        spans = [span for span in self._spans(text, words, IN_TEXT) if _says_enough(span, text, words)]
        return _with_composed(spans, self._composed(text, words))

    def _without_other_senses(self, text: str, words: Sequence[Token], spans: Sequence[_Span]) -> Iterator[_Span]:
        """Without abbreviations that the text explains by something else: CAD is a computer-aided diagnosis there."""
        stops = {words[last].stop for _, last, _ in spans}
        others = {
            one.short: {token.key[:_STEM_LETTERS] for token in tokens(text[one.start : one.stop])}
            for one in explained_abbreviations(text)
            if one.stop not in stops
        }
        for first, last, entries in spans:
            stems = others.get(text[words[first].start : words[last].stop])
            if stems is None or any(stems & self._names.stems(entry.node_index) for entry in entries):
                yield first, last, entries

    def _parted(self, text: str, words: Sequence[Token], spans: Sequence[_Span]) -> list[_Span]:
        """Two findings that a vocabulary joins are two mentions: "nausea and vomiting"."""
        return [part for span in spans for part in self._parts(text, words, span)]

    def _parts(self, text: str, words: Sequence[Token], span: _Span) -> list[_Span]:
        first, last, entries = span
        joint = next((place for place in range(first + 1, last) if words[place].key == "and"), None)
        if joint is None or any(entry.node_type != "effect/phenotype" for entry in entries):
            return [span]
        sides = [(first, joint - 1), (joint + 1, last)]
        named = [(start, stop, self._named(text, words[start : stop + 1])) for start, stop in sides]
        return named if all(found for _, _, found in named) else [span]

    def _named(self, text: str, words: Sequence[Token]) -> tuple[Entry, ...]:
        key = " ".join(word.key for word in words)
        found = self._names.matching(key, text[words[0].start : words[-1].stop], where=ANYWHERE)
        return found if found and found[0].node_type in _PATIENT_TYPES else ()

    def _composed(self, text: str, words: Sequence[Token]) -> Iterator[_Span]:
        """Findings whose words stand apart around a preposition, a verb or a direction."""
        keys = [word.key for word in words]
        if not ANCHORS.intersection(keys):
            return
        named, known = self._names.by_loose_key(), self._names.loose_words()
        for run in windows(keys, lambda place: _is_parted(text, words, place), known.__contains__):
            entries = named.get(loose_key(keys[run.start : run.stop]), ())
            is_told_how = run.stop < len(keys) and keys[run.stop].endswith("ly")
            if kept := tuple(e for e in entries if is_told_how or _ends_phrase(e, text, words, run.stop - 1)):
                yield run.start, run.stop - 1, kept

    def _shared_heads(self, text: str, words: Sequence[Token], spans: Sequence[_Span]) -> Iterator[_Span]:
        """The first member of "chest and abdominal pain", which is chest pain."""
        taken = {place for first, last, _ in spans for place in range(first, last + 1)}
        for first, last, _ in spans:
            place = first - 2
            is_member = last > first and place >= 0 and place not in taken and words[first - 1].key in _AND
            if is_member and (entries := self._with_head_of(text, words, place, range(first + 1, last + 1))):
                yield place, place, entries

    def _with_head_of(self, text: str, words: Sequence[Token], place: int, heads: range) -> tuple[Entry, ...]:
        """Entries of this word before the longest ending of another name: "chest" before "pain"."""
        written = text[words[place].start : words[heads[-1]].stop]
        for head in heads:
            key = " ".join([words[place].key, *(word.key for word in words[head : heads[-1] + 1])])
            if entries := self._names.matching(key, written, where=ANYWHERE):
                return entries
        return ()

    def in_option(self, text: str) -> tuple[Mention, ...]:
        """The whole of an option or answer as one mention, else names inside it that cover enough of it."""
        whole = self.whole(text)
        return (whole,) if whole else tuple(self._inside(text, tokens(text)))

    def whole(self, text: str) -> Mention | None:
        """The whole text as one mention, where it is a name."""
        words = tokens(text)
        keys = [word.key for word in words]
        if not keys:
            return None
        span = (words[0].start, words[-1].stop)
        written = text[slice(*span)]
        if entries := self._names.matching(" ".join(keys), written, where=WHOLE):
            is_written_so = any(e.name.casefold() == written.casefold() for e in entries)
            return _mention(text, span, entries, stage="exact" if is_written_so else "normalised")
        is_asked = len(keys) > 1 and self._settings.preset != "medreason"
        for key in self._names.keys_by_sorted(keys) if is_asked else ():
            if entries := self._names.matching(key, written, where=WHOLE):
                return _mention(text, span, entries, stage="sorted_tokens")
        return None

    def _inside(self, text: str, words: Sequence[Token]) -> Iterator[Mention]:
        if len(words) > self._settings.max_option_words or self._settings.preset == "medreason":
            return
        spans = list(self._spans(text, words, IN_OPTIONS))
        covered = {place for first, last, _ in spans for place in range(first, last + 1)}
        coverage = _coverage(words, range(len(words)), covered)
        for first, last, entries in spans:
            segment = _segment(text, words, last)
            least = self._least_coverage(words, segment, last, _coverage(words, segment, covered))
            kept = tuple(e for e in entries if _ends_phrase(e, text, words, last) and coverage >= self._least(e, least))
            if kept:
                span = (words[first].start, words[last].stop)
                # A drug or protein is itself beside any word; a disease may be broader than its phrase.
                is_itself = not any(e.node_type in _PATIENT_TYPES or e.scope == "class" for e in kept)
                own = 1000 if is_itself else _coverage(words, segment, covered)
                yield _mention(text, span, kept, stage="partial", coverage=coverage, phrase_coverage=own)

    def _least_coverage(self, words: Sequence[Token], segment: range, last: int, segment_coverage: int) -> int:
        """What a disease or finding has to cover of the whole option, by its place in it."""
        settings = self._settings
        if len(segment) == len(words):
            return settings.min_coverage_head if last == len(words) - 1 else settings.min_coverage
        if segment_coverage < settings.min_coverage:
            return settings.min_coverage
        if segment.start == 0:
            return settings.min_coverage_first
        is_listed = not any(word.key in _JOINTS - _AND for word in words[: segment.start])
        return settings.min_coverage_head if is_listed else settings.min_coverage

    def _least(self, entry: Entry, least: int) -> int:
        is_drug = entry.node_type == "drug" and entry.scope != "class"
        return self._settings.min_coverage_drug if is_drug else least

    def _spans(self, text: str, words: Sequence[Token], where: int) -> Iterator[_Span]:
        """(first word, last word, entries) of each name found; no name goes over a comma or the end of a sentence."""
        found: tuple[int, tuple[Entry, ...]] | None = None
        for first, last, entries in self._names_found(text, words, where):
            if found and _is_bracketed_symbol(entries, text, words, found[0], first):
                entries = found[1]
            found = last, entries
            yield first, last, entries

    def _names_found(self, text: str, words: Sequence[Token], where: int) -> Iterator[_Span]:
        keys, places = _with_breaks(text, words)
        offsets = [0, *accumulate(len(key) + 2 for key in keys)]
        for pattern, start, _ in self._automaton.find_matches_as_indexes(encode(keys)):
            begin = bisect_left(offsets, start)
            first, last = places[begin], places[begin + self._patterns[pattern].count(" ")]
            if _is_whole_words(words, first, last):
                entries = self._entries(self._keys[pattern], text, words[first : last + 1], where)
                kept = tuple(
                    e
                    for e in entries
                    if not _is_other_kind(e, words, last) and _stands_free(e, text, words, first, last)
                )
                if kept:
                    yield first, last, kept

    def _entries(self, keys: Sequence[str], text: str, words: Sequence[Token], where: int) -> tuple[Entry, ...]:
        """Entries of the names that these words may be; "the left kidney" is no name of the right one."""
        written, plain = text[words[0].start : words[-1].stop], {word.key for word in words}
        fitting = (key for key in keys if side_words(key) <= plain)
        found = (entry for key in fitting for entry in self._names.matching(key, written, where=where))
        return tuple(dict.fromkeys(found))


def _with_composed(spans: Sequence[_Span], composed: Iterable[_Span]) -> list[_Span]:
    """The longest composed findings in place of the shorter names in them; a name that reaches over an edge stays."""
    kept = list(spans)
    for first, last, entries in sorted(set(composed), key=lambda span: (span[0] - span[1], span[0])):
        touched = [one for one in kept if one[0] <= last and first <= one[1]]
        if all(first <= one[0] and one[1] <= last and one[1] - one[0] < last - first for one in touched):
            kept = [one for one in kept if one not in touched]
            kept.append((first, last, entries))
    return kept


def _is_parted(text: str, words: Sequence[Token], place: int) -> bool:
    """Anything but blanks and hyphens stands between this word and the one before."""
    gap = text[words[place - 1].stop : words[place].start]
    return bool(gap.strip(" -\u2010\u2011\t"))


def _says_enough(span: _Span, text: str, words: Sequence[Token]) -> bool:
    """A general word counts only where nothing says more of it: "flank tenderness" is not just tenderness."""
    first, last, entries = span
    if any(entry.reach == ANYWHERE for entry in entries):
        return not _is_of_a_part(span, text, words)
    return _is_plain(text, words, first, last)


def _is_of_a_part(span: _Span, text: str, words: Sequence[Token]) -> bool:
    """True where the word before says which part of the body: "hand edema" is more than edema."""
    first, last, entries = span
    is_anywhere = singular(words[last].key) in ANYWHERE_FINDINGS and entries[0].node_type in _PATIENT_TYPES
    return is_anywhere and first > 0 and words[first - 1].key in BODY_WORDS and _is_next(text, words, first)


def _is_of_phrase(entry: Entry, text: str, words: Sequence[Token], first: int, last: int) -> bool:
    """A drug or protein is itself beside any word; a disease only where no word makes something else of it."""
    if entry.node_type not in _PATIENT_TYPES and entry.scope != "class":
        return True
    return _is_plain(text, words, first, last) and _ends_phrase(entry, text, words, last)


def _is_plain(text: str, words: Sequence[Token], first: int, last: int) -> bool:
    """Neither the word before nor what follows makes something narrower of it."""
    is_begun = first == 0 or words[first - 1].key in _PLAIN_BEFORE or not _is_next(text, words, first)
    if last + 1 == len(words) or not _is_next(text, words, last + 1):
        return is_begun
    behind = words[last + 1].key
    is_of_next = words[last].key in _ADJECTIVES and behind not in _JOINTS
    return is_begun and behind not in _NARROWING and not is_of_next


def _is_next(text: str, words: Sequence[Token], place: int) -> bool:
    """Nothing but blanks stands between this word and the one before."""
    return text[words[place - 1].stop : words[place].start].isspace()


def _by_place(span: _Span) -> tuple[int, int]:
    return span[:2]


def _is_taken_hormone(context: Context, start: int, entries: Sequence[Entry]) -> bool:
    """A hormone among the medications is the drug and not its gene: "takes metformin and insulin"."""
    is_hormone = all(entry.node_type == "gene/protein" and not entry.symbol for entry in entries)
    return is_hormone and context.status(start, is_drug=True) == "medication"


def _status(context: Context, start: int, entries: Sequence[Entry]) -> str:
    """A general word (pain) or a value (ferritin) is nothing to build on, whatever stands around it."""
    if all(entry.reach > ANYWHERE for entry in entries):
        return IN_PASSING
    return context.status(start, is_drug=not any(entry.node_type in _PATIENT_TYPES for entry in entries))


def _explained(text: str, words: Sequence[Token], spans: Sequence[_Span]) -> Iterator[_Span]:
    """Every place of an abbreviation that the text explains behind a name found: it means that name."""
    by_stop = {words[last].stop: (words[first].start, entries) for first, last, entries in spans}
    taken = {place for first, last, _ in spans for place in range(first, last + 1)}
    known: dict[str, tuple[Entry, ...]] = {}
    for one in explained_abbreviations(text):
        start, entries = by_stop.get(one.stop, (0, ()))
        if entries and start <= one.start:
            known.setdefault(one.short, entries)
    for place, word in enumerate(words):
        if place not in taken and (entries := known.get(text[word.start : word.stop], ())):
            yield place, place, entries


def _is_bracketed_symbol(
    entries: Sequence[Entry], text: str, words: Sequence[Token], last_before: int, first: int
) -> bool:
    """True for an abbreviation in brackets right behind a name: it is short for that, whatever else it may mean."""
    gap = text[words[last_before].stop : words[first].start]
    return gap.strip() == "(" and all(entry.symbol for entry in entries)


def _with_breaks(text: str, words: Sequence[Token]) -> tuple[list[str], list[int]]:
    """Tokens with a break where punctuation parts them, and the word that each stands for."""
    keys: list[str] = []
    places: list[int] = []
    stop = 0
    for place, word in enumerate(words):
        if word.start - stop > 1 and _BREAK.search(text, stop, word.start) and word.key not in _KIND_WORDS:
            keys.append(_BREAK_KEY)
            places.append(place)
        keys.append(word.key)
        places.append(place)
        stop = word.stop
    kept = bare_places(keys)
    return [keys[n] for n in kept], [places[n] for n in kept]


def _mention(text: str, span: tuple[int, int], entries: Sequence[Entry], **more: object) -> Mention:
    return Mention(
        start=span[0],
        stop=span[1],
        text=text[slice(*span)],
        node_indices=tuple(sorted({e.node_index for e in entries})),
        is_class=all(e.scope == "class" for e in entries),
        **more,  # type: ignore[arg-type]
    )


def _is_whole_words(words: Sequence[Token], first: int, last: int) -> bool:
    """False where a letter-digit border inside a written word was taken for an end: "FBN1" in "FBN12"."""
    joined_before = first > 0 and words[first - 1].stop == words[first].start
    joined_behind = last + 1 < len(words) and words[last].stop == words[last + 1].start
    return not joined_before and not joined_behind


def _is_other_kind(entry: Entry, words: Sequence[Token], last: int) -> bool:
    """True where the next word makes it another kind of thing: hepatitis B vaccine is no hepatitis."""
    behind = words[last + 1].key if last + 1 < len(words) else ""
    if entry.node_type in _PATIENT_TYPES:
        return behind in OTHER_KIND_HEADS or (words[last].key in _PERIODS and behind == "of")
    if entry.node_type == "drug":
        return behind in _TEST_HEADS or behind in _MISUSE
    return behind in _TEST_HEADS or behind == "deficiency" or _is_dosed(words, last)


def _is_dosed(words: Sequence[Token], last: int) -> bool:
    """A hormone with its form of dosage is the drug: "calcitonin nasal spray" is no gene."""
    return any(word.key in _DOSAGE_FORMS for word in words[last + 1 : last + 3])


def _stands_free(entry: Entry, text: str, words: Sequence[Token], first: int, last: int) -> bool:
    """Neither part of a longer symbol, nor the metal of a salt, nor half of a class that acts on two things."""
    if entry.scope == "class" and first > 1 and words[first - 1].key in _AND and _is_letter(words[first - 2]):
        return False  # a mu and kappa opioid receptor agonist is not any kappa agonist
    is_metal = entry.node_type == "drug" and words[last].key in SALT_BASES_KEPT and last + 1 < len(words)
    if is_metal and words[last + 1].key.endswith(("ide", "ate")) and _is_next(text, words, last + 1):
        return False  # zinc oxide, zinc phosphate
    return _is_symbol_alone(entry, text, words, first, last)


def _is_letter(word: Token) -> bool:
    """A Greek letter, or a short symbol such as D1's letter."""
    return word.key in GREEK_LETTERS or len(word.key) == 1


def _is_symbol_alone(entry: Entry, text: str, words: Sequence[Token], first: int, last: int) -> bool:
    """False for a symbol that a hyphen ties to another capital or digit (CPD in CPD-A), and for cells (CD4+)."""
    if not entry.symbol:
        return True
    if entry.symbol.startswith("CD") and text[words[last].stop : words[last].stop + 1] == "+":
        return False
    before, behind = (
        text[max(0, words[first].start - 2) : words[first].start],
        text[words[last].stop : words[last].stop + 2],
    )
    is_tied_behind = len(behind) == 2 and behind[0] == "-" and (behind[1].isupper() or behind[1].isdigit())
    return not is_tied_behind and not (len(before) == 2 and before[1] == "-" and before[0].isalnum())


def _ends_phrase(entry: Entry, text: str, words: Sequence[Token], last: int) -> bool:
    """True where nothing follows that a disease, finding or class would only be a modifier of (fatigue resistance)."""
    is_noun = entry.node_type in _PATIENT_TYPES or entry.scope == "class"
    if not is_noun or last + 1 == len(words):
        return True
    behind = words[last + 1]
    parted = not text[words[last].stop : behind.start].isspace()
    return parted or behind.key in _JOINTS or behind.key in _SAME_KIND_HEADS or behind.key.isdigit()


def _segment(text: str, words: Sequence[Token], place: int) -> range:
    """The words around a place up to the next joint or punctuation on either side."""
    first = last = place
    while first > 0 and not _is_border(text, words, first):
        first -= 1
    while last + 1 < len(words) and not _is_border(text, words, last + 1):
        last += 1
    return range(first, last + 1)


def _is_border(text: str, words: Sequence[Token], place: int) -> bool:
    """True where a new segment begins at this word, or the word before it is a joint."""
    gap = text[words[place - 1].stop : words[place].start]
    return words[place].key in _JOINTS or words[place - 1].key in _JOINTS or any(c in ",;:()+/" for c in gap)


def _coverage(words: Sequence[Token], places: range, covered: set[int]) -> int:
    """Thousandths of the words of weight that are covered; salts and light words weigh nothing unless covered."""
    weighing = [i for i in places if i in covered or not (words[i].key in _WEIGHTLESS or words[i].key.isdigit())]
    return 1000 * len(covered.intersection(weighing)) // len(weighing) if weighing else 0
