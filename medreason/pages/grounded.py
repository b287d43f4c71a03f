"""One question with everything that grounding said of it, from the tables.

Belongs: `GroundedQuestion`, choosing which questions are shown, spans and links in words.
Does not belong: drawing (question_card.py), pages (report.py).
Rule: which questions are shown follows from the hash of their ids, so the same tables show the same questions; those
without a path come one for each reason before a second of any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from medreason.base.canonical import joined_sha256
from medreason.base.reasons import Outcome, Reason
from medreason.pages.mentions import Span, side_of, spans_of_tables
from medreason.pages.texts import words

Row = dict[str, Any]
_PARTS = ("item_id", "dataset_name", "stem", "context", "options", "answer_letters", "answer_text", "gold_rationale")

WHY_NONE: dict[str, str] = {
    Reason.LANGUAGE_NOT_SUPPORTED: "The graph has no names in this language.",
    Reason.ANSWER_TYPE_NOT_SUPPORTED: "Such an answer, a number or a date, names no entity.",
    Reason.NO_QUESTION_ENTITY: "No finding of the question is linked to the graph, so a path has nowhere to start.",
    Reason.NO_ANSWER_ENTITY: "The answer is linked to no entity of the graph, so a path has nowhere to end.",
    Reason.NO_PATH: "Both sides are linked, but no path of allowed length joins them in any view.",
    Reason.NO_SUPPORTING_PATH: "There are paths, but by clinical logic none of them may support the answer.",
}
"""What each reason of this stage says to a reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundedQuestion:
    """Rows of one question."""

    question: Row
    """Columns _PARTS of `questions`."""
    mentions: tuple[Row, ...]
    links: tuple[Row, ...]
    """The chosen ones."""
    paths: tuple[Row, ...]
    outcome: Row

    @property
    def why_none(self) -> str:
        """Why there is no path to write from, in words; empty where there is one."""
        if self.outcome["outcome"] == Outcome.OK:
            return ""
        reason = self.outcome["reason"]
        return WHY_NONE.get(reason, words(reason) or words(self.outcome["outcome"]))

    def spans(self, field: str, option_letter: str = "") -> list[Span]:
        """Mentions of one of the question's texts."""
        return spans_of_tables(self.mentions, self.links, field=field, option_letter=option_letter)

    def as_json(self) -> Row:
        """JSON values, from which `GroundedQuestion(**value)` makes it again."""
        return {
            "question": self.question,
            "mentions": list(self.mentions),
            "links": list(self.links),
            "paths": list(self.paths),
            "outcome": self.outcome,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A node that a mention is linked to."""

    node_type: str
    node_id: str
    node_name: str
    stage: str
    score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedMention:
    """A mention and what it is linked to."""

    text: str
    status: str
    """Why it is no finding of the patient now (denied, family history ...); empty for a finding."""
    side: str
    targets: tuple[Target, ...]
    """Empty where it is not linked."""


def linked_mentions(mentions: Iterable[Row], links: Iterable[Row]) -> tuple[LinkedMention, ...]:
    """Mentions with their chosen links, in their order, each text and target once, those with a link first."""
    by_mention: dict[int, list[Row]] = {}
    for link in links:
        by_mention.setdefault(link["mention_no"], []).append(link)
    told = dict.fromkeys(_told(mention, by_mention.get(mention["mention_no"], [])) for mention in mentions)
    return tuple(sorted(told, key=lambda one: not one.targets))


def mentions_of_lineage(links: Iterable[Row]) -> tuple[LinkedMention, ...]:
    """The same from a release's lineage, which keeps linked mentions alone and not their status."""
    by_text: dict[tuple[str, str], dict[Target, None]] = {}
    for link in links:
        by_text.setdefault((link["text"], link["side"]), {})[_target(link)] = None
    return tuple(
        LinkedMention(text=text, status="", side=side, targets=tuple(targets))
        for (text, side), targets in by_text.items()
    )


def _told(mention: Row, links: Sequence[Row]) -> LinkedMention:
    status = "denied" if mention["is_negated"] else words(mention["status"])
    return LinkedMention(
        text=mention["text"],
        status="" if status == "finding" else status,
        side=side_of(mention, links[0] if links else None),
        targets=tuple(map(_target, links)),
    )


def _target(link: Row) -> Target:
    return Target(**{name: link[name] for name in _TARGET})


_TARGET = tuple(part.name for part in fields(Target))


# ---------------------------------------------------------------- choosing


def sample_questions(
    tables: Mapping[str, pa.Table], *, n_with_paths: int, n_without: int
) -> tuple[GroundedQuestion, ...]:
    """Some questions with paths, and some without, from tables questions, mentions, links, paths and outcomes."""
    outcomes = sorted(tables["outcomes"].to_pylist(), key=lambda row: joined_sha256(("shown", row["item_id"])))
    good = [row for row in outcomes if row["outcome"] == Outcome.OK][:n_with_paths]
    chosen = [*good, *_one_of_each_reason(outcomes, n_without)]
    parts = {name: _by_item(tables[name], chosen) for name in ("questions", "mentions", "links", "paths")}
    return tuple(_question(row, parts) for row in chosen)


def _one_of_each_reason(outcomes: Iterable[Row], n_questions: int) -> list[Row]:
    by_reason: dict[str, list[Row]] = {}
    for row in outcomes:
        if row["outcome"] == Outcome.QUARANTINED:
            by_reason.setdefault(row["reason"], []).append(row)
    # Where something was linked there is more to see.
    groups = [sorted(group, key=_n_sides, reverse=True) for _, group in sorted(by_reason.items(), key=_telling)]
    turns = (group[turn] for turn in range(n_questions) for group in groups if turn < len(group))
    return [row for _, row in zip(range(n_questions), turns, strict=False)]


def _n_sides(row: Row) -> int:
    return sum(row[side] > 0 for side in ("n_question_nodes", "n_answer_nodes"))


def _telling(group: tuple[str, list[Row]]) -> tuple[int, str]:
    """Reasons that are met last in grounding first: those questions came furthest."""
    order: list[str] = list(WHY_NONE)[::-1]
    return (order.index(group[0]) if group[0] in order else len(order)), group[0]


def _by_item(table: pa.Table, chosen: Sequence[Row]) -> dict[str, list[Row]]:
    import pyarrow.compute as pc

    items = pa.array([row["item_id"] for row in chosen], pa.string())
    found: dict[str, list[Row]] = {}
    for row in table.filter(pc.is_in(table["item_id"], items)).to_pylist():
        found.setdefault(row["item_id"], []).append(row)
    return found


def _question(outcome: Row, parts: Mapping[str, Mapping[str, list[Row]]]) -> GroundedQuestion:
    item_id = outcome["item_id"]
    (question,) = parts["questions"][item_id]
    return GroundedQuestion(
        question={name: question[name] for name in _PARTS},
        mentions=tuple(parts["mentions"].get(item_id, ())),
        links=tuple(link for link in parts["links"].get(item_id, ()) if link["is_chosen"]),
        paths=tuple(parts["paths"].get(item_id, ())),
        outcome=outcome,
    )
