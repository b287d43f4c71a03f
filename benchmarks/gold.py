"""Mentions and links of questions annotated by hand: agreement of two annotators, and scores of the linker.

Belongs: reading annotations, finding their texts again by hash, precision and recall with intervals.
Does not belong: the annotations (benchmarks/gold/), the texts (never in this project).
Rules: of the first 200 questions both halves are work data by now; `--half both` scores a set whole, as one that is
opened once is. A question is known by the hash of its texts alone.

    python -m benchmarks.gold agree FIRST SECOND
    python -m benchmarks.gold score benchmarks/gold/linking.jsonl --data ../shared/data --work var/real
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

N_RESAMPLES = 1_000
_SEPARATOR = "\x1f"
Key = tuple[str, int, int]
"""field (stem, answer, option:A ...), start, stop (code points)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotated:
    """What one annotator (or the linker) finds in one question."""

    sha256: str
    nodes: Mapping[Key, frozenset[str]]
    """Nodes ("type|id") of each mention; none where the graph lacks the thing."""


class Counts(NamedTuple):
    """Counts of one question; they add up over questions."""

    n_found: int = 0
    n_right: int = 0
    """Of those found."""
    n_meant: int = 0
    n_met: int = 0
    """Of those meant."""


# --- annotations -----------------------------------------------------------------------------------------------------


def read_annotations(path: Path) -> list[Annotated]:
    """Annotations: a JSON list, or an object per line, of question_sha256 and mentions [field, start, stop, nodes]."""
    text = path.read_text(encoding="utf-8")
    rows = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    )
    return [_annotated(row) for row in rows]


def _annotated(row: Mapping[str, Any]) -> Annotated:
    nodes: dict[Key, frozenset[str]] = {}
    for where, start, stop, found in row["mentions"]:
        # A span that is there twice means the nodes of both.
        key = (str(where), int(start), int(stop))
        nodes[key] = nodes.get(key, frozenset()) | frozenset(found)
    return Annotated(sha256=row["question_sha256"], nodes=nodes)


def _half(sha256: str) -> str:
    return "odd" if is_odd(sha256) else "even"


def is_odd(sha256: str) -> bool:
    """The question belongs to the second half.

    >>> [is_odd("0a"), is_odd("0f")]
    [False, True]
    """
    return int(sha256, 16) % 2 == 1


# --- comparing -------------------------------------------------------------------------------------------------------


def overlaps(one: Key, other: Key) -> bool:
    """Two spans of one field share a character.

    >>> [overlaps(("stem", 0, 4), ("stem", 3, 9)), overlaps(("stem", 0, 4), ("stem", 4, 9))]
    [True, False]
    """
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


Matches = Callable[[Annotated, Key, Annotated, Key], bool]
"""Whether a mention of the one says the same as a mention of the other."""


def same_span(one: Annotated, key: Key, other: Annotated, meant: Key) -> bool:
    """Exactly the same characters."""
    return key == meant


def overlapping_span(one: Annotated, key: Key, other: Annotated, meant: Key) -> bool:
    """At least one character in common."""
    return overlaps(key, meant)


def same_entity(one: Annotated, key: Key, other: Annotated, meant: Key) -> bool:
    """Overlapping, and at least one node in common: nodes of one concept are several."""
    return overlaps(key, meant) and bool(one.nodes[key] & other.nodes[meant])


def compare(found: Annotated, meant: Annotated, matches: Matches, *, only_linked: bool = False) -> Counts:
    """Found mentions that match a meant one, and the reverse.

    Args: only_linked leaves mentions without nodes out, on both sides.
    """
    ours, theirs = ([key for key, nodes in one.nodes.items() if nodes or not only_linked] for one in (found, meant))
    right = sum(any(matches(found, key, meant, other) for other in theirs) for key in ours)
    met = sum(any(matches(found, key, meant, other) for key in ours) for other in theirs)
    return Counts(n_found=len(ours), n_right=right, n_meant=len(theirs), n_met=met)


def precision(total: Counts) -> float:
    """Share of what was found that is right; 0 where nothing was found."""
    return total.n_right / total.n_found if total.n_found else 0.0


def recall(total: Counts) -> float:
    """Share of what was meant that was found; 0 where nothing was meant."""
    return total.n_met / total.n_meant if total.n_meant else 0.0


def f1(total: Counts) -> float:
    """Harmonic mean of both.

    >>> f1(Counts(n_found=2, n_right=1, n_meant=2, n_met=1))
    0.5
    """
    both = precision(total) + recall(total)
    return 2 * precision(total) * recall(total) / both if both else 0.0


def added(counts: Iterable[Counts]) -> Counts:
    """Sums."""
    return Counts(*(sum(column) for column in zip(Counts(), *counts, strict=True)))


def interval(counts: Sequence[Counts], measure: Callable[[Counts], float]) -> str:
    """A measure with its 95 % interval, bootstrap over questions, as text."""
    if not counts:
        return "no question"
    draw = random.Random(7)
    again = sorted(measure(added(draw.choices(counts, k=len(counts)))) for _ in range(N_RESAMPLES))
    low, high = again[int(0.025 * N_RESAMPLES)], again[int(0.975 * N_RESAMPLES) - 1]
    return f"{measure(added(counts)):.3f} ({low:.3f} to {high:.3f})"


# --- two annotators --------------------------------------------------------------------------------------------------


def agreement_lines(first: Sequence[Annotated], second: Sequence[Annotated]) -> Iterator[str]:
    """How far two annotators agree, as a table in Markdown."""
    other = {one.sha256: one for one in second}
    both = [(one, other[one.sha256]) for one in first if one.sha256 in other]
    yield f"{len(both)} questions annotated twice ({len(first)} and {len(second)})\n"
    yield "| agreement | value |\n| --- | --- |"
    for name, matches in (("F1 of spans, exact", same_span), ("F1 of spans, overlapping", overlapping_span)):
        yield f"| {name} | {interval([compare(*pair, matches) for pair in both], f1)} |"
    shared = [(a.nodes[key], b.nodes[key]) for a, b in both for key in a.nodes if key in b.nodes]
    if shared:
        equal = sum(one == two for one, two in shared) / len(shared)
        overlap = sum(_jaccard(one, two) for one, two in shared) / len(shared)
        yield f"| equal node sets on the {len(shared)} common spans | {equal:.3f} |"
        yield f"| mean overlap (Jaccard) of node sets on them | {overlap:.3f} |"


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of all nodes that both name; two empty sets agree."""
    return len(one & other) / len(one | other) if one | other else 1.0


# --- the linker ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts of one question by the field that annotations name."""

    by_field: Mapping[str, str]
    is_long_answer: bool = False
    """The answer is running text, as a long answer of PubMedQA's is."""

    def read_as(self, where: str) -> str:
        """The linker's name of a field."""
        return "rationale" if self.is_long_answer and where == "answer" else where.partition(":")[0]


def texts_by_sha256(questions: Iterable[Mapping[str, Any]]) -> dict[str, Texts]:
    """Texts of every question under the hash that annotations know it by: stem, then options, else the answer."""
    found = {}
    for row in questions:
        texts = _texts(row)
        found[hashlib.sha256(_SEPARATOR.join(texts.by_field.values()).encode()).hexdigest()] = texts
    return found


def _texts(row: Mapping[str, Any]) -> Texts:
    if row["answer_type"] == "yes_no_maybe":  # its entities stand in the long answer
        return Texts(by_field={"stem": row["stem"], "answer": row["gold_rationale"]}, is_long_answer=True)
    options = {f"option:{option['letter']}": option["text"] for option in row["options"] or ()}
    return Texts(by_field={"stem": row["stem"], **(options or {"answer": row["answer_text"]})})


def linked(sha256: str, texts: Texts, linker: Any, name_of: Callable[[int], str]) -> Annotated:
    """What the linker finds: every mention, with the nodes that are linked without asking a model."""
    nodes: dict[Key, frozenset[str]] = defaultdict(frozenset)
    for where, text in texts.by_field.items():
        for mention in linker.mentions(text, texts.read_as(where)):
            chosen = linker.chosen(linker.links(mention))
            nodes[where, mention.start, mention.stop] |= {name_of(one.node_index) for one in chosen}
    return Annotated(sha256=sha256, nodes=dict(nodes))


def score_lines(pairs: Sequence[tuple[Annotated, Annotated]]) -> Iterator[str]:
    """Scores of what was found against what was meant, as a table in Markdown."""
    yield f"{len(pairs)} questions\n"
    yield "| what | precision | recall |\n| --- | --- | --- |"
    kinds = (
        ("mentions, exact span", same_span, False),
        ("mentions, overlapping span", overlapping_span, False),
        ("links (linkable mentions)", same_entity, True),
    )
    for name, matches, only_linked in kinds:
        counts = [compare(*pair, matches, only_linked=only_linked) for pair in pairs]
        yield f"| {name} | {interval(counts, precision)} | {interval(counts, recall)} |"


def require_spans(one: Annotated, texts: Texts) -> Annotated:
    """The same, where every span lies in a text of its question.

    Raises: ValueError for one that does not.
    """
    for where, start, stop in one.nodes:
        if not 0 <= start < stop <= len(texts.by_field.get(where, "")):
            msg = f"question {one.sha256[:12]}: no text at {where} {start} to {stop}"
            raise ValueError(msg)
    return one


def _score(given: argparse.Namespace) -> Iterator[str]:
    from benchmarks.real_data import real_data
    from medreason.graph.linking import Linker

    data = real_data(given.data, given.work)
    linker = Linker(data.nodes, data.lexicon, data.config.grounding.linking)
    keys = [f"{kind}|{name}" for kind, name in _node_keys(data.nodes)]
    texts = texts_by_sha256(data.questions.to_pylist())
    wanted = [one for one in read_annotations(given.gold) if given.half in ("both", _half(one.sha256))]
    if missing := [one.sha256[:12] for one in wanted if one.sha256 not in texts]:
        yield f"{len(missing)} questions are not in the data and are not scored: {', '.join(missing[:5])}\n"
    known = [one for one in wanted if one.sha256 in texts]
    yield from score_lines(
        [
            (linked(one.sha256, texts[one.sha256], linker, keys.__getitem__), require_spans(one, texts[one.sha256]))
            for one in known
        ]
    )


def _node_keys(nodes: Any) -> Iterator[tuple[str, str]]:
    ordered = nodes.sort_by("node_index")
    yield from zip(*(ordered.column(name).to_pylist() for name in ("node_type", "node_id")), strict=True)


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    agree = commands.add_parser("agree", help="two annotators")
    agree.add_argument("first", type=Path)
    agree.add_argument("second", type=Path)
    agree.set_defaults(
        lines=lambda given: agreement_lines(read_annotations(given.first), read_annotations(given.second))
    )
    score = commands.add_parser("score", help="the linker against annotations")
    score.add_argument("gold", type=Path)
    score.add_argument("--data", type=Path, required=True)
    score.add_argument("--work", type=Path, required=True, help="folder for tables that are made once")
    score.add_argument("--half", choices=("even", "odd", "both"), default="even", help="of the questions; both: all")
    score.set_defaults(lines=_score)
    given = parser.parse_args()
    for line in given.lines(given):
        print(line)


if __name__ == "__main__":
    main()
